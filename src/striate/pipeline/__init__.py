"""The main job: data in, a run folder out; a run folder in, a classifier out.

Each name is imported when first used: what runs there are is told without torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from striate.pipeline.classifier import Classifier as Classifier
    from striate.pipeline.classifier import Prediction as Prediction
    from striate.pipeline.classifier import load as load
    from striate.pipeline.classifier import load_pretrained as load_pretrained
    from striate.pipeline.comparing import Comparison as Comparison
    from striate.pipeline.comparing import compare as compare
    from striate.pipeline.folder import METRICS as METRICS
    from striate.pipeline.job import Run as Run
    from striate.pipeline.job import Talk as Talk
    from striate.pipeline.record import Record as Record
    from striate.pipeline.record import list_runs as list_runs
    from striate.pipeline.record import read_run as read_run
    from striate.pipeline.running import resume as resume
    from striate.pipeline.running import train as train
    from striate.pipeline.scoring import Evaluation as Evaluation
    from striate.pipeline.scoring import evaluate as evaluate

_HOMES = {
    "METRICS": "folder",
    "Classifier": "classifier",
    "Comparison": "comparing",
    "Evaluation": "scoring",
    "Prediction": "classifier",
    "Record": "record",
    "Run": "job",
    "Talk": "job",
    "compare": "comparing",
    "evaluate": "scoring",
    "list_runs": "record",
    "load": "classifier",
    "load_pretrained": "classifier",
    "read_run": "record",
    "resume": "running",
    "train": "running",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'striate.pipeline' has no attribute {name!r}")
    return getattr(importlib.import_module(f"striate.pipeline.{_HOMES[name]}"), name)
