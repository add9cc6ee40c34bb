"""Models of timm have the parameters that they have, and the products that PyTorch's FlopCounterMode counts in a run on
the meta device, with attention in its two products.

Arguments: the program (not used); --kept FILE, whose models are not asked again and to which the others are added, for
runs in pieces; and patterns of names, by default all models. The last line is "N passed, N failed".
"""

import fnmatch
import gc
import pathlib
import sys
import warnings

import timm
import torch
import zoometer
from torch.utils.flop_counter import FlopCounterMode

warnings.simplefilter("ignore")


def built(name):
    """On the meta device, or on the CPU where a constructor reads values."""
    try:
        with torch.device("meta"):
            return timm.create_model(name, pretrained=False).eval()
    except (RuntimeError, NotImplementedError):
        return timm.create_model(name, pretrained=False).to("meta").eval()


def unfuse(model):
    for module in model.modules():
        if getattr(module, "fused_attn", False):
            module.fused_attn = False


def counted(model, x):
    """The products of the model's own run. Its attention is not fused: PyTorch has no formula for that on CPUs."""
    unfuse(model)
    model.requires_grad_(False)  # under no_grad the counter fails in some models
    with FlopCounterMode(display=False) as counter:
        model(x)
    return counter.get_total_flops() // 2


def differences(name):
    model = built(name)
    size = (getattr(model, "pretrained_cfg", None) or {}).get("input_size") or (3, 224, 224)
    x = torch.empty(1, *size, device="meta")
    if any(type(module).__name__.startswith("Diff") for module in model.modules()):
        unfuse(model)  # fused, it multiplies both maps by the values, and not only their difference
    p = zoometer.profile(model, x)
    found = []
    parameters = sum(each.numel() for each in model.parameters())
    if p.parameters != parameters:
        found.append(f"{p.parameters} parameters, not {parameters}")
    macs = counted(model, x)
    if p.macs != macs:
        found.append(f"{p.macs} MACs, not {macs}")
    if p.coverage.unknown:
        found.append(f"unknown operators {[each.name for each in p.coverage.unknown]}")
    return found


def main(words):
    kept = None
    if words[:1] == ["--kept"]:
        kept, words = pathlib.Path(words[1]), words[2:]
    known = kept.read_text().splitlines() if kept and kept.exists() else []
    passed, failed = len(known), 0
    for name in timm.list_models():
        if name in known or words and not any(fnmatch.fnmatchcase(name, word) for word in words):
            continue
        try:
            found = differences(name)
        except Exception as error:  # the others still run
            found = [f"{type(error).__name__}: {str(error)[:200]}"]
        if found:
            failed += 1
            print(name + ":", "; ".join(found), flush=True)
            continue
        passed += 1
        if kept:
            with kept.open("a") as stream:
                print(name, file=stream)
        gc.collect()
    print(f"{passed} passed, {failed} failed")


main(sys.argv[2:])
