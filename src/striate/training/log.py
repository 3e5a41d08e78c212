"""What a run says while it works: the record of an epoch, and where it goes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from striate.errors import WRONG_INPUT, StriateError
from striate.files import write_atomic

if TYPE_CHECKING:
    from striate.metrics import Scores


@dataclass(frozen=True, slots=True)
class Epoch:
    """A pass over the training part, or what a stop left of one: mean loss, last rate, scores."""

    epoch: int
    step: int
    loss: float
    rate: float
    seconds: float
    val: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Step:
    """What the loop reports after every update; `val` is there at the end of an epoch."""

    step: int
    epoch: int
    progress: float
    """The share of the run that is done."""
    loss: float
    val: Scores | None = None


Report = Callable[[Step], None]


def write_history(path: Path, epochs: Sequence[Epoch]) -> None:
    """One JSON line an epoch; the whole file anew, so that a resumed run's equals a straight one's.

    Seconds are left out for the same reason.
    """
    rows = [{k: v for k, v in epoch.to_dict().items() if k != "seconds"} for epoch in epochs]
    lines = [json.dumps(row, allow_nan=False) + "\n" for row in rows]
    write_atomic(path, "".join(lines).encode())


def read_history(path: Path) -> list[dict[str, Any]]:
    """The rows that `write_history` wrote: whole ones, of finite numbers."""
    try:
        rows = [json.loads(line) for line in path.read_bytes().splitlines()]
        json.dumps(rows, allow_nan=False)
        for row in rows:
            numbers = [row["epoch"], row["step"], row["loss"]]
            numbers += [row["val"][name] for name in ("accuracy", "nll")] if row["val"] else []
            if not all(isinstance(number, int | float) for number in numbers):
                raise ValueError(f"{numbers} are not all numbers")
        return rows
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        what = f"is no history of a run ({type(error).__name__}: {error})"
        raise StriateError(what, where=str(path), exit_code=WRONG_INPUT) from error


@contextmanager
def tensorboard(folder: Path, report: Report) -> Iterator[Report]:
    """`report`, and curves for TensorBoard (extra `tensorboard`) in event files in `folder`."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise StriateError(
            "TensorBoard is not installed", remedy='pip install "striate[tensorboard]"'
        ) from error

    def both(step: Step) -> None:
        report(step)
        if step.val is None:
            writer.add_scalar("loss/train", step.loss, step.step)
        else:
            for name in ("accuracy", "nll", "ece"):
                writer.add_scalar(f"val/{name}", getattr(step.val, name), step.step)

    with SummaryWriter(str(folder)) as writer:
        yield both
