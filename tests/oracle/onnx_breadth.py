#!/usr/bin/python3
"""Reads every ONNX file of the folders named and checks what the binary says of it.

Every file must be read, or rejected with an error that says where. The outputs must have the shapes
and types that the file declares, where it declares any (an upper bound must be at least as large),
and no operator may be unknown but those that are listed here. The last line is
"onnx_breadth: N of M files as expected".
"""

import argparse
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import onnx

DTYPES = {
    "FLOAT": "float32",
    "DOUBLE": "float64",
    "BOOL": "bool",
}

# Operators without a formula: they belong to training, or the sizes of their results are inputs of
# the files.
UNKNOWN = {
    "STFT": "its step and length are inputs of the files",
    "ai.onnx.preview.training::Adagrad": "training",
    "ai.onnx.preview.training::Adam": "training",
    "ai.onnx.preview.training::Gradient": "training",
    "ai.onnx.preview.training::Momentum": "training",
}
WITHOUT_SHAPES = {
    # the length of a window is an input of the file
    "test_blackmanwindow_expanded",
    "test_blackmanwindow_symmetric_expanded",
    "test_hammingwindow_expanded",
    "test_hammingwindow_symmetric_expanded",
    "test_hannwindow_expanded",
    "test_hannwindow_symmetric_expanded",
    # so are the sizes of the pieces
    "test_sequence_model8",
    # and the sizes of the output, which differ from those of the kernel
    "test_maxunpool_export_with_output_shape",
}

# Files of our own that show what unknown operators and missing data do.
ABOUT_UNKNOWN = {"missing", "names_of_unknown_operator", "unnamed_batch_of_unknown_operator"}

# Files whose declared output is wrong: none.
WRONG_DECLARATIONS: dict[str, str] = {}

# One network as two files: MACs of the published architecture (torchvision's, at 224 x 224).
SAME_AS_NATIVE = {
    "light_densenet121": "densenet121",
    "light_resnet50": "resnet50",
    "light_squeezenet": "squeezenet1_1",
    "light_vgg19": "vgg19",
}


def name_of(path: Path) -> str:
    return path.parent.name if path.name == "model.onnx" else path.stem


def dtype_name(number: int) -> str:
    name = onnx.TensorProto.DataType.Name(number)
    return DTYPES.get(name, name.lower())


def run(binary: Path, *words: str) -> tuple[int, str, str]:
    answer = subprocess.run(
        [str(binary), "profile", *words, "--format", "json"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    return answer.returncode, answer.stdout, answer.stderr


def output_differences(model: onnx.ModelProto, document: dict[str, Any]) -> list[str]:
    """Where outputs differ from what the file declares."""
    ours = {output["name"]: output for output in document["outputs"]}
    found = []
    for output in model.graph.output:
        if output.type.WhichOneof("value") != "tensor_type":
            continue
        tensor = output.type.tensor_type
        came = ours.get(output.name)
        if came is None:
            found.append(f"no output {output.name}")
            continue
        if tensor.elem_type and came["dtype"] != dtype_name(tensor.elem_type):
            found.append(f"{output.name} is {came['dtype']}, not {dtype_name(tensor.elem_type)}")
        if not tensor.HasField("shape"):
            continue
        declared = [d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim]
        is_bound = came.get("bound", False)
        if came["shape"] is None:
            found.append(f"{output.name} has no shape, declared {declared}")
            continue
        agrees = len(declared) == len(came["shape"]) and all(
            want is None or got == want or (is_bound and got is not None and got >= want)
            for want, got in zip(declared, came["shape"])
        )
        if not agrees:
            found.append(f"{output.name} is {came['shape']}, declared {declared}")
    return found


def unexpected(name: str, document: dict[str, Any]) -> list[str]:
    if name in WITHOUT_SHAPES:
        return []
    unknown = document["coverage"]["unknown"]
    return [f"unknown operator {u['op']}" for u in unknown if u["op"] not in UNKNOWN]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--expect", type=int, help="how many files there must be")
    parser.add_argument("folder", type=Path, nargs="+")
    arguments = parser.parse_args()
    files = sorted(path for folder in arguments.folder for path in folder.rglob("*.onnx"))
    counts: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    for path in files:
        name = name_of(path)
        status, out, error = run(arguments.binary, str(path))
        problems = []
        if status == 3 and ("byte" in error or "node" in error):
            counts["rejected"] += 1
        elif status != 0:
            problems = [f"status {status}: {error.strip()[:300]}"]
        else:
            counts["read"] += 1
            if name in ABOUT_UNKNOWN:
                continue
            document = json.loads(out)
            unknown.update(u["op"] for u in document["coverage"]["unknown"])
            model = onnx.load(str(path), load_external_data=False)
            differences = output_differences(model, document)
            if name not in WRONG_DECLARATIONS:
                problems += differences
            problems += unexpected(name, document)
            if name in SAME_AS_NATIVE:
                native = json.loads(run(arguments.binary, SAME_AS_NATIVE[name])[1])
                counts["equal to a native model"] += 1
                if native["totals"]["macs"] != document["totals"]["macs"]:
                    problems.append(f"other MACs than {SAME_AS_NATIVE[name]}")
        if problems:
            counts["not as expected"] += 1
            print(f"{name}:")
            for problem in problems:
                print(f"  {problem}")
    for what, count in counts.items():
        print(f"{count} {what}")
    print("files with unknown operators: " + ", ".join(f"{op} {n}" for op, n in sorted(unknown.items())))
    good = len(files) - counts["not as expected"]
    if arguments.expect is not None and len(files) != arguments.expect:
        print(f"{len(files)} files, expected {arguments.expect}")
        good = 0
    print(f"onnx_breadth: {good} of {len(files)} files as expected")
    return good != len(files) or not files


if __name__ == "__main__":
    sys.exit(main())
