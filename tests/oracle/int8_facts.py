#!/usr/bin/python3
"""Facts about the int8 forms of torchvision's quantizable models, from the running PyTorch.

For every model this writes `tests/golden/int8/MODEL.txt`: `input`, `output`, `state` and `module`
lines as facts.py describes them, taken from builder(weights=None, quantize=True).

A packed linear layer has one entry in the state dict, a pair of tensors; it is written as two
entries, `_packed_params.weight` and `_packed_params.bias`. What PyTorch calls parameters before
the conversion is written as `parameter`, scales and zero points as `buffer`.

Every model is converted for the engine qnnpack, which this PyTorch has; for fbgemm, weights have
a scale per channel instead of one, and all that is written here is the same.
"""

import argparse
import difflib
import sys
import warnings
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import Tensor, nn
from torchvision.models import get_model, list_models

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "int8"
ENGINE = "qnnpack"
SIZES = {"quantized_inception_v3": 299}


def text_of(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "()"


def dtype_of(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def build(name: str) -> nn.Module:
    options: dict[str, Any] = {"weights": None, "quantize": True, "backend": ENGINE}
    if name in ("quantized_googlenet", "quantized_inception_v3"):
        options["init_weights"] = False  # truncated normals take minutes
    return get_model(name, **options).eval()


def state_lines(model: nn.Module) -> list[str]:
    lines = []

    def add(name: str, tensor: Tensor) -> None:
        kind = "buffer" if name.endswith((".scale", ".zero_point")) else "parameter"
        lines.append(f"state {name} {dtype_of(tensor)} {text_of(tensor.shape)} {kind}")

    for name, value in model.state_dict().items():
        if isinstance(value, Tensor):
            add(name, value)
        elif isinstance(value, tuple):
            path = name.removesuffix("._packed_params")
            add(f"{path}.weight", value[0])
            add(f"{path}.bias", value[1])
    return lines


def module_lines(model: nn.Module, x: Tensor) -> tuple[Tensor, list[str]]:
    calls: dict[str, list[str]] = {path: [] for path, _ in model.named_modules()}
    for path, module in model.named_modules():
        module.register_forward_hook(
            lambda _module, _inputs, output, path=path: calls[path].append(text_of(output.shape))
        )
    with torch.no_grad():
        output = model(x)
    lines = []
    for path, module in model.named_modules():
        shapes = " | ".join(calls[path])
        words = ["module", path or '""', type(module).__name__, str(len(calls[path]))]
        lines.append(" ".join(words + ([shapes] if shapes else [])))
    return output, lines


def facts(name: str) -> str:
    size = SIZES.get(name, 224)
    x = torch.rand(1, 3, size, size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = build(name)
        output, modules = module_lines(model, x)
    versions = f"torchvision {torchvision.__version__}, torch {torch.__version__}"
    lines = [
        f"# facts of {versions}; written by tests/oracle/int8_facts.py",
        f"model {name} int8",
        f"input x {text_of(x.shape)} {dtype_of(x)}",
        f"output {text_of(output.shape)} {dtype_of(output)}",
        *state_lines(model),
        *modules,
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    known = [name for name in list_models() if name.startswith("quantized_")]
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=GOLDEN, help="folder of the golden files")
    parser.add_argument("--models", nargs="+", metavar="MODEL", choices=known, default=known)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    options = parser.parse_args()

    torch.backends.quantized.engine = ENGINE
    options.out.mkdir(parents=True, exist_ok=True)
    failures = 0
    for name in options.models:
        path = options.out / f"{name}.txt"
        text = facts(name)
        if not options.check:
            path.write_text(text)
            continue
        golden = path.read_text() if path.exists() else ""
        changes = list(difflib.unified_diff(golden.splitlines(), text.splitlines(), lineterm=""))
        print("\n".join(changes[:20]), end="\n" if changes else "")
        failures += bool(changes)
    print(f"int8 {len(options.models) - failures} of {len(options.models)} models")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
