"""torchinfo's function: `summary`."""

from __future__ import annotations

from typing import Any

from .._errors import UnsupportedError, UsageError
from .. import _inputs
from ._run import Evaluating, Run, product

__all__ = ["ModelStatistics", "summary"]


def summary(model: Any, input_size: Any = None, input_data: Any = None, batch_dim: int | None = None,
            cache_forward_pass: bool | None = None, col_names: Any = None, col_width: int = 25,
            depth: int = 3, device: Any = None, dtypes: Any = None, mode: str | None = None,
            row_settings: Any = None, verbose: int | None = None, **kwargs: Any) -> ModelStatistics:
    """Sizes, parameters and multiply-adds of layers, as torchinfo counts them.

    A Linear counts once, whatever its tokens: its multiply-adds are its parameters times the first
    size of its output. `col_names`, `col_width`, `row_settings` and `device` have no effect.

    Raises:
        UsageError: where neither `input_size` nor `input_data` is given.
    """
    import sys
    import torch
    if mode not in (None, "train", "eval"):
        raise UsageError(f"no such mode: {mode}", hint='"train" or "eval"')
    options = {"input_size": input_size, "input_data": input_data, "dtypes": dtypes}
    given = _inputs.take_options(options)
    if given is None:
        raise UsageError("summary needs input_size or input_data")
    if batch_dim is not None:
        raise UnsupportedError("batch_dim is not supported", hint="give the batch in input_size")
    args, named = given(torch)
    with Evaluating(model):
        model.train(mode == "train")
        run = Run(model, args, {**named, **kwargs}, "native")
    statistics = ModelStatistics(run, model, args, named, depth)
    if verbose is None:
        verbose = 0 if hasattr(sys, "ps1") else 1
    if verbose > 0:
        print(statistics)
    return statistics


class ModelStatistics:
    """The result, with torchinfo's names.

    Attributes:
        total_mult_adds: multiply-adds of all calls of layers without children.
        total_params, trainable_params: elements; shared modules count once.
        total_param_bytes, total_output_bytes, total_input: bytes; outputs of layers with parameters
            count twice, for their gradients.
        input_size: the sizes of the inputs.
    """

    def __init__(self, run: Run, model: Any, args: Any, kwargs: Any, depth: int) -> None:
        self.input_size = [list(each.shape) for each in (*args, *kwargs.values())]
        self.total_input = sum(each.numel() * each.element_size()
                               for each in (*args, *kwargs.values()))
        self.total_mult_adds = 0
        self.total_params = sum(each.numel() for each in model.parameters())
        self.trainable_params = sum(each.numel() for each in model.parameters() if each.requires_grad)
        self.total_param_bytes = 0
        self.total_output_bytes = 0
        self._run = run
        self._depth = depth
        for path, module in model.named_modules():
            if not any(True for _ in module.children()):
                self._add(module, run.modules.get(path))

    def _add(self, module: Any, called: Any) -> None:
        """Adds a module without children."""
        if called is None or called.calls == 0:
            return
        parameters = list(module.named_parameters())
        self.total_param_bytes += sum(each.numel() * each.element_size() for _, each in parameters)
        shapes = called.output_shapes
        # A call that returns several tensors has several shapes; torchinfo takes the first.
        each_call = max(1, len(shapes) // called.calls)
        for shape in shapes[::each_call]:
            for name, each in parameters:
                self.total_mult_adds += _mult_adds(type(module).__name__, name, each.numel(), shape)
            if parameters:
                self.total_output_bytes += 2 * product(shape) * parameters[0][1].element_size()

    def __repr__(self) -> str:
        lines = [f"{'Layer (type:depth)':<42}{'Output Shape':<26}{'Param #':>16}{'Mult-Adds':>18}",
                 "=" * 102]
        for module in self._run.modules.values():
            if module.depth > self._depth:
                continue
            shape = str(list(module.output_shapes[0])) if module.output_shapes else "--"
            label = "  " * module.depth + f"{module.type}: {module.depth}"
            lines.append(f"{label:<42}{shape:<26}{module.parameters or '--':>16,}"
                         f"{module.macs or '--':>18,}" if module.parameters and module.macs else
                         f"{label:<42}{shape:<26}{str(module.parameters or '--'):>16}{'--':>18}")
        lines += ["=" * 102, f"Total params: {self.total_params:,}",
                  f"Trainable params: {self.trainable_params:,}",
                  f"Non-trainable params: {self.total_params - self.trainable_params:,}",
                  f"Total mult-adds: {self.total_mult_adds:,}", "=" * 102,
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
