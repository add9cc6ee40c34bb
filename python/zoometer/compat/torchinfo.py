"""torchinfo's function: `summary`."""

from __future__ import annotations

from typing import Any, NamedTuple

from .._errors import UnsupportedError, UsageError
from .. import _inputs
from ._run import Evaluating, Run, product

__all__ = ["ModelStatistics", "summary"]


# The columns that there are, with their headings.
_COLUMNS = {"output_size": "Output Shape", "num_params": "Param #", "params_percent": "Param %",
            "kernel_size": "Kernel Shape", "mult_adds": "Mult-Adds", "trainable": "Trainable"}
_ROW_SETTINGS = ("ascii_only", "depth", "var_names")


def summary(model: Any, input_size: Any = None, input_data: Any = None, batch_dim: int | None = None,
            cache_forward_pass: bool | None = None, col_names: Any = None, col_width: int = 25,
            depth: int = 3, device: Any = None, dtypes: Any = None, mode: str | None = None,
            row_settings: Any = None, verbose: int | None = None, **kwargs: Any) -> ModelStatistics:
    """Sizes, parameters and multiply-adds of layers, as torchinfo counts them.

    A Linear counts once, whatever its tokens: its multiply-adds are its parameters times the first
    size of its output. Without `input_size` and `input_data` there are parameters only. Figures depend
    neither on `device` nor on `cache_forward_pass`, and the table is ASCII anyway.

    Raises:
        UsageError: for a column, row setting, mode or verbosity that torchinfo does not have.
        UnsupportedError: for `batch_dim` and the column "input_size".
    """
    if mode not in (None, "train", "eval"):
        raise UsageError(f"no such mode: {mode}", hint='"train" or "eval"')
    if batch_dim is not None:
        raise UnsupportedError("batch_dim is not supported", hint="give the batch in input_size")
    options = {"input_size": input_size, "input_data": input_data, "dtypes": dtypes}
    given = _inputs.take_options(options)
    layout = _layout(col_names, col_width, depth, row_settings, verbose, given is not None)
    if given is None:
        statistics = ModelStatistics(None, model, (), {}, layout)
    else:
        import torch
        args, named = given(torch)
        with Evaluating(model):
            model.train(mode == "train")
            run = Run(model, args, {**named, **kwargs}, "native")
        statistics = ModelStatistics(run, model, args, named, layout)
    if layout.verbose > 0:
        print(statistics)
    return statistics


class _Layout(NamedTuple):
    """What the table shows."""

    columns: tuple[str, ...]
    width: int
    depth: int
    rows: frozenset[str]
    verbose: int


def _layout(names: Any, width: int, depth: int, rows: Any, verbose: int | None,
            has_inputs: bool) -> _Layout:
    default = ("output_size", "num_params") if has_inputs else ("num_params",)
    columns = default if names is None else tuple(_word(each) for each in names)
    if "input_size" in columns:
        raise UnsupportedError('the column "input_size" is not supported',
                               hint="zoometer has the outputs of modules")
    for each in columns:
        if each not in _COLUMNS:
            raise UsageError(f"no such column: {each}", hint="one of " + ", ".join(_COLUMNS))
        if each in ("output_size", "mult_adds") and not has_inputs:
            raise UsageError(f"the column {each} needs input_size or input_data")
    settings = ("depth",) if rows is None else tuple(_word(each) for each in rows)
    for each in settings:
        if each not in _ROW_SETTINGS:
            raise UsageError(f"no such row setting: {each}", hint="one of " + ", ".join(_ROW_SETTINGS))
    if verbose is None:
        import sys
        verbose = 0 if hasattr(sys, "ps1") else 1
    if verbose not in (0, 1, 2):
        raise UsageError(f"no such verbosity: {verbose}", hint="0, 1 or 2")
    if width <= 0:
        raise UsageError(f"the width of a column is greater than 0, not {width}")
    return _Layout(columns, width, depth, frozenset(settings), int(verbose))


def _word(setting: Any) -> str:
    """A word, or a member of torchinfo's enumerations."""
    return str(getattr(setting, "value", setting))


