"""The types of results that meta kernels gave, kept for the next call with arguments of the same
types: most of the time of a run on tensors without data is spent in those kernels."""

import torch

from .tensors import Tensor, storage_of, tensors_in, type_of

MOST_CACHED = 50000
CACHE = {}      # results on tensors without data, by operator and types of arguments


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
