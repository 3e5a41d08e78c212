"""A run's folder: made once, held by one process, never written over."""

from __future__ import annotations

import contextlib
import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from striate.data.caching.locks import exclusive
from striate.errors import WRONG_INPUT, StriateError
from striate.exporting import CONFIG
from striate.files import unwritable

LAST = "last"
_LOCK = ".lock"


def free_name(parent: Path, source: str) -> Path:
    """`parent/SOURCE-TIME`, numbered if two runs start in the same second."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    names = itertools.chain([stamp], (f"{stamp}-{n}" for n in itertools.count(2)))
    return next(path for name in names if not (path := parent / f"{source}-{name}").exists())


def make(folder: Path) -> None:
    """Make the run folder, or refuse: a run never writes into a folder that is already there."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise StriateError(
            "is already there, and a run overwrites nothing",
            where=str(folder),
            remedy=f"Choose another --out, or go on with it: --resume {folder}",
            exit_code=WRONG_INPUT,
        ) from error
    except OSError as error:
        raise StriateError(
            f"cannot be made ({error.strerror})",
            where=str(folder),
            remedy="Choose another --out",
            exit_code=WRONG_INPUT,
        ) from error


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


def release(folder: Path) -> None:
    """Take back the folder of a run that failed before there was anything to go on from."""
    # Whatever ended the run says more than a failed clean-up would.
    with contextlib.suppress(OSError):
        if not (folder / LAST).is_dir():
            (folder / CONFIG).unlink(missing_ok=True)
            (folder / _LOCK).unlink(missing_ok=True)
            folder.rmdir()


def read_plan(folder: Path) -> dict[str, Any]:
    """The config a run began with, to go on by."""
    try:
        plan = json.loads((folder / CONFIG).read_bytes())
        if isinstance(plan, dict) and "recipe" in plan:
            return plan
    except (OSError, ValueError) as error:
        raise _no_run(folder, f"no run to go on with ({error})") from error
    raise _no_run(folder, "no run to go on with: its config has no recipe")


def _no_run(folder: Path, what: str) -> StriateError:
    return StriateError(
        what,
        where=str(folder),
        remedy="Name a run folder, as `striate train` prints it",
        exit_code=WRONG_INPUT,
    )
