"""The config a run begins with: enough to go on with it in another process."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

import striate
from striate.data import Dataset, Files, Split
from striate.data.sources.known import KNOWN
from striate.data.split import labelled_parts, split
from striate.errors import WRONG_INPUT, StriateError
from striate.exporting import FORMAT
from striate.models import create, entry
from striate.pipeline.decide import Decision
from striate.pipeline.together import kept_together
from striate.preprocess import Preprocess
from striate.training.dist import device, own_random_numbers


def begin(
    source: str | Path,
    data: Dataset,
    cut: Split,
    decision: Decision,
) -> dict[str, Any]:
    """The config of a run that begins: enough to go on with it in another process."""
    samples = {"train": len(cut.train), "val": len(cut.val), "test": len(cut.test)}
    where = str(source) if source in KNOWN else str(Path(source).expanduser().resolve())
    return {
        "format": FORMAT,
        "classes": list(data.classes),
        "mode": decision.mode,
        "why": list(decision.why),
        "weights": decision.weights,
        "preprocess": decision.preprocess.to_dict(),
        "recipe": decision.recipe.to_dict(),
        "data": {
            "source": where,
            "name": data.name,
            "layout": data.provenance.layout,
            "licence": data.provenance.licence,
            "samples": samples,
            "excluded": len(data.excluded),
            "digest": digest(data),
        },
        "device": device().type,
        "versions": {
            "striate": striate.__version__,
            "torch": str(torch.__version__),
            "python": platform.python_version(),
        },
    }


def network(data: Dataset, decision: Decision) -> dict[str, Any]:
    """The network as a model file names it, when it is sure that it takes the pictures."""
    name, (height, width) = decision.model, decision.preprocess.size
    settled = {
        **decision.options,
        "classes": len(data.classes),
        "in_channels": decision.preprocess.channels,
    }
    if name == "lecture_net" and height == width:
        settled.setdefault("size", height)
    if decision.mode == "scratch":  # with published weights pictures come in the size of those
        _try(name, settled, decision.preprocess)
    return {"name": name, "options": settled}


def _try(name: str, options: Mapping[str, Any], preprocess: Preprocess) -> None:
    """Ask a network about one picture."""
    # With real numbers: for a pass without any, torch would load its compiler, which takes longer.
    height, width = preprocess.size
    with own_random_numbers(), torch.inference_mode():
        net = create(name, **options).eval()
        try:
            answer = net(torch.zeros(1, preprocess.channels, height, width))
        except (RuntimeError, TypeError, ValueError) as error:
            raise StriateError(
                f"does not take pictures of {height} x {width} pixels, as these become ({error})",
                where=name,
                remedy="Choose another --model: `striate models` lists them with their inputs",
                exit_code=WRONG_INPUT,
            ) from error
    if not isinstance(answer, torch.Tensor) or answer.shape != (1, options["classes"]):
        raise StriateError(
            f"is no classifier: its task is {entry(name).task}",
            where=name,
            remedy="`striate models` lists networks by their task",
            exit_code=WRONG_INPUT,
        )


def cut_as_planned(plan: Mapping[str, Any], data: Dataset) -> Split:
    """The cut of a run that has begun, made again from its config."""
    cut = split(data, seed=plan["recipe"]["seed"], groups=kept_together(plan, data))
    return without_validation(data, cut) if plan["mode"] == "features" else cut


def without_validation(data: Dataset, cut: Split) -> Split:
    """The cut where cross-validation judges every choice, so that no picture is kept for that.

    An official validation part beside none to test on is what nothing was chosen by: the test.
    """
    if judged_by_val(data):
        return Split(torch.cat((cut.train, cut.test)).sort().values, cut.val[:0], cut.val)
    return Split(torch.cat((cut.train, cut.val)).sort().values, cut.val[:0], cut.test)


def judged_by_val(data: Dataset) -> bool:
    """Whether there is an official validation part and none to test on."""
    parts = labelled_parts(data)
    return "val" in parts and "test" not in parts


def digest(data: Dataset) -> str:
    """SHA-256 of what makes a data set this one: pixels or names and sizes, labels, classes."""
    sha = hashlib.sha256(json.dumps(data.classes).encode())
    sha.update(data.labels.numpy().tobytes())
    if isinstance(data.pictures, Files):
        for index, name in enumerate(data.pictures.names):
            size = os.stat(data.pictures.path(index)).st_size
            sha.update(os.fsencode(name) + b"\0" + str(size).encode() + b"\0")
    else:
        sha.update(data.pictures.contiguous().numpy().tobytes())
    return sha.hexdigest()
