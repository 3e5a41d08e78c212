"""What a run folder says of its run, read without torch: for lists and comparisons of runs."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from striate.errors import WRONG_INPUT, StriateError, printable
from striate.exporting import CONFIG, WEIGHTS, OtherFormatError
from striate.pipeline.folder import (
    CROSS_VALIDATION,
    LAST,
    METRICS,
    PREDICTIONS,
    is_held,
    read_plan,
)
from striate.training.log import read_history
from striate.training.snapshots import finished, newest_facts

State = Literal["finished", "unfinished", "running", "damaged", "other format"]
_NEEDED = (
    ("recipe", "budget"), ("recipe", "epochs"), ("recipe", "seed"), ("data", "digest"),
    ("data", "samples"), ("together", "group_by"), ("model", "options"),
)  # fmt: skip
_MEND = "Train again or restore the file"


@dataclass(frozen=True, slots=True)
class Record:
    """One run as its folder tells it; of a damaged one there is the reason, and no more."""

    path: Path
    state: State
    written: float
    """When its config or a snapshot was last written, in seconds since 1970."""
    reason: str = ""
    """Why it cannot be read, and how to mend it."""
    config: Mapping[str, Any] = field(default_factory=dict)
    history: Sequence[Mapping[str, Any]] = ()
    """A row an epoch done, as `metrics.jsonl` has it."""
    seconds: float | None = None
    """Seconds of training so far."""

    @property
    def name(self) -> str:
        """The folder's, with bytes that are no text spelt out."""
        return printable(self.path.name or str(self.path))

    @property
    def resumable(self) -> bool:
        """Whether it can go on now where it stopped."""
        return self.state == "unfinished"

    def scores(self, part: Literal["val", "test"]) -> dict[str, Any] | None:
        """Of the weights it ended with; of the last epoch's validation where it has not ended."""
        if "metrics" in self.config:
            found: dict[str, Any] | None = self.config["metrics"][part]
            return found
        return self.history[-1]["val"] if part == "val" and self.history else None

    def to_dict(self) -> dict[str, Any]:
        """What `striate runs --json` prints for it."""
        known = self.config
        return {
            "name": self.name,
            "run": printable(str(self.path)),
            "state": self.state,
            "resumable": self.resumable,
            "reason": self.reason or None,
            "model": known["model"]["name"] if known else None,
            "data": known["data"]["name"] if known else None,
            "source": printable(known["data"]["source"]) if known else None,
            "classes": len(known["classes"]) if known else None,
            "val": self.scores("val"),
            "test": self.scores("test"),
            "epochs": len(self.history) if known else None,
            "seconds": self.seconds,
            "written": datetime.fromtimestamp(self.written, UTC).isoformat(timespec="seconds"),
        }


def read_run(folder: Path) -> Record:
    """The record of a run that is whole, as far as it can be told without reading its weights."""
    running = is_held(folder)  # asked first: a run that ends meanwhile is finished by its config
    config = read_plan(folder)
    try:
        return _record(folder, config, running)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, StriateError):
            raise
        raise _damaged(folder, f"is not a whole run ({type(error).__name__}: {error})") from error


def went_on(history: Sequence[Mapping[str, Any]], facts: Mapping[str, Any] | None) -> bool:
    """Whether the newest snapshot's facts are of later than the history that a run ended with."""
    step = history[-1]["step"] if history else -1
    return facts is not None and facts["step"] > step


def answered_rightly(run: Record, part: Literal["val", "test"]) -> dict[str, bool]:
    """The pictures of a part by their names, and whether the run's likeliest class was theirs.

    Empty where that was not kept, as by a run that has not ended, cannot be read, or does not add
    up to the run's figure.
    """
    path = run.path / PREDICTIONS
    if run.state != "finished" or not path.is_file():
        return {}
    kinds = ("test",) if part == "test" else ("val", CROSS_VALIDATION)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["part"] in kinds]
            found = {row["path"]: row["label"] == row["predicted"] for row in rows}
    except (KeyError, UnicodeDecodeError, csv.Error):  # another program has saved it its own way
        return {}
    scores = run.scores(part)
    as_scored = scores and sum(found.values()) == round(scores["accuracy"] * scores["n"])
    return found if as_scored else {}


def list_runs(folder: Path) -> list[Record]:
    """The runs in a folder, the last written first; if it is a run itself, that one.

    A folder that is no run is passed over. A run that cannot be read is listed with the reason.
    """
    if not folder.is_dir():
        raise StriateError(
            "is no folder" if folder.exists() else "no such folder",
            where=str(folder),
            remedy="Name one that holds runs: `striate train` puts its own into runs/",
            exit_code=WRONG_INPUT,
        )
    if (itself := _listed(folder)) is not None:
        return [itself]
    try:
        below = [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        raise StriateError(
            f"cannot be read ({error.strerror})", where=str(folder), exit_code=WRONG_INPUT
        ) from error
    found = [record for path in below if path.is_dir() and (record := _listed(path)) is not None]
    return sorted(found, key=lambda record: (-record.written, record.name))


def _record(folder: Path, config: Mapping[str, Any], running: bool) -> Record:
    ended = "metrics" in config
    facts = newest_facts(folder / LAST)
    if not running:
        _check_whole(folder, ended, facts is not None)
    history = read_history(folder / METRICS) if ended and (folder / METRICS).exists() else []
    seconds = config["seconds"] if ended else None
    if facts is not None and went_on(history, facts):
        history, seconds, ended = facts["history"], facts["seconds"], False
    whole = Record(
        folder,
        "running" if running else "finished" if ended else "unfinished",
        _written(folder),
        config=config,
        history=history,
        seconds=None if seconds is None else float(seconds),
    )
    # A KeyError now, where the config lacks something, and not when it is shown or compared.
    whole.to_dict()
    for place, name in _NEEDED:
        config[place][name]
    return whole


def _check_whole(folder: Path, ended: bool, has_facts: bool) -> None:
    if ended:
        for name in (WEIGHTS, METRICS):
            if not (folder / name).is_file():
                raise _damaged(folder, f"its {name} is missing")
    elif not has_facts and finished(folder / LAST):
        raise _damaged(folder, "no whole checkpoint is left")


def _listed(folder: Path) -> Record | None:
    try:
        try:
            return read_run(folder)
        except OtherFormatError as error:
            reason = f"{error.what}. {error.remedy}"
            return Record(folder, "other format", _written(folder), reason)
        except StriateError as error:
            if not _was_run(folder):
                return None
            what = error.what if (folder / CONFIG).exists() else f"its {CONFIG} is missing"
            return Record(folder, "damaged", _written(folder), f"{what}. {_MEND}")
    except OSError as error:
        return Record(folder, "damaged", 0.0, f"cannot be read ({error.strerror or error})")


def _was_run(folder: Path) -> bool:
    """Whether what lies in a folder without a whole config is of a run."""
    if finished(folder / LAST):
        return True
    path = folder / CONFIG
    config = path.read_bytes() if path.is_file() else b""
    # A model that was saved without a run has a digest of its weights, and no recipe.
    return b'"format"' in config and (b'"recipe"' in config or b'"weights_sha256"' not in config)


def _written(folder: Path) -> float:
    there = [path for path in (folder / CONFIG, folder / LAST) if path.exists()]
    return max((path.stat().st_mtime for path in there), default=folder.stat().st_mtime)


def _damaged(folder: Path, what: str) -> StriateError:
    return StriateError(what, where=str(folder), remedy=_MEND, exit_code=WRONG_INPUT)
