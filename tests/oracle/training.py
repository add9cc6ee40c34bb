#!/usr/bin/python3
"""Compares `BINARY profile --training` with what PyTorch's autograd does on the CPU.

For models of torchvision, in training mode and on small inputs:

    saved     the storages that autograd keeps from forward to backward, each once, by
              torch.autograd.graph.saved_tensors_hooks; parameters, buffers and the inputs are not
              counted, since they are there anyway
    forward   the multiply-accumulates of the convolutions and matrix products that PyTorch runs
    backward  ... and of those that backward runs

Where PyTorch keeps more or less, `differences` says how many bytes, and why.
"""

import argparse
import json
import math
import subprocess
import sys
import warnings

import torch
import torchvision
from torch.utils._python_dispatch import TorchDispatchMode

FLOAT = 4
NUMBER = 8  # a divisor or factor that is not a tensor becomes one of float64
IMAGES = (2, 3, 64, 64)
LARGE = (1, 3, 224, 224)  # for models whose parameters depend on the size
CLIPS = (2, 3, 8, 32, 32)
MODELS = {
    **dict.fromkeys(
        "alexnet convnext_tiny deeplabv3_mobilenet_v3_large densenet121 efficientnet_b0 efficientnet_v2_s fcn_resnet50 "
        "googlenet lraspp_mobilenet_v3_large mnasnet0_5 mnasnet1_0 mobilenet_v2 mobilenet_v3_large mobilenet_v3_small "
        "regnet_x_400mf regnet_y_400mf resnet18 resnet50 resnext50_32x4d shufflenet_v2_x0_5 shufflenet_v2_x1_0 "
        "squeezenet1_0 squeezenet1_1 swin_t swin_v2_t vgg11 vgg11_bn wide_resnet50_2".split(), IMAGES),
    "inception_v3": (2, 3, 96, 96),
    "raft_small": (1, 3, 128, 128),
    **dict.fromkeys(("maxvit_t", "vit_b_32"), LARGE),
    **dict.fromkeys(("mc3_18", "r2plus1d_18", "r3d_18"), CLIPS),
}
ARGUMENTS = {  # what evaluation does not run
    "googlenet": {"aux_logits": False, "init_weights": False},
    "inception_v3": {"aux_logits": False, "init_weights": False},
    **dict.fromkeys(("deeplabv3_mobilenet_v3_large", "fcn_resnet50", "lraspp_mobilenet_v3_large"),
                    {"weights_backbone": None}),
}

FACTORS = "dropout's factors"
RESULTS = "dropout's results, which the evaluated graph has no tensors for"
DEPTHS = "a factor for each sample of stochastic depth"
POOLED = "the last pooling's input, which PyTorch 1.13 keeps and newer ones do not"
NUMBERS = "numbers that tensors are divided by or multiplied with"
COPIES = "products of four and more dimensions copy keys and values and keep the copies; the projection that they are " \
    "views of goes, which zoometer keeps"
VALUES = "products of four dimensions copy the values, beside the projection that they are views of"


def windows(side, blocks, channels, window):
    """The elements of attention's windows in all blocks of four stages, for one image."""
    total = 0
    for stage, count in enumerate(blocks):
        padded = math.ceil((side >> stage) / window) * window
        total += count * padded * padded * (channels << stage)
    return total


# What PyTorch keeps in addition: numbers of float32 for each sample, bytes, and why.
DIFFERENCES = {
    "alexnet": (2 * 4096 + 9216, 0, (FACTORS, RESULTS)),
    "convnext_tiny": (768 * 4 + 17, 0, (POOLED, DEPTHS)),
    "deeplabv3_mobilenet_v3_large": (2 * 256 * 16, 0, (FACTORS, RESULTS)),
    "efficientnet_b0": (1280 * 5 + 9, 0, (FACTORS, POOLED, DEPTHS)),
    "efficientnet_v2_s": (1280 * 5 + 34, 0, (FACTORS, POOLED, DEPTHS)),
    "fcn_resnet50": (2 * 512 * 64, 0, (FACTORS, RESULTS)),
    "googlenet": (1024 * 5, 0, (FACTORS, POOLED)),
    "inception_v3": (2048 * 2, 0, (FACTORS, POOLED)),
    "maxvit_t": (512 * 49 + 50 - windows(56, (4, 4, 10), 64, 7), 22 * NUMBER,
                 (POOLED, DEPTHS, NUMBERS, COPIES, "but not where there is one window")),
    "mnasnet0_5": (1280, 0, (FACTORS,)),
    "mnasnet1_0": (1280, 0, (FACTORS,)),
    "mobilenet_v2": (1280 * 5, 0, (FACTORS, POOLED)),
    "mobilenet_v3_large": (1280 + 960 * 4, 0, (FACTORS, POOLED)),
    "mobilenet_v3_small": (1024 + 576 * 4, 0, (FACTORS, POOLED)),
    "raft_small": (25, 0, (NUMBERS,)),
    "squeezenet1_0": (512 * 9, 0, (FACTORS,)),
    "squeezenet1_1": (512 * 9, 0, (FACTORS,)),
    "swin_t": (768 * 4 + 22 - windows(16, (2, 2, 6, 2), 96, 7), 12 * NUMBER, (POOLED, DEPTHS, NUMBERS, COPIES)),
    "swin_v2_t": (768 * 4 + 22 + windows(16, (2, 2, 6, 2), 96, 8), 12 * NUMBER, (POOLED, DEPTHS, NUMBERS, VALUES)),
    "vgg11": (2 * 2 * 4096, 0, (FACTORS, RESULTS)),
    "vgg11_bn": (2 * 2 * 4096, 0, (FACTORS, RESULTS)),
    "vit_b_32": (0, 12 * NUMBER, (NUMBERS,)),
}


