"""A frozen trunk looks at every picture once: pictures in, features out."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from striate.data.augment import Policy, Stream, apply
from striate.data.stores import Store
from striate.errors import WRONG_INPUT, ArgumentError, StriateError
from striate.models.contract import ConvNet

Compute = Callable[[Tensor], Tensor]
"""Pixels uint8 (B, C, H, W) -> features (B, F)."""

_BATCH = 32


class Features(NamedTuple):
    """What a trunk makes of pictures: (N, V, F) float32, and which were `readable` (N,)."""

    values: Tensor
    readable: Tensor


@dataclass(frozen=True, slots=True)
class Views:
    """How often a picture is looked at: as it is, mirrored too, and `more` times by a policy."""

    mirror: bool = False
    more: int = 0
    policy: Policy = ()
    seed: int = 0

    def of(self, pixels: Tensor, ids: Tensor) -> list[Tensor]:
        """The views of uint8 pictures (B, C, H, W) whose samples are `ids` (B,)."""
        pictures = [pixels, pixels.flip(3)] if self.mirror else [pixels]
        for number in range(self.more):
            pictures.append(apply(self.policy, pixels, Stream(self.seed, number, ids)))
        return [one.contiguous(memory_format=torch.channels_last) for one in pictures]


PLAIN = Views()


def trunk_of(net: nn.Module) -> ConvNet:
    """A copy of the network that ends before its last layer: (B, C, H, W) -> (B, num_features)."""
    whole, _ = linear_end(net)
    trunk = copy.deepcopy(whole).eval().requires_grad_(False)
    trunk.set_submodule(whole.heads[0], nn.Identity())
    return trunk


def linear_end(net: nn.Module) -> tuple[ConvNet, nn.Linear]:
    """The network and its last layer, if its answer is what that makes of its features."""
    name = type(net).__name__
    if not isinstance(net, ConvNet):
        raise ArgumentError("net", name, "a network in stages, as of st.create")
    layer = net.last_layer
    if not isinstance(layer, nn.Linear) or layer.bias is None:
        raise StriateError(
            "does not end in one linear layer with biases, which a solved head could become",
            where=name,
            remedy="Train the whole network, or choose one such as efficientnet_lite0",
            exit_code=WRONG_INPUT,
        )
    return net, layer


def features_of(
    engine: Compute,
    store: Store,
    indices: Tensor,
    *,
    views: Views = PLAIN,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Features:
    """The features (N, V, F) of the pictures `indices` (N,) of a store, each view computed once.

    View 0 is the picture as it is. Where a file cannot be read the features are those of black.
    """
    values, readable, done = torch.empty(0), torch.empty(len(indices), dtype=torch.bool), 0
    pieces = indices.split(_BATCH)
    for ids, (pixels, good) in zip(pieces, store.batches(iter(pieces)), strict=True):
        seen = torch.stack([engine(view).float().cpu() for view in views.of(pixels, ids)], dim=1)
        if not done:
            values = torch.empty(len(indices), *seen.shape[1:])
        here = slice(done, done + len(ids))
        values[here], readable[here] = seen, good.cpu()
        done += len(ids)
        report(done, len(indices))
    return Features(values, readable)
