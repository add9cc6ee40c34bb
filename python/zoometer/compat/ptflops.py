"""ptflops' function: `get_model_complexity_info`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from .._errors import UnsupportedError, UsageError
from ._run import Evaluating, Run, Step, ancestors, product

__all__ = ["get_model_complexity_info"]

_CONVOLUTIONS = {"Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d",
                 "ConvTranspose3d"}
_NORMS = {"BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "InstanceNorm1d", "InstanceNorm2d",
          "InstanceNorm3d", "GroupNorm"}
_RECURRENT = {"RNN", "GRU", "LSTM", "RNNCell", "LSTMCell", "GRUCell"}
# Modules that the pytorch backend counts by a hook, and whose function it replaces, too.
_TWICE = {"ReLU", "PReLU", "ELU", "GELU", "MaxPool1d", "MaxPool2d", "MaxPool3d",
          "AvgPool1d", "AvgPool2d", "AvgPool3d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d",
          "AdaptiveMaxPool3d", "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d"}
# Functions that it replaces.
_FUNCTIONS = {"relu", "prelu", "elu", "relu6", "gelu", "silu", "softmax"}
_PRODUCTS = {"linear", "addmm", "matmul", "bmm"}


def get_model_complexity_info(
        model: Any, input_res: tuple[int, ...], print_per_layer_stat: bool = True,
        as_strings: bool = True, input_constructor: Callable[[Any], Any] | None = None,
        ost: Any = sys.stdout, verbose: bool = False, ignore_modules: Any = (),
        custom_modules_hooks: Any = None, backend: Any = "pytorch", flops_units: str | None = None,
        param_units: str | None = None, output_precision: int = 2,
        backend_specific_config: Any = None) -> tuple[Any, Any]:
    """MACs and trainable parameters, as ptflops counts them.

    `backend` "pytorch" counts activations and pooling twice where a module calls the function, and
    1 per element of norms; "aten" counts products and biases only.

    Returns:
        (MACs, parameters): as texts like "4.13 GMac" and "25.56 M", or as numbers.

    Raises:
        UnsupportedError: for `ignore_modules` and `custom_modules_hooks`.
    """
    if ignore_modules or custom_modules_hooks:
        raise UnsupportedError("zoometer takes no hooks and ignores no modules")
    name = str(getattr(backend, "value", backend))
    if name not in ("pytorch", "aten"):
        raise UsageError(f"no such backend: {name}", hint='"pytorch" or "aten"')
    args, kwargs = _inputs(model, input_res, input_constructor)
    with Evaluating(model):
        run = Run(model, args, kwargs, "ptflops")
    macs = _pytorch_macs(run, model) if name == "pytorch" else sum(map(_aten_cost, run.steps()))
    parameters = sum(each.numel() for each in model.parameters() if each.requires_grad)
    if print_per_layer_stat:
        print(_layers(run, output_precision), file=ost)
    if not as_strings:
        return macs, parameters
    return (_macs_text(macs, flops_units, output_precision),
            _parameters_text(parameters, param_units, output_precision))


def _inputs(model: Any, sizes: Any, constructor: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    import torch
    if constructor is not None:
        made = constructor(sizes)
        return ((), dict(made)) if isinstance(made, dict) else ((made,), {})
    first = next(model.parameters(), torch.empty(0))
    return (torch.empty((1, *sizes), dtype=first.dtype, device="meta"),), {}


def _pytorch_macs(run: Run, model: Any) -> int:
    """Attention has one rule for a whole module, whose children then count nothing."""
    named = dict(model.named_modules())
    attention = {path for path, module in run.modules.items()
                 if module.type == "MultiheadAttention" and module.calls > 0 and path in named}
    macs = sum(_attention_cost(named[path], run.modules[path].output_shapes) for path in attention)
    return macs + sum(_pytorch_cost(step) for step in run.steps()
                      if attention.isdisjoint(ancestors(step.module)))


def _attention_cost(module: Any, shapes: list[tuple[int, ...]]) -> int:
    """Of self-attention: scaling, projections, biases, products and softmax."""
    macs = 0
    for shape in shapes:
        if len(shape) != 3 or shape[2] != module.embed_dim:
            continue
        batch, length, width = shape if module.batch_first else (shape[1], shape[0], shape[2])
        projections = 3 * length * width * width + length * width * (width + 1)
        biases = 3 * length * width if module.in_proj_bias is not None else 0
        products = 2 * length * length * width + module.num_heads * length * length
        macs += batch * (length * width + projections + biases + products)
    return macs


def _pytorch_cost(step: Step) -> int:
    elements = product(step.inputs[0] or ()) if step.inputs else 0
    if step.kind == "Linear" and step.name in ("linear", "addmm"):
        # Its hook counts a bias for each row.
        rows = product(step.outputs[0][:-1])
        has_bias = len(step.inputs) > 2 and step.inputs[2] is not None
        inner = step.inputs[0][-1] if step.name == "linear" else step.inputs[1][-1]
        return rows * step.outputs[0][-1] * inner + (rows * step.outputs[0][-1] if has_bias else 0)
    if step.kind == "LayerNorm":
        return elements
    if step.kind in _CONVOLUTIONS or step.kind in _NORMS or step.kind in _RECURRENT:
        return step.cost
    if step.kind in _TWICE:
        return 2 * elements
    # Modules whose functions it does not replace: ReLU6 calls hardtanh.
    if step.kind in ("ReLU6", "LeakyReLU") or step.name in _FUNCTIONS or "pool" in step.name:
        return elements
    if step.name in ("matmul", "bmm", "addmm", "baddbmm", "upsample_nearest2d",
                     "upsample_bilinear2d"):
        return step.cost
    return 0


def _aten_cost(step: Step) -> int:
    if step.name in _PRODUCTS:
        shapes = [shape for shape in step.inputs if shape is not None]
        if step.name == "addmm":
            return product(shapes[1]) * shapes[2][-1] + product(step.outputs[0])
        left = product(shapes[0])
        if step.name == "linear":
            bias = product(step.outputs[0]) if len(shapes) > 2 else 0
            return left * step.outputs[0][-1] + bias
        return left * (shapes[1][-1] if len(shapes[1]) > 1 else 1)
    return step.cost if step.name.startswith("conv") else 0


def _layers(run: Run, precision: int) -> str:
    """A line for each module with its cost and parameters."""
    total = max(run.total.cost, 1)
    lines = []
    for path, module in run.modules.items():
        lines.append(f"{'  ' * module.depth}({path.rpartition('.')[2] or 'model'}): {module.type}, "
                     f"{_parameters_text(module.parameters, None, precision)}, "
                     f"{_macs_text(module.cost, None, precision)}, "
                     f"{100 * module.cost / total:.3f}% MACs")
    return "\n".join(lines)


_UNITS = (("G", 10 ** 9), ("M", 10 ** 6), ("K", 10 ** 3))


def _macs_text(number: int, unit: str | None, precision: int) -> str:
    letter = unit[:1] if unit else next((letter for letter, size in _UNITS if number >= size), "")
    size = dict(_UNITS).get(letter)
    return f"{number} Mac" if size is None else f"{round(number / size, precision)} {letter}Mac"


def _parameters_text(number: int, unit: str | None, precision: int) -> str:
    sizes = {"B": 10 ** 9, "M": 10 ** 6, "K": 10 ** 3, "k": 10 ** 3}
    if unit is None:
        unit = "M" if number >= 10 ** 6 else "k" if number >= 10 ** 3 else ""
    return f"{round(number / sizes[unit], precision)} {unit}" if unit in sizes else str(number)
