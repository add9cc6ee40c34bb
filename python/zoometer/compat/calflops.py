"""calflops' function: `calculate_flops`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._errors import UnsupportedError
from ._run import (POOLS, Evaluating, Run, Step, Watch, ancestors, broadcast_elements, functions, product,
                   products_and_sums)

__all__ = ["calculate_flops"]


def calculate_flops(model: Any, input_shape: tuple[int, ...] | None = None,
                    transformer_tokenizer: Any = None, args: Any = (), kwargs: Any = None,
                    forward_mode: str = "forward", include_backPropagation: bool = False,
                    compute_bp_factor: float = 2.0, print_results: bool = True,
                    print_detailed: bool = True, output_as_string: bool = True,
                    output_precision: int = 2, output_unit: str | None = None,
                    ignore_modules: Any = None) -> tuple[Any, Any, Any]:
    """FLOPs, MACs and trainable parameters, as calflops counts them.

    Fused attention counts nothing, as there. Without a tokenizer, a model of transformers takes
    `input_shape` as (batch, tokens). `print_detailed` adds a line for each module, with what its
    operators count.

    Returns:
        (FLOPs, MACs, parameters): as texts like "8.21 GFLOPS", or as numbers.

    Raises:
        UnsupportedError: for `ignore_modules`, and for `forward_mode` "generate".
    """
    if ignore_modules or forward_mode != "forward":
        raise UnsupportedError("zoometer ignores no modules and does not generate")
    args, kwargs = _inputs(model, input_shape, transformer_tokenizer, args, kwargs or {})
    watch = Watch(_function_rules())
    with Evaluating(model):
        run = Run(model, args, kwargs, "native", watch)
    flops, macs = 0, 0
    for more, products in [*map(_cost, run.steps()), *watch.costs]:
        flops, macs = flops + more, macs + products
    for path, module in model.named_modules():
        if type(module).__name__ in _GATES and run.is_called(path):
            flops += _recurrent(module, run.modules[path].output_shapes[0])
    parameters = sum(each.numel() for each in model.parameters() if each.requires_grad)
    if include_backPropagation:
        flops, macs = flops * (1 + compute_bp_factor), macs * (1 + compute_bp_factor)
    texts = (_text(flops, output_unit, output_precision, "FLOPS"),
             _text(macs, output_unit, output_precision, "MACs"),
             _text(parameters, output_unit, output_precision, ""))
    if print_results:
        print(f"Total Training Params: {texts[2]}\nfwd FLOPs: {texts[0]}\nfwd MACs: {texts[1]}")
        if print_detailed:
            print(_layers(run, output_unit, output_precision))
    return texts if output_as_string else (flops, macs, parameters)


def _inputs(model: Any, shape: Any, tokenizer: Any, args: Any,
            kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if shape is None:
        return tuple(args), dict(kwargs)
    import torch
    if tokenizer is not None or type(model).__module__.startswith("transformers."):
        names = getattr(tokenizer, "model_input_names", None) or ["input_ids"]
        return (), {name: torch.ones(shape, dtype=torch.int64) for name in names}
    first = next(model.parameters(), torch.empty(0))
    return (torch.empty(shape, dtype=first.dtype, device="meta"),), {}


_ELEMENTWISE = "relu prelu elu leaky_relu relu6 silu gelu softmax"
_NORMS = {"batch_norm_training", "layer_norm", "group_norm", "instance_norm"}
_GATES = {"RNN": 1, "RNNCell": 1, "GRU": 7, "GRUCell": 7, "LSTM": 10, "LSTMCell": 10}


def _function_rules() -> list[tuple[Any, str, Callable[..., Any]]]:
    """Functions that it replaces, with their FLOPs and MACs; the others have a rule in `_cost`."""
    import torch
    return (functions(torch, f"{_ELEMENTWISE} {POOLS}", lambda input, *_, **__: (input.numel(), 0))
            + functions(torch, "upsample interpolate", _interpolation)
            + products_and_sums(torch, "matmul", _product)
            + products_and_sums(torch, "addmm", _sum_of_product)
            + [(torch, "baddbmm", _sum_of_product), (torch, "einsum", _einsum)]
            + products_and_sums(torch, "mul add", lambda input, other, **_:
                                (broadcast_elements(input, other), 0)))


def _product(input: Any, other: Any, **_: Any) -> tuple[int, int]:
    macs = input.numel() * other.shape[-1]
    return 2 * macs, macs


def _sum_of_product(input: Any, left: Any, right: Any, **_: Any) -> tuple[int, int]:
    macs = left.numel() * right.shape[-1]
    return 2 * macs + input.numel(), macs


def _interpolation(input: Any, size: Any = None, *_: Any, **__: Any) -> tuple[int, int]:
    """The product of the sizes that are given, without batch and channels; by a factor, of the input."""
    if size is None:
        return input.numel(), 0
    return int(product(size) if isinstance(size, (tuple, list)) else size), 0


def _einsum(equation: str, *operands: Any) -> tuple[int, int]:
    """What numpy says of the best order."""
    import numpy
    arrays = [numpy.broadcast_to(numpy.zeros(()), tuple(each.shape)) for each in operands]
    text = numpy.einsum_path(equation.replace(" ", ""), *arrays, optimize="optimal")[1]
    line = next(line for line in text.split("\n") if "optimized flop" in line.lower())
    return int(float(line.split(":")[-1])), 0


def _cost(step: Step) -> tuple[int, int]:
    """FLOPs and MACs of one operator."""
    if not step.inputs or step.inputs[0] is None or step.kind in _GATES:
        return 0, 0
    elements, name = product(step.inputs[0]), step.name
    has_weight = len(step.inputs) > 1 and step.inputs[1] is not None
    if name == "linear":
        macs = elements * step.outputs[0][-1]
        return 2 * macs, macs
    if name.startswith("conv"):
        return _convolution(step, [shape for shape in step.inputs if shape is not None])
    if name == "batch_norm":
        return elements * (2 if has_weight else 1), 0
    if name in _NORMS:
        return elements * (5 if has_weight else 4), 0
    return 0, 0


def _layers(run: Run, unit: str | None, precision: int) -> str:
    """A line for each module."""
    costs = dict.fromkeys(run.modules, (0, 0))
    for step in run.steps():
        flops, macs = _cost(step)
        for path in ancestors(step.module):
            costs[path] = costs[path][0] + flops, costs[path][1] + macs
    return "\n".join(
        f"{'  ' * module.depth}({path.rpartition('.')[2] or 'model'}): {module.type}, "
        f"{_text(module.parameters, unit, precision, '')}, {_text(costs[path][0], unit, precision, 'FLOPS')}, "
        f"{_text(costs[path][1], unit, precision, 'MACs')}" for path, module in run.modules.items())


def _recurrent(module: Any, output: tuple[int, ...]) -> int:
    """FLOPs of one call of a recurrent module: products, gates and biases of each place."""
    kind = type(module).__name__
    flops = 0
    layers = range(getattr(module, "num_layers", 1))
    for layer in layers:
        suffix = "" if kind.endswith("Cell") else f"_l{layer}"
        for name in ("weight_ih", "weight_hh"):
            weight = getattr(module, name + suffix)
            flops += 2 * weight.numel() - weight.shape[0]
        flops += _GATES[kind] * module.hidden_size
        if module.bias:
            flops += 2 * getattr(module, "bias_ih" + suffix).shape[0]
    places = output[0] if kind.endswith("Cell") else product(output[:2])
    return flops * places * (2 if getattr(module, "bidirectional", False) else 1)


def _convolution(step: Step, shapes: list[tuple[int, ...]]) -> tuple[int, int]:
    weight, output = shapes[1], step.outputs[0]
    is_transposed = "transpose" in step.name
    places = product((shapes[0] if is_transposed else output)[2:])
    macs = output[0] * places * product(weight)
    bias = product(output) if len(shapes) > 2 else 0
    return 2 * macs + bias, macs


def _text(number: float, unit: str | None, precision: int, word: str) -> str:
    units = (("T", 10 ** 12), ("G", 10 ** 9), ("M", 10 ** 6), ("K", 10 ** 3))
    if word == "":
        units = (("B", 10 ** 9), ("M", 10 ** 6), ("K", 10 ** 3))  # type: ignore[assignment]
    if unit is None:
        unit = next((letter for letter, size in units if number // size > 0), "")
    size = dict(units).get(unit, 1)
    text = f"{round(number / size, precision):g}"
    return f"{text} {unit}{word}" if unit or word else text
