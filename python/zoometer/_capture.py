"""Runs a PyTorch model on tensors without data, and writes down every ATen call that it makes.

One self-contained file that needs nothing but the standard library and torch (1.13, or 2.1 and
newer): the package `zoometer` imports it, and the native program carries its text into the user's
Python. python/README.md describes the record.

    record(model, args, kwargs)   the record as bytes, for read_fx_record of the C++ library
    capture(model, args, kwargs)  the same as a dictionary of JSON values
    CaptureError                  why a model could not be captured

The model runs under a TorchDispatchMode, on twins of its parameters, buffers and inputs that have
shapes but no data; under inference_mode, so that composite operators arrive whole (one linear, one
attention, one LSTM). It is left as it was: values, training flags, hooks, buffers, devices,
versions and the state of the random generators.
"""

import collections
import contextlib
import copy
import functools
import inspect
import json
import random
import sys
import threading
import time
import types

import torch
from torch.utils._python_dispatch import TorchDispatchMode

FORMAT = 1  # of the record's "captured"
LONGEST_MESSAGE = 500
Tensor, Parameter, Module = torch.Tensor, torch.nn.Parameter, torch.nn.Module
META = torch.device("meta")
# Tensors of at most so many elements keep their values, so that item() on them has an answer.
MOST_KEPT_VALUES = 65536
# Real values are tried only on models of at most so many bytes.
MOST_REAL_BYTES = 2 << 30
MOST_REAL_SECONDS = 20
MOST_CACHED = 50000
MOST_ZEROS = 1 << 26  # elements that a CPU kernel is run on for its shapes


class CaptureError(Exception):
    """Why a model could not be captured.

    code: stable text for programs ("input_error", "shape_error", "unknown_operator", "lazy_module").
    message: for people. exception: the Python type of the cause. module: path of the innermost
    module that was running ("" is the model). operator: "torch.ops.aten.NAME.OVERLOAD" or None.
    hint: what to do about it, or None.
    """

    def __init__(self, code, message, exception=None, module=None, operator=None, hint=None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.exception = exception
        self.module = module
        self.operator = operator
        self.hint = hint

    def fields(self):
        return {"reason_code": self.code, "message": self.message, "exception": self.exception,
                "module": self.module, "operator": self.operator}


def record(model, args=(), kwargs=None, *, name=None):
    """The record of one run of `model(*args, **kwargs)`, as one line of JSON in UTF-8.

    model: an nn.Module (hooks, replaced forward, parametrizations, DataParallel, compiled,
    scripted, any device, training or eval) or any function of tensors. args, kwargs: tensors (real,
    meta, fake) in nested lists, tuples, dictionaries and dataclasses, numbers, None. name: what the
    record calls the model; its class if not given.

    Raises CaptureError, or what the model raises of BaseException (KeyboardInterrupt).
    """
    started = time.perf_counter()
    fields = {"event": "model", "model": name or type(model).__name__, "variant": "untrained",
              "status": "traceable", "via": "capture"}
    fields.update(capture(model, args, kwargs))
    fields["seconds"] = round(time.perf_counter() - started, 4)
    return json.dumps(fields, separators=(",", ":")).encode("utf-8")


def capture(model, args=(), kwargs=None):
    """The fields of a record that one run of the model gives: see record().

    "module_list", "state", "parameters", "buffers", "inputs" and "captured".
    """
    with LOCK:
        return Capture(model, tuple(args), dict(kwargs or {})).run()


# One run at a time: it replaces Module.__call__ and the tensors of the model's modules.
LOCK = threading.RLock()


# --- What ATen's operators look like --------------------------------------------------


def enum_codes(owner, codes):
    """{torch.float32: 7, ...} for the names that this torch has."""
    return {getattr(owner, name): code for name, code in codes.items() if hasattr(owner, name)}


# As in torch.export's schema.
DTYPES = enum_codes(torch, {
    "uint8": 1, "int8": 2, "int16": 3, "int32": 4, "int64": 5, "float16": 6, "float32": 7,
    "float64": 8, "complex32": 9, "complex64": 10, "complex128": 11, "bool": 12, "bfloat16": 13,
    "uint16": 28, "float8_e4m3fn": 29, "float8_e5m2": 30, "float8_e4m3fnuz": 31,
    "float8_e5m2fnuz": 32, "float8_e8m0fnu": 33, "uint32": 34, "uint64": 35})

# Letters for the kinds of arguments: t(ensor), T: tensors, i(nteger or a list of them), f(loat), b(ool),
# n(umber), s(tring), d(type), x: others.
KINDS = (("Tensor", "t"), ("ScalarType", "d"), ("Scalar", "n"), ("float", "f"), ("bool", "b"),
         ("int", "i"), ("SymInt", "i"), ("str", "s"), ("number", "n"), ("complex", "x"))
# Their defaults reach Python as bare integers of other enumerations.
ENUM_ARGUMENTS = {"dtype", "layout", "memory_format", "device"}


def kind_of(argument):
    text = str(argument.type)
    if argument.name == "dtype":
        return "d"
    if argument.name in ENUM_ARGUMENTS or "Generator" in text or "Device" in text:
        return "x"
    if "Tensor" in text and "List" in text:
        return "T"
    return next((letter for word, letter in KINDS if word in text), "x")


def plain(value):
    """A default value as JSON has it."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else None


# Results that depend on what memory holds, or on more than the types of the arguments.
IMPURE = {"_local_scalar_dense", "nonzero", "item", "is_nonzero", "equal", "masked_select",
          "unique_dim", "unique_consecutive", "_unique2", "_unique", "resize_", "set_", "empty_like",
          "lift_fresh", "lift", "lift_fresh_copy", "bincount", "repeat_interleave"}
# In-place operators that change a tensor's sizes, not its content.
RESHAPES_ITSELF = {"resize_", "set_", "as_strided_", "t_", "transpose_", "unsqueeze_", "squeeze_",
                   "swapaxes_", "swapdims_", "resize_as_", "detach_", "requires_grad_"}


def detach(tensor):
    """torch gives a factory's result a version by detaching it, which an inference tensor refuses."""
    if not tensor.is_inference():
        return torch.ops.aten.detach.default(tensor)
    with torch.inference_mode(False):
        result = twin_of(tensor, tensor.device)
        return result if result.is_meta else result.copy_(tensor)


class Operator:
    """What never changes about one operator."""

    __slots__ = ("run", "index", "space", "name", "overload", "names", "kinds", "defaults", "pure",
                 "in_place", "written", "answer", "place_of", "target", "shape_of", "makes",
                 "is_composite", "parts")

    def __init__(self, func, index):
        schema = func._schema
        self.run = detach if schema.name == "aten::detach" else func
        self.index = index
        self.space, self.name = schema.name.split("::")
        self.overload = func._overloadname
        self.target = "torch.ops.%s.%s.%s" % (self.space, self.name, self.overload)
        arguments = schema.arguments
        self.names = [argument.name for argument in arguments]
        self.place_of = {name: place for place, name in enumerate(self.names)}
        self.kinds = [kind_of(argument) for argument in arguments]
        self.defaults = [plain(argument.default_value)
                         if argument.has_default_value() and argument.name not in ENUM_ARGUMENTS
                         else None for argument in arguments]
        self.written = [place for place, argument in enumerate(arguments)
                        if argument.alias_info is not None and argument.alias_info.is_write]
        aliased = any(result.alias_info is not None for result in schema.returns)
        aten = self.space == "aten" and self.name not in IMPURE
        self.pure = aten and not self.written and not aliased and len(schema.returns) > 0
        self.in_place = aten and self.written == [0] and self.name.endswith("_") \
            and len(schema.returns) == 1 and self.name not in RESHAPES_ITSELF
        self.answer = ANSWERS.get(self.name) if self.space in ("aten", "torchvision") else None
        self.shape_of = SHAPES.get("%s.%s" % (self.name, self.overload)) \
            if self.space == "aten" else None
        self.is_composite = torch._C._dispatch_has_kernel_for_dispatch_key(
            func.name(), "CompositeImplicitAutograd")
        self.parts = func.decompose
        self.makes = not set("tT") & set(self.kinds)

    def row(self):
        return [self.space, self.name, self.overload, self.names, "".join(self.kinds),
                self.defaults]


OPERATORS = {}  # of the process, by torch's object
CACHE = {}      # results on tensors without data, by operator and types of arguments


def operator_of(func):
    operator = OPERATORS.get(func)
    if operator is None:
        operator = OPERATORS[func] = Operator(func, len(OPERATORS))
    return operator


# --- Types of tensors -----------------------------------------------------------------

TYPES = {}        # number by (dtype, sizes, strides, offset), of the process
TYPE_LIST = []    # the keys, in order


def type_of(tensor):
    """The number of a tensor's type."""
    try:
        key = (tensor.dtype, tuple(tensor.shape), tensor.stride(), tensor.storage_offset())
    except (RuntimeError, NotImplementedError):  # no strides: sparse
        key = (tensor.dtype, tuple(tensor.shape), (), 0)
    number = TYPES.get(key)
    if number is None:
        number = TYPES[key] = len(TYPE_LIST)
        TYPE_LIST.append(key)
    return number


def storage_of(tensor):
    """The address of a tensor's storage; None where it has none."""
    try:
        storage = tensor.untyped_storage() if hasattr(tensor, "untyped_storage") else \
            tensor._storage()
        return storage._cdata
    except (RuntimeError, NotImplementedError, AttributeError):
        return None


def twin_of(tensor, device=META):
    """A new tensor of the same type without data."""
    try:
        return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=device)
    except (RuntimeError, NotImplementedError):
        return torch.empty(tensor.shape, dtype=tensor.dtype, device=device)


