"""The ways in which a model is run, one after the other: the first on which it runs is taken."""

import contextlib
import copy
import inspect

import torch

from .model import Function, ModuleTree, is_lazy, type_name, unchanged_generators, unwrapped
from .run import CaptureError, Run, first_line, real_copy
from .tensors import DTYPE_NAMES, Module, Tensor, attributes, mapped

# Real values are tried only on models of at most so many bytes.
MOST_REAL_BYTES = 2 << 30


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
        self.tree = ModuleTree(self.model)
        if any(is_lazy(tensor) for _, _, tensor, _ in self.tree.state):
            self.materialise()
            self.tree = ModuleTree(self.model)

    def materialise(self):
        """Give a copy of a lazy model its shapes."""
        try:
            # torch copies lazy parameters, but not lazy buffers.
            copies = {id(tensor): type(tensor)(tensor.requires_grad, tensor.data.device, tensor.data.dtype)
                      for _, _, tensor, _ in self.tree.state if is_lazy(tensor)}
            self.model = copy.deepcopy(self.model, copies)
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
                    return self.by_values(names, first, run.recorder.took_false)
                if way == "enable_grad" and not run.asks_for_data(text):
                    break
        raise first

    def by_values(self, names, first, took_false):
        """The last ways: real values; conditions on data that hold, where some were taken as false, as the
        checks of a model want."""
        if self.bytes_of_state() <= MOST_REAL_BYTES:
            way, guard, real = WAYS[-1]
            with contextlib.suppress(CaptureError):
                run = Run(self, names, real, False)
                return self.fields(run, run.go(guard), way, first)
        if took_false:
            with contextlib.suppress(CaptureError):
                run = Run(self, names, False, True, conditions=True)
                return self.fields(run, run.go(with_gradients_in_inference), WAYS[0][0], first)
        raise first from None

    def bytes_of_state(self):
        return sum(tensor.numel() * tensor.element_size() for _, _, tensor, _ in self.tree.state)

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
                for key, item in attributes(value).items():
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
        state = self.tree.state
        sizes = {id(tensor): (kind, tensor.numel()) for kind, _, tensor, _ in state}
        notes = [] if way == "inference_mode" else [
            "the model ran under %s: %s" % (way, first.message) if not run.real else
            "the model ran on real values on the CPU, zeros where none were given: " + first.message]
        return {
            "module_list": [[path, type_name(module)] for path, module in self.tree.listed],
            "state": [[path, kind, DTYPE_NAMES[tensor.dtype], list(tensor.shape)]
                      for kind, path, tensor, persistent in state if persistent],
            "parameters": sum(size for kind, size in sizes.values() if kind == "parameter"),
            "buffers": sum(size for kind, size in sizes.values() if kind == "buffer"),
            "inputs": [{"shape": list(tensor.shape), "dtype": DTYPE_NAMES[tensor.dtype]}
                       for tensor in run.inputs],
            "captured": run.document(result, notes)}
