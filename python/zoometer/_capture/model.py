"""A model's modules and tensors, and everything that is put back after a run."""

import collections
import contextlib
import functools
import operator
import random
import sys
import types

import torch

from .tensors import Module, Parameter, Tensor


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
    # To ask a module for what it lacks is slow.
    if "padding" not in vars(module) and not hasattr(type(module), "padding") \
            and not isinstance(module, torch.jit.ScriptModule):
        return None
    padding = getattr(module, "padding", None)
    if isinstance(padding, str) and getattr(module, "padding_mode", "zeros") == "zeros":
        return padding
    return None


def is_lazy(tensor):
    return type(tensor) not in (Tensor, Parameter) and isinstance(tensor, getattr(torch.nn.parameter, "UninitializedTensorMixin", ()))


def is_same(held, before):
    """Whether two dictionaries have the same keys, and the very same values."""
    return len(held) == len(before) and held.keys() == before.keys() and \
        all(map(operator.is_, held.values(), before.values()))


def role_of(kind):
    """What is put back of the values of a class: the content, the attributes, or nothing."""
    if kind in ModuleTree.CONTAINERS:
        return "container"
    others = (Module, Tensor, type, types.ModuleType, types.FunctionType)
    return "object" if kind.__dictoffset__ and not issubclass(kind, others) else None


class Roles(dict):
    """role_of() of each class, found once."""

    def __missing__(self, kind):
        role = self[kind] = role_of(kind)
        return role


class ModuleTree:
    """The modules of a model with their tensors, and how to put them back."""

    CONTAINERS = (dict, collections.OrderedDict, list, set, collections.deque)
    DEPTH = 3  # of what is put back: modules, the objects that they hold, and the objects of these

    def __init__(self, model):
        self.modules = list(walk(model))
        self.place_of = {}  # number in `listed` by the module's id
        self.listed = []
        for path, module in self.modules:
            if id(module) not in self.place_of:
                self.place_of[id(module)] = len(self.listed)
                self.listed.append((path, module))
        self.state = list(self.tensors())

    def tensors(self):
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
        """What every module holds, in shallow copies, and the same of objects that it holds."""
        saved, roles = [], Roles()
        holders = [module.__dict__ for _, module in self.listed]
        for _ in range(self.DEPTH):
            objects = {}
            for held in holders:
                contents, empty = [], []
                for value in held.values():
                    role = roles[type(value)]
                    if role is None:
                        continue
                    if role == "object":
                        objects[id(value)] = value
                    elif not value:
                        empty.append(value)
                    else:
                        contents.append((value, value.copy()))
                        for item in value.values() if isinstance(value, dict) else value:
                            if roles[type(item)] == "object":
                                objects[id(item)] = item
                saved.append((held, dict(held), contents, empty))
            holders = [value.__dict__ for value in objects.values()]
        return saved

    @staticmethod
    def restore(saved):
        for held, before, contents, empty in saved:
            if not is_same(held, before):
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
            for value in empty:
                if value:
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


def eager():
    """Functions under torch.compile run as they are; torch's compiler is not imported for that."""
    if "torch._dynamo" in sys.modules and hasattr(torch.compiler, "set_stance"):
        return torch.compiler.set_stance("force_eager")
    return contextlib.nullcontext()
