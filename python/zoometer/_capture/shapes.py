"""Types of results without torch's kernels: where torch has none for tensors without data, or one
in Python that takes a hundred times as long.

Each function takes the arguments of the operator and gives the result, or NotImplemented where it does
not know: for another memory layout, for a promotion of types, and for whatever torch may refuse, which
then says so in its own words.
"""

import torch

from .tensors import META, Tensor

FLOATS = {torch.float16, torch.bfloat16, torch.float32, torch.float64}


def is_plain(tensor):
    return tensor.dtype in FLOATS and tensor.is_contiguous()


def made(sizes, like):
    return torch.empty(sizes, dtype=like.dtype, device=META)


def same_type(x, *args, **kwargs):
    """Of one float tensor, element by element."""
    if not is_plain(x) or any(isinstance(value, Tensor) for value in args):
        return NotImplemented
    return made(x.shape, x)


def itself(x, *args, **kwargs):
    """In place, with nothing that could be broadcast."""
    return x if x.dtype in FLOATS else NotImplemented


def of_two(x, y, *args, **kwargs):
    """Element by element of two floats, one of which has the sizes of the result."""
    if not isinstance(x, Tensor) or not is_plain(x):
        return NotImplemented
    if isinstance(y, (int, float)) and not isinstance(y, bool):
        return made(x.shape, x)
    if not isinstance(y, Tensor) or not is_plain(y) or y.dtype != x.dtype:
        return NotImplemented
    large, small = (x, y) if x.dim() >= y.dim() else (y, x)
    if x.shape == y.shape:
        return made(x.shape, x)
    sizes, others = list(large.shape), list(small.shape)
    begin = len(sizes) - len(others)
    if all(other in (1, size) for size, other in zip(sizes[begin:], others)):
        return made(sizes, x)
    return NotImplemented


def batch_norm(x, weight, bias, mean, variance, *args, **kwargs):
    channels = x.shape[1] if x.dim() > 1 else 0
    if not is_plain(x) or not all(tensor is None or tensor.dtype == x.dtype and
                                  tensor.shape == (channels,)
                                  for tensor in (weight, bias, mean, variance)):
        return NotImplemented
    return made(x.shape, x)


def layer_norm(x, sizes, weight=None, bias=None, *args, **kwargs):
    sizes = tuple(sizes)
    if not is_plain(x) or not sizes or tuple(x.shape[-len(sizes):]) != sizes or not all(
            tensor is None or tensor.dtype == x.dtype and tensor.shape == sizes
            for tensor in (weight, bias)):
        return NotImplemented
    return made(x.shape, x)


def group_norm(x, groups, weight=None, bias=None, *args, **kwargs):
    channels = x.shape[1] if x.dim() > 1 else 0
    if not is_plain(x) or groups < 1 or channels % groups or not all(
            tensor is None or tensor.dtype == x.dtype and tensor.shape == (channels,)
            for tensor in (weight, bias)):
        return NotImplemented
    return made(x.shape, x)


def linear(x, weight, bias=None):
    if not is_plain(x) or x.dim() < 2 or weight.dim() != 2 or weight.dtype != x.dtype or \
            weight.shape[1] != x.shape[-1] or \
            bias is not None and (bias.dtype != x.dtype or bias.shape != weight.shape[:1]):
        return NotImplemented
    return made(x.shape[:-1] + weight.shape[:1], x)


def is_strided(tensor, like):
    return tensor.layout is torch.strided and tensor.dtype == like.dtype


def attention(q, k, v, mask=None, dropout=0.0, is_causal=False, *, scale=None, enable_gqa=False):
    if q.dtype not in FLOATS or q.dim() < 3 or not all(is_strided(each, q) for each in (q, k, v)):
        return NotImplemented
    lead, (length, width) = q.shape[:-2], q.shape[-2:]
    keys = k.shape[-2]
    if k.shape != lead + (keys, width) or v.shape[:-1] != k.shape[:-1] or enable_gqa:
        return NotImplemented
    if mask is not None:
        known = mask.dtype in (torch.bool, q.dtype) and not is_causal and mask.dim() <= q.dim()
        wanted = tuple(lead + (length, keys))[q.dim() - mask.dim():]
        if not known or not all(size in (1, full) for size, full in zip(mask.shape, wanted)):
            return NotImplemented
    return made(lead + (length, v.shape[-1]), q)


