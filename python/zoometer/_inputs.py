"""Inputs of modules: sizes instead of tensors, and what a model says that it usually takes."""

from __future__ import annotations

from typing import Any

from ._errors import UsageError

Call = tuple[tuple[Any, ...], dict[str, Any]]


def take_options(kwargs: dict[str, Any]) -> Any:
    """Removes `input_size`, `input_data` and `dtypes`; a function of torch that gives the call.

    None where neither `input_size` nor `input_data` is there.
    """
    size = kwargs.pop("input_size", None)
    data = kwargs.pop("input_data", None)
    dtypes = kwargs.pop("dtypes", None)
    if size is not None and data is not None:
        raise UsageError("input_size and input_data contradict each other")
    if size is not None:
        return lambda torch: _of_sizes(size, dtypes, torch)
    if data is not None:
        return lambda torch: _of_data(data, torch)
    if dtypes is not None:
        raise UsageError("dtypes needs input_size")
    return None


def _of_data(data: Any, torch: Any) -> Call:
    if isinstance(data, torch.Tensor):
        return (data,), {}
    if isinstance(data, dict):
        return (), dict(data)
    return tuple(data), {}


def _of_sizes(size: Any, dtypes: Any, torch: Any) -> Call:
    if isinstance(size, dict):
        types = _types(dtypes, len(size), torch)
        return (), {name: _empty(each, dtype, torch)
                    for (name, each), dtype in zip(size.items(), types)}
    sizes = [size] if all(isinstance(each, int) for each in size) else list(size)
    types = _types(dtypes, len(sizes), torch)
    return tuple(_empty(each, dtype, torch) for each, dtype in zip(sizes, types)), {}


def _types(dtypes: Any, count: int, torch: Any) -> list[Any]:
    if dtypes is None:
        return [torch.get_default_dtype()] * count
    if not isinstance(dtypes, (list, tuple)):
        dtypes = [dtypes]
    if len(dtypes) == 1:
        dtypes = list(dtypes) * count
    if len(dtypes) != count:
        raise UsageError(f"{len(dtypes)} dtypes for {count} inputs")
    return [getattr(torch, each) if isinstance(each, str) else each for each in dtypes]


def _empty(size: Any, dtype: Any, torch: Any) -> Any:
    return torch.empty(tuple(size), dtype=dtype, device="meta")


def usual(model: Any, torch: Any) -> Call:
    """What a model is usually called with, where it says so; no inputs for any other."""
    configuration = getattr(model, "pretrained_cfg", None) or getattr(model, "default_cfg", None)
    if isinstance(configuration, dict) and "input_size" in configuration:  # timm
        size = configuration["input_size"]
        if configuration.get("fixed_input_size") is False and hasattr(model, "img_size"):
            size = (size[0], *_pair(model.img_size))
        return (_empty((1, *size), torch.get_default_dtype(), torch),), {}
    if hasattr(model, "config") and hasattr(model, "main_input_name"):  # transformers
        return (), _of_transformers(model, torch)
    return (), {}


def _pair(size: Any) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else tuple(size)


# The length of texts for which a model of transformers is counted where none is given.
_TOKENS = 128


def _of_transformers(model: Any, torch: Any) -> dict[str, Any]:
    """One text, image or sound for a model of transformers."""
    config, name = model.config, model.main_input_name
    inputs: dict[str, Any] = {}
    is_dual = hasattr(config, "text_config") and hasattr(config, "vision_config")
    if name == "pixel_values" or is_dual:
        vision = getattr(config, "vision_config", config)
        size = _pair(getattr(vision, "image_size", 224))
        channels = getattr(vision, "num_channels", 3)
        inputs["pixel_values"] = _empty((1, channels, *size), model.dtype, torch)
        if not is_dual:
            return inputs
    if name == "input_values":
        return {name: _empty((1, 16000), model.dtype, torch)}
    if name == "input_features":
        mels = getattr(config, "num_mel_bins", 80)
        frames = 2 * getattr(config, "max_source_positions", 1500)
        inputs[name] = _empty((1, mels, frames), model.dtype, torch)
    else:
        text = getattr(config, "text_config", config)
        tokens = min(_TOKENS, getattr(text, "max_position_embeddings", _TOKENS))
        inputs["input_ids"] = _empty((1, tokens), torch.int64, torch)
    if getattr(config, "is_encoder_decoder", False):
        inputs["decoder_input_ids"] = _empty((1, _TOKENS), torch.int64, torch)
    return inputs
