"""Weights and images that anyone can make again: each entry's numbers are seeded by its name."""

import numpy as np
import torch
from torch import Tensor

from golden_rule import drawn, noise
from striate.models import create
from striate.models.contract import ConvNet


def filled(name: str, gain: float = 1.0, **options: bool) -> ConvNet:
    """A network in float64 and evaluation mode, with weights that follow from their names.

    The rule is that of the golden files, `golden_rule.py`.
    """
    with torch.device("meta"):
        net = create(name, **options).double()
    entries = {name: _entry(name, like, gain) for name, like in net.state_dict().items()}
    net.load_state_dict(entries, assign=True)
    return net.eval()


def _entry(name: str, like: Tensor, gain: float) -> Tensor:
    if not like.is_floating_point():
        return torch.zeros(like.shape, dtype=like.dtype)
    values = drawn(name, tuple(like.shape), gain).astype(np.float32)
    return torch.from_numpy(values).double()


def image(height: int, width: int) -> Tensor:
    """One image of noise, always the same: (1, 3, height, width) in float64."""
    return noise((1, 3, height, width)).double()


def assert_golden(logits: Tensor, first: list[float], largest: float) -> None:
    """The first logits and the largest absolute one, to 1e-9 of the largest."""
    apart = logits[0, : len(first)] - torch.tensor(first, dtype=torch.float64)
    assert apart.abs().max() < 1e-9 * largest
    assert abs(float(logits.abs().max()) - largest) < 1e-9 * largest
