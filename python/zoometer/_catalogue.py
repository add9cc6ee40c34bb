"""Models by name: lists, sweeps, discovery; and the devices of rooflines."""

from __future__ import annotations

import os

from . import _core
from ._errors import UsageError

TYPE_CHECKING = False  # for type checkers; the module `typing` takes longer than the core
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from ._profile import Diff


def list_models(*patterns: str, registry: str = "all",
                plugins: Sequence[str] = ()) -> list[_core.Model]:
    """The models that have names.

    Args:
        patterns: names, with * and ?; none: all.
        registry: "curated", "auto" or "all" (docs/registry.md).
        plugins: paths of plug-ins whose models are listed, too.
    """
    return _core.list_models(list(patterns), registry, list(plugins))


def devices() -> list[_core.Device]:
    """The devices that `roofline` knows: built-in ones, and the user's own."""
    return _core.devices()


def discover(*patterns: str, source: str = "", python: str = "", time_limit: float = 0,
             skip: bool = True) -> list[_core.Finding]:
    """Tries every model of a source, and reports which can be traced.

    Args:
        patterns: names, with * and ?; none: all.
        source: "builtin", "torchvision", "python:MODULE" or a folder; empty: all that have names.
        python: the interpreter for torchvision and modules, instead of the first suitable one.
        time_limit: seconds that one model may take there; 0: 60.
        skip: whether the usual skip patterns leave models out.
    """
    return _core.discover(list(patterns), source, python, time_limit, not skip)


def compare(before: Any, after: Any, **options: Any) -> Diff:
    """What differs between two models, each as `zoometer.profile` takes it."""
    from ._sources import profile
    return profile(before, **options).diff(profile(after, **options))


class Sweep(list):  # type: ignore[type-arg]
    """The rows of a sweep: a list of `SweepRow`."""

    _COLUMNS = ("model", "batch", "resolution", "dtype")
    _METRICS = ("parameters", "buffers", "parameter_bytes", "macs", "flops", "activations",
                "bytes_read", "bytes_written", "bounded")

    def to_dicts(self) -> list[dict[str, Any]]:
        """A dict for each row; where the model refused, with the reason and no figures."""
        return [self._dict(row) for row in self]

    def _dict(self, row: _core.SweepRow) -> dict[str, Any]:
        fields = {name: getattr(row, name) for name in self._COLUMNS}
        has_figures = not row.reason
        for name in self._METRICS:
            fields[name] = getattr(row.totals.metrics, name) if has_figures else None
        fields["peak_activation_bytes"] = row.totals.peak_bytes if has_figures else None
        fields["reason"] = row.reason
        return fields

    def to_pandas(self) -> Any:
        """A pandas DataFrame. Raises MissingPackageError."""
        from ._tables import import_pandas
        return import_pandas().DataFrame(self.to_dicts())

    def __reduce__(self) -> tuple[Any, ...]:
        """Rows of the core cannot be pickled: those of an executor go instead, with the same names."""
        from ._sweep import Row, plain, row_of
        return Sweep, ([row if isinstance(row, Row) else row_of(plain(row)) for row in self],)


def sweep(models: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = (), *,
          batches: Iterable[int] = (), resolutions: Iterable[int | tuple[int, int]] = (),
          dtypes: Iterable[str] = (), part: int = 1, parts: int = 1, threads: int = 0,
          take: Callable[[_core.SweepRow], Any] | None = None, executor: Any = None,
          chunks: int = 0) -> Sweep:
    """Profiles every combination of models and sizes, on all cores or on the workers of an executor.

    Args:
        models: names, patterns with * and ?, paths of files; none: every built-in model.
        batches: sizes of the inputs' batch; none: each model's own.
        resolutions: of images and clips, in pixels: 224 or (height, width).
        dtypes: of every floating-point tensor; only bytes change.
        part, parts: which part of the sweep, from 1, and in how many it is done.
        threads: 0: as many as there are cores.
        take: called with each row, in order, instead of collecting them; what it raises ends the
            sweep, as Ctrl-C does.
        executor: a `concurrent.futures` executor, a client of Dask, or a pool of Ray or
            multiprocessing: its workers, which need the same version of this package and the same
            files, compute the rows. They are those of a sweep without it, in the same order, also
            where a worker is killed.
        chunks: in how many parts the models are sent to the executor; 0: 8 for each worker.

    Returns:
        The rows, in the order of models (by name) and sizes; empty with `take`.
    """
    rows = Sweep()
    if isinstance(models, (str, os.PathLike)):
        models = [models]
    if executor is not None:
        if (part, parts) != (1, 1):
            raise UsageError("part and executor contradict each other")
        from ._sweep import named_models, sweep_on
        options = {"batches": list(batches), "resolutions": list(resolutions), "dtypes": list(dtypes)}
        sweep_on(executor, named_models([os.fspath(model) for model in models]), options,
                 take or rows.append, chunks)
        return rows
    sizes = [size if isinstance(size, tuple) else (size, size) for size in resolutions]
    _core.sweep([os.fspath(model) for model in models], list(batches), sizes, list(dtypes), part,
                parts, threads, take or rows.append)
    return rows
