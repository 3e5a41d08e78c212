"""A model as one ONNX file with all it needs: pixels in, probabilities out."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from striate.errors import StriateError, printable
from striate.exporting.config import FORMAT
from striate.exporting.graph import Graph
from striate.exporting.packages import require
from striate.files import write_atomic

if TYPE_CHECKING:
    from striate.exporting.modelfile import LoadedModel

PROBABILITIES = "probabilities"
FAMILIARITY = "familiarity"
_LARGEST = 2_000_000_000  # bytes: what one ONNX file can hold


def export_onnx(model: LoadedModel, path: Path) -> None:
    """Write the network, its preprocessing's arithmetic and its temperature as one ONNX file.

    Input `pixels` uint8 `(N, H, W, C)`, output `probabilities` float32 `(N, K)`, N free; where the
    network gives a familiarity behind its logits, also `familiarity` `(N, 1)`. Class names, the
    preprocessing record, temperature, threshold and the familiarity's floor are in its metadata.
    """
    require("onnx")
    from onnx import helper

    from striate.exporting.conversion import graph_of

    temperature, threshold = calibration_of(model)
    classes = len(model.classes)
    made = graph_of(model.net, model.preprocess, finish=partial(_answers, classes, temperature))
    network = model.config.get("model", {}).get("name", "")
    facts = {
        "striate": FORMAT,
        "model": network,
        "classes": [printable(name) for name in model.classes],
        "preprocess": model.preprocess.to_dict(),
        "temperature": temperature,
        "threshold": threshold,
        "floor": model.config.get("calibration", {}).get("familiar", {}).get("floor", -1.0),
    }
    helper.set_model_props(
        made,
        {name: fact if isinstance(fact, str) else json.dumps(fact) for name, fact in facts.items()},
    )
    if made.ByteSize() > _LARGEST:
        raise StriateError(f"{network} is over 2 GB, more than one ONNX file holds")
    write_atomic(path, made.SerializeToString())


def _answers(
    classes: int, temperature: float, graph: Graph, answer: str, sizes: list[int]
) -> dict[str, list[int]]:
    """Probabilities from logits (N, K); a column behind them is the familiarity."""
    outputs, logits = {PROBABILITIES: [classes]}, answer
    if sizes == [classes + 1]:
        first, behind = graph.numbers(0), graph.numbers(classes)
        logits = graph.add("Slice", [answer, first, behind, graph.numbers(1)])
        end = graph.numbers(classes + 1)
        graph.add("Slice", [answer, behind, end, graph.numbers(1)], FAMILIARITY)
        outputs[FAMILIARITY] = [1]
    if temperature != 1:
        logits = graph.add("Div", [logits, graph.use(temperature)])
    graph.add("Softmax", [logits], PROBABILITIES, axis=1)
    return outputs


def calibration_of(model: LoadedModel) -> tuple[float, float]:
    """The temperature that logits are divided by, and the probability below which is no answer."""
    record = model.config.get("calibration", {})
    return float(record.get("temperature", 1.0)), float(record.get("threshold", 0.0))
