"""Architectures of transformers have the parameters that they have, and the products that PyTorch's FlopCounterMode counts
in their own run on the meta device, with attention in its two products, on the inputs that zoometer makes.

Arguments: the program; names of architectures, by default all. The last line is "N passed, N failed". An architecture whose
own run asks for values in other ways than for one number cannot be compared, and fails.
"""

import gc
import importlib.util
import json
import math
import os
import pathlib
import subprocess
import sys
import warnings

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

warnings.simplefilter("ignore")
FOLDER = pathlib.Path(__file__).resolve().parents[2] / "python"


class Answers(TorchDispatchMode):
    """item() of a tensor without data: false, or one."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is torch.ops.aten._local_scalar_dense.default and args[0].is_meta:
            return False if args[0].dtype is torch.bool else 1.0 if args[0].is_floating_point() else 1
        return func(*args, **(kwargs or {}))


def grouped(rows, matrices, *args, **kwargs):
    """Twice the products of rows with a matrix of each group, for which the counter has no formula."""
    return 2 * math.prod(rows) * matrices[-1]


def bridge():
    """The script that makes the inputs, as a module."""
    specification = importlib.util.spec_from_file_location("bridge", FOLDER / "zoometer_bridge.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def discovered(program, names):
    """What the program says of these architectures, by name."""
    words = [program, "discover", "--source", "transformers", "--python", sys.executable, "--jobs", "1",
             "--time-limit", "120", "--no-skip", "--format", "json", *names]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=False)
    return {each["name"]: each for each in json.loads(done.stdout)["models"]}


def counted(entry):
    """Parameters and products of a model's own run; its attention is not fused: PyTorch has no formula for that on CPUs."""
    with torch.device("meta"):
        model = entry.builder().eval().to("meta")
    model.set_attn_implementation("eager")
    model.requires_grad_(False)  # under no_grad the counter fails in some models
    parameters = sum(each.numel() for each in model.parameters())
    specs = entry.inputs_of(model)
    try:
        return parameters, run(model, specs)
    except Exception as error:
        if "BFloat16" in str(error):  # PyTorch's rule for grouped products without data
            return parameters, run(model.to(torch.bfloat16), specs)
        for other in entry.others_of(model, specs, str(error)):
            try:
                return parameters, run(model, other)
            except Exception:
                pass
        raise


def run(model, specs):
    inputs = {}
    for each in specs:
        dtype = model.dtype if each["dtype"] == "float32" else getattr(torch, each["dtype"])
        inputs[each["name"]] = torch.tensor(each["values"]) if "values" in each else \
            torch.empty(each["shape"], dtype=dtype, device="meta")
    with Answers(), FlopCounterMode(display=False, custom_mapping={torch.ops.aten._grouped_mm: grouped}) as counter:
        model(**inputs)
    return counter.get_total_flops() // 2


def differences(mine, entry):
    if mine["status"] != "traceable":
        return [f"not captured: {mine.get('message')}"]
    parameters, macs = counted(entry)
    found = []
    if mine["parameters"] != parameters:
        found.append(f"{mine['parameters']} parameters, not {parameters}")
    if mine["macs"] != macs:
        found.append(f"{mine['macs']} MACs, not {macs}")
    return found


def main(program, words):
    source = bridge().zoos.load_source("transformers")
    names = words or [entry.name for entry in source.entries]
    mine = discovered(program, names)
    passed = failed = 0
    for name in names:
        try:
            found = differences(mine[name], source.entry(name))
        except Exception as error:  # the others still run
            found = [f"{type(error).__name__}: {str(error)[:200]}"]
        passed, failed = passed + (not found), failed + bool(found)
        if found:
            print(name + ":", "; ".join(found), flush=True)
        gc.collect()
    print(f"{passed} passed, {failed} failed")


os.environ["HF_HUB_OFFLINE"] = "1"
main(sys.argv[1], sys.argv[2:])
