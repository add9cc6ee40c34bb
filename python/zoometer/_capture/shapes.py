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
          "linear.default": linear}
SHAPES.update({name + ".default": same_type for name in (
    "abs", "elu", "exp", "gelu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "mish", "neg",
    "relu", "relu6", "rsqrt", "sigmoid", "silu", "softplus", "sqrt", "square", "tanh")})
SHAPES.update({name + "_.default": itself for name in (
    "elu", "gelu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "mish", "relu", "relu6",
    "sigmoid", "silu", "tanh")})
SHAPES.update({name + ".Tensor": of_two for name in ("add", "div", "mul", "sub")})
