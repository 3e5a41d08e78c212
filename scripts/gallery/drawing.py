"""One network's picture and what its last map sees; each is worked out once."""

from __future__ import annotations

import os
import re
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from striate.anatomy.trace import Trace


@dataclass(frozen=True, slots=True)
class Drawing:
    """What the gallery shows of a network beside the catalogue's facts."""

    svg: str
    trunk_only: bool
    """What follows the trunk is about boxes, and no picture of volumes shows it."""
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

    from striate.anatomy import trace
    from striate.anatomy.diagram import drawn
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
    # What a detector does with its boxes is hundreds of small operations, and no volumes.
    trunk_only = entry(name).task == "detection"
    found = trace(Features(net) if trunk_only else net, shape)
    return Drawing(drawn(found, name), trunk_only, "-" if trunk_only else field(found))


def field(found: Trace) -> str:
    """`299x299`, `all` or a dash, of the last layer whose output still has positions."""
    shape = found.input_shape
    first = shape if isinstance(shape[0], int) else shape[0]
    axes = len(first) - 1
    outputs = [(call, call.outputs[0][1:]) for call in found.calls if call.outputs]
    mapped = [call for call, out in outputs if len(out) == axes + 1 and prod(out[1:]) > 1]
    if not mapped or found.failure is not None or mapped[-1].fields is None:
        return "-"
    sizes = tuple(one.size for one in mapped[-1].fields)
    whole = sizes == first[1:] and all(one.jump == 0 for one in mapped[-1].fields)
    return "all" if whole else "x".join(map(str, sizes))
