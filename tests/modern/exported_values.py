#!/usr/bin/env python3
"""What an exported ONNX file computes: usage `exported_values.py ZOOMETER [PATTERN]`.

Each small module (small_modules.py) goes through torch.export, as it is and after
run_decompositions(), is saved as .pt2, written as ONNX, and run in ONNX Runtime. Its values, also
those that it leaves in buffers and inputs, are those of PyTorch to 1e-4 of the largest one, or the
writer says in a note that the file cannot be run. As many processes as there are cores share the
modules. The last line is "N passed, M failed".
"""

import contextlib
import functools
import io
import logging
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
from torch import nn
from torch.utils import _pytree

import small_modules

# Half of the time of run_decompositions() is spent to find the same operators again.
torch.export.exported_program._collect_all_valid_cia_ops = functools.cache(
    torch.export.exported_program._collect_all_valid_cia_ops
)


class Function(nn.Module):
    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Any) -> Any:
        result = self.function(*inputs)
        # torch.export saves no named tuples, such as those of max and sort.
        return tuple(result) if isinstance(result, tuple) else result


def copied(value: Any) -> Any:
    return _pytree.tree_map(lambda leaf: leaf.clone() if isinstance(leaf, torch.Tensor) else leaf, value)


def feed_of(session: ort.InferenceSession, program: Any, inputs: tuple[Any, ...]) -> dict[str, np.ndarray]:
    """The user's inputs by the program's names, then parameters, buffers and constants by theirs."""
    tensors = dict(program.state_dict)
    tensors.update({name: value for name, value in program.constants.items() if isinstance(value, torch.Tensor)})
    for name, value in zip(program.graph_signature.user_inputs, inputs):
        tensors[name] = value
    return {each.name: tensors[each.name].detach().numpy() for each in session.get_inputs()}


def difference(wanted: np.ndarray, got: np.ndarray) -> str:
    if wanted.shape != got.shape:
        return f"shape {got.shape} instead of {wanted.shape}"
    if wanted.dtype != got.dtype:
        return f"type {got.dtype} instead of {wanted.dtype}"
    if wanted.size == 0:
        return ""
    a, c = wanted.astype(np.float64), got.astype(np.float64)
    if not np.array_equal(np.isnan(a), np.isnan(c)):
        return "NaN elsewhere"
    finite = np.isfinite(a)
    if not np.array_equal(a[~finite & ~np.isnan(a)], c[~finite & ~np.isnan(a)]):
        return "infinities elsewhere"
    if not finite.any():
        return ""
    largest = max(np.abs(a[finite]).max(), 1e-6)
    apart = np.abs(a[finite] - c[finite]).max()
    return "" if apart <= 1e-4 * largest else f"differs by {apart:.3g} of {largest:.3g}"


