#!/usr/bin/python3
"""Exports torchvision models to ONNX without weights and compares what the binary says of the files
with what it says of its own models.

Per model: no operator is unknown, MACs and parameters are equal, and so are the MACs of every
module that both trees have; every module with MACs of its own is in both. The last line is
"export_onnx: N of M models agree".

The export leaves nothing out and changes nothing: batch norms are not folded into convolutions, and
constants not computed. Weights that no operator reads (auxiliary heads in evaluation) are not in an
export, so that models with such heads are built without.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import torch
from torchvision.models import get_model

# Inputs are as small as the models take: the cost of an export is one run of the model.
MODELS: dict[str, tuple[int, ...]] = {
    "alexnet": (1, 3, 224, 224),
    "convnext_tiny": (1, 3, 64, 64),
    "deeplabv3_resnet50": (1, 3, 64, 64),
    "densenet121": (1, 3, 64, 64),
    "efficientnet_b0": (1, 3, 64, 64),
    "efficientnet_v2_s": (1, 3, 64, 64),
    "fcn_resnet50": (1, 3, 64, 64),
    "googlenet": (1, 3, 64, 64),
    "inception_v3": (1, 3, 96, 96),
    "lraspp_mobilenet_v3_large": (1, 3, 64, 64),
    "maxvit_t": (1, 3, 224, 224),
    "mc3_18": (1, 3, 4, 32, 32),
    "mnasnet1_0": (1, 3, 64, 64),
    "mobilenet_v2": (1, 3, 64, 64),
    "mobilenet_v3_large": (1, 3, 64, 64),
    "mobilenet_v3_small": (1, 3, 64, 64),
    "mvit_v1_b": (1, 3, 16, 224, 224),
    "r2plus1d_18": (1, 3, 4, 32, 32),
    "r3d_18": (1, 3, 4, 32, 32),
    "regnet_x_400mf": (1, 3, 64, 64),
    "regnet_y_400mf": (1, 3, 64, 64),
    "resnet18": (1, 3, 64, 64),
    "resnet50": (1, 3, 64, 64),
    "resnext50_32x4d": (1, 3, 64, 64),
    "s3d": (1, 3, 16, 224, 224),
    "shufflenet_v2_x1_0": (1, 3, 64, 64),
    "squeezenet1_0": (1, 3, 64, 64),
    "squeezenet1_1": (1, 3, 64, 64),
    "swin_t": (1, 3, 64, 64),
    "swin_v2_t": (1, 3, 64, 64),
    "vgg11": (1, 3, 224, 224),
    "vgg11_bn": (1, 3, 224, 224),
    "vit_b_16": (1, 3, 224, 224),
    "wide_resnet50_2": (1, 3, 64, 64),
}

# Models whose untrained variant has heads that evaluation does not run.
WITH_AUXILIARY_HEADS = {"googlenet", "inception_v3"}
HEADLESS = {"fcn_resnet50", "deeplabv3_resnet50"}


def build(name: str) -> torch.nn.Module:
    options: dict[str, Any] = {"weights": None}
    if name in WITH_AUXILIARY_HEADS:
        options |= {"aux_logits": False, "init_weights": False}
    if name in HEADLESS or name.startswith("lraspp"):
        options["weights_backbone"] = None
    model = get_model(name, **options).eval()
    with torch.no_grad():
        for i, parameter in enumerate(model.parameters()):  # equal ones would be merged into one
            parameter.view(-1)[0] = i
    for module in model.modules():
        # The fused kernel that evaluation takes has no ONNX counterpart; dropout is 0.
        if isinstance(module, torch.nn.MultiheadAttention) and module.dropout == 0:
            module.training = True
    return model


def zeros_like(graph: Any, x: Any) -> Any:
    return graph.op("ConstantOfShape", graph.op("Shape", x))


def export(name: str, path: Path) -> None:
    warnings.simplefilter("ignore")
    # torch 1.13 cannot export `zero_`, which Swin V2 calls on a part of a bias.
    torch.onnx.register_custom_op_symbolic("aten::zero", zeros_like, 16)
    torch.onnx.export(
        build(name),
        (torch.zeros(MODELS[name]),),
        str(path),
        export_params=False,
        training=torch.onnx.TrainingMode.PRESERVE,
        do_constant_folding=False,
        opset_version=16,
        input_names=["x"],
    )


def profile(binary: Path, *words: str) -> dict[str, Any]:
    answer = subprocess.run(
        [str(binary), "profile", *words, "--format", "json"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    if answer.returncode != 0:
        raise RuntimeError(answer.stderr.strip())
    return json.loads(answer.stdout)


def native(binary: Path, name: str) -> dict[str, Any]:
    shape = ",".join(map(str, MODELS[name]))
    return profile(binary, name, "--variant", "untrained", "--input-shape", shape)


def auxiliary_parameters(document: dict[str, Any]) -> int:
    heads = {"AuxLogits", "aux1", "aux2", "aux_classifier"}
    return sum(m["parameters"] for m in document["modules"] if m["path"] in heads)


def module_differences(ours: dict[str, Any], file: dict[str, Any]) -> list[str]:
    """The modules with MACs that only one of the two has, and those with other MACs."""
    found = []
    expected = {m["path"]: m for m in ours["modules"] if m["macs"]}
    came = {m["path"]: m for m in file["modules"] if m["macs"]}
    for path in sorted(expected.keys() - came.keys()):
        found.append(f"no module {path}")
    for path in sorted(came.keys() - expected.keys()):
        found.append(f"a module {path} that the model does not have")
    for path in sorted(expected.keys() & came.keys()):
        if expected[path]["macs"] != came[path]["macs"]:
            found.append(f"{path}: {came[path]['macs']} MACs, expected {expected[path]['macs']}")
    return found


def differences(ours: dict[str, Any], file: dict[str, Any]) -> list[str]:
    """The differences between the profiles of an exported file and of the native model."""
    found = [f"unknown operator {u['op']} x {u['count']}" for u in file["coverage"]["unknown"]]
    wanted = ours["totals"]["parameters"] - auxiliary_parameters(ours)
    if file["totals"]["parameters"] != wanted:
        found.append(f"parameters {file['totals']['parameters']}, expected {wanted}")
    if file["totals"]["macs"] != ours["totals"]["macs"]:
        found.append(f"MACs {file['totals']['macs']}, expected {ours['totals']['macs']}")
    found += module_differences(ours, file)
    shapes = [output["shape"] for output in ours["outputs"]]
    if [output["shape"] for output in file["outputs"]] != shapes:
        found.append(f"output shapes other than {shapes}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--keep", type=Path, help="a folder for the exported files")
    parser.add_argument("model", nargs="*", help="default: all that are listed")
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    agreed = 0
    names = arguments.model or list(MODELS)
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        for name in names:
            path = folder / f"{name}.onnx"
            start = time.process_time()
            try:
                if not (arguments.keep and path.exists()):
                    export(name, path)
                found = differences(native(arguments.binary, name), profile(arguments.binary, str(path)))
            except Exception as error:  # an export fails in many ways; each is a failed model
                found = [f"{type(error).__name__}: {error}"[:400]]
            agreed += not found
            seconds = time.process_time() - start
            print(f"{name}: {'agrees' if not found else 'differs'} ({seconds:.1f} s)", flush=True)
            for line in found[:12]:
                print(f"  {line}")
    print(f"export_onnx: {agreed} of {len(names)} models agree")
    return agreed != len(names)


if __name__ == "__main__":
    sys.exit(main())
