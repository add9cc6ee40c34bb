#!/usr/bin/python3
"""Facts about torchvision's models, taken from the running torchvision.

For every model and variant this writes `tests/golden/torchvision/MODEL.VARIANT.txt`:

    # facts of torchvision 0.14.1, torch 1.13.1; written by tests/oracle/facts.py
    model NAME VARIANT
    input NAME SHAPE DTYPE
    output [PATH] SHAPE DTYPE
    data-dependent PREFIX
    state NAME DTYPE SHAPE parameter|buffer
    module PATH TYPE CALLS SHAPES

`state` lines are the entries of state_dict(), `module` lines those of named_modules(), both
in order. The root module's path is written `""`. CALLS says how often the module is called
in one forward pass in eval mode. SHAPES are the shapes of its outputs: tensors taken out of
tuples, lists and dicts in order, separated by `,`; calls separated by ` | `; nothing for a
module that is never called. A scalar's shape is `()`.

After a detector's proposals, shapes depend on the data. Every detector therefore runs under
several kinds of data (see REGIMES), and what differs between them is written `?`: a dimension,
or all the shapes where even their number differs, or the number of calls. A `data-dependent`
line names a module below which (itself included) every module that is called has such shapes;
the root and the proposal network, whose outputs depend on the data but not those of all their
children, have the `?` only.

The variant `untrained` is builder(weights=None); `published` has the structure that the
default weights have, without downloading them. Where both have the same facts, only the
untrained file is written; INDEX.txt says for which models (`MODEL same|differs`).

No arithmetic is done. Most models run on the meta device. The others run on the CPU with
every convolution and matrix product replaced by noise of the right shape.
"""

import argparse
import difflib
import inspect
import json
import multiprocessing
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import torch
import torchvision
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torchvision.models import get_model_builder, list_models
from torchvision.models._api import WeightsEnum
from torchvision.models.detection.image_list import ImageList

ORACLE = Path(__file__).resolve().parent
GOLDEN = ORACLE.parent / "golden" / "torchvision"
INDEX = "INDEX.txt"
VARIANTS = ("untrained", "published")

# The detectors need values, and these need operators that torch 1.13 lacks on meta.
NEED_VALUES = {"mvit_v1_b", "mvit_v2_s", "s3d"}

# (mean, deviation) of the noise that replaces the products: scores so low that nothing is
# detected, with boxes outside of the image; and high scores with boxes so large that they all
# fill the image, of which few are kept. More kinds of data, and real products, change nothing else.
REGIMES = ((-20.0, 1.0), (20.0, 1.0))

# A size of None is one that depends on the data.
Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class Value:
    """An input or output of a model."""

    name: str
    shape: Shape
    dtype: str


@dataclass(frozen=True)
class State:
    """An entry of state_dict()."""

    name: str
    dtype: str
    shape: Shape
    kind: str


@dataclass(frozen=True)
class Module:
    """An entry of named_modules(). None replaces sizes that depend on data."""

    path: str
    type: str
    calls: int | None
    shapes: tuple[tuple[Shape, ...], ...] | None

    @property
    def data_dependent(self) -> bool:
        if self.calls is None or self.shapes is None:
            return True
        return any(None in shape for call in self.shapes for shape in call)


@dataclass(frozen=True)
class Facts:
    model: str
    variant: str
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    states: tuple[State, ...]
    modules: tuple[Module, ...]


# --- building -------------------------------------------------------------------------------