def tensors_in(value):
    """The tensors in nested containers, in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        return [tensor for item in value.values() for tensor in tensors_in(item)]
    if isinstance(value, (list, tuple, set)):
        return [tensor for item in value for tensor in tensors_in(item)]
    if hasattr(value, "__dataclass_fields__"):
        return tensors_in(vars(value))
    return []


def returned_tensors(value, depth=0):
    """The tensors in what a module returns, an object of some class (ImageList) included."""
    if isinstance(value, Tensor):
        return [value]
    if depth > 8 or value is None or isinstance(value, (int, float, str, bytes, type, Module)):
        return []
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (list, tuple, set)):
        value = getattr(value, "__dict__", {}).values()
    return [tensor for item in value for tensor in returned_tensors(item, depth + 1)]


def mapped(value, change):
    """Nested containers with their tensors changed."""
    if isinstance(value, Tensor):
        return change(value)
    kind = type(value)
    if kind in (list, set):
        return kind(mapped(item, change) for item in value)
    if isinstance(value, tuple):
        items = [mapped(item, change) for item in value]
        return kind(*items) if hasattr(value, "_fields") else kind(items)
    if isinstance(value, dict):
        pairs = {key: mapped(item, change) for key, item in value.items()}
        if kind in (dict, collections.OrderedDict):
            return kind(pairs)
        copied = copy.copy(value)  # keeps what its class holds besides
        for key, item in pairs.items():
            copied[key] = item
        return copied
    if hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        copied = copy.copy(value)
        for key, item in vars(value).items():
            object.__setattr__(copied, key, mapped(item, change))
        return copied
    return value


# --- What meta kernels lack -----------------------------------------------------------


class Answer:
    """What the recorder gives for an operator whose result only data decides.

    bounded: the sizes, by place, that are upper bounds; of the first result.
    """

    def __init__(self, result, note, bounded=()):
        self.result = result
        self.note = note
        self.bounded = bounded


def answer_number(operator, args, kwargs):
    value = False if args[0].dtype is torch.bool else 1.0 if args[0].is_floating_point() else 1
    return Answer(value, "item() of a tensor without data is taken as %s" % value)


def answer_truth(operator, args, kwargs):
    return Answer(False, "a condition on data is taken as false")


def empty(sizes, like, dtype=None):
    return torch.empty(sizes, dtype=dtype or like.dtype, device=META)


def answer_nonzero(operator, args, kwargs):
    x = args[0]
    return Answer(empty((x.numel(), x.dim()), x, torch.int64), "nonzero() selects all elements",
                  (0,))


def answer_nonzero_numpy(operator, args, kwargs):
    x = args[0]
    return Answer([empty((x.numel(),), x, torch.int64) for _ in range(max(1, x.dim()))],
                  "nonzero() selects all elements", (0,))


def answer_where(operator, args, kwargs):
    """where(condition) alone is nonzero_numpy."""
    return answer_nonzero_numpy(operator, args, kwargs) if operator.overload == "default" else None


def answer_masked_select(operator, args, kwargs):
    sizes = torch.broadcast_shapes(args[0].shape, args[1].shape)
    count = 1
    for size in sizes:
        count *= size
    return Answer(empty((count,), args[0]), "masks select all elements", (0,))


def answer_index(operator, args, kwargs):
    """An index with masks, each of which selects all; None where there is no mask."""
    x, indices = args[0], list(args[1])
    if not any(i is not None and i.dtype in (torch.bool, torch.uint8) for i in indices):
        return None
    positions = []
    for index in indices:
        if index is not None and index.dtype in (torch.bool, torch.uint8):
            count = index.numel()
            positions += [empty((count,), x, torch.int64) for _ in range(index.dim())]
        else:
            positions.append(index)
    result = torch.ops.aten.index.Tensor(x, positions)
    places = [place for place, index in enumerate(positions) if index is not None]
    adjacent = places == list(range(places[0], places[-1] + 1))
    return Answer(result, "masks select all elements", (places[0] if adjacent else 0,))


def answer_unique(operator, args, kwargs):
    x = args[0]
    count = x.numel()
    inverse = empty(x.shape, x, torch.int64)
    return Answer((empty((count,), x), inverse, empty((count,), x, torch.int64)),
                  "unique() keeps all elements", (0,))


def answer_unique_along(operator, args, kwargs):
    x = args[0]
    size = x.shape[args[1]] if len(args) > 1 and isinstance(args[1], int) and \
        operator.name == "unique_dim" else x.numel()
    sizes = x.shape if operator.name == "unique_dim" else (size,)
    return Answer((empty(sizes, x), empty((size,), x, torch.int64), empty((size,), x, torch.int64)),
                  "unique() keeps all elements", (0,))


def answer_nms(operator, args, kwargs):
    return Answer(empty((args[0].shape[0],), args[0], torch.int64), "nms() keeps all boxes", (0,))


def answer_repeat(operator, args, kwargs):
    """repeat_interleave by a tensor of counts: with output_size that, else as many as it has."""
    if operator.overload == "self_int":
        return None
    repeats = args[0] if operator.overload == "Tensor" else args[1]
    size = kwargs.get("output_size")
    if size is not None:
        return None
    if operator.overload == "Tensor":
        return Answer(empty((repeats.numel(),), repeats, torch.int64),
                      "repeat_interleave() repeats each element once")
    x, dim = args[0], args[2] if len(args) > 2 else kwargs.get("dim")
    return Answer(empty(x.shape if dim is not None else (x.numel(),), x),
                  "repeat_interleave() repeats each element once")


def answer_bincount(operator, args, kwargs):
    least = args[2] if len(args) > 2 else kwargs.get("minlength", 0)
    return Answer(empty((max(1, least),), args[0], torch.int64),
                  "bincount() finds no number above its minlength")


ANSWERS = {"_local_scalar_dense": answer_number, "item": answer_number, "is_nonzero": answer_truth,
           "equal": answer_truth, "allclose": answer_truth, "nonzero": answer_nonzero,
           "nonzero_numpy": answer_nonzero_numpy, "argwhere": answer_nonzero, "where": answer_where,
           "masked_select": answer_masked_select, "index": answer_index,
           "_unique2": answer_unique, "_unique": answer_unique,
           "unique_dim": answer_unique_along, "unique_consecutive": answer_unique_along,
           "nms": answer_nms, "repeat_interleave": answer_repeat, "bincount": answer_bincount}

def repeated(x, repeats, dim=None, output_size=None):
    """repeat_interleave by a number, whose meta kernel asks for values."""
    if not isinstance(repeats, int):
        return NotImplemented
    if dim is None:
        return x.new_empty((x.numel() * repeats,))
    sizes = list(x.shape)
    sizes[dim] *= repeats
    return x.new_empty(sizes)


# Shape functions by name and overload: where torch has none, or a slow one.
SHAPES = {"repeat_interleave.self_int": repeated}


# --- Recording ------------------------------------------------------------------------


def run_on_zeros(operator, args, kwargs):
    """Results of an operator that has no meta kernel: those of its CPU kernel, without their data."""
    if sum(tensor.numel() for tensor in tensors_in((args, kwargs))) > MOST_ZEROS:
        raise NotImplementedError("%s has no shape function, and its arguments are too large to run it"
                                  % operator.target)
    made = {}

    def zeros_of(tensor):
        if id(tensor) not in made:
            made[id(tensor)] = torch.zeros(tensor.shape, dtype=tensor.dtype)
        return made[id(tensor)]
    run_args, run_kwargs = mapped(args, zeros_of), mapped(kwargs, zeros_of)
    if run_kwargs.get("device") is not None:
        run_kwargs["device"] = torch.device("cpu")
    result = operator.run(*run_args, **run_kwargs)
    for given, run in zip(args, run_args):
        if result is run and isinstance(run, Tensor):
            return given
    return mapped(result, twin_of)


class Parts:
    """The result of an operator whose parts were recorded instead of it."""

    def __init__(self, result):
        self.result = result


class Recorder(TorchDispatchMode):
    """Writes down each ATen call: operator, scope, arguments, results, whether without gradient.

    Values are numbers. A tensor is known by its object, of which a reference is kept so that no
    other can take its place. What an operator wrote gets a new value.
    """

    @classmethod
    def _should_skip_dynamo(cls):
        return False  # else torch 2 wraps the handler

    def __init__(self, real, sees_gradients):
        super().__init__()
        self.real = real          # run on real values
        self.sees_gradients = sees_gradients  # is_grad_enabled() is what the model says
        self.deadline = time.perf_counter() + MOST_REAL_SECONDS
        self.values = []          # the type of each value
        self.known = {}           # value by the object's id
        self.kept = []            # references
        self.calls = []
        self.scope = 0
        self.operator = None
        self.constants = []
        self.notes = {}
        self.bounded = {}         # by value: which sizes are upper bounds
        self.limits = set()       # the sizes themselves
        self.with_values = {}     # value of a tensor on the CPU that has data, by id
        self.replaced = {}        # what runs instead of a tensor, by id
        self.metas = {}           # a tensor without data for one that has some, by id
        self.is_mixed = False     # of the call at hand: not all tensors lack data

    # Values

    def add(self, tensor, kind=None):
        """Give a tensor a new value."""
        value = len(self.values)
        self.values.append(type_of(tensor) if kind is None else kind)
        self.known[id(tensor)] = value
        self.kept.append(tensor)
        return value

    def meet(self, tensor):
        """The value of a tensor that is not known as one without data."""
        number = id(tensor)
        value = self.with_values.get(number)
        if value is not None:
            self.is_mixed = True
            return value
        stand_in = self.replaced.get(number)
        if stand_in is not None:
            self.is_mixed = True
            return self.known[id(stand_in)]
        alias = self.alias_of(tensor)
        if alias is not None:
            return alias
        value = self.declare_constant(tensor)
        if number not in self.known:
            self.is_mixed = True
        return value

    def alias_of(self, tensor):
        """The value of a view that was made without a call (x.data), or None."""
        storage = storage_of(tensor)
        if storage is None or not (self.real or tensor.is_meta):
            return None
        shape, strides = tensor.shape, tensor.stride()
        for other in self.kept:
            if other.shape == shape and other.stride() == strides and \
                    storage_of(other) == storage and id(other) in self.known:
                value = self.add(tensor)
                self.calls.append((operator_of(torch.ops.aten.alias.default).index, self.scope,
                                   [self.known[id(other)]], value, 0))
                return value
        return None

    def declare_constant(self, tensor):
        """A tensor that neither the model's state nor a call made."""
        if tensor.is_meta or self.real and tensor.device.type == "cpu":
            value = self.add(tensor)
            if self.real:  # the model's own: a write must not reach it
                self.known.pop(id(tensor))
                stand_in = self.replaced[id(tensor)] = tensor.detach().clone()
                self.known[id(stand_in)] = value
                self.kept.append(stand_in)
        elif not self.real and tensor.device.type == "cpu" and tensor.layout is torch.strided \
                and tensor.numel() <= MOST_KEPT_VALUES:
            value = len(self.values)
            self.values.append(type_of(tensor))
            self.kept.append(tensor)
            self.with_values[id(tensor)] = value
            self.replaced[id(tensor)] = tensor.detach().clone()
        else:
            stand_in = tensor.detach().to("cpu", copy=True) if self.real else twin_of(tensor)
            value = self.add(stand_in)
            self.kept.append(tensor)
            self.replaced[id(tensor)] = stand_in
        self.constants.append(value)
        return value

    def meta_of(self, tensor):
        """The tensor without data that stands for one in a call."""
        if tensor.is_meta:
            return tensor
        stand_in = self.replaced.get(id(tensor))
        if stand_in is not None and stand_in.is_meta:
            return stand_in
        stand_in = self.metas.get(id(tensor))
        if stand_in is None:
            stand_in = self.metas[id(tensor)] = twin_of(tensor)
            self.kept.append(tensor)
        return stand_in

    def lose_values(self, tensor):
        """From now on a tensor has no data: what has none is written into it."""
        if self.with_values.pop(id(tensor), None) is not None:
            self.replaced[id(tensor)] = self.metas[id(tensor)]

    def note(self, text):
        self.notes.setdefault(text, self.scope)

    # Calls

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        operator = OPERATORS.get(func)
        if operator is None:
            operator = operator_of(func)
        self.operator = operator
        self.is_mixed = False
        known, values = self.known, self.values
        given = []
        key = [operator.index]
        for place, value in enumerate(args):
            kind = type(value)
            if kind is Tensor or kind is Parameter:
                number = known.get(id(value))
                if number is None:
                    number = self.meet(value)
                given.append(number)
                key.append(values[number])
            elif kind is int or kind is float or kind is bool:
                given.append([value] if operator.kinds[place] == "t" else value)
                key.append(kind)
                key.append(value)
            elif value is None or kind is str:
                given.append(value)
                key.append(value)
            else:
                given.append(self.take(value, key))
        if kwargs:
            self.take_keywords(operator, kwargs, given, key)
        else:
            kwargs = {}
        without = 1 if self.sees_gradients and not torch.is_grad_enabled() else 0
        if self.real:
            return self.run_really(operator, args, kwargs, given, without)
        if self.is_mixed or operator.makes:
            return self.run_mixed(operator, args, kwargs, given, without)
        if operator.answer is not None:
            answer = operator.answer(operator, args, kwargs)
            if answer is not None:
                return self.give(operator, answer, given, without)
        if not operator.pure and not operator.in_place:
            return self.finish(operator, self.execute(operator, args, kwargs), args, given, without)

        key = tuple(key)
        made = CACHE.get(key)
        if made is None:
            result = self.execute(operator, args, kwargs)
            remember(key, operator, result, args)
            return self.finish(operator, result, args, given, without)
        form = made[0]
        if form == 0:  # one new tensor
            result = torch.empty_strided(made[1], made[2], dtype=made[3], device=META)
            number = len(values)
            values.append(made[4])
            known[id(result)] = number
            self.kept.append(result)
            self.calls.append((operator.index, self.scope, given, number, without))
            if self.limits:
                self.bound_results(given, [number])
            return result
        if form == 1:  # the first argument
            return self.finish(operator, args[0], args, given, without)
        items = [torch.empty_strided(sizes, strides, dtype=dtype, device=META)
                 for sizes, strides, dtype, _ in made[1]]
        return self.finish(operator, items if form == 3 else tuple(items), args, given, without)

    def take(self, value, key):
        """An argument as the record has it; appends what a result depends on to the key."""
        kind = type(value)
        if kind is list or kind is tuple or kind is torch.Size:
            if value and (isinstance(value[0], Tensor) or value[0] is None or
                          any(isinstance(item, Tensor) for item in value)):
                numbers = []
                for item in value:
                    number = None
                    if item is not None:
                        number = self.known.get(id(item))
                        if number is None:
                            number = self.meet(item)
                    numbers.append(number)
                    key.append(None if number is None else self.values[number])
                key.append(len(numbers))
                return numbers
            key.append(tuple(value))
            return [item if type(item) in (int, float, bool, str) else self.take(item, [])
                    for item in value]
        if kind is torch.dtype:
            key.append(value)
            return DTYPES.get(value, 0)
        if isinstance(value, Tensor):
            number = self.known.get(id(value))
            if number is None:
                number = self.meet(value)
            key.append(self.values[number])
            return number
        if isinstance(value, (torch.SymInt, torch.SymFloat, torch.SymBool)
                      if hasattr(torch, "SymBool") else ()):
            value = int(value) if isinstance(value, torch.SymInt) else float(value)
            key.append(value)
            return value
        try:
            hash(value)
            key.append(value)
        except TypeError:
            key.append(id(value))
        return None

    def take_keywords(self, operator, kwargs, given, key):
        place_of = operator.place_of
        for name, value in kwargs.items():
            place = place_of.get(name)
            if place is None:
                continue
            while len(given) <= place:
                given.append(operator.defaults[len(given)])
            key.append(place)
            kind = type(value)
            if kind is int or kind is float or kind is bool:
                key.append(kind)
                key.append(value)
                given[place] = [value] if operator.kinds[place] == "t" else value
            elif value is None or kind is str:
                key.append(value)
                given[place] = value
            else:
                given[place] = self.take(value, key)

    def execute(self, operator, args, kwargs):
        """The results on tensors without data."""
        device = kwargs.get("device")
        if device is not None and torch.device(device).type != "meta":
            kwargs = dict(kwargs, device=META)
        if operator.name == "to" and operator.overload == "device":
            args = (args[0], META) + tuple(args[2:])
        if operator.shape_of is not None:
            result = operator.shape_of(*args, **kwargs)
            if result is not NotImplemented:
                return result
        try:
            return operator.run(*args, **kwargs)
        except NotImplementedError:
            if not operator.is_composite:
                return run_on_zeros(operator, args, kwargs)
        with self:  # the calls that it consists of, for which there may be answers
            return Parts(operator.parts(*args, **kwargs))

    def run_mixed(self, operator, args, kwargs, given, without):
        """A call among whose tensors are some with data, or that makes some out of nothing."""
        tensors = tensors_in((args, kwargs))
        meta = any(tensor.is_meta or id(tensor) not in self.with_values for tensor in tensors)
        if not tensors:
            device = kwargs.get("device")
            kind = "cpu" if device is None else torch.device(device).type
            meta = kind != "cpu" or not few_elements(args)
            if kind == "cpu" and meta:
                kwargs = dict(kwargs, device=META)
        if not meta:
            device = kwargs.get("device")
            if device is not None and torch.device(device).type not in ("cpu", "meta"):
                kwargs = dict(kwargs, device=META)
            swap = lambda tensor: self.replaced.get(id(tensor), tensor)
            run_args, run_kwargs = mapped(args, swap), mapped(kwargs, swap)
            result = operator.run(*run_args, **run_kwargs)
            return self.finish(operator, restored(result, run_args, args), args, given, without)
        run_args = mapped(args, self.meta_of)
        run_kwargs = mapped(kwargs, self.meta_of)
        if operator.answer is not None and tensors:
            answer = operator.answer(operator, run_args, run_kwargs)
            if answer is not None:
                return self.give(operator, answer, given, without)
        result = self.execute(operator, run_args, run_kwargs)
        for place in operator.written:
            for tensor in tensors_in(args[place] if place < len(args) else
                                     kwargs.get(operator.names[place])):
                self.lose_values(tensor)
        return self.finish(operator, restored(result, run_args, args), args, given, without)

    def run_really(self, operator, args, kwargs, given, without):
        """A call on real values."""
        if time.perf_counter() > self.deadline:
            raise TimeoutError("the run on real values took longer than %d s" % MOST_REAL_SECONDS)
        device = kwargs.get("device")
        if device is not None and torch.device(device).type != "cpu":
            kwargs = dict(kwargs, device=torch.device("cpu"))
        swap = lambda tensor: self.replaced.get(id(tensor), tensor)
        run_args = mapped(args, swap) if self.is_mixed else args
        run_kwargs = mapped(kwargs, swap) if self.is_mixed else kwargs
        result = operator.run(*run_args, **run_kwargs)
        return self.finish(operator, restored(result, run_args, args), args, given, without)

    def give(self, operator, answer, given, without):
        """A result that an assumption decides."""
        self.note(answer.note)
        results = tensors_in(answer.result)
        if not results:
            return answer.result
        result = self.finish(operator, answer.result, (), given, without)
        for tensor in results[:1] if isinstance(result, tuple) else results:
            self.bounded[self.known[id(tensor)]] = answer.bounded
            self.limits.update(tensor.shape[place] for place in answer.bounded
                               if tensor.shape[place] > 1)
        return result

    def finish(self, operator, result, args, given, without):
        """Write a call down and give its results values."""
        if type(result) is Parts:
            return result.result
        if isinstance(result, Tensor):
            # An operator that returns its argument as it is did nothing (dropout in eval).
            if not operator.written:
                if args and result is args[0]:
                    return result
                if id(result) in self.known and operator.space == "aten":
                    return result
            outputs = self.add_result(result)
            results = [outputs]
        elif isinstance(result, (list, tuple)):
            outputs = [self.add_result(item) if isinstance(item, Tensor) else None
                       for item in result]
            results = [number for number in outputs if number is not None]
            if isinstance(result, list):
                outputs = [outputs]
        else:
            return result
        self.calls.append((operator.index, self.scope, given, outputs, without))
        if self.limits:
            self.bound_results(given, results)
        return result

    def add_result(self, tensor):
        if self.real or tensor.is_meta:
            return self.add(tensor)
        stand_in = self.replaced.get(id(tensor))
        if stand_in is not None and stand_in.is_meta:
            return self.add(stand_in)  # what has no data was written into it
        value = self.with_values[id(tensor)] = len(self.values)
        self.values.append(type_of(tensor))
        self.kept.append(tensor)
        return value

    def bound_results(self, given, results):
        """Sizes that come from one that is an upper bound are upper bounds, too."""
        bounded = self.bounded
        numbers = [number for item in given for number in (item if type(item) is list else [item])
                   if type(number) is int and number in bounded]
        if not numbers:
            return
        for result in results:
            sizes = TYPE_LIST[self.values[result]][1]
            places = tuple(place for place, size in enumerate(sizes) if size in self.limits)
            if places:
                bounded[result] = places


