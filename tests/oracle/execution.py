#!/usr/bin/python3
"""Runs the graphs of a zoometer binary, and compares what comes out with PyTorch.

For each model this makes torchvision's own with random weights and statistics, writes its
weights by their names to a safetensors file, lets `BINARY graph --format onnx --weights` write
the native graph with them, runs that with ONNX Runtime (tests/execution/run.mjs, in a folder
where its packages are installed) and compares every output with PyTorch's in eval mode, for the
same input. The difference is the largest one relative to the largest number of that output, and
for an int8 network in steps of its output's scale.
Detections are compared one by one, in whatever order: of two equal scores either comes first.

So the graphs mean what torchvision's models mean, and do not only count alike.
"""

import argparse
import json
import struct
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import torch
from torch import Tensor, nn
from torch.ao import quantization
from torch.nn import quantized as nnq
from torchvision.models import get_model_builder, list_models

import facts

MOST = 1e-4
MOST_STEPS = 3  # of int8 results: later layers add up early differences of rounding
IMAGE = (1, 3, 96, 96)
CLIP = (1, 3, 8, 64, 64)


@dataclass(frozen=True)
class Case:
    model: str
    shape: tuple[int, ...] = IMAGE
    inputs: int = 1
    sharper: float = 1  # class scores of random weights are almost equal: this separates them
    slow: bool = False
    backend: str = ""  # the int8 form, as PyTorch's kernels of that name expect it


CASES = (
    # at least one of every family
    Case("alexnet"),
    Case("convnext_tiny"),
    Case("densenet121"),
    Case("efficientnet_b0"),
    Case("efficientnet_v2_s"),
    Case("googlenet"),
    Case("inception_v3", (1, 3, 128, 128)),
    Case("maxvit_t", (1, 3, 224, 224)),
    Case("mnasnet0_5"),
    Case("mobilenet_v2"),
    Case("mobilenet_v3_small"),
    Case("regnet_x_400mf"),
    Case("regnet_y_400mf"),
    Case("resnet18"),
    Case("resnet50"),
    Case("resnext50_32x4d"),
    Case("wide_resnet50_2"),
    Case("shufflenet_v2_x1_0"),
    Case("squeezenet1_0"),
    Case("swin_t"),
    Case("swin_v2_t"),
    Case("vgg11_bn"),
    Case("vit_b_32", (1, 3, 224, 224)),
    # the quantizable ones, in float
    Case("quantized_googlenet"),
    Case("quantized_inception_v3", (1, 3, 128, 128)),
    Case("quantized_mobilenet_v2"),
    Case("quantized_mobilenet_v3_large"),
    Case("quantized_resnet18"),
    Case("quantized_shufflenet_v2_x1_0"),
    # the same in int8
    Case("quantized_googlenet", backend="qnnpack"),
    Case("quantized_inception_v3", (1, 3, 128, 128), backend="qnnpack"),
    Case("quantized_mobilenet_v2", backend="qnnpack"),
    Case("quantized_mobilenet_v3_large", backend="qnnpack"),
    Case("quantized_resnet18", backend="qnnpack"),
    Case("quantized_shufflenet_v2_x1_0", backend="qnnpack"),
    # segmentation
    Case("deeplabv3_mobilenet_v3_large"),
    Case("deeplabv3_resnet50"),
    Case("fcn_resnet50"),
    Case("lraspp_mobilenet_v3_large"),
    # video
    Case("mc3_18", CLIP),
    Case("r2plus1d_18", CLIP),
    Case("r3d_18", CLIP),
    Case("s3d", (1, 3, 16, 224, 224)),
    Case("swin3d_t", (1, 3, 8, 64, 64)),
    Case("mvit_v2_s", (1, 3, 16, 224, 224)),
    # optical flow
    Case("raft_small", (1, 3, 128, 136), 2),
    Case("raft_large", (1, 3, 128, 136), 2),
    # detection, from the image to the boxes
    Case("ssdlite320_mobilenet_v3_large", (1, 3, 200, 300), sharper=10),
    Case("fasterrcnn_mobilenet_v3_large_320_fpn", (1, 3, 200, 300), sharper=25),
    Case("retinanet_resnet50_fpn", (1, 3, 64, 1333), sharper=30),
    Case("fcos_resnet50_fpn", (1, 3, 64, 1333), sharper=30),
    # by name, or with --all
    Case("mvit_v1_b", (1, 3, 16, 224, 224), slow=True),
    Case("ssd300_vgg16", (1, 3, 200, 300), slow=True),
    Case("keypointrcnn_resnet50_fpn", (1, 3, 64, 1333), sharper=25, slow=True),
    Case("maskrcnn_resnet50_fpn", (1, 3, 64, 1333), sharper=25, slow=True),
)


