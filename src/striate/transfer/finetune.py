"""Fine-tuning: begin at the solved head, let the deep stages learn fast and the early ones slowly.

Everything else is `training.fit` and a recipe: what is frozen, what thaws when, how the rate falls
from stage to stage, and that the start is kept if no epoch is better.
"""

from __future__ import annotations

import torch
from torch import nn

from striate.errors import ArgumentError
from striate.models.contract import ConvNet
from striate.training import Recipe
from striate.transfer.features import linear_end
from striate.transfer.heads import Head

FINE_TUNING = Recipe(
    epochs=5,
    batch_size=32,
    optimiser="adamw",
    peak_rate=2e-4,
    weight_decay=0.01,
    warmup=0.1,
    layer_decay=0.7,
    keep_start=True,
    policy="photos",
)
"""All stages learn, the early ones slowly, from a head that is solved already."""


def deep_stages(net: ConvNet) -> str:
    """The stage from which on about half of the stages learn: `frozen` for fine-tuning deep."""
    names = list(net.stages)
    return names[len(names) // 2]


def gradually(recipe: Recipe, net: ConvNet, share: float = 0.5) -> Recipe:
    """The recipe with only the head learning at first, and the stages before it freed one by one
    in this share of the run, the deepest first."""
    return recipe.with_settings({"frozen": list(net.stages)[-1], "thaw": share})


@torch.no_grad()
def write_head(net: nn.Module, head: Head) -> None:
    """Make the solved head the network's last layer, in place."""
    whole, layer = linear_end(net)
    solved = head.layer
    if not isinstance(solved, nn.Linear):
        raise ArgumentError("head", type(solved).__name__, "a linear layer")
    if solved.in_features != layer.in_features:
        expected = f"one of {layer.in_features} features, as many as the network has"
        raise ArgumentError("head", solved.in_features, expected)
    if solved.out_features != layer.out_features:
        whole.reset_head(solved.out_features)
        layer = linear_end(net)[1]
    layer.weight.copy_(solved.weight)
    layer.bias.copy_(solved.bias)