def restored(result, run_args, args):
    """A result that is an argument's stand-in, as the argument itself."""
    if not isinstance(result, Tensor):
        return result
    for given, run in zip(args, run_args):
        if result is run:
            return given
    return result


def few_elements(args):
    """Whether a call without tensors makes a small one."""
    count = 1
    for value in args:
        sizes = value if isinstance(value, (list, tuple, torch.Size)) else ()
        for size in sizes:
            if isinstance(size, int):
                count *= max(1, size)
        if not sizes and isinstance(value, (int, float)) and not isinstance(value, bool):
            count = max(count, abs(value))
    return count <= MOST_KEPT_VALUES


def remember(key, operator, result, args):
    """Keep the types of results, unless they share memory with an argument."""
    if len(CACHE) >= MOST_CACHED:
        CACHE.clear()
    if operator.in_place:
        if args and result is args[0]:
            CACHE[key] = (1,)
        return
    items = [result] if isinstance(result, Tensor) else result
    if not isinstance(items, (list, tuple)) or \
            not all(type(item) is Tensor and item.layout is torch.strided for item in items):
        return
    given = {storage_of(tensor) for tensor in tensors_in(args)}
    made = []
    for item in items:
        if storage_of(item) in given or item.storage_offset() != 0:
            return
        made.append((tuple(item.shape), item.stride(), item.dtype, type_of(item)))
    if items is result:
        CACHE[key] = (3 if isinstance(result, list) else 2, made)
    else:
        CACHE[key] = (0,) + made[0]