class Products(TorchDispatchMode):
    """Counts the multiply-accumulates of everything that runs inside."""

    def __init__(self):
        super().__init__()
        self.macs = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if name == "detach" and not isinstance(result, torch.Tensor):
            return torch.tensor(result)  # PyTorch 1.13 passes a number and needs a tensor back
        if name in ("mm", "bmm"):
            self.macs += args[0].numel() * args[1].shape[-1]
        elif name == "addmm":
            self.macs += args[1].numel() * args[2].shape[-1]
        elif name == "baddbmm":
            self.macs += args[1].numel() * args[2].shape[-1]
        elif name == "convolution":
            self.macs += result.numel() * args[1].numel() // args[1].shape[0]
        elif name == "convolution_backward":
            gradient, _, weight = args[:3]
            wanted = args[10]
            self.macs += gradient.numel() * (weight.numel() // weight.shape[0]) * sum(wanted[:2])
        return result


def difference(name):
    """Bytes that PyTorch keeps in addition, and why."""
    numbers, more, reasons = DIFFERENCES.get(name, (0, 0, ()))
    return MODELS.get(name, IMAGES)[0] * numbers * FLOAT + more, "; ".join(reasons)


def inputs_of(name):
    return 2 if name.startswith("raft") else 1


def sum_of(result):
    if isinstance(result, torch.Tensor):
        return result.sum()
    return sum(map(sum_of, result.values() if isinstance(result, dict) else result))


def measure(name):
    torch.manual_seed(0)
    build = torchvision.models.get_model_builder(name)
    model = build(weights=None, **ARGUMENTS.get(name, {})).train()
    inputs = [torch.rand(MODELS.get(name, IMAGES)) for _ in range(inputs_of(name))]
    there = {tensor.storage().data_ptr() for tensor in [*model.parameters(), *model.buffers(), *inputs]}
    kept = {}
    packed = []  # keeps them, so that no address is used twice

    def pack(tensor):
        storage = tensor.storage()
        if storage.data_ptr() not in there:
            kept[storage.data_ptr()] = storage.nbytes()
        packed.append(tensor)
        return tensor

    forward, backward = Products(), Products()
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        with forward:
            result = model(*inputs)
    with backward:
        sum_of(result).backward()
    return sum(kept.values()), forward.macs, backward.macs


def ask(binary, name):
    words = [binary, "profile", name, "--registry", "all", "--variant", "untrained", "--training"]
    words += ["--input-shape", ",".join(map(str, MODELS.get(name, IMAGES)))] * inputs_of(name)
    words += ["--format", "json"]
    answer = subprocess.run(words, capture_output=True, text=True, check=True)
    return json.loads(answer.stdout)["training"]


def compare(binary, name):
    """The number of figures that agree, and of those compared."""
    saved, forward, backward = measure(name)
    ours = ask(binary, name)
    more, reason = difference(name)
    agree = 0
    for title, measured, expected, extra in (
        ("saved", saved, ours["saved_bytes"], more),
        ("forward", forward, ours["macs"], 0),
        ("backward", backward, ours["backward_macs"], 0),
    ):
        equal = measured == expected + extra
        agree += equal
        text = "equal" if equal else f"DIFFERS by {measured - expected:,}"
        if equal and extra:
            text = f"equal with {extra:,} bytes ({100 * abs(extra) / measured:.2f}%): {reason}"
        print(f"{name:28} {title:9} {measured:>16,} zoometer {expected:>16,}  {text}", flush=True)
    return agree, 3


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("models", nargs="*", help="of torchvision; 35 by default")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    agree = of = 0
    for name in options.models or MODELS:
        results = compare(options.binary, name)
        agree += results[0]
        of += results[1]
    print(f"training {agree} of {of} equal")
    return 0 if of and agree == of else 1


if __name__ == "__main__":
    sys.exit(main())
