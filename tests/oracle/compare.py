#!/usr/bin/python3
"""Compares the models of a zoometer binary with those of the running torchvision.

For every model and variant it takes torchvision's facts (see facts.py) and what
`BINARY parameters` and `BINARY profile` say, and compares

    inputs         shapes and dtypes
    state dict     names, shapes, dtypes, parameter or buffer; the order too
    module tree    paths and types; the order too
    output shapes  of every module at every call; shapes and dtypes of the model's outputs
    call counts    of every module

What depends on the data in torchvision may be anything in the binary. With --input-shape, the
classification models are compared again at that input, where either both or none must take it.
The exit status is 1 if anything differs, or if there was nothing to compare.
"""

import argparse
import functools
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torchvision.models import list_models

import facts
from facts import Facts, Shape, path_text, shape_text

INPUTS = "inputs"
STATE_DICT = "state dict"
MODULE_TREE = "module tree"
OUTPUT_SHAPES = "output shapes"
CALL_COUNTS = "call counts"
REFUSALS = "refusals"
# The exit status for an input that cannot be read or traced.
CANNOT_BE_TRACED = 3

PROFILE_ASPECTS = (INPUTS, MODULE_TREE, OUTPUT_SHAPES, CALL_COUNTS)


class BinaryError(Exception):
    """The binary failed, or its output is not JSON."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Case:
    """How a model and variant compared, at its default input or at another one."""

    model: str
    variant: str
    shape: Shape | None
    differences: dict[str, list[str]] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        return any(self.differences.values())


# --- the binary -----------------------------------------------------------------------------


def ask(binary: Path, *arguments: str) -> dict[str, Any]:
    command = [str(binary), *arguments, "--format", "json"]
    words = " ".join(command[1:])
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        raise BinaryError(f"`{words}` takes more than 120 s") from None
    if answer.returncode != 0:
        message = answer.stderr.strip() or "no message"
        raise BinaryError(
            f"`{words}` exits with {answer.returncode}: {message[:300]}", answer.returncode
        )
    try:
        return json.loads(answer.stdout)
    except json.JSONDecodeError as error:
        raise BinaryError(f"`{words}` prints no JSON: {error}") from None


def ask_profile(binary: Path, model: str, variant: str, shape: Shape | None) -> dict[str, Any]:
    options = ["--input-shape", ",".join(map(str, shape))] if shape else []
    return ask(binary, "profile", model, "--variant", variant, "--depth", "999", *options)


# --- comparing ------------------------------------------------------------------------------


def fits(expected: Shape, actual: Sequence[int]) -> bool:
    return len(expected) == len(actual) and all(
        size in (None, other) for size, other in zip(expected, actual)
    )


def all_fit(expected: Sequence[Shape], actual: Sequence[Sequence[int]]) -> bool:
    return len(expected) == len(actual) and all(map(fits, expected, actual))


def shapes_text(shapes: Iterable[Sequence[int | None]]) -> str:
    return " ".join(shape_text(tuple(shape)) for shape in shapes) or "none"


def compare_lists(expected: Sequence[str], actual: Sequence[str]) -> list[str]:
    """The differences of two lists of lines: missing lines, additional lines, or the order."""
    if expected == actual:
        return []
    differences = [f"missing: {line}" for line in expected if line not in set(actual)]
    differences += [f"unexpected: {line}" for line in actual if line not in set(expected)]
    if not differences:
        pairs = enumerate(zip(expected, actual))
        where = next((i for i, (a, b) in pairs if a != b), min(len(expected), len(actual)))
        here = actual[where] if where < len(actual) else "nothing"
        wanted = expected[where] if where < len(expected) else "nothing"
        differences.append(f"order, at entry {where}: {here} instead of {wanted}")
    return differences


def compare_states(expected: Facts, answer: dict[str, Any]) -> list[str]:
    return compare_lists(
        [f"{s.name} {s.dtype} {shape_text(s.shape)} {s.kind}" for s in expected.states],
        [
            f"{e['name']} {e['dtype']} {shape_text(tuple(e['shape']))} {e['kind']}"
            for e in answer["entries"]
        ],
    )


def compare_values(
    what: str, expected: Sequence[facts.Value], actual: Sequence[dict[str, Any]]
) -> list[str]:
    shapes = [value["shape"] for value in actual]
    wanted = [value.shape for value in expected]
    dtypes = [value["dtype"] for value in actual]
    wanted_dtypes = [value.dtype for value in expected]
    differences = []
    if not all_fit(wanted, shapes):
        differences.append(f"{what}: {shapes_text(shapes)} instead of {shapes_text(wanted)}")
    if dtypes != wanted_dtypes:
        differences.append(f"{what}: {' '.join(dtypes)} instead of {' '.join(wanted_dtypes)}")
    return differences


def batched(values: Sequence[facts.Value]) -> list[facts.Value]:
    """Detectors take a list of images, which zoometer shows as the batch that they make."""
    return [
        replace(value, shape=(1, *value.shape)) if value.name.startswith("images.") else value
        for value in values
    ]


def compare_profile(expected: Facts, answer: dict[str, Any]) -> dict[str, list[str]]:
    actual = {module["path"]: module for module in answer["modules"]}
    shapes = compare_values("the model's outputs", expected.outputs, answer["outputs"])
    calls = []
    for module in expected.modules:
        other = actual.get(module.path)
        if other is None:
            continue  # a difference of the module trees
        name = path_text(module.path)
        if module.calls not in (None, other["calls"]):
            calls.append(f"{name}: {other['calls']} calls instead of {module.calls}")
        if module.shapes is None:
            continue
        wanted = [shape for call in module.shapes for shape in call]
        if not all_fit(wanted, other["output_shapes"]):
            got = shapes_text(other["output_shapes"])
            shapes.append(f"{name}: {got} instead of {shapes_text(wanted)}")
    return {
        INPUTS: compare_values("the model's inputs", batched(expected.inputs), answer["inputs"]),
        MODULE_TREE: compare_lists(
            [f"{path_text(module.path)} {module.type}" for module in expected.modules],
            [f"{path_text(module['path'])} {module['type']}" for module in answer["modules"]],
        ),
        OUTPUT_SHAPES: shapes,
        CALL_COUNTS: calls,
    }


def compare_default(model: str, variant: str, binary: Path) -> Case:
    case = Case(model, variant, None)
    expected = facts.measure(model, variant)
    try:
        answer = ask(binary, "parameters", model, "--variant", variant)
        case.differences[STATE_DICT] = compare_states(expected, answer)
    except (BinaryError, KeyError, TypeError) as error:
        case.differences[STATE_DICT] = [error_text(error)]
    case.differences |= profile_differences(expected, binary, None)
    return case


def compare_at(model: str, variant: str, shape: Shape, binary: Path) -> Case:
    case = Case(model, variant, shape)
    try:
        expected = facts.measure(model, variant, [shape])
    except Exception as refusal:  # any error of a model at an input that it cannot take
        case.differences[REFUSALS] = []
        try:
            ask_profile(binary, model, variant, shape)
            case.differences[REFUSALS] = [f"taken, but torchvision says: {refusal}"]
        except BinaryError as error:
            if error.status != CANNOT_BE_TRACED:
                case.differences[REFUSALS] = [f"should exit with {CANNOT_BE_TRACED}, but {error}"]
        return case
    case.differences |= profile_differences(expected, binary, shape)
    return case


def profile_differences(expected: Facts, binary: Path, shape: Shape | None) -> dict[str, list[str]]:
    try:
        answer = ask_profile(binary, expected.model, expected.variant, shape)
        return compare_profile(expected, answer)
    except (BinaryError, KeyError, TypeError) as error:
        return {aspect: [error_text(error)] for aspect in PROFILE_ASPECTS}


def error_text(error: Exception) -> str:
    return str(error) if isinstance(error, BinaryError) else f"unusable JSON: {error!r}"


def compare_model(
    model: str, binary: Path, variants: Sequence[str], shapes: Sequence[Shape]
) -> list[Case]:
    cases = [compare_default(model, variant, binary) for variant in variants]
    if facts.is_classification(model):
        cases += [
            compare_at(model, variant, shape, binary) for shape in shapes for variant in variants
        ]
    return cases


# --- reporting ------------------------------------------------------------------------------


def print_differences(case: Case, limit: int) -> None:
    where = f" at {shape_text(case.shape)}" if case.shape else ""
    shown: set[str] = set()
    for aspect, differences in case.differences.items():
        # An error of the binary appears under several aspects.
        new = [difference for difference in differences if difference not in shown]
        shown.update(new)
        if new:
            print(f"{case.model} {case.variant}{where}: {aspect}: {len(differences)} differ")
        for difference in new[:limit]:
            print(f"    {difference}")
        if len(new) > limit:
            print(f"    ... and {len(new) - limit} more")


def print_summary(cases: Sequence[Case]) -> None:
    by_shape: dict[Shape | None, list[Case]] = {}
    for case in cases:
        by_shape.setdefault(case.shape, []).append(case)
    for shape, group in sorted(by_shape.items(), key=lambda item: item[0] or ()):
        counts = []
        for aspect in (INPUTS, STATE_DICT, MODULE_TREE, OUTPUT_SHAPES, CALL_COUNTS, REFUSALS):
            results = [case.differences[aspect] for case in group if aspect in case.differences]
            if results:
                equal = sum(not differences for differences in results)
                counts.append(f"{aspect} {equal} of {len(results)}")
        print(f"{shape_text(shape) if shape else 'default input'}: {', '.join(counts)}")


def parse_shape(text: str) -> Shape:
    try:
        shape = tuple(int(size) for size in text.replace("x", ",").split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a shape such as 3,3,192,256") from None
    if len(shape) != 4 or min(shape) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not N,C,H,W")
    return shape


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("binary", type=Path)
    parser.add_argument("models", nargs="*", metavar="MODEL", help="default: all that both have")
    parser.add_argument("--variant", choices=(*facts.VARIANTS, "both"), default="both")
    parser.add_argument(
        "--input-shape",
        type=parse_shape,
        action="append",
        default=[],
        metavar="N,C,H,W",
        help="compare the classification models at this input too; may be repeated",
    )
    parser.add_argument("--limit", type=int, default=5, help="differences shown per aspect")
    parser.add_argument("--jobs", type=int, default=2, help="worker processes")
    options = parser.parse_args()
    if not options.binary.is_file():
        parser.error(f"there is no {options.binary}")
    binary = options.binary.resolve()

    known = set(list_models())
    if unknown := sorted(set(options.models) - known):
        parser.error(f"not in this torchvision: {' '.join(unknown)}")
    models = options.models
    if not models:
        try:
            listed = {m["name"] for m in ask(binary, "list", "--registry", "all")["models"]}
        except (BinaryError, KeyError, TypeError) as error:
            print(f"the list of models: {error_text(error)}")
            return 1
        models = sorted(listed & known)
        for text, names in (
            ("not in this torchvision", listed - known),
            ("not in the binary", known - listed),
        ):
            if names:
                print(f"{text}, not compared: {' '.join(sorted(names))}")

    start = time.monotonic()
    variants = facts.VARIANTS if options.variant == "both" else (options.variant,)
    compare = functools.partial(
        compare_model, binary=binary, variants=variants, shapes=options.input_shape
    )
    results = dict(facts.parallel(compare, models, options.jobs))
    cases = [case for model in sorted(results) for case in results[model]]
    for case in cases:
        print_differences(case, options.limit)
    print_summary(cases)
    passed = sum(not case.failed for case in cases)
    print(f"compared {passed} of {len(cases)} equal ({time.monotonic() - start:.1f} s)")
    return 0 if cases and passed == len(cases) else 1


if __name__ == "__main__":
    sys.exit(main())