# --- The model and its tensors --------------------------------------------------------


def unwrapped(module):
    """The module that does the work: not one that only compiles or distributes it."""
    while isinstance(module, Module):
        kind = type(module).__name__
        if kind == "OptimizedModule" and "_orig_mod" in module._modules:
            module = module._orig_mod
        elif kind in ("DataParallel", "DistributedDataParallel") and "module" in module._modules:
            module = module.module
        else:
            break
    return module


class Function(Module):
    """A function as a model; the modules that it refers to are its children."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        code = function
        while isinstance(code, functools.partial):
            code = code.func
        names = getattr(getattr(code, "__code__", None), "co_freevars", ())
        for name, cell in zip(names, getattr(code, "__closure__", None) or ()):
            with contextlib.suppress(ValueError):  # an empty cell
                if isinstance(cell.cell_contents, Module):
                    self._modules[name] = cell.cell_contents
        for name in getattr(getattr(code, "__code__", None), "co_names", ()):
            value = getattr(code, "__globals__", {}).get(name)
            if isinstance(value, Module):
                self._modules[name] = value

    def forward(self, *args, **kwargs):
        return self.function(*args, **kwargs)


def walk(module, path=""):
    """(path, module) of the tree, a module as often as it is registered, wrappers left out."""
    yield path, module
    for name, child in module._modules.items():
        if child is not None:
            yield from walk(unwrapped(child), path + "." + name if path else name)


def type_name(value):
    kind = type(value)
    return kind.__module__ + "." + kind.__qualname__


def named_padding(module):
    """The padding of a convolution that has it by name; ATen's calls have numbers."""
    padding = getattr(module, "padding", None)
    if isinstance(padding, str) and getattr(module, "padding_mode", "zeros") == "zeros":
        return padding
    return None


