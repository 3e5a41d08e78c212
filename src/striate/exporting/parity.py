"""Whether an exported file answers as the trained network does, from file bytes to probabilities.

One side is what `striate predict` does; the other is the generated script's own code. Answers are
tables `(N, K)` of probabilities, or `(N, K + 1)` with the familiarity in the last column.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from striate.data import pixels_of
from striate.data.kinds import Unreadable
from striate.data.quiet import quiet
from striate.errors import GATE_FAILED, WRONG_INPUT, StriateError
from striate.exporting.onnx import calibration_of
from striate.exporting.packages import require

if TYPE_CHECKING:
    from striate.exporting.modelfile import LoadedModel

TOLERANCE = 1e-4
_TIE = 1e-6
_BATCH = 16

Picture = Path | bytes
"""A file, or its content."""
Table = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Parity:
    """How far apart the numbers are at most, and how many of `n` top answers are equal."""

    max_difference: float
    top1_equal: int
    n: int

    @property
    def passed(self) -> bool:
        """Within 1e-4 everywhere, and the same class for every picture."""
        return self.max_difference <= TOLERANCE and self.top1_equal == self.n > 0

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def parity(model: LoadedModel, file: Path, code: str, pictures: Sequence[Picture]) -> Parity:
    """Compare the network with `file` as the script `code` asks it, on the same pictures."""
    readable = [one for one in pictures if _is_readable(one, model)]
    if not readable:
        raise StriateError(
            f"none of {len(pictures)} pictures can be read, so nothing can be compared",
            exit_code=WRONG_INPUT,
        )
    wanted, came = by_network(model, readable), by_script(file, code, readable)
    return compared(wanted, came, len(model.classes))


def compared(wanted: Table, came: Table, classes: int) -> Parity:
    """Two tables of the same pictures; classes as likely as each other are one answer."""
    if wanted.shape != came.shape:
        raise StriateError(
            f"answers in the shape {came.shape}, the network in {wanted.shape}",
            exit_code=GATE_FAILED,
        )
    chances, others = wanted[:, :classes], came[:, :classes]
    chosen = np.take_along_axis(chances, others.argmax(1)[:, None], 1)[:, 0]
    equal = int((chosen >= chances.max(1) - _TIE).sum())
    difference = float(np.abs(wanted - came).max())
    # What is no number compares as neither: it must not pass.
    return Parity(difference if np.isfinite(difference) else float("inf"), equal, len(wanted))


def by_network(model: LoadedModel, pictures: Sequence[Picture]) -> Table:
    """Answers by PyTorch, as `striate predict` reads pictures."""
    temperature, _ = calibration_of(model)
    rows = []
    with torch.inference_mode():
        for some in _batches(pictures):
            pixels = torch.stack([pixels_of(one, model.preprocess) for one in some])
            answers = model.net(model.preprocess.normalise(pixels)).double()
            logits, familiarity = answers.tensor_split([len(model.classes)], dim=1)
            rows.append(torch.cat([(logits / temperature).softmax(1), familiarity], 1).numpy())
    return np.concatenate(rows)


def by_script(file: Path, code: str, pictures: Sequence[Picture]) -> Table:
    """Answers by the functions of a generated script."""
    require("onnxruntime")
    script: dict[str, Any] = {"__name__": "predict_onnx"}
    exec(compile(code, "predict_onnx.py", "exec"), script)
    ask: Callable[[Any, Any], Sequence[Table]] = script["answers"]
    session = script["open_model"](str(file))
    rows = []
    with quiet():
        for some in _batches(pictures):
            pixels = [_read(script["pixels"], one) for one in some]
            try:
                rows.append(np.concatenate(ask(session, pixels), axis=1))
            except Exception as error:  # ONNX Runtime has no common kind of its own
                reason = f"the ONNX file cannot be run ({' '.join(str(error).split())})"
                raise StriateError(reason, exit_code=GATE_FAILED) from error
    return np.concatenate(rows)


def _read(pixels: Callable[[Any], Any], picture: Picture) -> Any:
    try:
        return pixels(io.BytesIO(picture) if isinstance(picture, bytes) else picture)
    except Exception as error:  # whatever Pillow stumbles over, where Striate did not
        where = str(picture) if isinstance(picture, Path) else "a picture"
        reason = f"cannot be read by the exported script ({error})"
        raise StriateError(reason, where=where, exit_code=GATE_FAILED) from error


def _is_readable(picture: Picture, model: LoadedModel) -> bool:
    try:
        pixels_of(picture, model.preprocess)
    except Unreadable:
        return False
    return True


def _batches(pictures: Sequence[Picture]) -> Iterator[Sequence[Picture]]:
    for start in range(0, len(pictures), _BATCH):
        yield pictures[start : start + _BATCH]
