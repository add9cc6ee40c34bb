"""`zoometer.sweep` on other processes and machines.

The models are sorted and divided into chunks, each of which one worker profiles; the rows of all
chunks, one after the other, are those of the whole sweep.
"""

from __future__ import annotations

import os
import re
import warnings
from concurrent.futures import BrokenExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FIELDS = ("model", "batch", "resolution", "dtype", "reason")
CHUNKS_OF_A_WORKER = 8  # so that one with large models does not finish long after the others
RETRIES = 3  # of a chunk whose worker was killed, where the executor can do that


class Row(SimpleNamespace):
    """A row of a sweep that another process computed; as `zoometer.SweepRow`: `model`, `batch`,
    `resolution`, `dtype`, `reason`, and `totals` with `metrics` and `peak_bytes`."""


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """The order of names in a sweep: numbers as numbers, letters in lower case."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part.lower())
            for part in re.findall(r"[0-9]+|[^0-9]", name)]


def named_models(words: list[str]) -> list[str]:
    """The models that words stand for, as a sweep takes them: patterns of built-in models, none for
    all; names, paths, and what no model fits (which a worker refuses) as they are."""
    from ._catalogue import list_models
    names: list[str] = []
    for word in words or ["*"]:
        is_pattern = ("*" in word or "?" in word) and not os.path.exists(word)
        found = [model.name for model in list_models(word) if model.source == "builtin"] \
            if is_pattern else []
        names += found or [word]
    return names


def chunks_of(models: list[str], count: int) -> list[list[str]]:
    """At most `count` parts of the sorted models, of almost equal sizes."""
    ordered = sorted(set(models), key=lambda name: (natural_key(name), name))
    count = max(1, min(count, len(ordered)))
    size, more = divmod(len(ordered), count)
    ends = [index * size + min(index, more) for index in range(count + 1)]
    return [ordered[begin:end] for begin, end in zip(ends, ends[1:], strict=False)]


def profile_chunk(models: list[str], options: dict[str, Any]) -> list[dict[str, Any]]:
    """What a worker does: the rows of some models as plain values, which every executor can send."""
    import zoometer
    return [plain(row) for row in zoometer.sweep(models, threads=1, **options)]


def plain(row: Any) -> dict[str, Any]:
    fields = {name: getattr(row, name) for name in FIELDS}
    if not row.reason:
        fields["totals"] = plain_numbers(row.totals)
    return fields


def plain_numbers(value: Any) -> Any:
    """The public attributes of an object of the extension, which cannot be pickled, as a dict."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [plain_numbers(each) for each in value]
    names = (name for name in dir(type(value)) if not name.startswith("_"))
    found = {name: getattr(value, name) for name in names}
    return {name: plain_numbers(each) for name, each in found.items() if not callable(each)}


def row_of(fields: dict[str, Any]) -> Row:
    totals = fields.pop("totals", None)
    return Row(**fields, totals=None if totals is None else namespace(totals))


def namespace(value: Any) -> Any:
    if isinstance(value, dict):
        return SimpleNamespace(**{name: namespace(each) for name, each in value.items()})
    return [namespace(each) for each in value] if isinstance(value, list) else value


def workers_of(executor: Any) -> int:
    """How many workers an executor has, as far as it says; else as many as there are cores."""
    for name in ("_max_workers", "_processes"):
        count = getattr(executor, name, None)
        if isinstance(count, int) and count > 0:
            return count
    actors = getattr(executor, "_actor_pool", None)  # of Ray's pool
    if actors:
        return len(actors)
    if hasattr(executor, "ncores"):
        return max(1, sum(executor.ncores().values()))
    return os.cpu_count() or 1


def results(executor: Any, chunks: list[list[str]], options: dict[str, Any],
            ) -> Iterator[list[dict[str, Any]]]:
    """The rows of each chunk, in order."""
    if hasattr(executor, "get_executor"):  # a client of Dask
        executor = executor.get_executor(retries=RETRIES, pure=False)
    if hasattr(executor, "submit"):
        yield from submitted(executor, chunks, options)
    elif hasattr(executor, "imap"):  # multiprocessing's Pool, or Ray's
        yield from pooled(executor, chunks, options)
    else:
        raise TypeError(f"{type(executor).__name__} is no executor: a concurrent.futures executor, a "
                        "client of Dask or a pool is")


class Task:
    """`profile_chunk` with its options, for a pool."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options

    def __call__(self, models: list[str]) -> list[dict[str, Any]]:
        return profile_chunk(models, self.options)


def pooled(pool: Any, chunks: list[list[str]], options: dict[str, Any],
           ) -> Iterator[list[dict[str, Any]]]:
    """The chunks of a pool. Ray's gives what a chunk raised as a result, and for each chunk of a worker
    that was killed an error of its own: these chunks are done here."""
    for chunk, rows in zip(chunks, pool.imap(Task(options), chunks), strict=True):
        if not isinstance(rows, Exception):
            yield rows
            continue
        raised = getattr(rows, "underlying", None)
        if raised is not None:
            raise raised
        warnings.warn(f"a worker was lost ({type(rows).__name__}): its chunk is done in this process",
                      RuntimeWarning, stacklevel=5)
        yield profile_chunk(chunk, options)


def submitted(executor: Any, chunks: list[list[str]], options: dict[str, Any],
              ) -> Iterator[list[dict[str, Any]]]:
    """The chunks of an executor. One that breaks, as a pool of processes does where one of them is
    killed, loses nothing: what it has not done is done here."""
    futures: list[Any] = []
    is_broken = False
    try:
        for chunk in chunks:
            try:
                futures.append(None if is_broken else executor.submit(profile_chunk, chunk, options))
            except BrokenExecutor:
                is_broken = True
                futures.append(None)
        for index, chunk in enumerate(chunks):
            rows = None
            if futures[index] is not None:
                try:
                    rows = futures[index].result()
                except BrokenExecutor as error:
                    if not is_broken:
                        warnings.warn(f"the executor broke ({error}): the rest is done in this process",
                                      RuntimeWarning, stacklevel=4)
                    is_broken = True
            futures[index] = None  # frees the rows
            yield profile_chunk(chunk, options) if rows is None else rows
    finally:
        for future in futures:
            if future is not None:
                future.cancel()


def sweep_on(executor: Any, models: list[str], options: dict[str, Any],
             take: Callable[[Any], Any], chunks: int = 0) -> None:
    """Profiles every combination on the workers of `executor`, and hands over each row in order.

    Args:
        executor: a `concurrent.futures` executor, a Dask client, a pool of Ray or multiprocessing.
            Workers need the package `zoometer` of the same version and, for files, the same paths.
        models: names and paths; patterns are resolved by the caller.
        options: `batches`, `resolutions`, `dtypes` of `zoometer.sweep`.
        take: called with each row.
        chunks: in how many parts the models are sent; 0: 8 for each worker.

    Raises:
        TypeError: `executor` is none of these. What a worker raises comes through.
    """
    if not models:
        return
    count = chunks or CHUNKS_OF_A_WORKER * workers_of(executor)
    for rows in results(executor, chunks_of(models, count), options):
        for fields in rows:
            take(row_of(fields))
