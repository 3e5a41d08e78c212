"""What a model says: its table, and the figures of an epoch."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from torch import Tensor

from striate.anatomy.words import exact, size
from striate.sequential.assembly import Part
from striate.sequential.base import outer_shape


def table(name: str, parts: Sequence[Part]) -> str:
    """A row a layer, and totals, as Keras prints them; running statistics count as parameters."""
    grid = Table(box=box.HEAVY_HEAD, show_lines=True)
    for title, side in (("Layer (type)", "left"), ("Output Shape", "left"), ("Param #", "right")):
        grid.add_column(title, justify=side, no_wrap=True)  # type: ignore[arg-type]
    for part in parts:
        shape = ", ".join(map(str, outer_shape(part.output)))
        count = part.found.params + _statistics(part)
        grid.add_row(f"{part.name} ({part.layer.kind})", f"(None, {shape})", exact(count))
    stream = io.StringIO()
    console = Console(file=stream, width=200, no_color=True, highlight=False)
    console.print(grid)
    trainable = sum(part.found.trainable for part in parts)
    fixed = sum(part.found.params + _statistics(part) for part in parts) - trainable
    lines = [f'Model: "{name}"', stream.getvalue().rstrip()]
    counts = (("Total", trainable + fixed), ("Trainable", trainable), ("Non-trainable", fixed))
    lines += [f" {kind} params: {exact(count)} ({size(4 * count)})" for kind, count in counts]
    return "\n".join(lines)


def _statistics(part: Part) -> int:
    """Running means and variances, which Keras counts as parameters that do not learn."""
    buffers: list[Tensor] = list(part.module.buffers())
    return sum(buffer.numel() for buffer in buffers if buffer.is_floating_point())


class EpochLines:
    """Two lines an epoch on the standard output, as Keras prints them where it is no terminal."""

    def __init__(self, epochs: int, steps: int) -> None:
        self.epochs, self.steps = epochs, steps
        self._since = time.monotonic()

    def epoch(self, number: int, logs: dict[str, float]) -> None:
        """Print the figures of an epoch, counted from 1."""
        seconds = time.monotonic() - self._since
        self._since = time.monotonic()
        print(f"Epoch {number}/{self.epochs}")
        print(f"{self.steps}/{self.steps} - {seconds:.1f}s - {figures(logs)}", flush=True)


def figures(logs: dict[str, float]) -> str:
    """accuracy: 0.9912 - loss: 0.0276."""
    return " - ".join(f"{name}: {value:.4g}" for name, value in logs.items())
