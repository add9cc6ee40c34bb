"""torch.utils.flop_counter's class: `FlopCounterMode`, which counts before a model runs."""

from __future__ import annotations

from typing import Any

from .._errors import UnsupportedError
from ._run import Run, ancestors

__all__ = ["FlopCounterMode"]

# The names of ATen's operators, as `get_flop_counts` has them.
_ATEN = {"linear": "addmm", "conv1d": "convolution", "conv2d": "convolution",
         "conv3d": "convolution", "conv_transpose1d": "convolution",
         "conv_transpose2d": "convolution", "conv_transpose3d": "convolution", "matmul": "mm"}


class FlopCounterMode:
    """Within `with FlopCounterMode(): model(x)`, each outermost call of a module is counted by the
    rules of torch.utils.flop_counter, before it runs as it always does. On the meta device nothing is
    computed.

    Args:
        mods: not needed, which a warning says, as in PyTorch.
        depth: levels of modules in the table.
        display: whether the table is printed at the end.
        custom_mapping: raises UnsupportedError.
    """

    def __init__(self, mods: Any = None, depth: int = 2, display: bool = True,
                 custom_mapping: Any = None) -> None:
        if mods is not None:
            import warnings
            warnings.warn("mods argument is not needed anymore, you can stop passing it", stacklevel=2)
        if custom_mapping:
            raise UnsupportedError("zoometer takes no formulas of operators")
        self._depth = depth
        self._display = display
        self._counts: dict[str, dict[str, int]] = {}
        self._call: Any = None

    def __enter__(self) -> FlopCounterMode:
        import torch
        module = torch.nn.Module
        self._counts = {"Global": {}}
        self._call = module.__call__
        counter, call = self, self._call

        def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
            module.__call__ = call  # type: ignore[method-assign]
            try:
                counter._count(self, args, kwargs)
                return call(self, *args, **kwargs)
            finally:
                module.__call__ = counted  # type: ignore[method-assign]
        module.__call__ = counted  # type: ignore[method-assign]
        return self

    def __exit__(self, *exception: Any) -> None:
        import torch
        torch.nn.Module.__call__ = self._call  # type: ignore[method-assign]
        if self._display:
            print(self.get_table())

    def _count(self, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        run = Run(model, args, kwargs, "torch")
        root = type(model).__name__
        for step in run.steps():
            if step.cost == 0:
                continue
            operator = f"aten.{_ATEN.get(step.name, step.name)}"
            names = {f"{root}.{path}" if path else root for path in ancestors(step.module)}
            for name in (*names, "Global"):
                counts = self._counts.setdefault(name, {})
                counts[operator] = counts.get(operator, 0) + step.cost

    def get_total_flops(self) -> int:
        """FLOPs of all calls: two for each multiply-accumulate."""
        return sum(self._counts.get("Global", {}).values())

    def get_flop_counts(self) -> dict[str, dict[str, int]]:
        """FLOPs by module and operator; "Global" has all. Operators have names like "aten.addmm"."""
        return {name: dict(counts) for name, counts in self._counts.items()}

    def get_table(self, depth: int | None = None) -> str:
        """A table of modules down to a depth, with their share."""
        total = max(self.get_total_flops(), 1)
        depth = self._depth if depth is None else depth
        rows = [(name, sum(counts.values())) for name, counts in sorted(self._counts.items())
                if name.count(".") < depth]
        width = max(len(name) for name, _ in rows)
        lines = [f"{'Module':<{width}}  {'FLOP':>16}  % Total", "-" * (width + 27)]
        lines += [f"{name:<{width}}  {flops:>16,}  {100 * flops / total:6.2f}%"
                  for name, flops in rows]
        return "\n".join(lines)
