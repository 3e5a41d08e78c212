"""The join of GoogLeNet: several branches see the same maps, and their maps are stacked."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from striate.errors import ArgumentError


class Inception(nn.ModuleDict):
    """(B, I, H, W) -> (B, O1 + O2 + ..., H', W'): y = [branch1(x), branch2(x), ...].

    Szegedy et al., "Going Deeper with Convolutions", CVPR 2015. `branches` maps names to modules,
    in order; the names are the prefixes of the state dict. All branches must leave the same H', W'.
    """

    def __init__(self, branches: Mapping[str, nn.Module]) -> None:
        if not isinstance(branches, Mapping) or not branches:
            raise ArgumentError("branches", branches, "at least one branch, as {name: module}")
        super().__init__(branches)

    def forward(self, x: Tensor) -> Tensor:
        """(B, I, H, W) -> (B, O1 + O2 + ..., H', W')."""
        maps = {name: branch(x) for name, branch in self.items()}
        if len({tuple(found.shape[2:]) for found in maps.values()}) > 1:
            sizes = {name: tuple(found.shape[2:]) for name, found in maps.items()}
            raise ArgumentError("branches", sizes, "maps of one size from every branch")
        return torch.cat(list(maps.values()), 1)
