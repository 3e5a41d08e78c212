"""A model file is data: safetensors for the weights, JSON for the rest. Nothing is unpickled.

`config.json` names an architecture of the registry with its keyword arguments, the class names, the
preprocessing, the metrics and versions, and the SHA-256 of `model.safetensors` and, last, of
itself, so that a flipped bit in either is found before the weights are used.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

from striate.errors import WRONG_INPUT, ArgumentError, StriateError
from striate.exporting.config import (
    CONFIG,
    FORMAT,
    WEIGHTS,
    broken,
    read_bytes,
    read_config,
    seal,
)
from striate.files import write_atomic
from striate.models import create
from striate.preprocess import Preprocess

_LITTLE = 1 << 20  # pixels of the picture that a network is tried with


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A network in eval mode with what is needed to use it."""

    net: nn.Module
    classes: tuple[str, ...]
    preprocess: Preprocess
    config: dict[str, Any]


def save_model(folder: Path, net: nn.Module, config: dict[str, Any]) -> None:
    """Write the weights, then the config that vouches for them."""
    state = {name: tensor.detach().contiguous().cpu() for name, tensor in net.state_dict().items()}
    weights = save(state)
    sealed = {"format": FORMAT, **config, "weights_sha256": hashlib.sha256(weights).hexdigest()}
    write_atomic(folder / WEIGHTS, weights)
    write_atomic(folder / CONFIG, seal(sealed))


def load_model(path: Path) -> LoadedModel:
    """Load a run folder, or the `model.safetensors` in one, after checking it whole."""
    folder = path.parent if path.name == WEIGHTS else path
    config = read_config(folder)
    if "recipe" in config and "weights_sha256" not in config:
        raise StriateError(
            "the run is not finished, so there is no model yet",
            where=str(folder),
            remedy=f"Go on with it: striate train --resume {folder}",
            exit_code=WRONG_INPUT,
        )
    weights = read_bytes(folder / WEIGHTS)
    if hashlib.sha256(weights).hexdigest() != config.get("weights_sha256"):
        raise broken(folder / WEIGHTS, f"does not match the SHA-256 in {CONFIG}: it was changed")
    try:
        state = load(weights)
        name, options = config["model"]["name"], dict(config["model"]["options"])
        classes = tuple(str(label) for label in config["classes"])
        preprocess = Preprocess.from_dict(config["preprocess"])
    except ArgumentError:
        raise
    except (KeyError, TypeError, ValueError, SafetensorError) as error:
        raise broken(folder, f"is not a whole model ({type(error).__name__}: {error})") from error
    with torch.device("meta"):  # no memory before the shapes are known to be right
        net = create(name, **options).eval()
    try:
        # On real numbers where that costs little: for a pass without any, torch loads its compiler.
        real = math.prod(preprocess.size) <= _LITTLE
        outputs = None if real else _answered(net, preprocess, "meta")
        net.load_state_dict(state, assign=True)
        outputs = outputs or _answered(net, preprocess, "cpu")
    except RuntimeError as error:
        raise broken(folder, f"does not fit {name} ({error})") from error
    if outputs != (1, len(classes)):
        raise broken(folder, f"names {len(classes)} classes, but the network gives {outputs[1:]}")
    return LoadedModel(net, classes, preprocess, config)


@torch.inference_mode()
def _answered(net: nn.Module, preprocess: Preprocess, device: str) -> tuple[int, ...]:
    """The shape of the answer to one picture."""
    return tuple(net(torch.zeros(1, preprocess.channels, *preprocess.size, device=device)).shape)
