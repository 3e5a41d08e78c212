"""The joins of GoogLeNet and its successors: several branches see the same maps, and their maps
are stacked; and the convolution unit the branches are made of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from striate.errors import ArgumentError
from striate.layers import arguments
from striate.layers.conv import ConvNormAct

Step = nn.Module | tuple[nn.Module, ...]
"""A step of a branch: one module, or several side by side, whose maps are stacked."""


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
        return _stacked({name: branch(x) for name, branch in self.items()})


class NumberedInception(nn.ModuleDict):
    """(B, I, H, W) -> (B, O1 + O2 + ..., H', W'): as `Inception`, its branches given in steps.

    y = [last step of branch 1, last step of branch 2, ...]. A step that is a tuple forks: its
    modules all see the step before, and their maps are stacked, as in the widest blocks of
    Inception v3 and v4 (Szegedy et al. 2016, 2017).

    The state dict has no level for the branch: the steps of `branch` are called `branch_1`,
    `branch_2`, ... from `first` on, the modules of a fork `branch_2a`, `branch_2b`, and the one
    step of a branch `branch`. These are the names in Inception v3's published weights.
    """

    def __init__(self, branches: Mapping[str, Sequence[Step]], first: int = 1) -> None:
        if not isinstance(branches, Mapping) or not branches or not all(branches.values()):
            expected = "at least one branch, as {name: [step, ...]}"
            raise ArgumentError("branches", branches, expected)
        arguments.whole("first", first, 0)
        super().__init__()
        self.paths: dict[str, list[list[str]]] = {}
        for branch, steps in branches.items():
            self.paths[branch] = []
            for number, step in enumerate(steps, first):
                name = branch if len(steps) == 1 else f"{branch}_{number}"
                modules = _named(name, step)
                self.update(modules)
                self.paths[branch].append(list(modules))

    def forward(self, x: Tensor) -> Tensor:
        """(B, I, H, W) -> (B, O1 + O2 + ..., H', W')."""
        maps = {}
        for branch, path in self.paths.items():
            maps[branch] = x
            for names in path:
                maps[branch] = _stacked({name: self[name](maps[branch]) for name in names})
        return _stacked(maps)


class InceptionConv(nn.Sequential):
    """(B, I, H, W) -> (B, O, H', W'): y = relu(norm(conv(x))), n' = (n + 2p - k) // stride + 1.

    `ConvNormAct` as the Inception networks have it: eps 1e-3 in the norm, and the submodules
    called `conv`, `bn` and `relu`. Padding `None` keeps the size at stride 1.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int] = 3,
        *,
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] | None = None,
    ) -> None:
        unit = ConvNormAct(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=padding,
            norm=partial(nn.BatchNorm2d, eps=1e-3),
            act=partial(nn.ReLU, inplace=True),
        )
        super().__init__()
        for name, module in zip(("conv", "bn", "relu"), unit, strict=True):
            self.add_module(name, module)


def _named(name: str, step: Step) -> dict[str, nn.Module]:
    """The modules of a step by name: a, b, ... behind the name where there are several."""
    if isinstance(step, nn.Module):
        return {name: step}
    return {f"{name}{chr(ord('a') + index)}": module for index, module in enumerate(step)}


def _stacked(maps: Mapping[str, Tensor]) -> Tensor:
    if len({tuple(found.shape[2:]) for found in maps.values()}) > 1:
        sizes = {name: tuple(found.shape[2:]) for name, found in maps.items()}
        raise ArgumentError("branches", sizes, "maps of one size from every branch")
    return torch.cat(list(maps.values()), 1)