def recurrent(states):
    """lstm.input and gru.input, whose kernels run each step."""
    def shapes(x, hx, weights, has_biases, layers, dropout, train, bidirectional, batch_first):
        hidden = list(hx) if states == 2 else [hx]
        directions = 2 if bidirectional else 1
        gates = 4 if states == 2 else 3
        if len(hidden) != states or x.dim() != 3 or x.dtype not in FLOATS or \
                not all(is_strided(each, x) for each in [x, *hidden, *weights]) or \
                len(weights) != layers * directions * (4 if has_biases else 2):  # not with projections
            return NotImplemented
        steps, batch = (x.shape[1], x.shape[0]) if batch_first else x.shape[:2]
        width = hidden[0].shape[-1]
        if any(each.shape != (layers * directions, batch, width) for each in hidden) or \
                weights[0].shape != (gates * width, x.shape[2]):
            return NotImplemented
        output = made((steps, batch, directions * width), x)
        if batch_first:
            output = output.transpose(0, 1)
        return (output, *(made(each.shape, x) for each in hidden))
    return shapes


def mean(x, dim, keepdim=False, *, dtype=None):
    if not is_plain(x) or dtype is not None or not dim or \
            not all(-x.dim() <= place < x.dim() for place in dim):
        return NotImplemented
    reduced = {place % x.dim() for place in dim}
    if len(reduced) != len(dim):
        return NotImplemented
    kept = [(place, size) for place, size in enumerate(x.shape) if keepdim or place not in reduced]
    return made([1 if place in reduced else size for place, size in kept], x)


def upsampled(x, output_size, *args, **kwargs):
    if not is_plain(x) or x.dim() != 4 or not output_size or len(output_size) != 2 or \
            not all(size > 0 for size in [*output_size, *x.shape]):
        return NotImplemented
    return made([*x.shape[:2], *output_size], x)


def grouped_product(x, y, offsets=None, bias=None, out_dtype=None):
    """A matrix for each group of rows, in any type: torch's rule for tensors without data refuses all but bfloat16."""
    if x.dtype not in FLOATS or not is_strided(y, x) or bias is not None or not 2 <= x.dim() <= 3 or \
            x.dim() + y.dim() == 4 and offsets is None or not 2 <= y.dim() <= 3 or x.shape[-1] != y.shape[-2]:
        return NotImplemented
    if x.dim() == 2 and y.dim() == 2:
        groups = (offsets.shape[0],)
    else:
        groups = x.shape[:1] if x.dim() == y.dim() else ()
    return torch.empty(groups + (x.shape[-2], y.shape[-1]), dtype=out_dtype or x.dtype, device=META)


def repeated(x, repeats, dim=None, output_size=None):
    """repeat_interleave by a number, whose meta kernel asks for values."""
    if not isinstance(repeats, int):
        return NotImplemented
    if dim is None:
        return x.new_empty((x.numel() * repeats,))
    sizes = list(x.shape)
    sizes[dim] *= repeats
    return x.new_empty(sizes)


# By name and overload.
SHAPES = {"repeat_interleave.self_int": repeated, "batch_norm.default": batch_norm,
          "layer_norm.default": layer_norm, "group_norm.default": group_norm,
          "linear.default": linear, "scaled_dot_product_attention.default": attention,
          "_grouped_mm.default": grouped_product,
          "lstm.input": recurrent(2), "gru.input": recurrent(1), "mean.dim": mean,
          "upsample_bilinear2d.vec": upsampled, "upsample_bicubic2d.vec": upsampled}
SHAPES.update({name + ".default": same_type for name in (
    "abs", "elu", "exp", "gelu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "mish", "neg",
    "relu", "relu6", "rsqrt", "sigmoid", "silu", "softplus", "sqrt", "square", "tanh")})
SHAPES.update({name + "_.default": itself for name in (
    "elu", "gelu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "mish", "relu", "relu6",
    "sigmoid", "silu", "tanh")})
SHAPES.update({name + ".Tensor": of_two for name in ("add", "div", "mul", "sub")})
