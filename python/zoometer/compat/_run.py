"""One captured run of a module, as the functions of the tools need it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from .. import _core
from .._sources import trace


class Step(NamedTuple):
    """One operator of the run."""

    name: str  # "conv2d"
    module: str  # path of the module in which it runs
    kind: str  # that module's class
    inputs: list[tuple[int, ...] | None]  # shapes; None: absent
    outputs: list[tuple[int, ...]]
    cost: int  # by the convention


class Run:
    """What a module runs on these inputs, and which of its modules are called."""

    def __init__(self, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any],
                 convention: str) -> None:
        self.network = trace(model, *args, **kwargs)
        figures = self.network.profile(convention)
        self.modules: dict[str, _core.Module] = {each.path: each for each in figures.modules}
        self.total: _core.Metrics = figures.total
        self._convention = convention

    def steps(self) -> Iterator[Step]:
        """The operators in the order in which they run."""
        costs = self.network.costs(self._convention)
        for each, inputs, cost in zip(self.network.operators(), self.network.operator_inputs(),
                                      costs):
            kind = self.modules[each.module].type
            yield Step(each.name, each.module, kind, inputs, each.output_shapes, cost)

    def is_called(self, path: str) -> bool:
        """Whether the module of that path is called."""
        module = self.modules.get(path)
        return module is not None and module.calls > 0


class Evaluating:
    """A module in eval mode, for tools that count so; afterwards every flag is as it was."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._flags = [(module, module.training) for module in model.modules()]

    def __enter__(self) -> Any:
        return self._model.eval()

    def __exit__(self, *exception: Any) -> None:
        for module, flag in self._flags:
            module.training = flag


def ancestors(path: str) -> Iterator[str]:
    """The path and those above it: "a.b", "a", ""."""
    while path:
        yield path
        path = path.rpartition(".")[0]
    yield ""


def product(sizes: Any) -> int:
    """The product of sizes."""
    result = 1
    for size in sizes:
        result *= size
    return result
