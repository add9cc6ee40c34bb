"""The result of `zoometer.profile`, and the difference of two of them."""

from __future__ import annotations

from . import _core, _tables

TYPE_CHECKING = False  # for type checkers; `typing` and `functools` take longer than the core
if TYPE_CHECKING:
    import os
    from functools import cached_property
    from typing import Any
else:
    class cached_property:
        """As that of functools: computed once for each object."""

        def __init__(self, compute):
            self._compute = compute
            self.__doc__ = compute.__doc__

        def __get__(self, instance, owner=None):
            if instance is None:
                return self
            value = instance.__dict__[self._compute.__name__] = self._compute(instance)
            return value


class Profile:
    """What a model costs. Immutable; figures are counted when they are first asked for.

    The rules of `convention` fill `cost`; every other figure is zoometer's own (docs/counting.md).
    """

    def __init__(self, network: _core.Network, convention: str = "native") -> None:
        self._network = network
        self._convention = convention

    # -- figures ------------------------------------------------------------------------------

    @cached_property
    def _figures(self) -> _core.Figures:
        return self._network.profile(self._convention)

    @cached_property
    def total(self) -> _core.Metrics:
        """The figures of the whole model."""
        return self._figures.total

    @property
    def name(self) -> str:
        """The model's name or class, or the file's path."""
        return self._network.name

    @property
    def source(self) -> str:
        """Where it comes from: "builtin", "torch", a file's format."""
        return self._network.source

    @property
    def convention(self) -> str:
        """Whose rules `cost` follows: "native", "fvcore", "torchvision", "torch", "thop", "ptflops" or "xla"."""
        return self._convention

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        return self.total.macs

    @property
    def flops(self) -> int:
        """Floating-point operations: two for each MAC, and all others."""
        return self.total.flops

    @property
    def parameters(self) -> int:
        """Elements of learnt tensors; shared ones count once."""
        return self.total.parameters

    @property
    def activations(self) -> int:
        """Elements of the outputs of operators that have MACs."""
        return self.total.activations

    @property
    def cost(self) -> int:
        """By the convention, in its unit; 0 for the native one."""
        return self.total.cost

    @property
    def bounded(self) -> bool:
        """Whether a figure depends on a size that is an upper bound."""
        return self.total.bounded

    @property
    def peak_activation_bytes(self) -> int:
        """The most bytes of activations that are alive at one time."""
        return self._figures.peak_activation_bytes

    @cached_property
    def modules(self) -> list[_core.Module]:
        """Every module with its figures, children included; in the order of `named_modules()`."""
        return self._figures.modules

    @cached_property
    def operators(self) -> list[_core.OperatorKind]:
        """The kinds of operators with the figures of all their runs, most FLOPs first."""
        return self._figures.operators

    @property
    def coverage(self) -> _core.Coverage:
        """How many operators were counted, are zero by definition, or are unknown."""
        return self._figures.coverage

    @property
    def notes(self) -> list[str]:
        """What the figures assume, one sentence each."""
        return self._network.notes

    @property
    def inputs(self) -> list[_core.Tensor]:
        """The tensors that go in."""
        return self._network.inputs

    @property
    def outputs(self) -> list[_core.Tensor]:
        """The tensors that come out."""
        return self._network.outputs

    def __getitem__(self, path: str) -> _core.Module:
        """The module of that path; "" is the root. Raises KeyError."""
        try:
            return self._by_path[path]
        except KeyError:
            raise KeyError(f"no module {path!r}") from None

    @cached_property
    def _by_path(self) -> dict[str, _core.Module]:
        return {module.path: module for module in self.modules}

    # -- documents ----------------------------------------------------------------------------

    def to_json(self, *, depth: int | None = None, memory: bool = False,
                training: dict[str, Any] | None = None) -> str:
        """The document of `zoometer profile --format json` (schema zoometer.profile/1)."""
        return _core.report(self._network, "json", self._convention, depth=depth, memory=memory,
                            training=None if training is None else _words(training))

    def to_dict(self, *, depth: int | None = None, memory: bool = False,
                training: dict[str, Any] | None = None) -> dict[str, Any]:
        """The same document as a dict: `to_dict()["totals"]["macs"]`."""
        import json
        return json.loads(self.to_json(depth=depth, memory=memory, training=training))

    def to_text(self, *, depth: int | None = None, memory: bool = False, width: int = 0) -> str:
        """The text report, down to `depth` levels of modules (2)."""
        return _core.report(self._network, "text", self._convention, depth=depth, memory=memory,
                            width=width)

    def table(self, max_depth: int = 3) -> str:
        """fvcore's `flop_count_table`, to the byte, with fvcore's figures."""
        return _core.report(self._network, "table", "fvcore", depth=max_depth)

    def to_pandas(self) -> Any:
        """A pandas DataFrame with a row for each module. Raises MissingPackageError."""
        return _tables.data_frame(self)

    def to_markdown(self, depth: int = 2) -> str:
        """A Markdown table of the modules down to `depth` levels."""
        return _tables.markdown(self, depth)

    def to_latex(self, depth: int = 2) -> str:
        """A LaTeX `tabular` of the modules down to `depth` levels."""
        return _tables.latex(self, depth)

    def report(self, path: str | os.PathLike[str]) -> None:
        """Writes a page that shows in a browser, offline, what the model costs."""
        _write(path, _core.report(self._network, "html", self._convention))

    def save(self, path: str | os.PathLike[str], *, weights: str = "", seed: int = 0) -> None:
        """Writes the graph in the format of the path's ending: .onnx, .json, .dot, .svg, .png, .pdf, .txt.

        `weights` is for .onnx: "random" (with that seed), or the path of a safetensors file; without
        it parameters are inputs.
        """
        _core.save_graph(self._network, _path(path), weights, seed)

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        return (f"<Profile of {self.name}: {_tables.count(self.parameters)} parameters, "
                f"{_tables.count(self.macs)} MACs, {_tables.count(self.flops)} FLOPs>")

    def _repr_html_(self) -> str:
        return _tables.html(self)

    def __reduce__(self) -> Any:
        raise TypeError("a Profile cannot be pickled: send its to_dict(), or profile the model again")

    # -- analysis -----------------------------------------------------------------------------

    def explain(self) -> _core.Explanation:
        """The figures by every tool's rules, and why they differ: `explain()["fvcore"]`."""
        return _core.explain(self._network)

    def memory(self) -> _core.Memory:
        """Where inference needs memory, over time and at the peak (docs/memory.md)."""
        return _core.memory(self._network)

    def training(self, optimizer: str = "sgd", **recipe: Any) -> _core.Training:
        """What one training step needs.

        Args:
            optimizer: "sgd", "momentum", "adam", "adamw", "adam8bit", "lion" or "adafactor".
            recipe: `master="float32"`, `state_dtype`, `checkpoint`, `accumulate`, `zero`,
                `data_parallel`, `offload="optimizer"`, as the command line has them.
        """
        return _core.training(self._network, _words({"optimizer": optimizer, **recipe}))

    def roofline(self, device: str = "", *, dtype: str = "", fuse: bool = False,
                 cache: bool = False, file: str | os.PathLike[str] = "") -> _core.Roofline:
        """The least time that a device needs (docs/roofline.md).

        Args:
            device: a name of `zoometer.devices()`, as "H100"; or `file`, your own device.
            dtype: the type that every floating-point tensor is stored and computed in.
            fuse: operators run together that compilers fuse.
            cache: what fits into the device's largest cache stays there.
        """
        return _core.roofline(self._network, device, dtype, fuse, cache, _path(file))

    def diff(self, other: Profile) -> Diff:
        """What differs in `other`, the second model."""
        return Diff(self, other)

    def stored_as(self, dtype: str) -> Profile:
        """The same with every floating-point tensor stored in another type: bytes change."""
        return Profile(_core.stored_as(self._network, dtype), self._convention)

    def counted_by(self, convention: str) -> Profile:
        """The same with `cost` by another convention."""
        return Profile(self._network, convention)