def is_lazy(tensor):
    return isinstance(tensor, getattr(torch.nn.parameter, "UninitializedTensorMixin", ()))


class ModuleTree:
    """The modules of a model with their tensors, and how to put them back."""

    CONTAINERS = (dict, collections.OrderedDict, list, set, collections.deque)

    def __init__(self, model):
        self.modules = list(walk(model))
        self.place_of = {}  # number in `listed` by the module's id
        self.listed = []
        for path, module in self.modules:
            if id(module) not in self.place_of:
                self.place_of[id(module)] = len(self.listed)
                self.listed.append((path, module))

    def state(self):
        """(kind, name, tensor, persistent) of all state, in state_dict order."""
        for path, module in self.modules:
            prefix = path + "." if path else ""
            for name, tensor in module._parameters.items():
                if tensor is not None:
                    yield "parameter", prefix + name, tensor, True
            for name, tensor in module._buffers.items():
                if tensor is not None:
                    persistent = name not in module._non_persistent_buffers_set
                    yield "buffer", prefix + name, tensor, persistent

    def save(self):
        """What every module holds, in shallow copies."""
        saved = []
        for _, module in self.listed:
            held = module.__dict__
            contents = [(value, value.copy()) for value in held.values()
                        if type(value) in self.CONTAINERS and value]
            saved.append((held, dict(held), contents))
        return saved

    @staticmethod
    def restore(saved):
        for held, before, contents in saved:
            if len(held) != len(before) or \
                    any(held.get(name, held) is not value for name, value in before.items()):
                held.clear()
                held.update(before)
            for value, copied in contents:
                if type(value) is list:
                    value[:] = copied
                elif type(value) is collections.deque:
                    value.clear()
                    value.extend(copied)
                else:
                    value.clear()
                    value.update(copied)
            # What was empty and is not in the copies.
            for value in before.values():
                if type(value) in ModuleTree.CONTAINERS and value and \
                        not any(value is kept for kept, _ in contents):
                    value.clear()


