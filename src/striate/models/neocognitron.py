"""Neocognitron: A Self-organizing Neural Network Model for a Mechanism of Pattern Recognition
Unaffected by Shift in Position. Fukushima, Biological Cybernetics 36, 1980,
https://doi.org/10.1007/BF00344251.

The idea: layers of S-cells, which look for a feature at every place, alternate with layers of
C-cells, which answer wherever nearby it is found; what the features are, the net finds by itself.

Sizes are the paper's: U0 16x16, then 24 planes in every layer: US1 16x16, UC1 10x10, US2 8x8, UC2
6x6, US3 2x2, UC3 1x1. Its learning is `learn`: no labels and no gradients. As parameters the
connections can be trained by gradients too.

Two of its numbers are tried out, not the paper's: the second layer is more selective (r = 2; with
1.5 two of the five digits often end in one plane), and S-columns are 5, 4 and 2 cells wide. About
seven of eight random starts then sort the digits into planes of their own.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from striate.errors import ArgumentError
from striate.layers import CCell, SCell
from striate.models.contract import ConvNet, Stage, check_classes, last

PLANES = 24


class Rule(NamedTuple):
    """How one layer of S-cells learns."""

    q: float
    """How far one presentation moves the connections."""
    column: int
    """Side of an S-column: the cells of all planes around one place, which compete."""


RULES = {"us1": Rule(1.0, 5), "us2": Rule(16.0, 4), "us3": Rule(16.0, 2)}


class Neocognitron(ConvNet):
    """(B, in_channels, 16, 16) of ink >= 0 -> the activity of each plane of UC3, (B, classes).

    Larger images are searched: a plane's answer is then its strongest one anywhere.
    """

    heads = ("us3",)

    def __init__(self, classes: int = PLANES, in_channels: int = 1) -> None:
        super().__init__()
        self.us1 = _newborn(SCell(in_channels, PLANES, 5, padding=2, r=4.0))
        self.uc1 = CCell(5, stride=2, padding=4)
        self.us2 = _newborn(SCell(PLANES, PLANES, 5, padding=1, r=2.0))
        self.uc2 = CCell(5, padding=1)
        self.us3 = _last_s_cells(classes)
        self.uc3 = CCell(2)
        self.stages = {
            "us1": Stage(("us1",), PLANES, 1),
            "uc1": Stage(("uc1",), PLANES, 2),
            "us2": Stage(("us2",), PLANES, 2),
            "uc2": Stage(("uc2",), PLANES, 2),
            "head": Stage(("us3",), classes, 0),
        }

    @property
    def num_features(self) -> int:
        """How many planes the last S-cells look at."""
        return PLANES

    def reset_head(self, classes: int) -> None:
        """New last S-cells, of `classes` planes, on the old ones' device and in their dtype."""
        self.us3 = _last_s_cells(classes).to(self.us3.a)
        self.stages["head"] = self.stages["head"]._replace(channels=classes)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """(B, in_channels, 16, 16) -> maps `us1`, `uc1`, `us2`, `uc2`."""
        maps = {}
        for name in ("us1", "uc1", "us2", "uc2"):
            x = maps[name] = self.get_submodule(name)(x)
        return maps

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, 16, 16) -> activities of UC3 (B, classes), from 0 to below 1."""
        return self.uc3(self.us3(last(self.features(x)))).amax((2, 3))  # type: ignore[no-any-return]

    @torch.no_grad()
    def learn(self, images: Tensor, presentations: int = 20) -> None:
        """Show the images (N, in_channels, 16, 16) one after the other, `presentations` times.

        At each, the representatives of every layer (`reinforce`) learn what they see.
        """
        if not isinstance(images, Tensor) or images.ndim != 4 or images.min() < 0:
            got = tuple(images.shape) if isinstance(images, Tensor) else images
            raise ArgumentError("images", got, "a batch of images (N, C, H, W), no value below 0")
        for _ in range(presentations):
            for image in images:
                x = image[None]
                for s_cells, c_cells in (("us1", "uc1"), ("us2", "uc2"), ("us3", "uc3")):
                    cells = self.get_submodule(s_cells)
                    assert isinstance(cells, SCell)
                    reinforce(cells, x, RULES[s_cells])
                    x = self.get_submodule(c_cells)(cells(x))


@torch.no_grad()
def reinforce(cells: SCell, x: Tensor, rule: Rule) -> None:
    """One step of the paper's rule for one image's u_C, (1, I, H, W): a += q c u_C, b += q v_C.

    The strongest cell of each S-column is a candidate; the strongest candidate of a plane is its
    representative and learns what it sees; the plane's other cells follow it. A plane without a
    candidate learns nothing. So a plane that answers a feature gets better at it, and a feature
    that none answers is left to a plane that has learned nothing yet.
    """
    answers = cells(x)
    planes = answers.shape[1]
    column = (planes, rule.column, rule.column)
    # One number per column: which cell of which plane is its strongest.
    strongest = F.max_pool3d(answers, column, stride=1, return_indices=True)[1].flatten()
    answers = answers.flatten()
    candidates = torch.zeros_like(answers)
    candidates[strongest] = answers[strongest]
    answer, place = candidates.view(planes, -1).max(1)
    kernel = cells.a.shape[-1]
    seen = F.unfold(x, kernel, padding=cells.padding)[0, :, place].T.reshape(cells.a.shape)
    step = rule.q * (answer > 0).to(x.dtype)
    cells.a.add_(step[:, None, None, None] * cells.c * seen)
    cells.b.add_(step * (cells.c * seen.square()).sum((1, 2, 3)).sqrt())


def _last_s_cells(classes: int) -> SCell:
    return _newborn(SCell(PLANES, check_classes(classes), 5, r=1.5))


def _newborn(cells: SCell) -> SCell:
    """Hardly connected: whatever a plane has learned once must win over all that are still free."""
    with torch.no_grad():
        cells.a.mul_(0.01)
    return cells


NETS = {"neocognitron": Neocognitron}
