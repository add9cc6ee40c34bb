"""thop's functions: `profile` and `clever_format`."""

from __future__ import annotations

from typing import Any

from .._errors import UnsupportedError
from ._run import Evaluating, Run

__all__ = ["clever_format", "profile"]

# The classes for which thop has a rule, and no subclass of them.
_CLASSES = {f"torch.nn.{name}" for name in (
    "ZeroPad2d", "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d",
    "ConvTranspose3d", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "LayerNorm", "InstanceNorm1d",
    "InstanceNorm2d", "InstanceNorm3d", "PReLU", "Softmax", "ReLU", "ReLU6", "LeakyReLU",
    "MaxPool1d", "MaxPool2d", "MaxPool3d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d", "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "Linear", "Dropout", "Upsample",
    "UpsamplingBilinear2d", "UpsamplingNearest2d", "RNNCell", "GRUCell", "LSTMCell", "RNN", "GRU",
    "LSTM", "Sequential", "PixelShuffle", "SyncBatchNorm")}


def profile(model: Any, inputs: Any, custom_ops: Any = None, verbose: bool = True,
            ret_layer_info: bool = False, report_missing: bool = False) -> tuple[Any, ...]:
    """MACs and parameters, as thop counts them: those of the modules for which it has a rule.

    With `report_missing` a line is printed for each class that has none. `verbose` prints nothing: which
    function of thop counts a class is of no interest here.

    Returns:
        (MACs, parameters), as floats; with `ret_layer_info` also a dict of the children, each
        (MACs, parameters, its children).

    Raises:
        UnsupportedError: for `custom_ops`.
    """
    if custom_ops:
        raise UnsupportedError("zoometer takes no rules for modules",
                               hint="a plug-in of zoometer can define operators")
    if report_missing:
        for kind in dict.fromkeys(type(module) for module in model.modules() if not _has_rule(module)):
            print(f"[WARN] Cannot find rule for {kind}. Treat it as zero Macs and zero Params.")
    with Evaluating(model):
        run = Run(model, tuple(inputs), {}, "thop")
    return _Counted(run, model).result(ret_layer_info)


class _Counted:
    """thop's walk through the children of a module."""

    def __init__(self, run: Run, model: Any) -> None:
        self._run = run
        self._model = model
        self._paths: dict[int, str] = {}
        for path, module in model.named_modules():
            self._paths.setdefault(id(module), path)

    def result(self, with_layers: bool) -> tuple[Any, ...]:
        macs, parameters, layers = self._walk(self._model)
        return (macs, parameters, layers) if with_layers else (macs, parameters)

    def _walk(self, module: Any) -> tuple[float, float, dict[str, Any]]:
        macs, parameters = self._own(module)[0], 0.0
        layers: dict[str, Any] = {}
        for name, child in module.named_children():
            if _has_rule(child) and not _is_container(child):
                entry = (*self._own(child), {})
            else:
                entry = self._walk(child)
            layers[name] = entry
            macs += entry[0]
            parameters += entry[1]
        return macs, parameters, layers

    def _own(self, module: Any) -> tuple[float, float]:
        """What the rule of a module adds."""
        path = self._paths[id(module)]
        if not _has_rule(module) or _is_container(module) or not self._run.is_called(path):
            return 0.0, 0.0
        parameters = sum(parameter.numel() for parameter in module.parameters())
        return float(self._run.modules[path].cost), float(parameters)


def _name(module: Any) -> str:
    kind = type(module)
    package = "torch.nn" if kind.__module__.startswith("torch.nn.modules.") else kind.__module__
    return f"{package}.{kind.__qualname__}"


def _has_rule(module: Any) -> bool:
    return _name(module) in _CLASSES


def _is_container(module: Any) -> bool:
    return _name(module) == "torch.nn.Sequential"


def clever_format(nums: Any, format: str = "%.2f") -> Any:
    """Numbers with T, G, M or K, as thop writes them."""
    texts = []
    for number in nums if isinstance(nums, (list, tuple)) else [nums]:
        for unit, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "K")):
            if number > unit:
                texts.append(format % (number / unit) + letter)
                break
        else:
            texts.append(format % number + "B")
    return texts[0] if len(texts) == 1 else tuple(texts)
