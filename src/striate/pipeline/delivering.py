"""A run's model for other machines, compared on pictures that the run never learnt from."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from striate.data import Dataset, Files, Split, load_source
from striate.data.split import sampled, split
from striate.errors import WRONG_INPUT, StriateError
from striate.exporting import load_model
from striate.exporting.config import NAME_A_RUN
from striate.exporting.delivery import Exported
from striate.exporting.delivery import export as deliver
from striate.exporting.parity import Picture
from striate.pipeline.judging import Rules, answering
from striate.pipeline.plan import cut_as_planned, digest

_COMPARED = 64
_JUDGED = 512  # with 8 bits some answers change: their share needs more pictures
_SCALED_BY = 256
_HEIC = (".heic", ".heif", ".hif")


def export(
    run: str | Path, *, int8: bool = False, say: Callable[[str], None] = lambda line: None
) -> Exported:
    """Write the run's `export/` folder: `model.onnx`, `predict_onnx.py`, `model.int8.onnx`.

    The files are compared with the network on pictures the run held out, from its own source.
    """
    model = load_model(Path(run))
    rules = Rules.from_dict(model.config.get("calibration", {}))
    model = replace(model, net=answering(model.net, rules))
    data, same, cut = _source(model.config, Path(run))
    held_out, learnt = cut.test if len(cut.test) else cut.val, cut.train
    chosen = sampled(held_out, _JUDGED if int8 else _COMPARED)
    if not same:
        say("the data set is another one than the run learnt from: no accuracy is stated")
    return deliver(
        model,
        Path(run) if Path(run).is_dir() else Path(run).parent,
        pictures=_pictures(data, chosen),
        int8=int8,
        labels=data.labels[chosen] if same else None,
        calibration=_pictures(data, sampled(learnt, _SCALED_BY)) if int8 else (),
        heic=isinstance(data.pictures, Files)
        and any(name.lower().endswith(_HEIC) for name in data.pictures.names),
        say=say,
    )


def _source(config: dict[str, Any], run: Path) -> tuple[Dataset, bool, Split]:
    """The run's data, whether they are what they were, and their cut."""
    if "data" not in config or "recipe" not in config:
        raise StriateError(
            "does not say which pictures it was trained on, so there is nothing to compare with",
            where=str(run),
            remedy=NAME_A_RUN,
            exit_code=WRONG_INPUT,
        )
    data = load_source(config["data"]["source"])
    same = digest(data) == config["data"]["digest"]
    # Copies are told by their places, which another set has not.
    return data, same, cut_as_planned(config, data) if same else split(data)


def _pictures(data: Dataset, chosen: Tensor) -> list[Picture]:
    """Files as they lie there; pixels in memory as the PNG that they would be."""
    if isinstance(data.pictures, Files):
        return [data.pictures.path(index) for index in chosen.tolist()]
    return [_png(picture) for picture in data.pictures[chosen]]


def _png(picture: Tensor) -> bytes:
    bands = picture.permute(1, 2, 0).contiguous().numpy()
    content = io.BytesIO()
    Image.fromarray(bands[..., 0] if bands.shape[-1] == 1 else bands).save(content, "PNG")
    return content.getvalue()
