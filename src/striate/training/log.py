"""What a run says while it works: the record of an epoch, and where it goes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from striate.errors import StriateError
from striate.files import write_atomic
from striate.metrics import Scores


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the training part: mean loss, the rate at its end, validation scores if any."""

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


def tensorboard(folder: Path) -> Report:
    """A report that draws curves for TensorBoard (extra `tensorboard`)."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise StriateError(
            "TensorBoard is not installed", remedy='pip install "striate[tensorboard]"'
        ) from error
    writer = SummaryWriter(str(folder))

    def report(step: Step) -> None:
        writer.add_scalar("loss/train", step.loss, step.step)
        if step.val:
            for name in ("accuracy", "nll", "ece"):
                value = getattr(step.val, name)
                writer.add_scalar(f"val/{name}", value, step.step)

    return report
