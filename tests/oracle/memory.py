#!/usr/bin/python3
"""Compares the live memory of a zoometer binary with what PyTorch's CPU allocator really gives out.

For every model the forward pass runs under torch.profiler with profile_memory, without gradients.
A block that the operator which took it gives back before it ends is workspace, every other one an
activation. Three figures are compared:

    activations   the most that is taken at one time, without workspace and with the input, against
                  "held_by_callers" of `BINARY profile --memory`
    plain         the most of both, with oneDNN off, against the most of that and of the workspace:
                  PyTorch's own convolution gathers columns (im2col)
    oneDNN        the most of both as PyTorch comes; only printed, since how much oneDNN takes to
                  reorder weights and outputs depends on the processor

If PyTorch needs more, MORE says how much and why.
"""

import argparse
import json
import subprocess
import sys
import warnings

import torch
import torchvision
from torch.profiler import ProfilerActivity, profile

FLOAT = 4
MODELS = {
    # model: batch
    "resnet18": 1,
    "vit_b_16": 1,
    "mobilenet_v2": 1,
    "vgg11": 1,
    "swin_t": 2,
    "convnext_tiny": 1,
    "densenet121": 1,
    "squeezenet1_0": 1,
}
# What PyTorch needs in addition, in bytes for one image: at the peak of activations, at the plain peak, and
# why: a local variable that outlives its last use, or a kernel that takes more than columns.
MORE = {
    "mobilenet_v2": (0, 2 * 96 * FLOAT, "batch_norm's statistics, which evaluation leaves unused"),
    "densenet121": (128 * 56 * 56 * FLOAT,) * 2 + ("bottleneck_output in _DenseLayer.forward",),
    "squeezenet1_0": (32 * 54 * 54 * FLOAT, 0, "x in Fire.forward"),
}


class Peaks:
    """The most bytes taken at one time: of activations, and of activations and workspace."""

    def __init__(self, events):
        self.activations = 0
        self.together = 0
        is_workspace = [False] * len(events)
        owner = {}
        for index, (_, size, address, operator) in enumerate(events):
            if size > 0:
                owner[address] = index
            elif address in owner:
                taken = owner.pop(address)
                same = operator is not None and operator is events[taken][3]
                is_workspace[index] = is_workspace[taken] = same
        activations = together = 0
        for index, (_, size, _, _) in enumerate(events):
            together += size
            activations += 0 if is_workspace[index] else size
            self.activations = max(self.activations, activations)
            self.together = max(self.together, together)


def allocations(model, image, with_onednn):
    """Every block taken or given back: (time, bytes, address, outermost operator)."""
    with torch.backends.mkldnn.flags(enabled=with_onednn), torch.no_grad():
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
            result = model(image)
    del result
    events = []

    def walk(event, operator):
        if event.name == "[memory]":
            fields = event.extra_fields
            events.append((event.start_time_ns, fields.alloc_size, fields.ptr, operator))
        for child in event.children:
            walk(child, operator or event)

    for event in recorded.profiler.kineto_results.experimental_event_tree():
        walk(event, None)
    return sorted(events, key=lambda event: event[0])


def ask(binary, name, batch):
    words = [binary, "profile", name, "--registry", "all", "--variant", "untrained", "--memory"]
    words += ["--input-shape", f"{batch},3,224,224", "--format", "json"]
    answer = subprocess.run(words, capture_output=True, text=True, check=True)
    return json.loads(answer.stdout)["memory"]


def verdict(measured, ours, more, reason):
    """Whether a figure agrees, and in words."""
    if measured != ours + more:
        return False, "DIFFERS"
    return True, f"equal with {more:,} bytes: {reason}" if more else "equal"


def compare(binary, name, batch):
    """The number of figures that agree, and of those compared."""
    model = getattr(torchvision.models, name)().eval()
    image = torch.rand(batch, 3, 224, 224)
    held = image.numel() * FLOAT
    onednn = Peaks(allocations(model, image, True))
    plain = Peaks(allocations(model, image, False))
    ours = ask(binary, name, batch)
    together = max(node["held_bytes"] + node["workspace_bytes"] for node in ours["timeline"])
    *more, reason = MORE.get(name, (0, 0, ""))
    rows = (
        ("activations", onednn.activations + held, ours["held_by_callers"]["bytes"], more[0]),
        ("plain", plain.together + held, together, more[1]),
    )
    agree = 0
    for title, measured, expected, extra in rows:
        equal, text = verdict(measured, expected, extra * batch, reason)
        agree += equal
        print(f"{name:14} {title:12} {measured:>12,} zoometer {expected:>12,}  {text}")
    print(f"{name:14} {'oneDNN':12} {onednn.together + held:>12,}")
    return agree, len(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("models", nargs="*", help="of those that the script knows; all by default")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    agree = of = 0
    for name in options.models or MODELS:
        results = compare(options.binary, name, MODELS[name])
        agree += results[0]
        of += results[1]
    print(f"memory {agree} of {of} equal")
    return 0 if of and agree == of else 1


if __name__ == "__main__":
    sys.exit(main())
