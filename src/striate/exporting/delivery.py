"""Files for other machines, each compared with the network before it gets its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from striate.data import pixels_of
from striate.data.formats import format_of
from striate.data.kinds import Unreadable
from striate.data.reading import read
from striate.errors import GATE_FAILED, ArgumentError, StriateError
from striate.exporting.modelfile import LoadedModel
from striate.exporting.onnx import export_onnx
from striate.exporting.packages import require
from striate.exporting.parity import (
    TOLERANCE,
    Parity,
    Picture,
    by_script,
    compared,
    parity,
)
from striate.exporting.quantise import quantise
from striate.exporting.script import script_for
from striate.files import atomic_path, unwritable, write_atomic

EXPORT = "export"
ONNX = "model.onnx"
INT8 = "model.int8.onnx"
SCRIPT = "predict_onnx.py"


@dataclass(frozen=True, slots=True)
class Quantised:
    """What 8 bits cost: `top1_equal` of `n` answers stay the same; accuracies where known."""

    file: Path
    bytes: int
    n: int
    top1_equal: int
    accuracy: float | None
    accuracy_float32: float | None


@dataclass(frozen=True, slots=True)
class Exported:
    """The files written, and how well the ONNX file agrees with the network."""

    file: Path
    script: Path
    bytes: int
    parity: Parity
    int8: Quantised | None = None

    def to_dict(self) -> dict[str, Any]:
        """What `striate export --json` prints."""
        small = asdict(self.int8) | {"file": str(self.int8.file)} if self.int8 else None
        return {
            "file": str(self.file),
            "script": str(self.script),
            "bytes": self.bytes,
            "engine_parity": self.parity.to_dict(),
            "int8": small,
        }


def export(
    model: LoadedModel,
    folder: Path,
    *,
    pictures: Sequence[Picture],
    int8: bool = False,
    labels: Tensor | None = None,
    calibration: Sequence[Picture] = (),
    heic: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Exported:
    """Write `folder/export/model.onnx` and its script, and with `int8` the 8-bit model.

    `pictures` are files, or their bytes, to compare the network's probabilities with the file's; if
    one differs by over 1e-4, or another class is on top, nothing is written. The 8-bit model takes
    its scales from `calibration`, and is judged by `pictures`, with their `labels` where known.
    `heic` files are read by the script too, if one is among `pictures` or if it is told so.
    """
    if int8 and not calibration:
        raise ArgumentError("calibration", 0, "at least one picture to find the scales by")
    require("onnxruntime")
    place = folder / EXPORT
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(place, error) from error
    heic = heic or any(_is_heic(one) for one in pictures)
    code, file = script_for(model.preprocess, heic=heic), place / ONNX
    with atomic_path(file) as making:
        export_onnx(model, making)
        found = parity(model, making, code, pictures)
        if not found.passed:
            raise _apart(file, found)
    write_atomic(place / SCRIPT, code.encode())
    small = _smaller(model, place, code, pictures, labels, calibration) if int8 else None
    if small and small.bytes >= file.stat().st_size:
        say("the 8-bit model is no smaller: the network is too small to gain")
    return Exported(file, place / SCRIPT, file.stat().st_size, found, small)


def _apart(file: Path, found: Parity) -> StriateError:
    return StriateError(
        f"differs from the network: probabilities by up to {found.max_difference:.1e} "
        f"({TOLERANCE:.0e} is allowed), {found.top1_equal} of {found.n} top answers equal",
        where=str(file),
        remedy="Nothing was written; please report it with the model's name",
        exit_code=GATE_FAILED,
    )


def _smaller(
    model: LoadedModel,
    place: Path,
    code: str,
    pictures: Sequence[Picture],
    labels: Tensor | None,
    calibration: Sequence[Picture],
) -> Quantised:
    tensors = [pixels for one in calibration if (pixels := _pixels(one, model)) is not None]
    known = [k for k, one in enumerate(pictures) if _pixels(one, model) is not None]
    readable = [pictures[k] for k in known]
    file = place / INT8
    with atomic_path(file) as making:
        quantise(place / ONNX, making, tensors)
        whole, small = (by_script(one, code, readable) for one in (place / ONNX, making))
    right = None if labels is None else labels.numpy()[known]
    classes = len(model.classes)
    return Quantised(
        file,
        file.stat().st_size,
        len(readable),
        compared(whole, small, classes).top1_equal,
        *(
            None if right is None else float(np.mean(table[:, :classes].argmax(1) == right))
            for table in (small, whole)
        ),
    )


def _is_heic(picture: Picture) -> bool:
    try:
        return format_of(picture if isinstance(picture, bytes) else read(picture)) == "HEIC"
    except Unreadable:
        return False


def _pixels(picture: Picture, model: LoadedModel) -> Tensor | None:
    """None for a file that cannot be read: the data check names it."""
    try:
        return pixels_of(picture, model.preprocess)
    except Unreadable:
        return None
