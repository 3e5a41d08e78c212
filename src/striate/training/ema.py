"""A moving average of the weights, which is often better than any of them."""

from __future__ import annotations

import copy

import torch
from torch import nn


class Average:
    """A copy of the network whose numbers follow it: a <- share * a + (1 - share) * now.

    Early the share is smaller, (1 + n) / (10 + n) after n updates, so that the beginning is
    forgotten. Counters (whole numbers, as of batch norm) are copied.
    """

    def __init__(self, net: nn.Module, share: float) -> None:
        self.net = copy.deepcopy(net).eval().requires_grad_(False)
        self.share = share
        self.updates = 0

    @torch.no_grad()
    def follow(self, net: nn.Module) -> None:
        """Take in the weights as they are now."""
        self.updates += 1
        share = min(self.share, (1 + self.updates) / (10 + self.updates))
        mine, theirs = self.net.state_dict(), net.state_dict()
        floats = [name for name, value in mine.items() if value.is_floating_point()]
        torch._foreach_lerp_([mine[n] for n in floats], [theirs[n] for n in floats], 1 - share)
        for name in mine.keys() - set(floats):
            mine[name].copy_(theirs[name])
