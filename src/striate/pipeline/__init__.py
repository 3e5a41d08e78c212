"""The main job: data in, a run folder out; a run folder in, a classifier out.

Each name is imported when first used: what runs there are is told without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from striate.lazy import lazily

if TYPE_CHECKING:
    from striate.pipeline.classifier import Classifier as Classifier
    from striate.pipeline.classifier import Prediction as Prediction
    from striate.pipeline.classifier import load as load
    from striate.pipeline.classifier import load_pretrained as load_pretrained
    from striate.pipeline.comparing import Comparison as Comparison
    from striate.pipeline.comparing import compare as compare
    from striate.pipeline.decide import Wish as Wish
    from striate.pipeline.delivering import export as export
    from striate.pipeline.folder import METRICS as METRICS
    from striate.pipeline.job import Run as Run
    from striate.pipeline.job import Talk as Talk
    from striate.pipeline.predicting import Row as Row
    from striate.pipeline.predicting import files_of as files_of
    from striate.pipeline.record import Record as Record
    from striate.pipeline.record import list_runs as list_runs
    from striate.pipeline.record import read_run as read_run
    from striate.pipeline.resuming import resume as resume
    from striate.pipeline.running import Planned as Planned
    from striate.pipeline.running import plan_run as plan_run
    from striate.pipeline.running import train as train
    from striate.pipeline.scoring import Evaluation as Evaluation
    from striate.pipeline.scoring import evaluate as evaluate
    from striate.pipeline.transfers import compare_transfer as compare_transfer

_HOMES = {
    "METRICS": "striate.pipeline.folder",
    "Classifier": "striate.pipeline.classifier",
    "Comparison": "striate.pipeline.comparing",
    "Evaluation": "striate.pipeline.scoring",
    "Planned": "striate.pipeline.running",
    "Prediction": "striate.pipeline.classifier",
    "Record": "striate.pipeline.record",
    "Row": "striate.pipeline.predicting",
    "Run": "striate.pipeline.job",
    "Talk": "striate.pipeline.job",
    "Wish": "striate.pipeline.decide",
    "compare": "striate.pipeline.comparing",
    "compare_transfer": "striate.pipeline.transfers",
    "evaluate": "striate.pipeline.scoring",
    "export": "striate.pipeline.delivering",
    "files_of": "striate.pipeline.predicting",
    "list_runs": "striate.pipeline.record",
    "load": "striate.pipeline.classifier",
    "load_pretrained": "striate.pipeline.classifier",
    "plan_run": "striate.pipeline.running",
    "read_run": "striate.pipeline.record",
    "resume": "striate.pipeline.resuming",
    "train": "striate.pipeline.running",
}

__all__ = list(_HOMES)

__getattr__ = lazily(__name__, _HOMES)