# --- safetensors ----------------------------------------------------------------------------

TYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "I32": "<i4", "U8": "u1", "I8": "i1", "BOOL": "?"}


def write_tensors(path: Path, tensors: dict[str, numpy.ndarray]) -> None:
    header, parts, offset = {}, [], 0
    for name, array in tensors.items():
        dtype = next(key for key, value in TYPES.items() if numpy.dtype(value) == array.dtype)
        data = numpy.ascontiguousarray(array).tobytes()
        span = [offset, offset + len(data)]
        header[name] = {"dtype": dtype, "shape": array.shape, "data_offsets": span}
        parts.append(data)
        offset += len(data)
    text = json.dumps(header).encode()
    path.write_bytes(b"".join([struct.pack("<Q", len(text)), text, *parts]))


def read_tensors(path: Path) -> dict[str, numpy.ndarray]:
    file = path.read_bytes()
    length = 8 + struct.unpack_from("<Q", file)[0]
    tensors = {}
    for name, entry in json.loads(file[8:length]).items():
        begin, end = (length + offset for offset in entry["data_offsets"])
        array = numpy.frombuffer(file[begin:end], TYPES[entry["dtype"]])
        tensors[name] = array.reshape(entry["shape"])
    return tensors


# --- the models -----------------------------------------------------------------------------


def build(case: Case) -> nn.Module:
    torch.manual_seed(0)
    model = get_model_builder(case.model)(**facts.builder_options(case.model)).eval()
    randomise(model, case.sharper)
    return model


def quantise(model: nn.Module, case: Case, inputs: list[Tensor]) -> None:
    """The int8 form, with the ranges of what the inputs give: with any others, a network of random
    weights may end up in a corner of its ranges, where all results are the same."""
    torch.backends.quantized.engine = case.backend
    model.qconfig = quantization.QConfig(activation=quantization.default_observer,
                                         weight=quantization.default_weight_observer)
    model.fuse_model()
    quantization.prepare(model, inplace=True)
    outputs_of(model, case, inputs)
    quantization.convert(model, inplace=True)


# The layers that a detector's class scores come from.
SCORES = (
    "head.classification_head.module_list",
    "head.classification_head.cls_logits",
    "roi_heads.box_predictor.cls_score",
)


@torch.no_grad()
def randomise(model: nn.Module, sharper: float) -> None:
    """Gives every weight and statistic a value that shows where it is left out or mixed up.

    Most begin as all zeros or all ones, and some so small that they count for nothing."""
    for name, tensor in model.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.8, 1.25)
        elif name.endswith("running_mean"):
            tensor.normal_(0, 0.1)
        elif tensor.is_floating_point() and tensor.numel() > 1 and tensor.min() == tensor.max():
            tensor.add_(torch.empty_like(tensor).normal_(0, 0.1))
        if name.startswith(SCORES) and tensor.dim() > 1:
            tensor.mul_(sharper)


