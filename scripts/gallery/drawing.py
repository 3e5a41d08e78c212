"""One network's picture and what its last map sees; each is worked out once."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from striate.anatomy import Summary


@dataclass(frozen=True, slots=True)
class Drawing:
    """What the gallery shows of a network beside the catalogue's facts."""

    svg: str
    trunk_only: bool
    """What follows the trunk depends on the numbers, so that no picture holds for it."""
    sees: str
    """The receptive field of the last layer that still has positions."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, in the picture's own pixels."""
        match = re.search(r'width="(\d+)" height="(\d+)"', self.svg)
        assert match, "a diagram tells its size"
        return int(match[1]), int(match[2])


@cache
def drawings(names: tuple[str, ...]) -> dict[str, Drawing]:
    """All of them, on all cores. Cached, so that `mkdocs serve` draws them once."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(names, pool.map(draw, names, chunksize=4), strict=True))


def draw(name: str) -> Drawing:
    """Build a network without memory, trace it, draw it."""
    # Here and not above: the worker processes load torch, the one that starts them need not.
    import torch

    from striate.anatomy import diagram, summary
    from striate.errors import StriateError
    from striate.models import create, entry
    from striate.models.contract import ConvNet

    class Features(torch.nn.Module):
        def __init__(self, net: ConvNet) -> None:
            super().__init__()
            self.net = net

        def forward(self, *inputs: torch.Tensor) -> dict[str, torch.Tensor]:
            return self.net.features(*inputs)

    shape = entry(name).input
    with torch.device("meta"):
        net = create(name)
    sees = field(summary(net, shape))
    try:
        return Drawing(diagram(net, shape), trunk_only=False, sees=sees)
    except StriateError:
        return Drawing(diagram(Features(net), shape), trunk_only=True, sees=sees)


def field(found: Summary) -> str:
    """`224x224`, `all` or a dash, of the last layer whose output still has positions."""
    axes = len(_first(found.input)) - 1
    mapped = [layer for layer in found.layers if _positions(layer.output, axes) > 1]
    if not mapped or found.failure is not None or mapped[-1].receptive_field is None:
        return "-"
    return "all" if mapped[-1].whole else "x".join(map(str, mapped[-1].receptive_field))


def _positions(output: Sequence[int], axes: int) -> int:
    return prod(output[-axes:]) if axes and len(output) == axes + 1 else 0


def _first(shape: Sequence[int] | Sequence[Sequence[int]]) -> Sequence[int]:
    first = shape[0]
    return shape if isinstance(first, int) else first  # type: ignore[return-value]
