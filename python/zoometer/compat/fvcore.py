"""fvcore.nn's functions: `FlopCountAnalysis`, `ActivationCountAnalysis`, tables, parameters."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from .. import _core
from .._errors import UnsupportedError, UsageError
from ._run import Run, ancestors, product

__all__ = ["ActivationCountAnalysis", "FlopCountAnalysis", "flop_count", "flop_count_table",
           "parameter_count", "parameter_count_table"]

# fvcore's names of operators, where they are not ours.
_NAMES = {"conv1d": "conv", "conv2d": "conv", "conv3d": "conv", "conv_transpose1d": "conv",
          "conv_transpose2d": "conv", "conv_transpose3d": "conv", "grid_sample": "grid_sampler",
          "mean": "adaptive_avg_pool2d", "batch_norm_training": "batch_norm"}
_TRACER_WARNINGS = ("all", "none", "no_tracer_warning")


class _Analysis:
    """What both analyses share: figures by module and by operator."""

    def __init__(self, model: Any, inputs: Any) -> None:
        self._model = model
        self._inputs = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
        self._run: Run | None = None
        self._counts: dict[str, Counter[str]] = {}

    def _cost(self, step: Any) -> int:
        raise NotImplementedError

    def _analyse(self) -> Run:
        if self._run is None:
            run = Run(self._model, self._inputs, {}, "fvcore")
            counts: dict[str, Counter[str]] = {path: Counter() for path in run.modules}
            for step in run.steps():
                cost = self._cost(step)
                if cost == 0:
                    continue
                for path in ancestors(step.module):
                    if path in counts:
                        counts[path][_NAMES.get(step.name, step.name)] += cost
            self._run, self._counts = run, counts
        return self._run

    def total(self, module_name: str = "") -> int:
        """The figure of a module and what it contains."""
        return sum(self.by_operator(module_name).values())

    def by_operator(self, module_name: str = "") -> Counter[str]:
        """The figures of a module by operator."""
        self._analyse()
        return Counter(self._counts[self.canonical_module_name(module_name)])

    def by_module_and_operator(self) -> dict[str, Counter[str]]:
        """The figures of every module by operator."""
        self._analyse()
        return {path: Counter(counts) for path, counts in self._counts.items()}

    def by_module(self) -> Counter[str]:
        """The figure of every module."""
        self._analyse()
        return Counter({path: sum(counts.values()) for path, counts in self._counts.items()})

    def unsupported_ops(self, module_name: str = "") -> Counter[str]:
        """Operators without a cost that compute something, by our names after "aten::"."""
        run = self._analyse()
        name = self.canonical_module_name(module_name)
        unsupported: Counter[str] = Counter()
        for step in run.steps():
            is_inside = name in ancestors(step.module)
            if is_inside and step.cost == 0 and step.name not in _IGNORED:
                unsupported[f"aten::{step.name}"] += 1
        return unsupported

    def uncalled_modules(self) -> set[str]:
        """The modules that are never called."""
        run = self._analyse()
        return {path for path, module in run.modules.items() if module.calls == 0}

    def canonical_module_name(self, name: str) -> str:
        """The name under which a module is counted. Raises KeyError."""
        run = self._analyse()
        if name in run.modules:
            return name
        named = dict(self._model.named_modules(remove_duplicate=False))
        if name in named:  # a second name of a shared module
            return next(path for path, each in named.items()
                        if each is named[name] and path in run.modules)
        raise KeyError(f"{name} is not a module of the model")

    def copy(self, new_model: Any = None, new_inputs: Any = None) -> Any:
        """The same analysis, of another model or of other inputs."""
        return type(self)(self._model if new_model is None else new_model,
                          self._inputs if new_inputs is None else new_inputs)

    def unsupported_ops_warnings(self, enabled: bool) -> Any:
        """Nothing is printed, whatever is chosen."""
        return self

    def uncalled_modules_warnings(self, enabled: bool) -> Any:
        """Nothing is printed, whatever is chosen."""
        return self

    def tracer_warnings(self, mode: str) -> Any:
        """Nothing is traced, so nothing is printed. Raises UsageError for a mode that fvcore lacks."""
        if mode not in _TRACER_WARNINGS:
            raise UsageError(f"no such mode: {mode}", hint="one of " + ", ".join(_TRACER_WARNINGS))
        return self

    def ancestor_mode(self, mode: str) -> Any:
        """"owner" is the mode. Raises UnsupportedError for "caller"."""
        if mode not in ("owner", "caller"):
            raise UsageError(f"no such mode: {mode}", hint='"owner"')
        if mode != "owner":
            raise UnsupportedError('ancestor_mode is "owner"')
        return self

    def set_op_handle(self, *args: Any, **kwargs: Any) -> Any:
        """Raises UnsupportedError: handles get nodes of TorchScript, which there are not here."""
        raise UnsupportedError("zoometer takes no handles of operators",
                               hint="a plug-in of zoometer can define operators")

    def clear_op_handles(self) -> Any:
        """Raises UnsupportedError, as `set_op_handle` does."""
        return self.set_op_handle()


class FlopCountAnalysis(_Analysis):
    """Multiply-accumulates and a few other operators, as fvcore counts them."""

    def _cost(self, step: Any) -> int:
        # The convention counts that of MultiheadAttention as the products it was before torch 2.
        return 0 if step.name == "scaled_dot_product_attention" else step.cost


# fvcore counts what these write.
_ACTIVE = {"linear", "addmm", "matmul", "bmm", "einsum"}


class ActivationCountAnalysis(_Analysis):
    """Elements of the outputs of convolutions and products, as fvcore counts them."""

    def _cost(self, step: Any) -> int:
        is_conv = _NAMES.get(step.name) == "conv" and step.cost > 0  # it has no rule for a named padding
        if not is_conv and step.name not in _ACTIVE:
            return 0
        return sum(product(shape) for shape in step.outputs)


# What fvcore does not list as unsupported: its own list, as far as we have the operators.
_IGNORED = {"relu", "cat", "chunk", "split", "clamp", "pad", "contiguous", "copy", "clone", "detach",
            "dropout", "expand", "flatten", "floor", "gather", "index", "masked_fill", "narrow",
            "permute", "reshape", "view", "select", "slice", "squeeze", "unsqueeze", "stack", "t",
            "topk", "transpose", "unbind", "where", "to", "convert", "identity", "arange", "zeros",
            "ones", "full", "sort", "constant"}


def flop_count(model: Any, inputs: Any, supported_ops: Any = None) -> tuple[defaultdict[str, float],
                                                                            Counter[str]]:
    """The same by operator in units of 10^9, and what is unsupported."""
    if supported_ops:
        raise UnsupportedError("zoometer takes no handles of operators")
    analysis = FlopCountAnalysis(model, inputs)
    giga: defaultdict[str, float] = defaultdict(float)
    for name, count in analysis.by_operator().items():
        giga[name] = count / 1e9
    return giga, analysis.unsupported_ops()


def flop_count_table(flops: FlopCountAnalysis, max_depth: int = 3,
                     activations: ActivationCountAnalysis | None = None,
                     show_param_shapes: bool = True) -> str:
    """fvcore's table of parameters and FLOPs, to the byte."""
    if activations is not None or not show_param_shapes:
        raise UnsupportedError("the table has parameters with their shapes, and FLOPs")
    return _core.report(flops._analyse().network, "table", "fvcore", depth=max_depth).rstrip("\n")


