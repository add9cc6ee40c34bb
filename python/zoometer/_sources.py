"""What `zoometer.profile` takes: names, files, bytes, modules, functions, configurations."""

from __future__ import annotations

import os

from . import _core
from ._errors import CaptureError, MissingPackageError, UnsupportedError, UsageError
from ._profile import Profile

TYPE_CHECKING = False  # for type checkers; the module `typing` takes longer than the core
if TYPE_CHECKING:
    from typing import Any


def profile(model: Any, *args: Any, convention: str = "native", **kwargs: Any) -> Profile:
    """Shows what a model costs, without computing anything.

    Args:
        model: one of
            - an `nn.Module`, which is left exactly as it is; or a function of tensors: it runs once
              on tensors without data,
            - a name: "resnet50", "torchvision:resnet50", "timm:vit_base_patch16_224",
              "python:MODULE:FUNCTION" (as on the command line),
            - the path of a file or folder: ONNX, torch.export's .pt2, config.json, GGUF ...,
            - the bytes of such a file, an `onnx.ModelProto`, an `ExportedProgram`,
            - a `transformers` configuration,
            - a `Profile`, of the same model by another convention.
        args, kwargs: for modules and functions, what they are called with: tensors, and lists,
            dicts, dataclasses, numbers and None. Instead of these, as torchinfo has it,
            `input_size=(1, 3, 224, 224)` (or a list of sizes) with `dtypes=[torch.float32]`, or
            `input_data=`, a tensor or a list or dict of them. For everything else, the options of
            the command line: `batch=8`, `input_shape=(1, 3, 384, 384)`, `variant="untrained"`,
            `dim={"seq": 128}`, `tokens=`, `dtype="float16"`, `views="none"`, `python=`, ...
        convention: whose rules fill `cost`: "native", "fvcore", "torchvision", "torch", "thop",
            "ptflops", for StableHLO programs also "xla" (docs/conventions.md).

    Raises:
        UnknownNameError: for a name that nothing has, with the nearest one as a hint.
        CaptureError: where a module raised; its exception is the cause.
        Error: for everything else; see its subclasses.
    """
    if isinstance(model, Profile):
        return model.counted_by(convention)
    return Profile(trace(model, *args, **kwargs), convention)


def trace(model: Any, *args: Any, **kwargs: Any) -> _core.Network:
    """The operators of a model with their shapes, not yet counted. Takes what `profile` takes."""
    if isinstance(model, str):
        return _of_word(model, args, kwargs)
    if isinstance(model, os.PathLike):
        return _of_word(os.fspath(model), args, kwargs)
    if isinstance(model, (bytes, bytearray, memoryview)):
        return _of_bytes(bytes(model), "bytes", args, kwargs)
    if isinstance(model, Profile):
        return model._network
    if isinstance(model, _core.Network):
        return model
    package = type(model).__module__.partition(".")[0]
    if package == "onnx" and hasattr(model, "SerializeToString"):
        return _of_onnx(model, args, kwargs)
    if _is_configuration(model):
        return _of_configuration(model, args, kwargs)
    if type(model).__name__ == "ExportedProgram" and package == "torch":
        return _of_program(model, args, kwargs)
    if callable(model):
        return _of_callable(model, args, kwargs)
    raise UsageError(f"cannot profile {type(model).__name__}",
                     hint="an nn.Module, a function, a name, or the path of a file")


# -- names and files ----------------------------------------------------------------------------

def _of_word(word: str, args: tuple[Any, ...], options: dict[str, Any]) -> _core.Network:
    source, _, name = word.partition(":")
    if source == "timm" and name:
        return _of_timm(name, args, options)
    _refuse_arguments(args)
    own = {key: options.pop(key) for key in ("dtype", "views", "python", "time_limit", "plugins")
           if key in options}
    return _core.load(word, _words(options), **own)


def _of_bytes(content: bytes, name: str, args: tuple[Any, ...],
              options: dict[str, Any]) -> _core.Network:
    _refuse_arguments(args)
    own = {key: options.pop(key) for key in ("dtype", "views") if key in options}
    return _core.read_bytes(content, name, _words(options), **own)


def _of_onnx(model: Any, args: tuple[Any, ...], options: dict[str, Any]) -> _core.Network:
    try:
        content = model.SerializeToString()
    except ValueError as error:  # protobuf writes at most 2 GiB
        raise UsageError("the model is too large for a protobuf",
                         hint="save it with external data, and give its path") from error
    return _of_bytes(content, model.graph.name or "onnx", args, options)


def _refuse_arguments(args: tuple[Any, ...]) -> None:
    if args:
        raise UsageError("a name or file takes no inputs",
                         hint="input_shape=(1, 3, 224, 224) sets their sizes")


