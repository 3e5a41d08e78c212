"""A model file is data: safetensors for the weights, JSON for the rest. Nothing is unpickled.

`config.json` names an architecture of the registry with its keyword arguments, the class names, the
preprocessing, the metrics and versions, and the SHA-256 of `model.safetensors` and, last, of
itself, so that a flipped bit in either is found before the weights are used.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

from striate.errors import WRONG_INPUT, ArgumentError, StriateError
from striate.files import write_atomic
from striate.models import create
from striate.preprocess import Preprocess

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
FORMAT = 1
_SEAL = "sha256"


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


def seal(config: Mapping[str, Any]) -> bytes:
    """The JSON of a config, whose last entry is the SHA-256 of what it is without that entry."""
    content = {name: value for name, value in config.items() if name != _SEAL}
    return _json({**content, _SEAL: hashlib.sha256(_json(content)).hexdigest()})


def read_config(folder: Path) -> dict[str, Any]:
    """The config in a run folder, if it is there, of this format, and as it was written."""
    data = _read(folder / CONFIG)
    try:
        config = json.loads(data)
    except ValueError as error:
        raise _broken(folder / CONFIG, f"is not JSON ({error})") from error
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise _broken(folder / CONFIG, f"is not a Striate model of format {FORMAT}")
    if data != seal(config):
        raise _broken(folder / CONFIG, "does not match its own SHA-256: it was changed")
    return config


def load_model(path: Path) -> LoadedModel:
    """Load a run folder, or the `model.safetensors` in one, after checking it whole."""
    folder = path.parent if path.name == WEIGHTS else path
    config = read_config(folder)
    weights = _read(folder / WEIGHTS)
    if hashlib.sha256(weights).hexdigest() != config.get("weights_sha256"):
        raise _broken(folder / WEIGHTS, f"does not match the SHA-256 in {CONFIG}: it was changed")
    try:
        state = load(weights)
        name, options = config["model"]["name"], dict(config["model"]["options"])
        classes = tuple(str(label) for label in config["classes"])
        preprocess = Preprocess.from_dict(config["preprocess"])
    except ArgumentError:
        raise
    except (KeyError, TypeError, ValueError, SafetensorError) as error:
        raise _broken(folder, f"is not a whole model ({type(error).__name__}: {error})") from error
    with torch.device("meta"):  # no memory before the shapes are known to be right
        net = create(name, **options).eval()
    try:
        images = torch.empty(1, preprocess.channels, *preprocess.size, device="meta")
        outputs = tuple(net(images).shape)
        net.load_state_dict(state, assign=True)
    except RuntimeError as error:
        raise _broken(folder, f"does not fit {name} ({error})") from error
    if outputs != (1, len(classes)):
        raise _broken(folder, f"names {len(classes)} classes, but the network gives {outputs[1:]}")
    return LoadedModel(net, classes, preprocess, config)


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=2, allow_nan=False) + "\n").encode()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        what = "no run here" if not path.exists() else f"cannot be read ({error.strerror})"
        raise StriateError(
            what,
            where=str(path),
            remedy="Name a run folder, as `striate train` prints it",
            exit_code=WRONG_INPUT,
        ) from error


def _broken(path: Path, what: str) -> StriateError:
    return StriateError(
        what, where=str(path), remedy="Train again or restore the file", exit_code=WRONG_INPUT
    )
