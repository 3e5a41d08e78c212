"""Where snapshots lie, and what the newest one says of its run: read without torch."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

STATE, FACTS, MANIFEST = "state.safetensors", "state.json", "MANIFEST.json"
_FINISHED = re.compile(r"step-(\d{9,})(?:-(\d+))?")


def subfolders(folder: Path) -> list[str]:
    """The names of the folders in a folder; none where it is not there."""
    if not folder.is_dir():
        return []
    return [path.name for path in folder.iterdir() if path.is_dir() and not path.is_symlink()]


def finished(folder: Path) -> list[str]:
    """The names of the snapshots in a folder, newest first."""
    found = {name: match for name in subfolders(folder) if (match := _FINISHED.fullmatch(name))}
    age = {name: (int(match[1]), int(match[2] or 0)) for name, match in found.items()}
    return sorted(age, key=lambda name: age[name], reverse=True)


def manifest(contents: Mapping[str, bytes]) -> bytes:
    """The JSON that vouches for a snapshot's files."""
    return to_json({name: hashlib.sha256(data).hexdigest() for name, data in contents.items()})


def to_json(value: Any) -> bytes:
    """As a snapshot's files hold it."""
    return (json.dumps(value, indent=1, allow_nan=False) + "\n").encode()


def newest_facts(folder: Path) -> dict[str, Any] | None:
    """The plain values of the newest snapshot in which they are as written; None without any.

    The tensors are not looked at: that is for the one who goes on with them.
    """
    for name in finished(folder):
        try:
            data = (folder / name / FACTS).read_bytes()
            vouched = json.loads((folder / name / MANIFEST).read_bytes())[FACTS]
            if hashlib.sha256(data).hexdigest() == vouched and (folder / name / STATE).is_file():
                facts: dict[str, Any] = json.loads(data)
                return facts
        except (OSError, ValueError, KeyError, TypeError):  # the next one is as good
            continue
    return None
