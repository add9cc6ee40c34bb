#!/usr/bin/env python3
"""Compares the binary with a PyTorch that is newer than the tests' own: run it with a Python that has
torch 2.5 or later, its torchvision and onnxscript, and timm for names like "timm:convnext_tiny".
Options come before the binary and the names.

Of each model of torchvision, untrained and with the inputs that the binary takes for it:

  program  what torch.export.export(strict=False) saves: parameters and the MACs of every module
  core     the same after run_decompositions()
  batch    the program exported for any batch, read with 3: as the native model with 3
  onnx     what torch.onnx.export(dynamo=True) writes: the MACs of every module
  flops    what torch.utils.flop_counter counts: `--convention torch` of the native model

Of a model of timm: parameters, and flop_counter's count against that of the program. Nowhere may an
operator be unknown. Models that PyTorch cannot export are listed and are not a difference; neither are
MACs that its ONNX exporter has computed away, which are printed. The last line is
"newer_torch: N of M comparisons agree".
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import facts
from export_onnx import module_differences, profile

# Weights that depend on constants alone, and the first step of a flow that begins as zeros.
COMPUTED_BY_THE_EXPORTER = ("swin_v2", "raft")
Finding = tuple[str, str, list[str]]  # the model, what was compared, the differences


class NotExported(Exception):
    """PyTorch's own failure."""


def build(name: str) -> nn.Module:
    if name.startswith("timm:"):
        import timm
        return timm.create_model(name.removeprefix("timm:"), pretrained=False).eval()
    return torchvision.models.get_model_builder(name)(**facts.builder_options(name)).eval()


def example(shapes: list[list[int]], is_detector: bool, device: str = "cpu") -> tuple[Any, ...]:
    tensors = [torch.rand(shape, device=device) for shape in shapes]
    return ([tensor.squeeze(0) for tensor in tensors],) if is_detector else tuple(tensors)


def save(program: Any, path: Path) -> None:
    """The archive without its weights, which are not read and may be gigabytes."""
    whole = path.with_suffix(".whole.pt2")
    torch.export.save(program, whole)
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w") as new:
        for entry in old.infolist():
            if entry.filename.endswith(".json") or "/data/" not in entry.filename:
                new.writestr(entry.filename, old.read(entry))
    whole.unlink()


def count_flops(model: nn.Module, inputs: tuple[Any, ...]) -> int:
    with FlopCounterMode(display=False) as counter:
        model(*inputs)
    return counter.get_total_flops()


def unequal(what: str, expected: Any, came: Any) -> list[str]:
    return [] if expected == came else [f"{what}: {came}, expected {expected}"]


def unknown(file: dict[str, Any]) -> list[str]:
    return [f"unknown operator {u['op']} x {u['count']}" for u in file["coverage"]["unknown"]]


def total(document: dict[str, Any], column: str) -> int:
    return document["totals"][column]