def _words(options: dict[str, Any]) -> list[tuple[str, str]]:
    """Options as the command line has them: `input_shape=(1, 3, 8, 8)` as ("input-shape", "1,3,8,8").

    A list is an option that repeats, a dict one that repeats with names.
    """
    known = set(_core.option_names())
    words: list[tuple[str, str]] = []
    for key, value in options.items():
        name = key.replace("_", "-")
        if name not in known:
            raise UsageError(f"no such option: {key}",
                             hint="one of " + ", ".join(sorted(each.replace("-", "_")
                                                               for each in known)))
        words += [(name, word) for word in _texts(value)]
    return words


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, dict):
        return [f"{name}={_text(each)}" for name, each in value.items()]
    if isinstance(value, list) and not all(isinstance(each, int) for each in value):
        return [_text(each) for each in value]
    return [_text(value)]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (tuple, list)):
        return ",".join(map(str, value)) or "()"
    return str(value)


# -- PyTorch ------------------------------------------------------------------------------------

def _of_callable(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any],
                 name: str | None = None) -> _core.Network:
    """Runs a module or a function on tensors without data."""
    torch = _torch("a module or a function needs PyTorch")
    from . import _capture, _inputs
    given = _inputs.take_options(kwargs)
    if given is not None:
        if args or kwargs:
            raise UsageError("input_size and input_data stand instead of inputs")
        args, kwargs = given(torch)
    elif not args and not kwargs and isinstance(model, torch.nn.Module):
        args, kwargs = _inputs.usual(model, torch)
    try:
        with _without_modes():
            record = _capture.record(model, args, kwargs, name=name)
    except _capture.CaptureError as error:
        raise CaptureError(_where(error), message=error.message, hint=error.hint or "",
                           module=error.module or "", operator=error.operator or "") from error
    return _core.read_record(record)


def _without_modes() -> Any:
    """Where no dispatch mode of the caller is active: in a FakeTensorMode all tensors would be fake."""
    import contextlib
    from torch.utils import _python_dispatch
    disable = getattr(_python_dispatch, "_disable_current_modes", None)  # since PyTorch 2.0
    return disable() if disable else contextlib.nullcontext()


def _where(error: Any) -> str:
    text = error.message
    if error.exception and error.exception not in text:
        text = f"{error.exception}: {text}"
    if error.operator:
        text = f"{error.operator}: {text}"
    return f"{error.module}: {text}" if error.module else text


def _of_program(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _core.Network:
    """An ExportedProgram, run once as a module on the inputs that it was exported with."""
    if not args and not kwargs and model.example_inputs is not None:
        args, kwargs = model.example_inputs
    return _of_callable(model.module(), tuple(args), dict(kwargs), name="ExportedProgram")


def _of_timm(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _core.Network:
    torch = _torch("timm needs PyTorch")
    timm = _package("timm")
    try:
        model = _built(torch, lambda: timm.create_model(name, pretrained=False))
    except RuntimeError as error:
        raise UsageError(str(error)) from error
    return _of_callable(model.eval(), args, kwargs, name="timm:" + name)


def _is_configuration(model: Any) -> bool:
    return any(kind.__name__ in ("PretrainedConfig", "PreTrainedConfig")
               and kind.__module__.startswith("transformers.") for kind in type(model).__mro__)


def _of_configuration(configuration: Any, args: tuple[Any, ...],
                      kwargs: dict[str, Any]) -> _core.Network:
    """The native graph of the configuration, which needs no PyTorch (docs/language_models.md). Of
    a model that has none, or with inputs, the class that the configuration names runs."""
    inputs = [name for name, value in kwargs.items()
              if hasattr(value, "dtype") or name in ("input_size", "input_data", "dtypes")]
    if not args and not inputs:
        content = configuration.to_json_string(use_diff=False).encode()
        try:
            return _of_bytes(content, type(configuration).__name__, args, dict(kwargs))
        except UnsupportedError:
            pass  # a type without a native graph
    torch = _torch("a configuration of transformers needs PyTorch")
    transformers = _package("transformers")
    named = (configuration.architectures or [""])[0]
    builder = getattr(transformers, named, None) if named else None
    if builder is None:
        model = _built(torch, lambda: transformers.AutoModel.from_config(configuration))
    else:
        model = _built(torch, lambda: builder(configuration))
    return _of_callable(model.eval(), args, kwargs, name=type(model).__name__)


def _built(torch: Any, build: Any) -> Any:
    """What a builder gives, on the meta device; or on the CPU where a constructor reads values."""
    try:
        with torch.device("meta"):
            return build()
    except (RuntimeError, NotImplementedError, AttributeError, TypeError):
        return build()


def _torch(why: str) -> Any:
    try:
        import torch
    except ImportError as error:
        raise MissingPackageError(f"{why}: {error}", hint="pip install torch") from error
    return torch


def _package(name: str) -> Any:
    import importlib
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingPackageError(f"{name} cannot be imported: {error}",
                                  hint=f"pip install {name}") from error
