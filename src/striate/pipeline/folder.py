"""A run's folder: made once, held by one process, never written over."""

from __future__ import annotations

import contextlib
import csv
import errno
import io
import itertools
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from striate.errors import WRONG_INPUT, StriateError, printable
from striate.exporting import CONFIG, read_config, seal
from striate.exporting.config import NAME_A_RUN
from striate.files import flush_folder, unwritable, write_atomic
from striate.locks import exclusive, held_alone

if TYPE_CHECKING:
    from striate.data import Excluded
    from striate.data.check import Report

METRICS = "metrics.jsonl"
TENSORBOARD = "tensorboard"
LAST = "last"
EXCLUDED = "excluded.csv"
PREDICTIONS = "predictions.csv"
CROSS_VALIDATION = "cross-validation"  # the part of its rows about pictures that were learnt from
CHECK = "check.json"
_LOCK = ".lock"
_BEFORE_LEARNING = (CHECK, EXCLUDED, CONFIG, _LOCK)
"""Files that a run has before there is anything to go on from."""


def free_name(parent: Path, source: str) -> Path:
    """`parent/SOURCE-TIME`, numbered if two runs start in the same second."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    names = itertools.chain([stamp], (f"{stamp}-{n}" for n in itertools.count(2)))
    return next(path for name in names if not (path := parent / f"{source}-{name}").exists())


def make(folder: Path, plan: Mapping[str, Any]) -> None:
    """Make the run folder with its config in one step, or refuse: a run writes over nothing."""
    making = folder.parent / f".making-{secrets.token_hex(8)}"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        check_free(folder)
        making.mkdir()
        write_atomic(making / CONFIG, seal(plan))
        making.rename(folder)
        if os.name != "nt":
            flush_folder(folder.parent)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY) and os.path.lexists(folder):
            raise taken(folder) from error  # made by another just now
        raise _unmakeable(folder, str(error.strerror)) from error
    finally:
        # What went wrong says more than a failed clean-up would.
        with contextlib.suppress(OSError):
            (making / CONFIG).unlink(missing_ok=True)
            making.rmdir()


def check_free(folder: Path) -> None:
    """Refuse a folder that is there, or cannot be made, before anything takes time.

    `make` asks again.
    """
    if os.path.lexists(folder):
        raise taken(folder)
    there = next(parent for parent in folder.absolute().parents if parent.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise _unmakeable(folder, f"{there} is no folder that can be written to")


def _unmakeable(folder: Path, why: str) -> StriateError:
    return StriateError(
        f"cannot be made ({why})",
        where=str(folder),
        remedy="Choose another --out",
        exit_code=WRONG_INPUT,
    )


def taken(folder: Path) -> StriateError:
    """How a run ends that would write into a folder which is already there."""
    goes_on = f", or go on with it: --resume {folder}" if (folder / CONFIG).is_file() else ""
    return StriateError(
        "is already there, and a run overwrites nothing",
        where=str(folder),
        remedy=f"Choose another --out{goes_on}",
        exit_code=WRONG_INPUT,
    )


def has_begun(folder: Path, plan: Mapping[str, Any]) -> bool:
    """Whether the folder is there, of a run by this very plan; another one's is an error."""
    if not folder.exists():
        return False
    there, wanted = read_plan(folder), json.loads(seal(plan))
    if any(there.get(name) != wanted[name] for name in plan):
        raise taken(folder)
    return True


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a run folder: two processes never train in one. A killed holder holds it no more."""
    with contextlib.ExitStack() as stack:
        try:
            alone = stack.enter_context(exclusive(folder / _LOCK))
        except OSError as error:
            raise unwritable(folder, error) from error
        if not alone:
            raise StriateError(
                "another process is training in it",
                where=str(folder),
                remedy="Wait for it, or choose another --out",
                exit_code=WRONG_INPUT,
            )
        yield


def is_held(folder: Path) -> bool:
    """Whether a process trains in the folder at this moment."""
    return held_alone(folder / _LOCK)


def list_excluded(folder: Path, excluded: Sequence[Excluded]) -> None:
    """Name every file that is not among the samples, and why; no list where there is none."""
    if not excluded:
        return
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    writer.writerow(("path", "kind", "reason"))
    writer.writerows((printable(one.path), one.kind, printable(one.reason)) for one in excluded)
    write_atomic(folder / EXCLUDED, rows.getvalue().encode())


def keep_check(folder: Path, check: Report) -> None:
    """What the check of the data found, whole."""
    write_atomic(folder / CHECK, (json.dumps(check.to_dict(), indent=2) + "\n").encode())


def release(folder: Path, say: Callable[[str], None]) -> None:
    """Take back the folder of a run that failed before there was anything to go on from."""
    # Whatever ended the run says more than a failed clean-up would.
    with contextlib.suppress(OSError):
        if (folder / LAST).is_dir():
            (folder / LAST).rmdir()  # which fails where there is a snapshot
        if {path.name for path in folder.iterdir()} <= {*_BEFORE_LEARNING, TENSORBOARD}:
            # The name first, in one step: a second Ctrl-C leaves a whole run, or none.
            gone = folder.with_name(f".striate-{secrets.token_hex(8)}.gone")
            folder.rename(gone)
            shutil.rmtree(gone / TENSORBOARD, ignore_errors=True)
            for name in _BEFORE_LEARNING:
                (gone / name).unlink(missing_ok=True)
            gone.rmdir()
            say(f"there was nothing yet to go on from: {folder} is taken back")


def read_plan(folder: Path) -> dict[str, Any]:
    """The config a run began with, to go on by."""
    plan = read_config(folder)
    if "recipe" not in plan:
        raise StriateError(
            "no run to go on with: its config has no recipe",
            where=str(folder),
            remedy=NAME_A_RUN,
            exit_code=WRONG_INPUT,
        )
    return plan
