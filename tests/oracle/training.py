#!/usr/bin/python3
"""Compares `BINARY profile --training` with what PyTorch's autograd does on the CPU.

For every model, in training mode and with one batch:

    saved     the storages that autograd keeps from forward to backward, each once, by
              torch.autograd.graph.saved_tensors_hooks; parameters, buffers and the input are not
              counted, since they are there anyway
    forward   the multiply-accumulates of the convolutions and matrix products that PyTorch runs
    backward  ... and of those that backward runs

Where PyTorch keeps more or less, DIFFERENCE says how many bytes, and why.
"""

import argparse
import json
import subprocess
import sys
import warnings

import torch
import torchvision
from torch.utils._python_dispatch import TorchDispatchMode

FLOAT = 4
INDEX = 8
BATCH = 2
MODELS = ("resnet18", "vit_b_16", "mobilenet_v3_small", "densenet121", "swin_t")
NUMBER = 8  # a divisor or factor that is not a tensor becomes one of float64
POOLED = "the last pooling's input, which PyTorch 1.13 keeps and newer ones do not"
# What PyTorch keeps in addition, in bytes for a batch of two, and why.
DIFFERENCE = {
    "vit_b_16": (12 * NUMBER, "the numbers that queries are divided by"),
    "mobilenet_v2": (BATCH * 1280 * FLOAT, "dropout's factors"),
    "mobilenet_v3_small": (BATCH * (1024 + 576 * 49) * FLOAT, "dropout's factors; " + POOLED),
    "vgg11": (2 * 2 * BATCH * 4096 * FLOAT, "factors and results of two dropouts"),
    "squeezenet1_0": (BATCH * 512 * 13 * 13 * FLOAT, "dropout's factors"),
    "convnext_tiny": (17 * BATCH * FLOAT, "factors of 17 stochastic depths"),
    "efficientnet_b0": (
        BATCH * 1280 * FLOAT + 9 * BATCH * FLOAT,
        "factors of dropout and of nine stochastic depths",
    ),
    "swin_t": (
        12 * NUMBER + 22 * BATCH * FLOAT + BATCH * 768 * 49 * FLOAT
        - BATCH * FLOAT * (2 * 3136 * 96 + 2 * 784 * 192 + 6 * 196 * 384 + 2 * 49 * 768),
        "products of four dimensions copy keys and values, and the projection they are views of goes; " + POOLED,
    ),
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


def measure(name):
    torch.manual_seed(0)
    model = getattr(torchvision.models, name)().train()
    image = torch.rand(BATCH, 3, 224, 224)
    there = {tensor.storage().data_ptr() for tensor in [*model.parameters(), *model.buffers(), image]}
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
            result = model(image)
    with backward:
        result.sum().backward()
    return sum(kept.values()), forward.macs, backward.macs


def ask(binary, name):
    words = [binary, "profile", name, "--registry", "all", "--variant", "untrained", "--training"]
    words += ["--input-shape", f"{BATCH},3,224,224", "--format", "json"]
    answer = subprocess.run(words, capture_output=True, text=True, check=True)
    return json.loads(answer.stdout)["training"]


def compare(binary, name):
    """The number of figures that agree, and of those compared."""
    saved, forward, backward = measure(name)
    ours = ask(binary, name)
    more, reason = DIFFERENCE.get(name, (0, ""))
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
            text = f"equal with {extra:,} bytes: {reason}"
        print(f"{name:18} {title:9} {measured:>16,} zoometer {expected:>16,}  {text}")
    return agree, 3


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("models", nargs="*", help="of torchvision; a few by default")
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
