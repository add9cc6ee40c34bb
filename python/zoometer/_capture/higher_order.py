"""Operators that take functions, as torch.cond does: what they run is recorded instead of them."""

import sys
import threading

import torch
import torch.nn.functional as F

FLEX_MODULE = "torch.nn.attention.flex_attention"


def is_higher_order(func):
    return not isinstance(func, torch._ops.OpOverload)


def run_higher_order(recorder, func, args, kwargs):
    """The result of such an operator by its kernel for all devices, which calls the functions."""
    name = func.name()
    rule = RULES.get(name)
    if rule is not None:
        return rule(recorder, *args, **kwargs)
    kernel = func.py_kernels.get(torch._C.DispatchKey.CompositeExplicitAutograd)
    if kernel is None:
        raise NotImplementedError("torch.ops.higher_order.%s has no kernel for tensors without data" % name)
    return kernel(*args, **kwargs)


def flex_attention(recorder, query, key, value, score_mod, block_mask, scale, *others):
    """As the fused attention that it compiles to. Its own kernel would make all scores, in float32."""
    recorder.note("flex_attention counts all pairs of queries and keys, and nothing of what changes the scores")
    if key.shape[0] != query.shape[0]:
        key, value = (each.expand(query.shape[0], -1, -1, -1) for each in (key, value))
    result = F.scaled_dot_product_attention(query, key, value, scale=scale,
                                            enable_gqa=query.shape[1] != key.shape[1])
    of_queries = query.new_empty(query.shape[:-1], dtype=torch.float32)  # sums, and the largest scores
    has_largest = hasattr(sys.modules.get(FLEX_MODULE), "AuxOutput")
    return (result, of_queries, of_queries) if has_largest else (result, of_queries)


def cond(recorder, predicate, if_true, if_false, operands):
    return (if_true if predicate else if_false)(*operands)


def while_loop(recorder, condition, body, carried, others, *_):
    while condition(*carried, *others):
        carried = body(*carried, *others)
    return tuple(carried)


def scan(recorder, combine, carried, rows, others, *_):
    results = []
    for row in zip(*rows):
        found = combine(*carried, *row, *others)
        carried = found[:len(carried)]
        results.append(found[len(carried):])
    return [*carried, *map(torch.stack, zip(*results))]


RULES = {"cond": cond, "flex_attention": flex_attention, "scan": scan, "while_loop": while_loop}


def patches():
    """What keeps such an operator from the recorder."""
    found = []
    flex = sys.modules.get(FLEX_MODULE)
    if hasattr(flex, "_validate_device"):  # all that follows takes tensors without data
        found.append((flex, "_validate_device", lambda *_: None))
    if hasattr(torch, "compile"):  # with which torch.cond calls itself; Dynamo would trace the recorder
        found.append((torch, "compile", uncompiled(torch.compile)))
    return found


def uncompiled(plain_compile):
    """torch.compile that returns what it is given, for this thread."""
    owner = threading.get_ident()

    def replacement(model=None, **options):
        if threading.get_ident() != owner:
            return plain_compile(model, **options)
        return (lambda function: function) if model is None else model
    return replacement