def inputs_of(case: Case) -> list[Tensor]:
    """Noise; for detectors on coarse structure, so that no two places look alike."""
    torch.manual_seed(1)
    noise = [torch.rand(case.shape) for _ in range(case.inputs)]
    if not facts.is_detection(case.model):
        return noise
    coarse = torch.rand(1, 3, case.shape[2] // 8, case.shape[3] // 8)
    return [nn.functional.interpolate(coarse, case.shape[2:], mode="bicubic") + 0.2 * noise[0]]


def outputs_of(model: nn.Module, case: Case, inputs: list[Tensor]) -> dict[str, Tensor]:
    with torch.no_grad():
        result = model(list(inputs[0])) if facts.is_detection(case.model) else model(*inputs)
    return dict(facts.tensors(result))


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    """The state dict. What a quantised module packs or keeps to itself is spelled out: a weight's
    integers, their scale for each channel, and the scale of the module's result."""
    weights = {name: t for name, t in model.state_dict().items() if isinstance(t, Tensor)}
    for path, module in model.named_modules():
        if isinstance(module, (nnq.Linear, nnq.Conv2d)):
            packed = f"{path}._packed_params" if isinstance(module, nnq.Linear) else path
            weights[f"{packed}.weight"], bias = module._weight_bias()
            if bias is not None:
                weights[f"{packed}.bias"] = bias.detach()
        if isinstance(getattr(module, "zero_point", None), (int, Tensor)):
            weights[f"{path}.scale"] = torch.as_tensor(module.scale, dtype=torch.float32)
            weights[f"{path}.zero_point"] = torch.as_tensor(module.zero_point, dtype=torch.int64)
    for name, tensor in [pair for pair in weights.items() if pair[1].is_quantized]:
        weights[name] = tensor.int_repr()
        per_channel = tensor.qscheme() in (torch.per_channel_affine, torch.per_channel_symmetric)
        scales = tensor.q_per_channel_scales() if per_channel else torch.tensor(tensor.q_scale())
        weights[f"{name}_scale"] = scales.float().expand(tensor.shape[0])
    return weights


# --- comparing ------------------------------------------------------------------------------


class Failed(Exception):
    pass


def run(*command: Any) -> None:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(f"{Path(command[0]).name}: {(done.stderr or done.stdout).strip()[:400]}")


def execute(case: Case, model: nn.Module, inputs: list[Tensor], places: argparse.Namespace) -> list:
    folder = places.work
    weights, onnx = folder / "weights.safetensors", folder / "model.onnx"
    write_tensors(weights, {name: t.numpy() for name, t in weights_of(model).items()})
    shapes = [f"--input-shape={','.join(map(str, case.shape))}"] * case.inputs
    run(places.binary, "graph", case.model, "--registry", "all", "--variant", "untrained", *shapes,
        "--format", "onnx", "--output", onnx, "--weights", weights, "--external-data",
        *["--quantize"] * bool(case.backend))
    names = [port["name"] for port in ports(places.binary, case)]
    write_tensors(folder / "in", {name: t.numpy() for name, t in zip(names, inputs)})
    run("node", places.runner / "run.mjs", onnx, folder / "in", folder / "out")
    return list(read_tensors(folder / "out").values())


def ports(binary: Path, case: Case) -> list[dict[str, Any]]:
    words = [binary, "profile", case.model, "--registry", "all", "--format", "json"]
    answer = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=True)
    return json.loads(answer.stdout)["inputs"]


def difference(expected: numpy.ndarray, actual: numpy.ndarray) -> float:
    if expected.shape != actual.shape:
        raise Failed(f"an output is {actual.shape} instead of {expected.shape}")
    if not numpy.isfinite(expected).all():
        raise Failed("an output is not finite, which compares nothing")
    largest = max(float(numpy.abs(expected).max(initial=0)), 1e-30)
    return float(numpy.abs(expected - actual).max(initial=0)) / largest


def steps_apart(expected: numpy.ndarray, actual: numpy.ndarray) -> float:
    """The largest difference, in the steps that the int8 results of PyTorch are apart."""
    if expected.shape != actual.shape:
        raise Failed(f"an output is {actual.shape} instead of {expected.shape}")
    steps = numpy.diff(numpy.unique(expected))
    if len(steps) < 10:
        raise Failed("the results are nearly equal, which compares nothing")
    return float(numpy.abs(expected - actual).max() / steps.min())


