"""The main job: data in, a run folder out; a run folder in, a classifier out."""

from striate.pipeline.classifier import Classifier as Classifier
from striate.pipeline.classifier import Prediction as Prediction
from striate.pipeline.classifier import load as load
from striate.pipeline.classifier import load_pretrained as load_pretrained
from striate.pipeline.running import METRICS as METRICS
from striate.pipeline.running import Run as Run
from striate.pipeline.running import Talk as Talk
from striate.pipeline.running import resume as resume
from striate.pipeline.running import train as train
from striate.pipeline.scoring import Evaluation as Evaluation
from striate.pipeline.scoring import evaluate as evaluate

__all__ = [
    "METRICS",
    "Classifier",
    "Evaluation",
    "Prediction",
    "Run",
    "Talk",
    "evaluate",
    "load",
    "load_pretrained",
    "resume",
    "train",
]
