"""What a run needs to go on, on the disk: whole and checked, or not there.

`last/step-000001234/` holds `state.safetensors`, `state.json` and `MANIFEST.json` with the SHA-256
of both. It is written under another name, flushed file by file, renamed in one step, and the folder
above is flushed; only then older ones go. A second snapshot of the same step gets another name
(`step-000001234-1`), so that no whole one has to go before there is a newer. So a process killed at
any moment leaves a whole checkpoint, and a changed bit is found before a weight is used.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from striate.errors import WRONG_INPUT, StriateError
from striate.files import flush_folder, publish_folder, unwritable, write_atomic
from striate.training.snapshots import (
    FACTS,
    MANIFEST,
    STATE,
    finished,
    manifest,
    subfolders,
    to_json,
)

_UNFINISHED = re.compile(r"\.making-[0-9a-f]{16}")
_KEPT = 2
"""The newest, and one to fall back to."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a run after `step` updates: tensors by name, and plain JSON values."""

    step: int
    tensors: dict[str, Tensor]
    facts: dict[str, Any]


class Checkpoints:
    """The snapshots in one folder, which belongs to one run."""

    def __init__(self, folder: Path, warn: Callable[[str], None]) -> None:
        self.folder = folder
        self._warn = warn
        self._damaged: set[str] = set()

    def save(self, snapshot: Snapshot) -> None:
        """Write a snapshot, then drop all but the two newest, and what was found damaged."""
        target = self._free_name(snapshot.step)
        making = self.folder / f".making-{secrets.token_hex(8)}"
        try:
            self._make_folder()
            making.mkdir()
        except OSError as error:
            raise unwritable(self.folder, error) from error
        try:
            contents = {STATE: save(snapshot.tensors), FACTS: to_json(snapshot.facts)}
            for name, data in {**contents, MANIFEST: manifest(contents)}.items():
                write_atomic(making / name, data)
            publish_folder(making, target)
        finally:
            # What went wrong says more than a failed clean-up would.
            with contextlib.suppress(OSError):
                _remove(making)
        self.prune()

    def prune(self) -> None:
        """Remove what this class wrote here, but for the newest snapshots that are whole."""
        whole = [name for name in finished(self.folder) if name not in self._damaged]
        try:
            for name in [*self._unfinished(), *self._damaged, *whole[_KEPT:]]:
                _remove(self.folder / name)
        except OSError as error:
            raise unwritable(self.folder, error) from error
        self._damaged.clear()

    def newest(self) -> Snapshot | None:
        """The newest whole snapshot; None where there never was one.

        A damaged one is named and passed over. If all are damaged that is an error.
        """
        names = finished(self.folder)
        for name in names:
            try:
                return _read(self.folder / name)
            except _DamagedError as error:
                self._damaged.add(name)
                self._warn(f"{error}: passed over")
        if names:
            raise StriateError(
                "no whole checkpoint is left", where=str(self.folder), exit_code=WRONG_INPUT
            )
        return None

    def _make_folder(self) -> None:
        if not self.folder.is_dir():
            self.folder.mkdir(parents=True, exist_ok=True)
            if os.name != "nt":
                flush_folder(self.folder.parent)

    def _free_name(self, step: int) -> Path:
        name = f"step-{step:09d}"
        names = itertools.chain([name], (f"{name}-{n}" for n in itertools.count(1)))
        return next(path for n in names if not os.path.lexists(path := self.folder / n))

    def _unfinished(self) -> list[str]:
        return [name for name in subfolders(self.folder) if _UNFINISHED.fullmatch(name)]


class _DamagedError(Exception):
    """A snapshot whose bytes are not those that were written."""


def _read(folder: Path) -> Snapshot:
    try:
        contents = {name: (folder / name).read_bytes() for name in (STATE, FACTS)}
        if (folder / MANIFEST).read_bytes() != manifest(contents):
            raise _DamagedError(f"{folder} is damaged (its files do not match {MANIFEST})")
        facts = json.loads(contents[FACTS])
        return Snapshot(int(facts["step"]), load(contents[STATE]), facts)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise _DamagedError(f"{folder} is damaged ({type(error).__name__}: {error})") from error


def _remove(folder: Path) -> None:
    """Take away a snapshot's own three files, the manifest first, and the folder if it is empty."""
    if not folder.is_dir():
        return
    for name in (MANIFEST, FACTS, STATE):
        (folder / name).unlink(missing_ok=True)
    for path in folder.glob(".striate-*.tmp"):
        path.unlink()
    with contextlib.suppress(OSError):  # something else lies in it: not ours
        os.rmdir(folder)
