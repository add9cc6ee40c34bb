#!/usr/bin/env python3
"""What an exported ONNX file computes: usage `exported_values.py ZOOMETER [PATTERN]`.

Each small module (small_modules.py) goes through torch.export, as it is and after
run_decompositions(), is saved as .pt2, written as ONNX, and run in ONNX Runtime. Its values are
those of PyTorch to 1e-4 of the largest one, or the writer says in a note that the file cannot be
run. The last line is "N passed, M failed".
"""

import contextlib
import io
import logging
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


def check(zoometer: str, program: Any, inputs: tuple[Any, ...], wanted: list[np.ndarray], folder: Path) -> tuple[str, str]:
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
    try:
        session = ort.InferenceSession(str(written), providers=["CPUExecutionProvider"])
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
    if len(got) < len(wanted):
        return "DIFFERS", f"{len(got)} results instead of {len(wanted)}"
    # Mutated buffers are results before the user's own.
    for index, (one, other) in enumerate(zip(wanted, got[len(got) - len(wanted):])):
        found = difference(one, other)
        if found:
            return "DIFFERS", f"result {index + 1} {found}"
    return "equal", said


def programs(module: nn.Module, inputs: tuple[Any, ...]) -> list[tuple[str, Any]]:
    program = torch.export.export(module, copied(inputs), strict=False)
    return [("as exported", program), ("decomposed", program.run_decompositions())]


def main() -> int:
    zoometer = sys.argv[1]
    pattern = re.compile(sys.argv[2]) if len(sys.argv) > 2 else None
    warnings.simplefilter("ignore")
    logging.disable(logging.ERROR)
    ort.set_default_logger_severity(4)
    counts: Counter[str] = Counter()
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, function, inputs in small_modules.cases():
            if pattern and not pattern.search(name):
                continue
            module = function if isinstance(function, nn.Module) else Function(function)
            module.eval()
            try:
                with contextlib.redirect_stderr(io.StringIO()):
                    exported = programs(module, inputs)
                    initial = copied(dict(module.named_buffers()))
                    with torch.no_grad():
                        results = module(*copied(inputs))
                    for key, value in module.named_buffers():
                        value.copy_(initial[key])
            except Exception as error:
                counts["not exported by PyTorch"] += 1
                print(f"{name}: PyTorch does not export it: {str(error).splitlines()[0][:120]}", flush=True)
                continue
            wanted = [leaf.detach().numpy() for leaf in _pytree.tree_leaves(results)]
            for form, program in exported:
                verdict, said = check(zoometer, program, inputs, wanted, Path(folder))
                counts[verdict] += 1
                good = verdict in ("equal", "noted", "not saved by PyTorch")
                failed += not good
                if not good or verdict == "noted":
                    print(f"{name} ({form}): {verdict}: {said}", flush=True)
    for verdict, count in sorted(counts.items()):
        print(f"{count} {verdict}")
    print(f"{counts['equal'] + counts['noted']} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