class ModelStatistics:
    """The result, with torchinfo's names.

    Attributes:
        total_mult_adds: multiply-adds of all calls of layers without children.
        total_params, trainable_params: elements; shared modules count once.
        total_param_bytes, total_output_bytes, total_input: bytes; outputs of layers with parameters
            count twice, for their gradients.
        input_size: the sizes of the inputs.
    """

    def __init__(self, run: Run | None, model: Any, args: Any, kwargs: Any, layout: _Layout) -> None:
        self.input_size = [list(each.shape) for each in (*args, *kwargs.values())]
        self.total_input = sum(each.numel() * each.element_size()
                               for each in (*args, *kwargs.values()))
        self.total_mult_adds = 0
        self.total_params = sum(each.numel() for each in model.parameters())
        self.trainable_params = sum(each.numel() for each in model.parameters() if each.requires_grad)
        self.total_param_bytes = 0
        self.total_output_bytes = 0
        self._layout = layout
        self._rows: list[tuple[str, list[str]]] = []
        numbers: dict[int, int] = {}
        for path, module in model.named_modules():
            called = None if run is None else run.modules.get(path)
            is_leaf = not any(True for _ in module.children())
            products = self._add(module, called, run is None) if is_leaf else 0
            depth = path.count(".") + 1 if path else 0
            numbers[depth] = numbers.get(depth, 0) + 1
            if depth <= layout.depth:
                self._show(path, module, called, (depth, numbers[depth]), products)

    def _add(self, module: Any, called: Any, is_without_run: bool) -> int:
        """Adds a module without children; its multiply-adds."""
        is_called = called is not None and called.calls > 0
        parameters = list(module.named_parameters())
        if is_called or is_without_run:
            self.total_param_bytes += sum(each.numel() * each.element_size() for _, each in parameters)
        if not is_called:
            return 0
        shapes = called.output_shapes
        # A call that returns several tensors has several shapes; torchinfo takes the first.
        each_call = max(1, len(shapes) // called.calls)
        products = 0
        for shape in shapes[::each_call]:
            for name, each in parameters:
                products += _mult_adds(type(module).__name__, name, each.numel(), shape)
            if parameters:
                self.total_output_bytes += 2 * product(shape) * parameters[0][1].element_size()
        self.total_mult_adds += products
        return products

    def _show(self, path: str, module: Any, called: Any, place: tuple[int, int], products: int) -> None:
        """Adds the rows of a module."""
        depth, number = place
        label = "  " * depth + type(module).__name__
        if "var_names" in self._layout.rows:
            label += f" ({path.rpartition('.')[2] or type(module).__name__})"
        if "depth" in self._layout.rows and depth:
            label += f": {depth}-{number}"
        parameters = list(module.parameters())
        count = sum(each.numel() for each in parameters)
        flags = {each.requires_grad for each in parameters}
        kernel = getattr(module, "kernel_size", None)
        cells = {"output_size": str(list(called.output_shapes[0])) if called and called.output_shapes else "",
                 "num_params": f"{count:,}" if count else "",
                 "params_percent": f"{100 * count / self.total_params:.2f}%" if count else "",
                 "kernel_size": str(list(kernel) if isinstance(kernel, tuple) else kernel or ""),
                 "mult_adds": f"{products:,}" if products else "",
                 "trainable": "" if not flags else "Partial" if len(flags) > 1 else str(flags.pop())}
        self._rows.append((label, [cells[name] or "--" for name in self._layout.columns]))
        if self._layout.verbose < 2:
            return
        for name, each in module.named_parameters(recurse=False):
            own = {"num_params": f"{each.numel():,}", "kernel_size": str(list(each.shape))}
            self._rows.append(("  " * (depth + 1) + name,
                               [own.get(column, "") for column in self._layout.columns]))

    def __repr__(self) -> str:
        layout = self._layout
        names = max([42, *(len(label) + 2 for label, _ in self._rows)])

        def line(label: str, cells: list[str]) -> str:
            return f"{label:<{names}}" + "".join(f"{cell:<{layout.width}}" for cell in cells)
        rule = "=" * (names + layout.width * len(layout.columns))
        lines = [line("Layer (type:depth)", [_COLUMNS[name] for name in layout.columns]), rule,
                 *(line(*row).rstrip() for row in self._rows),
                 rule, f"Total params: {self.total_params:,}",
                 f"Trainable params: {self.trainable_params:,}",
                 f"Non-trainable params: {self.total_params - self.trainable_params:,}"]
        if not self.input_size:
            return "\n".join([*lines, rule])
        lines += [f"Total mult-adds: {self.total_mult_adds:,}", rule,
                  f"Input size (MB): {self.total_input / 1e6:.2f}",
                  f"Forward/backward pass size (MB): {self.total_output_bytes / 1e6:.2f}",
                  f"Params size (MB): {self.total_param_bytes / 1e6:.2f}"]
        return "\n".join(lines)


def _mult_adds(kind: str, name: str, elements: int, shape: tuple[int, ...]) -> int:
    """Of one parameter and one call."""
    if name in ("weight", "bias"):
        if "Conv" in kind:
            return elements * product(shape[:1] + shape[2:])
        return shape[0] * elements if shape else 0
    if "weight" in name or "bias" in name:  # recurrent layers
        return product(shape[:2]) * elements
    return 0