def detection_difference(expected: list[numpy.ndarray], actual: list[numpy.ndarray]) -> float:
    """The largest difference of a detection from the nearest one of the other side, of all its
    numbers relative to the largest of their kind, or to 1: scores are probabilities."""
    if [array.shape for array in expected] != [array.shape for array in actual]:
        raise Failed(f"{len(actual[0])} detections instead of {len(expected[0])}")
    if not len(expected[0]):
        raise Failed("nothing is detected, which compares nothing")
    scales = [max(float(numpy.abs(array).max()), 1.0) for array in expected]

    def rows(arrays: list[numpy.ndarray]) -> numpy.ndarray:
        parts = [array.reshape(len(array), -1) / scale for array, scale in zip(arrays, scales)]
        return numpy.concatenate(parts, axis=1)

    ours, theirs = rows(actual), rows(expected)
    apart = numpy.stack([numpy.abs(theirs - row).max(axis=1) for row in ours])
    return float(max(apart.min(axis=0).max(), apart.min(axis=1).max()))


def calibrate(model: nn.Module, case: Case, inputs: list[Tensor]) -> None:
    """Takes the statistics of these inputs: in a deep network with any others, all places of an
    image end up with the same numbers, and which of them wins means nothing."""
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.train()
        norm.momentum = 1.0
    several = [torch.cat([x, x.flip(3)]) for x in inputs]  # a map of one pixel has none otherwise
    outputs_of(model, case, several)
    for norm in norms:
        norm.running_var.clamp_(min=0.01)  # less would make much of rounding
    model.eval()


def compare(case: Case, places: argparse.Namespace) -> tuple[float, int]:
    model = build(case)
    inputs = inputs_of(case)
    if facts.is_detection(case.model):
        calibrate(model, case, inputs)
    if case.backend:
        quantise(model, case, inputs)
    wanted = [t.double().numpy() for t in outputs_of(model, case, inputs).values()]
    actual = [array.astype(float) for array in execute(case, model, inputs, places)]
    if len(wanted) != len(actual):
        raise Failed(f"{len(actual)} outputs instead of {len(wanted)}")
    if case.backend:
        worst = max(map(steps_apart, wanted, actual))
    elif facts.is_detection(case.model):
        worst = detection_difference(wanted, actual)
    else:
        worst = max(map(difference, wanted, actual))
    return worst, sum(array.size for array in wanted)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("binary", type=Path)
    parser.add_argument("runner", type=Path, help="where run.mjs and its packages are")
    parser.add_argument("work", type=Path, help="a folder for what is written")
    parser.add_argument("models", nargs="*")
    parser.add_argument("--all", action="store_true", help="the slow ones, too")
    places = parser.parse_args()
    warnings.simplefilter("ignore")
    installed = set(list_models())  # swin3d came with torchvision 0.15
    for case in CASES:
        if case.model not in installed:
            print(f"left out: {case.model}, which this torchvision does not have")
    usual = [case for case in CASES if places.all or not case.slow]
    named = [case for case in CASES if case.model in places.models]
    cases = [case for case in (named if places.models else usual) if case.model in installed]
    agreed = 0
    print(f"{'model':38} {'input':16} {'numbers':>8}  {'difference':>10}  {'seconds':>7}")
    for case in cases:
        start = time.monotonic()
        shape = "x".join(map(str, case.shape))
        try:
            worst, count = compare(case, places)
            agrees = worst <= MOST_STEPS if case.backend else worst < MOST
            agreed += agrees
            figure = f"{worst:.0f} steps" if case.backend else f"{worst:.1e}"
            verdict = f"{count:8}  {figure:>10}" + ("" if agrees else "  DIFFERS")
        except Failed as error:
            verdict = f"FAILED: {error}"
        print(f"{case.model:38} {shape:16} {verdict}  {time.monotonic() - start:7.1f}", flush=True)
    print(f"executed {agreed} of {len(cases)} models within {MOST:g} of PyTorch, "
          f"int8 within {MOST_STEPS} steps")
    return 0 if agreed == len(cases) and cases else 1


if __name__ == "__main__":
    sys.exit(main())
