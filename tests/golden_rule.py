"""The deterministic fill that every golden number was computed under, and how two runs compare.

Each floating entry of a state dict is drawn from a generator of its own, seeded by the SHA-256 of
its name, so neither order nor device nor the other entries matter. Arithmetic in float64, rounded
to float32 last. `gain` scales convolutions, so that deep networks neither overflow nor collapse.
"""

import hashlib

import numpy as np
import torch
from torch import Tensor, nn


def drawn(name: str, shape: tuple[int, ...], gain: float) -> np.ndarray:
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") & (2**63 - 1)
    z = np.asarray(np.random.Generator(np.random.PCG64(seed)).standard_normal(shape))
    if len(shape) >= 2:
        scale = np.sqrt(2.0 / np.prod(shape[1:], dtype=np.float64))
        return z * scale * (gain if len(shape) >= 3 else 1.0)
    if name.endswith("running_var"):
        return 1 + 0.1 * np.abs(z)
    if name.endswith(("running_mean", "bias")):
        return 0.1 * z
    return 1 + 0.1 * z


@torch.no_grad()
def fill(net: nn.Module, gain: float, names: dict[str, str]) -> None:
    """Overwrite every entry of the state; `names` maps ours to the name that seeds it."""
    for key, tensor in net.state_dict().items():
        if tensor.dtype.is_floating_point:
            values = drawn(names[key], tuple(tensor.shape), gain).astype(np.float32)
            tensor.copy_(torch.from_numpy(values).reshape(tensor.shape))
        else:
            tensor.zero_()


def noise(shape: tuple[int, ...]) -> Tensor:
    """The input: standard normal numbers of seed 0."""
    z = np.random.Generator(np.random.PCG64(0)).standard_normal(shape)
    return torch.from_numpy(z.astype(np.float32))


def digest(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def sampled(count: int, wanted: int = 48) -> list[int]:
    """Which of `count` numbers are kept: evenly spread, the first and the last among them."""
    return sorted(set(np.linspace(0, count - 1, wanted).round().astype(int).tolist()))
