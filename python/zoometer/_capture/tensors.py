"""Tensors and their types; tensors in what a caller gives and what a model returns."""

import collections
import copy
import dataclasses

import torch

Tensor, Parameter, Module = torch.Tensor, torch.nn.Parameter, torch.nn.Module
META = torch.device("meta")
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


class DtypeNames(dict):
    """"float32" of torch.float32."""

    def __missing__(self, dtype):
        name = self[dtype] = str(dtype).rpartition(".")[2]
        return name


DTYPE_NAMES = DtypeNames()


def is_contiguous(sizes, strides):
    expected = 1
    for size, stride in zip(reversed(sizes), reversed(strides)):
        if size != 1 and stride != expected:
            return False
        expected *= size
    return True


def twin_of(tensor, device=META):
    """A new tensor of the same type without data."""
    try:
        return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=device)
    except (RuntimeError, NotImplementedError):
        return torch.empty(tensor.shape, dtype=tensor.dtype, device=device)


def attributes(value):
    """The attributes of an object of a dataclass, which may have slots instead of a dictionary."""
    held = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)
            if hasattr(value, each.name)}
    held.update(getattr(value, "__dict__", {}))
    return held


def tensors_in(value):
    """The tensors in nested containers, in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        return [tensor for item in value.values() for tensor in tensors_in(item)]
    if isinstance(value, (list, tuple, set)):
        return [tensor for item in value for tensor in tensors_in(item)]
    if hasattr(value, "__dataclass_fields__"):
        return tensors_in(attributes(value))
    return []


def returned_tensors(value, depth=0):
    """The tensors in what a module returns, an object of some class (ImageList) included."""
    if isinstance(value, Tensor):
        return [value]
    if depth > 8 or value is None or isinstance(value, (int, float, str, bytes, type, Module)):
        return []
    if isinstance(value, dict):
        value = value.values()
    elif hasattr(value, "__dataclass_fields__"):
        value = attributes(value).values()
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
        for key, item in attributes(value).items():
            object.__setattr__(copied, key, mapped(item, change))
        return copied
    return value
