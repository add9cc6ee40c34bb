"""ptflops' function: `get_model_complexity_info`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from .._errors import UnsupportedError, UsageError
from ._run import (POOLS, Evaluating, Run, Step, Watch, ancestors, broadcast_elements, functions, product,
                   products_and_sums)

__all__ = ["get_model_complexity_info"]

_CONVOLUTIONS = {"Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d",
                 "ConvTranspose3d"}
_NORMS = {"BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "InstanceNorm1d", "InstanceNorm2d",
          "InstanceNorm3d", "GroupNorm"}
_RECURRENT = {"RNN", "GRU", "LSTM", "RNNCell", "LSTMCell", "GRUCell"}
_ACTIVATIONS = {"ReLU", "PReLU", "ELU", "GELU", "LeakyReLU", "ReLU6"}
_POOL_MODULES = {name.title().replace("_", "").replace("D", "d") for name in POOLS.split()}
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
    1 per element of norms; "aten" counts products and biases only. With
    `backend_specific_config={"count_functional": False}` the first counts modules alone. `verbose`
    prints the classes of modules without children that count nothing.

    Returns:
        (MACs, parameters): as texts like "4.13 GMac" and "25.56 M", or as numbers.

    Raises:
        UnsupportedError: for `ignore_modules` and `custom_modules_hooks`.
        UsageError: for another backend or configuration of one.
    """
    if ignore_modules or custom_modules_hooks:
        raise UnsupportedError("zoometer takes no hooks and ignores no modules")
    configuration = dict(backend_specific_config or {})
    counts_functions = configuration.pop("count_functional", True)
    if configuration:
        raise UsageError(f"no such configuration: {next(iter(configuration))}", hint='"count_functional"')
    name = str(getattr(backend, "value", backend))
    if name not in ("pytorch", "aten"):
        raise UsageError(f"no such backend: {name}", hint='"pytorch" or "aten"')
    args, kwargs = _inputs(model, input_res, input_constructor)
    watch = Watch(_function_rules() if counts_functions else [])
    with Evaluating(model):
        run = Run(model, args, kwargs, "ptflops", watch if name == "pytorch" else None)
    if name == "aten":
        macs = sum(map(_aten_cost, run.steps()))
    else:  # it divides what its hooks count by the batch, but not what functions cost
        macs = int(_pytorch_macs(run, model) / (len(args[0]) if args else 1)) + sum(watch.costs)
    parameters = sum(each.numel() for each in model.parameters() if each.requires_grad)
    if verbose:
        for kind in dict.fromkeys(each.type for each in run.modules.values()
                                  if not each.children and each.cost == 0):
            print(f"Warning: module {kind} is treated as a zero-op.", file=ost)
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
    """Attention has one rule for a whole module, whose children then count nothing. Of other modules
    those count whose classes are PyTorch's own, not derived from them."""
    named = dict(model.named_modules())
    rules = {path: rule for path, module in named.items()
             if (rule := _attention_rule(module)) and run.is_called(path)}
    derived = {path for path, module in named.items()
               if not type(module).__module__.startswith("torch.")}
    macs = sum(rule(named[path], run.modules[path].output_shapes) for path, rule in rules.items())
    return macs + sum(_pytorch_cost(step) for step in run.steps()
                      if step.module not in derived and rules.keys().isdisjoint(ancestors(step.module)))


def _attention_rule(module: Any) -> Callable[[Any, list[tuple[int, ...]]], int] | None:
    timm = sys.modules.get("timm.models.vision_transformer")
    if type(module).__name__ == "MultiheadAttention":
        return _attention_cost
    return _timm_attention_cost if timm is not None and type(module) is timm.Attention else None


def _timm_attention_cost(module: Any, shapes: list[tuple[int, ...]]) -> int:
    """Scaling, products and softmax, without the projections."""
    return sum(batch * module.num_heads * (length * module.head_dim + length * length
                                           + 2 * length * length * module.head_dim)
               for batch, length, _ in shapes)


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
    if step.kind in _ACTIVATIONS or step.kind in _POOL_MODULES:
        return elements
    return product(step.outputs[0][1:]) if step.kind == "Upsample" else 0


def _function_rules() -> list[tuple[Any, str, Callable[..., Any]]]:
    """The functions that the pytorch backend replaces: a module that calls one counts there, too."""
    import torch
    return (functions(torch, "relu prelu elu relu6 gelu silu softmax " + POOLS,
                      lambda input, *_, **__: input.numel())
            + functions(torch, "upsample interpolate", _interpolation)
            + products_and_sums(torch, "matmul mm bmm",
                                lambda input, other, **_: input.numel() * other.shape[-1])
            + products_and_sums(torch, "addmm", _sum_of_product)
            + [(torch, "baddbmm", _sum_of_product)]
            + products_and_sums(torch, "mul add", broadcast_elements))


def _sum_of_product(input: Any, left: Any, right: Any, *, beta: Any = 1, **_: Any) -> int:
    return left.numel() * right.shape[-1] + (input.numel() if beta != 0 else 0)


def _interpolation(input: Any, size: Any = None, scale_factor: Any = None, *_: Any, **__: Any) -> Any:
    spatial = input.dim() - 2
    if size is not None:
        places = product(size) if isinstance(size, (tuple, list)) else int(size) ** spatial
        return places * product(input.shape[:2])
    if isinstance(scale_factor, tuple) and len(scale_factor) == spatial:
        return input.numel() * int(product(scale_factor))
    return input.numel() * scale_factor ** spatial


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
