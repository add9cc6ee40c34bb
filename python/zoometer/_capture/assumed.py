"""What a run without data takes for granted: results that only data decides, each with its upper
bound or an assumption, and the shapes of operators that torch has no meta kernel for."""

import torch

from .tensors import META, Tensor, mapped, tensors_in, twin_of

MOST_ZEROS = 1 << 26  # elements that a CPU kernel is run on for its shapes


class Answer:
    """What the recorder gives for an operator whose result only data decides.

    result: None for a condition on data, which the recorder takes as false or as true throughout a run.
    bounded: the sizes, by place, that are upper bounds; of the first result.
    """

    def __init__(self, result, note, bounded=()):
        self.result = result
        self.note = note
        self.bounded = bounded


def answer_number(operator, args, kwargs):
    if args[0].dtype is torch.bool:
        return answer_truth(operator, args, kwargs)
    value = 1.0 if args[0].is_floating_point() else 1
    return Answer(value, "item() of a tensor without data is taken as %s" % value)


def answer_truth(operator, args, kwargs):
    return Answer(None, "a condition on data is taken as ")


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