@contextlib.contextmanager
def unchanged_generators():
    """The state of the random generators, put back."""
    state = torch.get_rng_state()
    python = random.getstate()
    numpy = sys.modules.get("numpy")
    numpy_state = numpy.random.get_state() if numpy is not None else None
    try:
        yield
    finally:
        torch.set_rng_state(state)
        random.setstate(python)
        if numpy_state is not None:
            numpy.random.set_state(numpy_state)


@contextlib.contextmanager
def patched(replacements):
    """Replace attributes, given as (owner, name, value), and put them back."""
    missing = object()
    saved = [(owner, name, vars(owner).get(name, missing)) for owner, name, _ in replacements]
    try:
        for owner, name, value in replacements:
            setattr(owner, name, value)
        yield
    finally:
        for owner, name, value in saved:
            if value is missing:
                delattr(owner, name)
            else:
                setattr(owner, name, value)


def tolist(recorder):
    """Tensor.tolist, which knows nothing of tensors without data."""
    plain_tolist = Tensor.tolist

    def replacement(tensor):
        if not tensor.is_meta and id(tensor) not in recorder.replaced:
            return plain_tolist(tensor)
        stand_in = recorder.replaced.get(id(tensor), tensor)
        if not stand_in.is_meta:
            return plain_tolist(stand_in)
        recorder.note("tolist() of a tensor without data is taken as ones")
        zero = False if tensor.dtype is torch.bool else 1.0 if tensor.is_floating_point() else 1

        def zeros(sizes):
            return [zeros(sizes[1:]) for _ in range(sizes[0])] if sizes else zero
        return zeros(list(tensor.shape))
    return replacement


def eager():
    """Functions under torch.compile run as they are; torch's compiler is not imported for that."""
    if "torch._dynamo" in sys.modules and hasattr(torch.compiler, "set_stance"):
        return torch.compiler.set_stance("force_eager")
    return contextlib.nullcontext()


@contextlib.contextmanager
def with_gradients_in_inference():
    """inference_mode in which is_grad_enabled() says what the model itself asks for."""
    with torch.inference_mode():
        torch.set_grad_enabled(True)
        yield


WAYS = (("inference_mode", with_gradients_in_inference, False),
        ("no_grad", torch.no_grad, False),
        ("enable_grad", torch.enable_grad, False),
        ("real values", torch.no_grad, True))
GRADIENT_WORDS = ("nference", "grad", "version_counter", "autograd")
DATA_WORDS = ("meta", "Meta", "data-dependent", "no data", "numpy", "item()", "storage",
              "data pointer", "FakeTensor", "not implemented for", "unbacked")


