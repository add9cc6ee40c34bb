"""One run of a model on twins of its tensors, and the record of it."""

import collections
import sys
import threading

import torch

from . import higher_order
from .model import ModuleTree, eager, is_lazy, named_padding, patched, unchanged_generators, unwrapped
from .operators import DTYPES, OPERATORS
from .recorder import MOST_KEPT_VALUES, Recorder
from .tensors import (Module, Parameter, Tensor, TYPE_LIST, is_contiguous, mapped, returned_tensors,
                      twin_of, type_of)

FORMAT = 1  # of the record's "captured"
LONGEST_MESSAGE = 500
# In the messages of errors that real values may cure.
DATA_WORDS = ("meta", "Meta", "data-dependent", "no data", "numpy", "item()", "storage",
              "data pointer", "not allocated", "FakeTensor", "not implemented for", "unbacked")


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


def first_line(error):
    """An exception's own words, without the pages that torch likes to append."""
    lines = str(error).strip().splitlines()
    if not lines:
        return type(error).__name__
    return lines[0] if len(lines[0]) <= LONGEST_MESSAGE else lines[0][:LONGEST_MESSAGE] + "..."


class Run:
    """One try: the model on twins of its tensors, and what it called."""

    def __init__(self, capture, names, real, sees_gradients, conditions=False):
        self.capture = capture
        self.tree = capture.tree
        self.names = names
        self.real = real
        self.recorder = Recorder(real, sees_gradients, conditions)
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
        hint = "nested tensors have no sizes without data: profile the model on padded ones" \
            if "NestedInt" in str(error) else None
        return CaptureError("unknown_operator" if lacks else "shape_error", first_line(error),
                            type(error).__name__, self.failed or "", func and func.target, hint)

    def asks_for_data(self, text):
        return bool(self.recorder.notes) or any(word in text for word in DATA_WORDS)

    # Twins

    def give_twins(self):
        """Replace the model's tensors by twins, which the caller puts back."""
        for kind, path, tensor, persistent in self.tree.state:
            _, value = self.twins.get(id(tensor)) or self.make_twin(tensor)
            self.state.append([kind, path, value, int(persistent), int(tensor.requires_grad)])
        for _, module in self.tree.listed:
            if getattr(module, "_compiled_call_impl", None) is not None:
                module._compiled_call_impl = None
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
        if type(tensor) is Parameter or isinstance(tensor, Parameter) and not is_lazy(tensor):
            twin = Tensor._make_subclass(Parameter, data, tensor.requires_grad)
        value = len(recorder.values)
        recorder.values.append(type_of(tensor))
        recorder.kept += (twin, tensor)
        if twin.is_meta or self.real:
            recorder.known[id(twin)] = value
        else:
            recorder.with_values[id(twin)] = recorder.with_values[id(tensor)] = value
        recorder.replaced[id(tensor)] = twin
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
        # To replace __call__ visits all classes of modules that there are. Before PyTorch 2.1 that is _call_impl.
        attribute = "__call__" if Module.__call__ is plain_call else "_call_impl"

        def call(module, *args, **kwargs):
            if get_ident() != owner:
                return plain_call(module, *args, **kwargs)
            place = places.get(id(module))
            if place is None:
                inner = unwrapped(module)
                # Not this function by its name: in a cycle all that the run made would outlive it.
                return plain_call(module, *args, **kwargs) if inner is module else inner(*args, **kwargs)
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
        patches = [(Module, attribute, call), (Tensor, "tolist", tolist(recorder))]
        patches += higher_order.patches()
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
        named = ((place, named_padding(module)) for place, (_, module) in enumerate(paths))
        padding = {str(place): name for place, name in named if name}
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
    if tensor.is_meta:
        return False
    count = tensor.numel()
    if count != 1 and (tensor.is_floating_point() or tensor.is_complex() or count > MOST_KEPT_VALUES):
        return False
    return tensor.device.type == "cpu" and tensor.layout is torch.strided and \
        type(tensor) in (Tensor, Parameter) and not tensor.is_quantized


def real_copy(tensor):
    """The values of a tensor on the CPU; zeros where it has none."""
    if tensor.is_meta:
        return torch.zeros(tensor.shape, dtype=tensor.dtype)
    return tensor.detach().to("cpu", copy=True)


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
