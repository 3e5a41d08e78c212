"""A model as one ONNX file with all it needs: pixels in, probabilities out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from striate.errors import StriateError, printable
from striate.exporting.config import FORMAT
from striate.exporting.packages import require
from striate.files import write_atomic

if TYPE_CHECKING:
    from striate.exporting.modelfile import LoadedModel

PROBABILITIES = "probabilities"
_LARGEST = 2_000_000_000  # bytes: what one ONNX file can hold


def export_onnx(model: LoadedModel, path: Path) -> None:
    """Write the network, its preprocessing's arithmetic and its temperature as one ONNX file.

    Input `pixels` uint8 `(N, H, W, C)`, output `probabilities` float32 `(N, K)`, N free. Class
    names, the preprocessing record, temperature and threshold are in its metadata.
    """
    require("onnx")
    from onnx import helper

    from striate.exporting.conversion import graph_of

    temperature, threshold = calibration_of(model)
    made = graph_of(
        model.net, model.preprocess, output=PROBABILITIES, tail=("Softmax",), divisor=temperature
    )
    network = model.config.get("model", {}).get("name", "")
    facts = {
        "striate": FORMAT,
        "model": network,
        "classes": [printable(name) for name in model.classes],
        "preprocess": model.preprocess.to_dict(),
        "temperature": temperature,
        "threshold": threshold,
    }
    helper.set_model_props(
        made,
        {name: fact if isinstance(fact, str) else json.dumps(fact) for name, fact in facts.items()},
    )
    if made.ByteSize() > _LARGEST:
        raise StriateError(f"{network} is over 2 GB, more than one ONNX file holds")
    write_atomic(path, made.SerializeToString())


def calibration_of(model: LoadedModel) -> tuple[float, float]:
    """The temperature that logits are divided by, and the probability below which is no answer."""
    record = model.config.get("calibration", {})
    return float(record.get("temperature", 1.0)), float(record.get("threshold", 0.0))
