"""The config of a run or model: sealed JSON. It is read without torch, so that a list is quick.

Its last entry is the SHA-256 of what it is without that entry: a flipped bit is found.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from striate.errors import WRONG_INPUT, StriateError

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
FORMAT = 1
NAME_A_RUN = "Name a run folder; `striate runs` lists those in runs/"
_SEAL = "sha256"
_END = b"\n}\n"


class OtherFormatError(StriateError):
    """The config of a model that another version of Striate wrote."""


def seal(config: Mapping[str, Any]) -> bytes:
    """The JSON of a config, whose last entry is the SHA-256 of what it is without that entry."""
    content = {name: value for name, value in config.items() if name != _SEAL}
    return _json({**content, _SEAL: hashlib.sha256(_json(content)).hexdigest()})


def read_config(folder: Path) -> dict[str, Any]:
    """The config in a run folder, if it is there, of this format, and as it was written."""
    path = folder / CONFIG
    data = read_bytes(path)
    try:
        config = json.loads(data, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise broken(path, f"is not JSON ({error})") from error
    if not isinstance(config, dict) or type(config.get("format")) is not int:
        raise broken(path, f"is not a Striate model of format {FORMAT}")
    if config["format"] != FORMAT:
        raise OtherFormatError(
            f"is of format {config['format']}, and this version of Striate reads {FORMAT}",
            where=str(path),
            remedy="Use the version that wrote it, or train again",
            exit_code=WRONG_INPUT,
        )
    if not _as_written(data):
        raise broken(path, "does not match its own SHA-256: it was changed")
    return config


def _as_written(data: bytes) -> bool:
    """Whether the bytes are what `seal` gives; not by writing them anew, which takes longer."""
    head = data[: -len(_tail(b""))]
    return data == head + _tail(head + _END)


def _tail(content: bytes) -> bytes:
    return (
        b',\n  "%s": "%s"' % (_SEAL.encode(), hashlib.sha256(content).hexdigest().encode()) + _END
    )


def read_bytes(path: Path) -> bytes:
    """What a file of a run holds; where it is not there, there is no run."""
    try:
        return path.read_bytes()
    except OSError as error:
        what = "no run here" if not path.exists() else f"cannot be read ({error.strerror})"
        raise StriateError(
            what,
            where=str(path),
            remedy=NAME_A_RUN,
            exit_code=WRONG_INPUT,
        ) from error


def broken(path: Path, what: str) -> StriateError:
    """How reading ends where a file is not what was written."""
    return StriateError(
        what, where=str(path), remedy="Train again or restore the file", exit_code=WRONG_INPUT
    )


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=2, allow_nan=False) + "\n").encode()


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")