class Sketch(TorchFunctionMode):
    """Leaves out the arithmetic of everything that runs under it.

    On the meta device, new tensors are made there. On the CPU, parameters stay as they were
    allocated, and the products return noise of a given mean and deviation.
    """

    FACTORIES = {"empty", "zeros", "ones", "full", "rand", "randn"}
    RANDOM = {"normal_", "uniform_", "kaiming_uniform_"}
    PRODUCTS = {
        *("conv1d", "conv2d", "conv3d"),
        *("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
        *("linear", "matmul", "mm", "bmm", "addmm", "baddbmm"),
    }
    GRAIN = torch.Generator().manual_seed(0)
    NOISE = torch.randn(65537, generator=GRAIN)

    def __init__(self, device: str, mean: float = 0.0, deviation: float = 1.0) -> None:
        super().__init__()
        self.device = device
        self.noise = self.NOISE * deviation + mean

    def __torch_function__(
        self, func: Callable, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if self.device == "meta":
            if name in self.FACTORIES:
                kwargs = {**kwargs, "device": "meta"}
        elif name in self.RANDOM:
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        elif name in self.PRODUCTS:
            shape = func(*map(to_meta, args), **{k: to_meta(v) for k, v in kwargs.items()}).shape
            count = shape.numel()
            return self.noise.repeat(count // self.noise.numel() + 1)[:count].view(shape)
        return func(*args, **kwargs)


def to_meta(value: Any) -> Any:
    return value.to("meta") if isinstance(value, Tensor) else value


@contextmanager
def no_downloads() -> Iterator[None]:
    """Makes a builder skip the loading of its weights."""
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(WeightsEnum, "get_state_dict", return_value={}))
        stack.enter_context(mock.patch.object(nn.Module, "load_state_dict"))
        yield


def subpackage(model: str) -> str:
    """`detection`, `segmentation`, ...; empty for those right under torchvision.models."""
    return ".".join(get_model_builder(model).__module__.split(".")[2:-1])


def is_classification(model: str) -> bool:
    return subpackage(model) in ("", "quantization")


def is_detection(model: str) -> bool:
    return subpackage(model) == "detection"


def device_of(model: str) -> str:
    return "cpu" if is_detection(model) or model in NEED_VALUES else "meta"


def builder_options(model: str, variant: str = "untrained") -> dict[str, Any]:
    """What the builder takes for a variant, so that nothing is downloaded for the untrained one."""
    options: dict[str, Any] = {"weights": "DEFAULT" if variant == "published" else None}
    parameters = inspect.signature(get_model_builder(model)).parameters
    if variant == "untrained" and "weights_backbone" in parameters:
        options["weights_backbone"] = None
    return options


def build(model: str, variant: str) -> nn.Module:
    builder = get_model_builder(model)
    options = builder_options(model, variant)
    device = device_of(model)
    with warnings.catch_warnings(), no_downloads(), Sketch(device):
        warnings.simplefilter("ignore")
        return builder(**options).to(device).eval()


def default_shapes(model: str, variant: str) -> list[list[int]]:
    return json.loads((ORACLE / "inputs.json").read_text())[model][variant]


# --- measuring ------------------------------------------------------------------------------


def tensors(value: Any, path: str = "") -> Iterator[tuple[str, Tensor]]:
    """The tensors in a nested value, in order, each with its path in there."""
    if isinstance(value, Tensor):
        yield path, value
    elif isinstance(value, ImageList):
        yield from tensors(value.tensors, path)
    elif isinstance(value, dict | list | tuple):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from tensors(item, f"{path}.{key}" if path else str(key))


def value_of(name: str, tensor: Tensor) -> Value:
    return Value(name, tuple(tensor.shape), dtype_name(tensor))


def dtype_name(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def measure(model: str, variant: str, shapes: Sequence[Sequence[int]] | None = None) -> Facts:
    """The facts of a model at the given input shapes, or else at its default ones."""
    module = build(model, variant)
    shapes = shapes or default_shapes(model, variant)
    if not is_detection(model):
        return run(module, model, variant, shapes, Sketch(device_of(model)))
    runs = [run(module, model, variant, shapes, Sketch("cpu", *regime)) for regime in REGIMES]
    return merge(runs)


def run(
    module: nn.Module,
    model: str,
    variant: str,
    shapes: Sequence[Sequence[int]],
    sketch: Sketch,
) -> Facts:
    images = [torch.full(tuple(shape), 0.5, device=sketch.device) for shape in shapes]
    calls: dict[nn.Module, list[tuple[Shape, ...]]] = {m: [] for m in module.modules()}

    def record(called: nn.Module, _: Any, output: Any) -> None:
        calls[called].append(tuple(tuple(tensor.shape) for _, tensor in tensors(output)))

    hooks = [m.register_forward_hook(record) for m in calls]
    # With gradients on, as attention would otherwise bypass the modules inside it. They need
    # no gradients where values are computed, and there is no attention of that kind there.
    with torch.set_grad_enabled(sketch.device == "meta"), sketch:
        output = module(images) if is_detection(model) else module(*images)
    for hook in hooks:
        hook.remove()

    names = list(inspect.signature(module.forward).parameters)
    if is_detection(model):
        names = [f"{names[0]}.{i}" for i in range(len(images))]
    return Facts(
        model,
        variant,
        inputs=tuple(value_of(name, image) for name, image in zip(names, images)),
        outputs=tuple(value_of(path, tensor) for path, tensor in tensors(output)),
        states=tuple(
            State(
                name,
                dtype_name(tensor),
                tuple(tensor.shape),
                "parameter" if isinstance(tensor, nn.Parameter) else "buffer",
            )
            for name, tensor in module.state_dict(keep_vars=True).items()
        ),
        modules=tuple(
            Module(path, type(m).__name__, len(calls[m]), tuple(calls[m]))
            for path, m in module.named_modules()
        ),
    )


def merge(runs: Sequence[Facts]) -> Facts:
    """One model's facts under several kinds of data, with None where they differ."""
    outputs = tuple(
        replace(values[0], shape=merge_shapes([value.shape for value in values]))
        for values in zip(*(facts.outputs for facts in runs), strict=True)
    )
    modules = tuple(
        merge_modules(modules) for modules in zip(*(facts.modules for facts in runs), strict=True)
    )
    return replace(runs[0], outputs=outputs, modules=modules)


def merge_modules(modules: Sequence[Module]) -> Module:
    first = modules[0]
    if len({module.calls for module in modules}) > 1:
        return replace(first, calls=None, shapes=None)
    layouts = {tuple(tuple(map(len, call)) for call in module.shapes) for module in modules}
    if len(layouts) > 1:
        return replace(first, shapes=None)
    shapes = tuple(
        tuple(merge_shapes(shapes) for shapes in zip(*calls))
        for calls in zip(*(module.shapes for module in modules))
    )
    return replace(first, shapes=shapes)


def merge_shapes(shapes: Sequence[Shape]) -> Shape:
    return tuple(sizes[0] if len(set(sizes)) == 1 else None for sizes in zip(*shapes, strict=True))


def data_dependent_prefixes(modules: Sequence[Module]) -> list[str]:
    """The topmost modules below which every called module depends on the data."""
    prefixes: list[str] = []
    for module in modules:
        if any(is_below(module.path, prefix) for prefix in prefixes):
            continue
        called = [m for m in modules if is_below(m.path, module.path) and m.calls != 0]
        if called and all(m.data_dependent for m in called):
            prefixes.append(module.path)
    return prefixes


def is_below(path: str, prefix: str) -> bool:
    return not prefix or path == prefix or path.startswith(prefix + ".")


# --- writing --------------------------------------------------------------------------------


def shape_text(shape: Shape) -> str:
    return "x".join("?" if size is None else str(size) for size in shape) or "()"


def module_text(module: Module) -> str:
    calls = "?" if module.calls is None else str(module.calls)
    if module.shapes is None:
        shapes = "?"
    else:
        shapes = " | ".join(",".join(map(shape_text, call)) for call in module.shapes)
    return f"module {path_text(module.path)} {module.type} {calls} {shapes}".rstrip()


def path_text(path: str) -> str:
    return path or '""'


def body(facts: Facts) -> list[str]:
    """The lines of a file that follow the `model` and `input` lines."""
    lines = []
    for output in facts.outputs:
        words = ["output", output.name, shape_text(output.shape), output.dtype]
        lines.append(" ".join(filter(None, words)))
    lines += [f"data-dependent {prefix}" for prefix in data_dependent_prefixes(facts.modules)]
    for state in facts.states:
        lines.append(f"state {state.name} {state.dtype} {shape_text(state.shape)} {state.kind}")
    return lines + [module_text(module) for module in facts.modules]


def text(facts: Facts) -> str:
    versions = f"torchvision {torchvision.__version__}, torch {torch.__version__}"
    lines = [
        f"# facts of {versions}; written by tests/oracle/facts.py",
        f"model {facts.model} {facts.variant}",
    ]
    for value in facts.inputs:
        lines.append(f"input {value.name} {shape_text(value.shape)} {value.dtype}")
    return "\n".join(lines + body(facts)) + "\n"


def texts(model: str) -> dict[str, str]:
    """The text of each variant that gets a file."""
    untrained, published = (measure(model, variant) for variant in VARIANTS)
    files = {"untrained": text(untrained)}
    if body(published) != body(untrained):
        files["published"] = text(published)
    return files


# --- comparing ------------------------------------------------------------------------------


def without_comments(content: str) -> list[str]:
    return [line for line in content.splitlines() if not line.startswith("#")]


def difference(path: Path, expected: str | None, limit: int = 10) -> list[str]:
    """How the file at `path` differs from its expected content (None: it should not exist)."""
    if expected is None:
        return [f"{path.name}: should not exist"] if path.exists() else []
    if not path.exists():
        return [f"{path.name}: missing"]
    old, new = without_comments(path.read_text()), without_comments(expected)
    if old == new:
        return []
    diff = list(difflib.unified_diff(old, new, "golden", "torchvision", lineterm="", n=0))[2:]
    changed = [line for line in diff if not line.startswith("@@")]
    summary = [f"{path.name}: {len(changed)} changed lines"]
    summary += [f"    {line}" for line in changed[:limit]]
    if len(changed) > limit:
        summary.append(f"    ... and {len(changed) - limit} more")
    return summary


def read_index(directory: Path) -> dict[str, str]:
    path = directory / INDEX
    if not path.exists():
        return {}
    return dict(line.split() for line in without_comments(path.read_text()))


def index_text(index: dict[str, str]) -> str:
    header = "# whether the facts of the published variant are those of the untrained one\n"
    return header + "".join(f"{model} {state}\n" for model, state in sorted(index.items()))


# --- the command ----------------------------------------------------------------------------


def parallel(function: Callable, models: Sequence[str], jobs: int) -> Iterator[tuple[str, Any]]:
    """Each model with what the function returns for it, as they finish, slow ones first."""
    order = sorted(models, key=lambda model: (device_of(model) == "meta", model))
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(jobs, context, torch.set_num_threads, (1,)) as pool:
        futures = {pool.submit(function, model): model for model in order}
        for future in as_completed(futures):
            yield futures[future], future.result()


def write(out: Path, variants: Sequence[str], files: dict[str, dict[str, str]]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for model, contents in files.items():
        for variant in variants:
            path = out / f"{model}.{variant}.txt"
            if variant in contents:
                path.write_text(contents[variant])
            else:
                path.unlink(missing_ok=True)
    index = {model: state_of(contents) for model, contents in files.items()}
    (out / INDEX).write_text(index_text({**read_index(out), **index}))


def check(out: Path, variants: Sequence[str], files: dict[str, dict[str, str]]) -> int:
    """Prints how the golden files differ; returns the number of models that do."""
    index = read_index(out)
    failures = 0
    for model, contents in sorted(files.items()):
        problems = []
        for variant in variants:
            problems += difference(out / f"{model}.{variant}.txt", contents.get(variant))
        if index.get(model) != state_of(contents):
            problems.append(f"{INDEX}: {model} should be {state_of(contents)!r}")
        print("\n".join(problems), end="\n" if problems else "")
        failures += bool(problems)
    return failures


def state_of(contents: dict[str, str]) -> str:
    return "differs" if "published" in contents else "same"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=GOLDEN, help="folder of the golden files")
    parser.add_argument("--models", nargs="+", metavar="MODEL", help="default: all")
    parser.add_argument("--variant", choices=(*VARIANTS, "both"), default="both")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument("--jobs", type=int, default=2, help="worker processes")
    options = parser.parse_args()

    known = list_models()
    models = options.models or known
    if unknown := sorted(set(models) - set(known)):
        parser.error(f"not in torchvision {torchvision.__version__}: {' '.join(unknown)}")
    variants = VARIANTS if options.variant == "both" else (options.variant,)

    start = time.monotonic()
    files = dict(parallel(texts, models, options.jobs))
    seconds = time.monotonic() - start
    if not options.check:
        write(options.out, variants, files)
        print(f"{len(files)} models written to {options.out} in {seconds:.1f} s")
        return 0
    failures = check(options.out, variants, files)
    print(f"facts {len(files) - failures} of {len(files)} ({seconds:.1f} s)")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