class Capture:
    """One run of a model, by the first way on which it runs."""

    def __init__(self, model, args, kwargs):
        self.call = None
        if isinstance(model, Module):
            self.model = unwrapped(model)
        elif isinstance(getattr(model, "__self__", None), Module):
            self.model, self.call = unwrapped(model.__self__), model  # a method
        elif callable(model):
            self.model = Function(model)
        else:
            raise CaptureError("input_error", "a %s is neither a module nor a function"
                               % type(model).__name__, "TypeError")
        self.args, self.kwargs = args, kwargs
        if any(is_lazy(tensor) for _, _, tensor, _ in ModuleTree(self.model).state()):
            self.materialise()
        self.tree = ModuleTree(self.model)

    def materialise(self):
        """Give a copy of a lazy model its shapes."""
        try:
            self.model = copy.deepcopy(self.model)
            args, kwargs = mapped((self.args, self.kwargs), real_copy)
            with unchanged_generators(), torch.no_grad():
                self.model(*args, **kwargs)
        except Exception as error:
            raise CaptureError("lazy_module", first_line(error), type(error).__name__, "", None,
                               "run the model once, so that its lazy modules get their shapes"
                               ) from error
        self.call = None

    def run(self):
        names = self.names_of_inputs()
        first = None
        for way, guard, real in WAYS:
            if real and self.bytes_of_state() > MOST_REAL_BYTES:
                break
            try:
                run = Run(self, names, real, way in ("inference_mode", "enable_grad"))
                result = run.go(guard)
                return self.fields(run, result, way, first)
            except CaptureError as error:
                first = first or error
                text = error.message + " " + str(error.__cause__ or "")
                next_is_other = way == "inference_mode" and \
                    any(word in text for word in GRADIENT_WORDS)
                if way == "inference_mode" and not next_is_other:
                    if not run.asks_for_data(text):
                        break
                    return self.by_values(names, first)
                if way == "enable_grad" and not run.asks_for_data(text):
                    break
        raise first

    def by_values(self, names, first):
        """The last way: real values."""
        if self.bytes_of_state() > MOST_REAL_BYTES:
            raise first
        way, guard, real = WAYS[-1]
        try:
            run = Run(self, names, real, False)
            return self.fields(run, run.go(guard), way, first)
        except CaptureError:
            raise first from None

    def bytes_of_state(self):
        return sum(tensor.numel() * tensor.element_size() for _, _, tensor, _ in self.tree.state())

    def names_of_inputs(self):
        """A name for each tensor among the arguments: that of forward's, with keys and positions."""
        function = self.call or (self.model.function if isinstance(self.model, Function)
                                 else self.model.forward)
        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError):
            signature = None
        bound = {}
        if signature is not None:
            try:
                bound = dict(signature.bind(*self.args, **self.kwargs).arguments)
            except TypeError as error:
                # A hook may add what is missing; FX's way was to refuse.
                if not self.model._forward_pre_hooks:
                    raise CaptureError("input_error", "forward() does not take these inputs: %s"
                                       % error, "TypeError", "") from error
        names = {}

        def visit(value, name):
            if isinstance(value, Tensor):
                names.setdefault(id(value), name)
            elif isinstance(value, dict):
                for key, item in value.items():
                    visit(item, "%s.%s" % (name, key))
            elif isinstance(value, tuple) and hasattr(value, "_fields"):
                for key, item in zip(value._fields, value):
                    visit(item, "%s.%s" % (name, key))
            elif isinstance(value, (list, tuple, set)):
                for place, item in enumerate(value):
                    visit(item, "%s.%d" % (name, place))
            elif hasattr(value, "__dataclass_fields__"):
                for key, item in vars(value).items():
                    visit(item, "%s.%s" % (name, key))
        parameters = signature.parameters if signature is not None else {}
        for name, value in bound.items():
            kind = parameters[name].kind
            if kind is inspect.Parameter.VAR_KEYWORD:
                for key, item in value.items():
                    visit(item, key)
            elif kind is inspect.Parameter.VAR_POSITIONAL and len(value) == 1:
                visit(value[0], name)
            else:
                visit(value, name)
        for place, value in enumerate(self.args):
            visit(value, "input" if len(self.args) == 1 else "input.%d" % place)
        for name, value in self.kwargs.items():
            visit(value, name)
        return names

    def fields(self, run, result, way, first):
        state = list(self.tree.state())
        sizes = {id(tensor): (kind, tensor.numel()) for kind, _, tensor, _ in state}
        notes = [] if way == "inference_mode" else [
            "the model ran under %s: %s" % (way, first.message) if not run.real else
            "the model ran on real values on the CPU, zeros where none were given: " + first.message]
        return {
            "module_list": [[path, type_name(module)] for path, module in self.tree.listed],
            "state": [[path, kind, str(tensor.dtype).split(".")[-1], list(tensor.shape)]
                      for kind, path, tensor, persistent in state if persistent],
            "parameters": sum(size for kind, size in sizes.values() if kind == "parameter"),
            "buffers": sum(size for kind, size in sizes.values() if kind == "buffer"),
            "inputs": [{"shape": list(tensor.shape), "dtype": str(tensor.dtype).split(".")[-1]}
                       for tensor in run.inputs],
            "captured": run.document(result, notes)}


def first_line(error):
    """An exception's own words, without the pages that torch likes to append."""
    lines = str(error).strip().splitlines()
    if not lines:
        return type(error).__name__
    return lines[0] if len(lines[0]) <= LONGEST_MESSAGE else lines[0][:LONGEST_MESSAGE] + "..."


