"""A trained network as an answer to "what is on this picture?"."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from striate.data import pixels_of
from striate.errors import ArgumentError
from striate.exporting import LoadedModel, load_model
from striate.models import create, entry
from striate.models.weights import record_for
from striate.preprocess import Preprocess


@dataclass(frozen=True, slots=True)
class Prediction:
    """The likeliest class, its probability, and the ranking `(label, probability)` behind it."""

    label: str
    probability: float
    top: tuple[tuple[str, float], ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        top = [{"label": label, "probability": chance} for label, chance in self.top]
        return {"label": self.label, "probability": self.probability, "top": top}


class Classifier:
    """A trained network that takes files or images and answers with class names."""

    def __init__(self, model: LoadedModel) -> None:
        self.net = model.net
        self.classes = model.classes
        self.preprocess = model.preprocess
        self.config = model.config

    @torch.inference_mode()
    def predict(self, image: str | Path | Image.Image, top: int = 5) -> Prediction:
        """Classify one file or PIL image; `top` is the length of the ranking."""
        if top < 1:
            raise ArgumentError("top", top, "at least 1")
        pixels = (
            self.preprocess.pixels(image)
            if isinstance(image, Image.Image)
            else pixels_of(Path(image), self.preprocess)
        )
        batch = self.preprocess.normalise(pixels.unsqueeze(0))
        chances = self.net(batch)[0].double().softmax(dim=0)
        best = chances.topk(min(top, len(self.classes)))
        ranking = tuple(
            (self.classes[index], chance)
            for index, chance in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        )
        return Prediction(*ranking[0], top=ranking)


def load(path: str | Path) -> Classifier:
    """Load a run folder (or the `model.safetensors` in it) as a `Classifier`."""
    return Classifier(load_model(Path(path)))


def load_pretrained(name: str) -> Classifier:
    """A classifier of the zoo with its published weights, preprocessing and class names."""
    if (task := entry(name).task) != "classification":
        expected = f"the name of a classifier; its task is {task}"
        raise ArgumentError("model", name, expected, remedy="`striate models` lists the tasks")
    record = record_for(name)
    net = create(name, pretrained=record.name).eval()
    facts = {"model": {"name": name, "options": dict(record.options)}, "weights": record.name}
    preprocess = Preprocess(**record.preprocess)
    return Classifier(LoadedModel(net, record.classes, preprocess, facts))
