"""One captured run of a module, as the functions of the tools need it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
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
                 convention: str, watch: Watch | None = None) -> None:
        if watch is None:
            self.network = trace(model, *args, **kwargs)
        else:
            with watch.watching(model):
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


class Watch:
    """What is called by the names that a tool replaces, each call counted by the tool's rule.

    As in the tool, who took a function from its module before calls the function itself, and is not
    counted.
    """

    def __init__(self, rules: list[tuple[Any, str, Callable[..., Any]]]) -> None:
        """`rules`: the owner of a name, the name, and what a call with its arguments costs."""
        self._rules = [rule for rule in rules if hasattr(rule[0], rule[1])]
        self.costs: list[Any] = []

    @contextlib.contextmanager
    def watching(self, model: Any) -> Iterator[None]:
        """Where the names are replaced. A second run of the model counts again."""
        begin = model.register_forward_pre_hook(lambda *_: self.costs.clear())
        before = [(owner, name, vars(owner).get(name)) for owner, name, _ in self._rules]
        try:
            for owner, name, rule in self._rules:
                setattr(owner, name, self._watched(getattr(owner, name), rule))
            yield
        finally:
            begin.remove()
            for owner, name, function in before:
                if function is None:  # of a base class
                    delattr(owner, name)
                else:
                    setattr(owner, name, function)

    def _watched(self, function: Any, rule: Callable[..., Any]) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.costs.append(rule(*args, **kwargs))
            return function(*args, **kwargs)
        return call


def functions(torch: Any, names: str, rule: Callable[..., Any]) -> list[tuple[Any, str, Any]]:
    """A rule for functions of torch.nn.functional."""
    return [(torch.nn.functional, name, rule) for name in names.split()]


def products_and_sums(torch: Any, names: str, rule: Callable[..., Any]) -> list[tuple[Any, str, Any]]:
    """A rule for functions of torch and for the methods of tensors of the same names."""
    return [(owner, name, rule) for name in names.split() for owner in (torch, torch.Tensor)]


def broadcast_elements(input: Any, other: Any, **_: Any) -> int:
    """Elements of a sum or product of two tensors or numbers, as the tools have it."""
    shapes = [tuple(getattr(each, "shape", ())) for each in (input, other)]
    rank = max(map(len, shapes))
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    return product(max(pair) for pair in zip(*padded, strict=True))


POOLS = ("avg_pool1d avg_pool2d avg_pool3d max_pool1d max_pool2d max_pool3d adaptive_avg_pool1d "
         "adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d "
         "adaptive_max_pool3d")


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