class Run:
    """One try: the model on twins of its tensors, and what it called."""

    def __init__(self, capture, names, real, sees_gradients):
        self.capture = capture
        self.tree = capture.tree
        self.names = names
        self.real = real
        self.recorder = Recorder(real, sees_gradients)
        self.twins = {}        # by the id of the model's or caller's tensor
        self.state = []        # [kind, name, value, persistent, requires_grad]
        self.inputs = []       # the caller's tensors, each once
        self.input_rows = []   # [name, value]
        self.scopes = []       # [parent, module, result]
        self.failed = None

    def go(self, guard):
        saved = self.tree.save()
        try:
            with unchanged_generators(), guard():
                self.give_twins()
                args, kwargs = mapped((self.capture.args, self.capture.kwargs), self.input_twin)
                with eager(), patched(self.patches()), self.recorder:
                    return self.call_model(args, kwargs)
        except (KeyboardInterrupt, CaptureError):
            raise
        except BaseException as error:
            if isinstance(error, SystemExit) or not isinstance(error, Exception):
                error = RuntimeError("%s: %s" % (type(error).__name__, error))
            raise self.failure(error) from error
        finally:
            ModuleTree.restore(saved)

    def call_model(self, args, kwargs):
        model = self.capture.model
        if self.capture.call is None:
            return model(*args, **kwargs)
        self.scopes.append([-1, 0, None])
        result = self.capture.call(*args, **kwargs)
        self.scopes[0][2] = returned_tensors(result)
        return result

    def failure(self, error):
        func = self.recorder.operator
        lacks = func is not None and isinstance(error, NotImplementedError)
        return CaptureError("unknown_operator" if lacks else "shape_error", first_line(error),
                            type(error).__name__, self.failed or "", func and func.target)

    def asks_for_data(self, text):
        return bool(self.recorder.notes) or any(word in text for word in DATA_WORDS)

    # Twins

    def give_twins(self):
        """Replace the model's tensors by twins, which the caller puts back."""
        rows = [(kind, path, tensor, persistent, self.twins.get(id(tensor)) or self.make_twin(tensor))
                for kind, path, tensor, persistent in self.tree.state()]
        self.state = [[kind, path, value, int(persistent), int(tensor.requires_grad)]
                      for kind, path, tensor, persistent, (_, value) in rows]
        for _, module in self.tree.listed:
            for table in (module._parameters, module._buffers):
                if type(table) in (dict, collections.OrderedDict):  # not of a scripted module
                    for name, tensor in table.items():
                        if tensor is not None:
                            table[name] = self.twins[id(tensor)][0]

    def make_twin(self, tensor):
        """A twin and its value."""
        recorder = self.recorder
        if self.real:
            data = real_copy(tensor)
        elif keeps_values(tensor):
            data = tensor.detach().clone()
        else:
            data = twin_of(tensor)
        twin = data
        if isinstance(tensor, Parameter) and not is_lazy(tensor):
            twin = Tensor._make_subclass(Parameter, data, tensor.requires_grad)
        value = len(recorder.values)
        recorder.values.append(type_of(tensor))
        recorder.kept += (twin, tensor)
        if twin.is_meta or self.real:
            recorder.known[id(twin)] = value
        else:
            recorder.with_values[id(twin)] = value
        recorder.replaced[id(tensor)] = twin
        if not (twin.is_meta or self.real):
            recorder.with_values[id(tensor)] = value
        self.twins[id(tensor)] = self.twins[id(twin)] = twin, value
        return twin, value

    def input_twin(self, tensor):
        known = self.twins.get(id(tensor))
        if known is not None:
            return known[0]
        twin, value = self.make_twin(tensor)
        self.inputs.append(tensor)
        name = self.names.get(id(tensor)) or "input"
        taken = {row[0] for row in self.input_rows}
        unique, count = name, 0
        while unique in taken:
            count += 1
            unique = "%s_%d" % (name, count)
        self.input_rows.append([unique, value])
        return twin

    # Module calls

    def patches(self):
        recorder, scopes, places = self.recorder, self.scopes, self.tree.place_of
        plain_call = Module._call_impl
        owner = threading.get_ident()
        get_ident = threading.get_ident
        listed = self.tree.listed
        outside = Module.__call__

        def call(module, *args, **kwargs):
            if get_ident() != owner:
                return outside(module, *args, **kwargs)
            place = places.get(id(module))
            if place is None:
                inner = unwrapped(module)
                if inner is not module:
                    return call(inner, *args, **kwargs)
                return plain_call(module, *args, **kwargs)
            before = recorder.scope
            scope = [before if scopes else -1, place, None]
            recorder.scope = len(scopes)
            scopes.append(scope)
            try:
                result = plain_call(module, *args, **kwargs)
                scope[2] = returned_tensors(result)
            except BaseException:
                if self.failed is None:
                    self.failed = listed[place][0]
                raise
            finally:
                recorder.scope = before
            return result
        patches = [(Module, "__call__", call), (Tensor, "tolist", tolist(recorder))]
        boxes = sys.modules.get("torchvision.ops.boxes")
        if hasattr(boxes, "_batched_nms_coordinate_trick"):
            # The other way is a loop over the classes that there are.
            patches.append((boxes, "_batched_nms_vanilla", boxes._batched_nms_coordinate_trick))
        return patches

    # The document

    def value_of(self, tensor):
        """The value of a tensor that the model or a module returned, or None."""
        recorder = self.recorder
        stand_in = recorder.replaced.get(id(tensor))
        value = recorder.with_values.get(id(tensor))
        if value is None:
            value = recorder.known.get(id(tensor))
        if value is None and stand_in is not None:
            value = recorder.known.get(id(stand_in))
        return value

    def document(self, result, notes):
        recorder = self.recorder
        outputs = [self.value_of(tensor) for tensor in returned_tensors(result)]
        type_numbers = {}
        types = []

        def local(number):
            if number not in type_numbers:
                type_numbers[number] = len(types)
                dtype, sizes, strides, offset = TYPE_LIST[number]
                types.append([DTYPES.get(dtype, 0), list(sizes),
                              0 if is_contiguous(sizes, strides) else list(strides), offset])
            return type_numbers[number]
        values = [local(number) for number in recorder.values]
        used = {call[0] for call in recorder.calls}
        rows = [operator for operator in OPERATORS.values() if operator.index in used]
        operators = {operator.index: place for place, operator in enumerate(rows)}
        rows = [operator.row() for operator in rows]
        scopes = []
        for parent, place, returned in self.scopes:
            kinds = [self.value_of(tensor) for tensor in returned or ()]
            scopes.append([parent, place, [values[value] for value in kinds if value is not None]])
        paths = self.tree.listed
        for text, scope in recorder.notes.items():
            path = paths[self.scopes[scope][1]][0] if self.scopes else ""
            notes.append(text + (" (in %s)" % path if path else ""))
        padding = {str(place): named_padding(module)
                   for place, (_, module) in enumerate(paths) if named_padding(module)}
        return {"format": FORMAT, "torch": torch.__version__, "types": types, "values": values,
                "operators": rows, "scopes": scopes,
                "calls": [[operators[call[0]], *call[1:]] for call in recorder.calls],
                "bounded": [[value, list(places)] for value, places in recorder.bounded.items()
                            if places],
                "state": self.state, "constants": recorder.constants, "inputs": self.input_rows,
                "outputs": [value for value in outputs if value is not None], "padding": padding,
                "notes": notes}


def keeps_values(tensor):
    """Whether a twin keeps its values: small integers and single numbers, which may decide what runs."""
    return tensor.device.type == "cpu" and tensor.layout is torch.strided and \
        type(tensor) in (Tensor, Parameter) and not tensor.is_quantized and (
            tensor.numel() == 1 or
            not tensor.is_floating_point() and not tensor.is_complex()
            and tensor.numel() <= MOST_KEPT_VALUES)


def real_copy(tensor):
    """The values of a tensor on the CPU; zeros where it has none."""
    if tensor.is_meta:
        return torch.zeros(tensor.shape, dtype=tensor.dtype)
    return tensor.detach().to("cpu", copy=True)


def is_contiguous(sizes, strides):
    expected = 1
    for size, stride in zip(reversed(sizes), reversed(strides)):
        if size != 1 and stride != expected:
            return False
        expected *= size
    return True
