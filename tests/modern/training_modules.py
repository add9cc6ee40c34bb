#!/usr/bin/python3
"""Compares `BINARY profile --training` with PyTorch's autograd, for small modules in training mode.

Each module is exported by torch.export (torch 2.5 or later) and compared in two figures: the bytes of the storages that
autograd holds after forward (torch.autograd.graph.saved_tensors_hooks), without those of parameters, buffers and inputs,
and the MACs of the products that backward runs. They agree to 2%. EXCEPTIONS says where not, and why. ./check --all
runs this.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import warnings
import weakref

import torch

from training_cases import CONSTANTS, cases

SHARE = 0.02

NO_FLOPS = "FlopCounterMode does not count this kernel"
CPU_KERNEL = "the CPU's kernel keeps buffers of its own"
FIRST_STATE = "PyTorch writes out the steps on a CPU; the first state needs no gradient"
FACTORS = "the CPU multiplies with float32 factors, other devices keep truth values"
GROUPS = "FlopCounterMode counts the weight's gradient of grouped convolutions without the groups"
IN_ORDER = "the kernel's result lies so that transposing it back is no copy"
COPIED = "linear copies a slice that it cannot flatten, and keeps the copy"
# By module and figure: why it differs.
EXCEPTIONS = {
    "logsigmoid": {"kept": CPU_KERNEL}, "lstm": {"kept": CPU_KERNEL, "backward": NO_FLOPS},
    "gru": {"kept": FIRST_STATE, "backward": FIRST_STATE}, "rnn": {"kept": FIRST_STATE, "backward": FIRST_STATE},
    "dropout": {"kept": FACTORS}, "soft_margins": {"kept": CPU_KERNEL},
    "max_and_index": {"kept": "the index is a result and kept, which counts twice"}, "second_conv": {"backward": GROUPS}, "bilinear_layer": {"backward": NO_FLOPS},
    **dict.fromkeys(("attention", "causal", "heads", "heads_mask", "heads_truth_mask", "heads_steps_first",
                     "encoder_steps_first", "encoder_gelu", "encoder", "decoder", "decoder_norm_first", "transformer"),
                    {"kept": IN_ORDER}),
    "heads_cross": {"kept": IN_ORDER + "; " + COPIED}, "heads_cross_weights": {"kept": COPIED},
    "heads_dropout": {"kept": FACTORS}, "encoder_dropout": {"kept": FACTORS},
    "pair_attention": {"kept": "PyTorch writes out attention of matrices without heads"},
}


class Held:
    """A tensor that a node of autograd's graph holds, for as long as it does."""

    def __init__(self, tensor):
        self.tensor = tensor


def attention_backward(gradient, query, key, value, *others, **words):
    """The operations of the CPU's kernel, which FlopCounterMode does not know: four gradients, each a product."""
    *rows, length, features = query
    return 2 * math.prod(rows) * length * key[-2] * 2 * (features + value[-1])


def tensors_of(result):
    if isinstance(result, torch.Tensor):
        return [result]
    return [t for each in result for t in tensors_of(each)]


def measure(module, inputs):
    """Bytes kept and backward's MACs."""
    from torch.utils.flop_counter import FlopCounterMode

    there = {t.untyped_storage().data_ptr() for t in [*module.parameters(), *module.buffers(), *inputs, *CONSTANTS]}
    held = weakref.WeakSet()

    def pack(tensor):
        one = Held(tensor)
        held.add(one)
        return one

    kernel = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward
    with FlopCounterMode(display=False, custom_mapping={kernel: attention_backward}) as counter:
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda one: one.tensor):
            result = module(*inputs)
        forward = counter.get_total_flops()
        storages = [one.tensor.untyped_storage() for one in held]
        kept = {each.data_ptr(): each.nbytes() for each in storages if each.data_ptr() not in there}
        sum(t.float().sum() for t in tensors_of(result) if t.requires_grad).backward()
    return sum(kept.values()), (counter.get_total_flops() - forward) // 2


def ask(binary, module, inputs, folder):
    path = os.path.join(folder, "module.pt2")
    torch.export.save(torch.export.export(module, inputs), path)
    words = [binary, "profile", path, "--training", "--depth", "0", "--format", "json"]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    answer = json.loads(done.stdout)["training"]
    return answer["saved_bytes"], answer["backward_macs"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    agree = count = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, module, inputs in cases():
            if options.names and name not in options.names:
                continue
            count += 1
            torch.manual_seed(0)
            module.train()
            try:
                measured = measure(module, inputs)
                ours = ask(options.binary, module, inputs, folder)
            except Exception as error:
                print(f"{name:20} FAILS {str(error)[:150]}")
                continue
            reasons = dict(EXCEPTIONS.get(name, {}))
            passes = True
            for figure, real, own in zip(("kept", "backward"), measured, ours):
                equal = abs(real - own) <= SHARE * max(real, 1)
                reason = reasons.get(figure)
                passes = passes and equal == (reason is None)
                if not equal or reason:
                    text = reason or "DIFFERS"
                    text = "is equal: no exception is needed" if equal else text
                    print(f"{name:20} {figure:8} PyTorch {real:>9,} zoometer {own:>9,}  {text}")
            agree += passes
    print(f"{agree} passed, {count - agree} failed")
    return 0 if count and agree == count else 1


if __name__ == "__main__":
    sys.exit(main())