def parameter_count(model: Any) -> defaultdict[str, int]:
    """Elements of parameters, by the names of parameters and of modules; "" is the model."""
    counts: defaultdict[str, int] = defaultdict(int)
    for name, parameter in model.named_parameters():
        for path in ancestors(name):
            counts[path] += parameter.numel()
    return counts


def parameter_count_table(model: Any, max_depth: int = 3) -> str:
    """fvcore's table of parameters, to the byte."""
    counts = parameter_count(model)
    shapes = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
    rows = [("model", _size(counts.pop("", 0)))]

    def fill(level: int, prefix: str) -> None:
        if level >= max_depth:
            return
        for name, count in children.get((level, prefix), ()):
            indent = " " * (level + 1)
            if name in shapes:
                rows.append((indent + name, indent + str(shapes[name])))
            else:
                rows.append((indent + name, indent + _size(count)))
                fill(level + 1, name + ".")
    # In fvcore's order: that in which the counts were made.
    children: dict[tuple[int, str], list[tuple[str, int]]] = {}
    for name, parameter in model.named_parameters():
        for path in reversed(list(ancestors(name))[:-1]):
            prefix = path.rpartition(".")[0]
            key = (path.count("."), prefix + "." if prefix else "")
            entry = (path, counts[path])
            if entry not in children.setdefault(key, []):
                children[key].append(entry)
    fill(0, "")
    return _pipes(("name", "#elements or shape"), rows)


def _size(count: int) -> str:
    for limit, unit, letter in ((1e8, 1e9, "G"), (1e5, 1e6, "M"), (1e2, 1e3, "K")):
        if count > limit:
            return f"{count / unit:.1f}{letter}"
    return str(count)


def _pipes(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(title) + 2, *(len(row[i]) for row in rows)) for i, title in enumerate(header)]
    lines = [header, *rows]
    cells = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |"
             for line in lines]
    rule = "|" + "|".join(":" + "-" * (width + 1) for width in widths) + "|"
    return "\n".join([cells[0], rule, *cells[1:]])