def check(zoometer: str, program: Any, inputs: tuple[Any, ...], wanted: list[np.ndarray],
          updated: dict[str, np.ndarray], folder: Path) -> tuple[str, str]:
    saved, written = folder / "module.pt2", folder / "module.onnx"
    try:
        torch.export.save(program, saved)
    except Exception as error:
        return "not saved by PyTorch", str(error)[:100]
    run = subprocess.run([zoometer, "graph", str(saved), "--format", "onnx", "--output", str(written)],
                         capture_output=True, text=True)
    said = run.stderr.strip()
    if run.returncode != 0:
        return "refused", said
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    try:
        session = ort.InferenceSession(str(written), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        if "written in the domain" in said:
            return "noted", said
        return "INVALID", str(error)[:300]
    if "written in the domain" in said:
        return "NOTED AND RUNS", said
    try:
        got = session.run(None, feed_of(session, program, inputs))
    except Exception as error:
        return "FAILS", str(error)[:300]
    left = {output.name.removesuffix(".updated"): value
            for output, value in zip(session.get_outputs()[len(wanted):], got[len(wanted):])}
    if len(got) < len(wanted) or not updated.keys() <= left.keys():
        return "DIFFERS", f"{len(got)} results instead of {len(wanted)} and {list(updated)}"
    pairs = [(f"result {index + 1}", *pair) for index, pair in enumerate(zip(wanted, got))]
    for name, one, other in pairs + [(name, updated[name], left[name]) for name in updated]:
        found = difference(one, other)
        if found:
            return "DIFFERS", f"{name} {found}"
    return "equal", said


@functools.cache
def decompositions() -> dict[Any, Any]:
    return torch.export.default_decompositions().materialize()


def programs(module: nn.Module, inputs: tuple[Any, ...]) -> list[tuple[str, Any]]:
    program = torch.export.export(module, copied(inputs), strict=False)
    return [("as exported", program), ("decomposed", program.run_decompositions(dict(decompositions())))]


def updates(module: nn.Module, initial: dict[str, torch.Tensor], program: Any, inputs: tuple[Any, ...],
            given: tuple[Any, ...]) -> dict[str, np.ndarray]:
    """The buffers and inputs that a call changed; puts the buffers back."""
    changed = {}
    for name, value in module.named_buffers():
        if value.numpy().tobytes() != initial[name].numpy().tobytes():
            changed[name] = value.numpy().copy()
            value.copy_(initial[name])
    for name, before, after in zip(program.graph_signature.user_inputs, inputs, given):
        if isinstance(before, torch.Tensor) and before.numpy().tobytes() != after.numpy().tobytes():
            changed[name] = after.numpy()
    return changed


def check_case(zoometer: str, case: small_modules.Case) -> tuple[list[str], list[str]]:
    """The verdicts on a module's programs, and lines about those that are not equal."""
    name, function, inputs = case
    module = function if isinstance(function, nn.Module) else Function(function)
    module.eval()
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            exported = programs(module, inputs)
            initial = copied(dict(module.named_buffers()))
            given = copied(inputs)
            with torch.no_grad():
                results = module(*given)
            updated = updates(module, initial, exported[0][1], inputs, given)
    except Exception as error:
        return ["not exported by PyTorch"], [f"{name}: PyTorch does not export it: {str(error).splitlines()[0][:120]}"]
    wanted = [leaf.detach().numpy() for leaf in _pytree.tree_leaves(results)]
    verdicts, lines = [], []
    with tempfile.TemporaryDirectory() as folder:
        for form, program in exported:
            verdict, said = check(zoometer, program, inputs, wanted, updated, Path(folder))
            if verdict == "DIFFERS" and not updated:
                # Some of PyTorch's decompositions compute something else (multilabel_margin_loss).
                own = [leaf.detach().numpy() for leaf in _pytree.tree_leaves(program.module()(*copied(inputs)))]
                verdict, said = check(zoometer, program, inputs, own, updated, Path(folder))
            verdicts.append(verdict)
            if verdict not in ("equal", "not saved by PyTorch"):
                lines.append(f"{name} ({form}): {verdict}: {said}")
    return verdicts, lines


selected: list[small_modules.Case] = []  # functions cannot be sent to another process, but each has this list


def check_selected(zoometer: str, index: int) -> tuple[list[str], list[str]]:
    return check_case(zoometer, selected[index])


def main() -> int:
    zoometer = sys.argv[1]
    pattern = re.compile(sys.argv[2] if len(sys.argv) > 2 else "")
    warnings.simplefilter("ignore")
    logging.disable(logging.ERROR)
    ort.set_default_logger_severity(4)
    torch.set_num_threads(1)
    selected.extend(case for case in small_modules.cases() if pattern.search(case[0]))
    decompositions()
    counts: Counter[str] = Counter()
    with multiprocessing.get_context("fork").Pool(os.cpu_count()) as pool:
        for verdicts, lines in pool.imap(functools.partial(check_selected, zoometer), range(len(selected))):
            counts.update(verdicts)
            for line in lines:
                print(line, flush=True)
    for verdict, count in sorted(counts.items()):
        print(f"{count} {verdict}")
    good = {"equal", "noted", "not saved by PyTorch", "not exported by PyTorch"}
    failed = sum(count for verdict, count in counts.items() if verdict not in good)
    print(f"{counts['equal'] + counts['noted']} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
