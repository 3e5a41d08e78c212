"""Weights and images that anyone can make again: each entry's numbers are seeded by its name."""

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from striate.models import create
from striate.models.contract import ConvNet


def filled(name: str, gain: float = 1.0, **options: bool) -> ConvNet:
    """A network in float64 and evaluation mode, with weights that follow from their names.

    Weights of filters and matrices have variance 2 / fan-in, those of filters `gain` times the
    deviation; variances are 1 + 0.1 |z|, means and biases 0.1 z, scales 1 + 0.1 z.
    """
    with torch.device("meta"):
        net = create(name, **options).double()
    entries = {name: _entry(name, like, gain) for name, like in net.state_dict().items()}
    net.load_state_dict(entries, assign=True)
    return net.eval()


def _entry(name: str, like: Tensor, gain: float) -> Tensor:
    if not like.is_floating_point():
        return torch.zeros(like.shape, dtype=like.dtype)
    z = _normal(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"), like.shape)
    if like.ndim >= 2:
        z = z * np.sqrt(2 / np.prod(like.shape[1:])) * (gain if like.ndim > 2 else 1)
    elif name.endswith("running_var"):
        z = 1 + 0.1 * abs(z)
    elif name.endswith(("running_mean", "bias")):
        z = 0.1 * z
    else:
        z = 1 + 0.1 * z
    return torch.from_numpy(z.astype(np.float32)).double()


def image(height: int, width: int) -> Tensor:
    """One image of noise, always the same: (1, 3, height, width) in float64."""
    return torch.from_numpy(_normal(0, (1, 3, height, width)).astype(np.float32)).double()


def assert_golden(logits: Tensor, first: list[float], largest: float) -> None:
    """The first logits and the largest absolute one, to 1e-9 of the largest."""
    apart = logits[0, : len(first)] - torch.tensor(first, dtype=torch.float64)
    assert apart.abs().max() < 1e-9 * largest
    assert abs(float(logits.abs().max()) - largest) < 1e-9 * largest


def _normal(seed: int, shape: Sequence[int]) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    generator = np.random.Generator(np.random.PCG64(seed & (2**63 - 1)))
    return np.asarray(generator.standard_normal(tuple(shape)))
