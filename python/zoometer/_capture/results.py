"""The types of results that meta kernels gave, kept for the next call with arguments of the same
types: most of the time of a run on tensors without data is spent in those kernels."""

import torch

from .tensors import META, Tensor, TYPE_LIST, storage_of, tensors_in, type_of

MOST_CACHED = 50000
CACHE = {}      # (form, types) of results on tensors without data, by operator and types of arguments

# Forms of results: the first argument, untouched or written into; a new tensor, or a view of the first argument;
# several new ones; a list of views.
SAME, WRITTEN, NEW, VIEW, LIST, TUPLE, VIEWS = range(7)


def remember(key, operator, result, args, kwargs):
    """Keep the form and the types of results, where these depend on the key alone."""
    if len(CACHE) >= MOST_CACHED:
        CACHE.clear()
    if args and result is args[0]:
        CACHE[key] = (WRITTEN if operator.in_place else SAME, ())
        return
    items = [result] if isinstance(result, Tensor) else result
    given = tensors_in(args)
    if operator.in_place or operator.makes and kwargs.get("dtype") is None or \
            not isinstance(items, (list, tuple)) or \
            not all(type(item) is Tensor and item.layout is torch.strided for item in items) or \
            {id(item) for item in items} & {id(tensor) for tensor in given}:
        return
    storages = {storage_of(item) for item in items}
    types = tuple(type_of(item) for item in items)
    if not storages & {storage_of(tensor) for tensor in given}:
        if not any(TYPE_LIST[number][3] for number in types):
            CACHE[key] = (NEW if items is not result else LIST if isinstance(result, list) else TUPLE, types)
    elif is_plain_view(args[0], items) and storages == {storage_of(args[0])} and not isinstance(result, tuple):
        CACHE[key] = (VIEW if items is not result else VIEWS, types)


def is_plain_view(base, items):
    """Whether views of a tensor differ from it in sizes, strides and offset only."""
    return isinstance(base, Tensor) and base.layout is torch.strided and not base.is_complex() and \
        all(item.dtype is base.dtype and item.is_neg() == base.is_neg() for item in items)


def new(number):
    """A tensor of a type."""
    dtype, sizes, strides, _ = TYPE_LIST[number]
    return torch.empty_strided(sizes, strides, dtype=dtype, device=META)


def view(base, number):
    """A view that has a type."""
    _, sizes, strides, offset = TYPE_LIST[number]
    return base.as_strided(sizes, strides, offset)
