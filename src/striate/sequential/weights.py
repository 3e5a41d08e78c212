"""Weights on the disk: safetensors, which hold numbers and nothing else."""

from __future__ import annotations

from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError
from torch import nn

from striate.errors import WRONG_INPUT, ArgumentError, StriateError
from striate.files import write_atomic


def save(net: nn.Module, filepath: str | Path) -> None:
    """Write the state of `net`."""
    state = {name: value.cpu().contiguous() for name, value in net.state_dict().items()}
    write_atomic(_safetensors(filepath), safetensors.torch.save(state))


def load(net: nn.Module, filepath: str | Path) -> None:
    """Read the state of a network like `net` into it."""
    path = _safetensors(filepath)
    try:
        net.load_state_dict(safetensors.torch.load(path.read_bytes()))
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise StriateError(
            f"holds no weights of this model ({reason})", where=str(path), exit_code=WRONG_INPUT
        ) from error


def _safetensors(filepath: str | Path) -> Path:
    if not str(filepath).endswith(".safetensors"):
        raise ArgumentError(
            "filepath",
            str(filepath),
            "a name that ends in .safetensors",
            remedy="Keras' .h5 and .keras files are not part of this front",
        )
    return Path(filepath)