class Diff:
    """What differs between two models, module by module."""

    def __init__(self, before: Profile, after: Profile) -> None:
        self._before = before._network
        self._after = after._network

    @cached_property
    def _found(self) -> _core.NetworkDiff:
        return _core.diff(self._before, self._after)

    @property
    def before(self) -> _core.Totals:
        """The figures of the first model."""
        return self._found.before

    @property
    def after(self) -> _core.Totals:
        """The figures of the second model."""
        return self._found.after

    @property
    def counts(self) -> _core.DiffCounts:
        """How many modules are the same, changed, added, removed, renamed and moved."""
        return self._found.counts

    @cached_property
    def modules(self) -> list[_core.ModuleChange]:
        """Every module of either, depth-first."""
        return self._found.modules

    @cached_property
    def operators(self) -> list[_core.OperatorDiff]:
        """The kinds of operators whose figures differ."""
        return self._found.operators

    def to_dict(self) -> dict[str, Any]:
        """The document of `zoometer diff --format json` (schema zoometer.diff/1)."""
        import json
        return json.loads(_core.diff_document(self._before, self._after, "json"))

    def report(self, path: str | os.PathLike[str]) -> None:
        """Writes a page that shows the differences in a browser, offline."""
        _write(path, _core.diff_document(self._before, self._after, "html"))

    def __str__(self) -> str:
        return _core.diff_document(self._before, self._after, "text")

    def __repr__(self) -> str:
        counts = self.counts
        return (f"<Diff of {self._before.name} and {self._after.name}: {counts.changed} changed, "
                f"{counts.added} added, {counts.removed} removed>")

    def _repr_html_(self) -> str:
        return _tables.preformatted(str(self))


def _words(options: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in options.items() if value is not None]


def _path(path: str | os.PathLike[str]) -> str:
    import os
    return os.fspath(path)


def _write(path: str | os.PathLike[str], text: str) -> None:
    _core.write_file(_path(path), text)
