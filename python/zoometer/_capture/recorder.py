"""The dispatch mode that writes down each ATen call and runs it without data."""

import time

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from .assumed import run_on_zeros
from .higher_order import is_higher_order, run_higher_order
from .operators import DTYPES, OPERATORS, operator_of
from .results import CACHE, NEW, SAME, TUPLE, VIEW, VIEWS, WRITTEN, new, remember, view
from .tensors import META, Tensor, TYPE_LIST, mapped, storage_of, tensors_in, twin_of, type_of

# Tensors of at most so many elements keep their values, so that item() on them has an answer.
MOST_KEPT_VALUES = 65536
MOST_CONDITIONS = 4096  # that a run takes as true: a loop may wait for one that does not hold
MOST_REAL_SECONDS = 20  # of processor time, whatever else the machine does
PLAIN = {int, float, bool, str, type(None)}  # arguments that JSON has


class Parts:
    """The result of an operator whose parts were recorded instead of it."""

    def __init__(self, result):
        self.result = result


class Recorder(TorchDispatchMode):
    """Writes down each ATen call: operator, scope, arguments, results, whether without gradient.

    Values are numbers. A tensor is known by its object, of which a reference is kept so that no
    other can take its place. What an operator wrote gets a new value.
    """

    supports_higher_order_operators = True

    @classmethod
    def _should_skip_dynamo(cls):
        return False  # else torch 2 wraps the handler

    def __init__(self, real, sees_gradients, conditions=False):
        super().__init__()
        self.real = real          # run on real values
        self.sees_gradients = sees_gradients  # is_grad_enabled() is what the model says
        self.conditions = conditions  # on data, are taken as
        self.conditions_left = MOST_CONDITIONS
        self.took_false = False
        self.deadline = time.thread_time() + MOST_REAL_SECONDS
        self.values = []          # the type of each value
        self.known = {}           # value by the object's id
        self.kept = []            # references
        self.by_type = {}         # of these, the known ones by their type, as far as `indexed`
        self.indexed = 0
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
        for other in self.tensors_of(type_of(tensor)):
            if storage_of(other) == storage and id(other) in self.known:
                value = self.add(tensor)
                self.calls.append((operator_of(torch.ops.aten.alias.default).index, self.scope,
                                   [self.known[id(other)]], value, 0))
                return value
        return None

    def tensors_of(self, kind):
        """The known tensors of a type, oldest first."""
        for tensor in self.kept[self.indexed:]:
            value = self.known.get(id(tensor))
            if value is not None:
                self.by_type.setdefault(self.values[value], []).append(tensor)
        self.indexed = len(self.kept)
        return self.by_type.get(kind, ())

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
        operator = OPERATORS.get(id(func))
        if operator is None:
            if is_higher_order(func):
                with self:
                    return run_higher_order(self, func, args, kwargs or {})
            operator = operator_of(func)
        self.operator = operator
        self.is_mixed = False
        known, values = self.known, self.values
        given = []
        key = [operator.index]
        for letter, value in zip(operator.kinds, args):
            if letter == "t" and id(value) in known:
                number = known[id(value)]
                given.append(number)
                key.append(values[number])
            elif value is None or letter in "ifbs" and type(value) in PLAIN:
                given.append(value)
                key.append(value)
            elif letter in "ifb" and type(value) is list:
                given.append(value)
                key.append(tuple(value))
            else:
                given.append(self.take(value, letter, key))
        if kwargs:
            self.take_keywords(operator, kwargs, given, key)
        else:
            kwargs = {}
        without = 1 if self.sees_gradients and not torch.is_grad_enabled() else 0
        made = None if self.is_mixed or self.real else CACHE.get(tuple(key))
        if made is None:
            return self.run(operator, args, kwargs, given, without, tuple(key))

        form, types = made
        if form == SAME:
            return args[0]
        if form == NEW:
            result = new(types[0])
        elif form == VIEW:
            result = view(args[0], types[0])
        elif form == WRITTEN:
            result, types = args[0], (values[given[0]],)
        else:
            return self.give_several(operator, made, args, given, without)
        number = len(values)
        values.append(types[0])
        known[id(result)] = number
        self.kept.append(result)
        self.calls.append((operator.index, self.scope, given, number, without))
        if self.limits:
            self.bound_results(given, [number])
        return result

    def give_several(self, operator, made, args, given, without):
        """Several results, whose types are kept."""
        form, types = made
        items = [view(args[0], number) if form == VIEWS else new(number) for number in types]
        return self.finish(operator, tuple(items) if form == TUPLE else items, args, given, without)

    def run(self, operator, args, kwargs, given, without, key):
        """A call whose results are not kept."""
        if self.real:
            return self.run_really(operator, args, kwargs, given, without)
        if args and type(args[0]) in (int, float) and operator.kinds[0] == "t" and not tensors_in((args, kwargs)):
            self.is_mixed = True  # a tensor of numbers alone has its value
        if self.is_mixed or operator.makes and not is_on_meta(kwargs):
            return self.run_mixed(operator, args, kwargs, given, without)
        if operator.answer is not None:
            answer = operator.answer(operator, args, kwargs)
            if answer is not None:
                return self.give(operator, answer, given, without)
        result = self.execute(operator, args, kwargs)
        if operator.keeps:
            remember(key, operator, result, args, kwargs)
        return self.finish(operator, result, args, given, without)

    def take(self, value, letter, key):
        """An argument as the record has it; appends what a result depends on to the key."""
        kind = type(value)
        if kind in PLAIN:
            key += (kind, value)  # since 1 == 1.0
            return [value] if letter == "t" else value
        if isinstance(value, Tensor):
            number = self.known.get(id(value))
            if number is None:
                number = self.meet(value)
            key.append(self.values[number])
            return number
        if isinstance(value, (list, tuple)):
            key.append(len(value))
            return [self.take(item, "", key) for item in value]
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
        return DTYPES.get(value, 0) if kind is torch.dtype else None

    def take_keywords(self, operator, kwargs, given, key):
        place_of = operator.place_of
        for name, value in kwargs.items():
            place = place_of.get(name)
            if place is None:
                continue
            while len(given) <= place:
                given.append(operator.defaults[len(given)])
            key.append(place)
            given[place] = self.take(value, operator.kinds[place], key)

    def execute(self, operator, args, kwargs):
        """The results on tensors without data."""
        if not operator.runs_as_given:
            args, kwargs = self.on_meta(operator, args, kwargs)
            if operator.shape_of is not None:
                result = operator.shape_of(*args, **kwargs)
                if result is not NotImplemented:
                    return result
        try:
            return operator.run(*args, **kwargs)
        except NotImplementedError:
            if not operator.is_composite:
                return run_on_zeros(operator, args, kwargs)
        except RuntimeError as error:
            # Of an operator of the user's own that has only a CPU kernel.
            if operator.space == "aten" or "no fake impl registered" not in str(error):
                raise
            return run_on_zeros(operator, args, kwargs)
        with self:  # the calls that it consists of, for which there may be answers
            return Parts(operator.parts(*args, **kwargs))

    @staticmethod
    def on_meta(operator, args, kwargs):
        """The arguments of a call that names a device."""
        device = kwargs.get("device")
        if device is not None and torch.device(device).type != "meta":
            kwargs = dict(kwargs, device=META)
        if operator.name == "to" and operator.overload == "device":
            args = (args[0], META) + tuple(args[2:])
        return args, kwargs

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
        if time.thread_time() > self.deadline:
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
        if answer.result is None:
            return self.condition(answer.note)
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

    def condition(self, note):
        """Whether a condition on data holds."""
        self.note(note + ("true" if self.conditions else "false"))
        self.took_false = self.took_false or not self.conditions
        self.conditions_left -= 1
        if self.conditions and self.conditions_left < 0:
            raise RuntimeError("a loop whose condition depends on data does not end")
        return self.conditions

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


def is_on_meta(kwargs):
    return getattr(kwargs.get("device"), "type", None) == "meta"


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