class Comparison:
    def __init__(self, binary: Path, name: str, folder: Path):
        self.binary, self.name, self.folder = binary, name, folder
        self.found: list[Finding] = []

    def step(self, what: str, compare: Callable[[], list[str]]) -> None:
        try:
            self.found.append((self.name, what, compare()))
        except NotExported as error:
            self.found.append((self.name, f"{what} not exported", [str(error)]))
        except Exception as error:  # any exception is a failure of this comparison
            self.found.append((self.name, what, [f"{type(error).__name__}: {error}"[:300]]))

    def native(self, *words: str) -> dict[str, Any]:
        return profile(self.binary, self.name, "--registry", "all", "--variant", "untrained", *words)

    def file(self, path: Path, *words: str) -> dict[str, Any]:
        return profile(self.binary, str(path), "--convention", "torch", *words)

    def against(self, ours: dict[str, Any], path: Path, *words: str) -> list[str]:
        file = self.file(path, *words)
        return [*unknown(file), *module_differences(ours, file),
                *unequal("parameters", total(ours, "parameters"), total(file, "parameters"))]

    def export(self, model: nn.Module, inputs: tuple[Any, ...], **options: Any) -> Any:
        try:
            with torch.no_grad():
                return torch.export.export(model, inputs, strict=False, **options)
        except Exception as error:
            first = str(error).partition("\n")[0]
            raise NotExported(f"{type(error).__name__}: {first}"[:160]) from error

    def torchvision(self) -> list[Finding]:
        ours = self.native("--convention", "torch")
        shapes = [port["shape"] for port in ours["inputs"]]
        is_detector = ours["inputs"][0]["name"] == "images"
        model, inputs = build(self.name), example(shapes, is_detector)
        path = self.folder / f"{self.name}.pt2"

        def program() -> list[str]:
            exported = self.export(model, inputs)
            save(exported, path)
            self.step("core", lambda: core(exported))
            return self.against(ours, path)

        def core(exported: Any) -> list[str]:
            save(exported.run_decompositions(), path.with_suffix(".core.pt2"))
            return self.against(ours, path.with_suffix(".core.pt2"))

        def batch() -> list[str]:
            size = torch.export.Dim("batch", min=1, max=64)
            twice = example([[2, *shape[1:]] for shape in shapes], False)
            exported = self.export(model, twice, dynamic_shapes=tuple({0: size} for _ in twice))
            save(exported, path.with_suffix(".batch.pt2"))
            name = str(next(iter(exported.range_constraints)))
            return self.against(self.native("--batch", "3"), path.with_suffix(".batch.pt2"),
                                "--dim", f"{name}=3")

        def onnx() -> list[str]:
            target = self.folder / f"{self.name}.onnx"
            try:
                with torch.no_grad():
                    torch.onnx.export(model, inputs, target, dynamo=True, external_data=True,
                                      verbose=False)
            except Exception as error:
                raise NotExported(type(error).__name__) from error
            target.with_suffix(".onnx.data").unlink(missing_ok=True)
            file = self.file(target)
            if self.name.startswith(COMPUTED_BY_THE_EXPORTER):
                less = total(ours, "macs") - total(file, "macs")
                print(f"{self.name}: {less} MACs computed by the exporter", flush=True)
                return unknown(file) + unequal("MACs computed away", True, 0 <= less < 3e7)
            return unknown(file) + module_differences(ours, file)

        def flops() -> list[str]:
            counted = count_flops(model.to("meta"), example(shapes, False, "meta"))
            return unequal("flops", counted, total(ours, "cost"))

        self.step("program", program)
        if not is_detector:
            if len(shapes) == 1:
                self.step("batch", batch)
            self.step("onnx", onnx)
            self.step("flops", flops)
        return self.found

    def timm(self) -> list[Finding]:
        def program() -> list[str]:
            model = build(self.name)
            size = [[1, *model.pretrained_cfg.get("input_size", (3, 224, 224))]]
            path = self.folder / f"{self.name}.pt2"
            save(self.export(model, example(size, False)), path)
            file = self.file(path)
            parameters = sum(parameter.numel() for parameter in model.parameters())
            counted = count_flops(model.to("meta"), example(size, False, "meta"))
            return [*unknown(file), *unequal("parameters", parameters, total(file, "parameters")),
                    *unequal("flops", counted, total(file, "cost"))]

        self.step("program", program)
        return self.found


def compare(job: tuple[Path, str, Path]) -> list[Finding]:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    comparison = Comparison(*job)
    return comparison.timm() if job[1].startswith("timm:") else comparison.torchvision()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("binary", type=Path)
    parser.add_argument("--keep", type=Path, help="a folder for the exported files")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("models", nargs="*", help="default: all of torchvision")
    arguments = parser.parse_args()
    names = arguments.models or torchvision.models.list_models()
    agreed = compared = 0
    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}")
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        jobs = [(arguments.binary.resolve(), name, folder) for name in names]
        with multiprocessing.get_context("spawn").Pool(arguments.jobs, maxtasksperchild=8) as pool:
            for findings in pool.imap_unordered(compare, jobs):
                for name, what, differences in findings:
                    exported = not what.endswith("not exported")
                    compared += exported
                    agreed += exported and not differences
                    verdict = "; ".join(differences[:6]) or "agrees"
                    print(f"{name}: {what}: {verdict}", flush=True)
    print(f"newer_torch: {agreed} of {compared} comparisons agree")
    return agreed != compared


if __name__ == "__main__":
    sys.exit(main())
