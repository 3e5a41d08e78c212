"""A trained network as an answer to "what is on this picture?"."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from striate.data import pixels_of
from striate.data.decode import upright
from striate.errors import ArgumentError
from striate.evaluating import UNKNOWN, larger, views
from striate.exporting import LoadedModel, load_model
from striate.exporting.engines import Engine, engine_for
from striate.models import create, entry
from striate.models.weights import record_for
from striate.pipeline.judging import Rules, answering
from striate.pipeline.predicting import BATCH, Row, answers, files_of
from striate.preprocess import Preprocess
from striate.training.dist import device

Picture = str | Path | Image.Image | NDArray[np.uint8]
"""A file, an image, or an array (H, W) or (H, W, 3)."""

_MANY = 64  # pictures from which an engine answers faster than it takes to build


@dataclass(frozen=True, slots=True)
class Prediction:
    """The likeliest class, its probability, and the ranking `(label, probability)` behind it.

    The label is `unknown`, and `known` is false, where the network is too unsure, or the picture
    unlike those it was made for; the ranking says what it is likest to.
    """

    label: str
    probability: float
    known: bool
    top: tuple[tuple[str, float], ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        top = [{"label": label, "probability": chance} for label, chance in self.top]
        facts = {"label": self.label, "probability": self.probability, "known": self.known}
        return {**facts, "top": top}


class Classifier:
    """A trained network that takes files, images or arrays and answers with class names."""

    def __init__(self, model: LoadedModel, engine: str = "") -> None:
        self.net = model.net.to(device())
        self.classes = model.classes
        self.preprocess = model.preprocess
        self.config = model.config
        self.rules = Rules.from_dict(model.config.get("calibration", {}))
        self._wanted = engine
        self._answered = 0

    def __repr__(self) -> str:
        name = self.config["model"]["name"]
        return f"{type(self).__name__}({name}, {len(self.classes):,} classes)"

    # A path is also a sequence, of letters: the first form that fits is the one that counts.
    @overload
    def predict(  # type: ignore[overload-overlap]
        self, what: Picture, top: int = ..., tta: str = ...
    ) -> Prediction: ...
    @overload
    def predict(
        self, what: Sequence[Picture], top: int = ..., tta: str = ...
    ) -> list[Prediction]: ...
    def predict(
        self, what: Picture | Sequence[Picture], top: int = 5, tta: str = ""
    ) -> Prediction | list[Prediction]:
        """Classify one picture or a list; `top` is the length of the ranking.

        `tta` (`flip`, `five`, `ten`) averages over views of each picture.
        """
        if isinstance(what, str | Path | Image.Image | np.ndarray):
            return self.answer(self.pixels(what, tta).unsqueeze(0), top, tta)[0]
        found: list[Prediction] = []
        pictures = iter(what)
        while batch := [self.pixels(one, tta) for one in itertools.islice(pictures, BATCH)]:
            found += self.answer(torch.stack(batch), top, tta)
        return found

    def stream(self, paths: Iterable[str | Path], top: int = 5, tta: str = "") -> Iterator[Row]:
        """A row for every file, in order, and for every picture under a folder; in flat memory.

        Decoding runs beside the network's work. A file that cannot be read has an error for a row.
        """
        return self.rows(files_of(Path(path) for path in paths), top, tta)

    def rows(self, files: Iterable[Path], top: int = 5, tta: str = "") -> Iterator[Row]:
        """As `stream`, for files alone."""
        return answers(self, files, top=top, tta=tta)

    def preprocess_for(self, tta: str) -> Preprocess:
        """The record by which pictures come in: larger ones, where views are cut from them."""
        return larger(self.preprocess, tta) if tta else self.preprocess

    def pixels(self, what: Picture, tta: str = "") -> Tensor:
        """What the network is given: uint8 (C, H, W), by the one code path from file to pixels."""
        preprocess = self.preprocess_for(tta)
        if isinstance(what, Image.Image):
            return preprocess.pixels(upright(what))
        if isinstance(what, np.ndarray):
            if what.dtype != np.uint8 or what.ndim not in (2, 3):
                raise ArgumentError("array", (what.dtype, what.shape), "uint8 (H, W) or (H, W, 3)")
            return preprocess.pixels(Image.fromarray(what))
        return pixels_of(Path(what), preprocess)

    def answer(self, pixels: Tensor, top: int = 5, tta: str = "") -> list[Prediction]:
        """Classify uint8 pictures (B, C, H, W) that `pixels` gave."""
        if top < 1:
            raise ArgumentError("top", top, "at least 1")
        seen = views(pixels, tta, self.preprocess.size) if tta else [pixels]
        chances, known = self.rules.judge(
            [self.outputs(view.contiguous(memory_format=torch.channels_last)) for view in seen]
        )
        best = chances.topk(min(top, len(self.classes)))
        columns = (best.indices.tolist(), best.values.tolist(), known.tolist())
        return [self._prediction(*row) for row in zip(*columns, strict=True)]

    @torch.inference_mode()
    def outputs(self, pixels: Tensor) -> Tensor:
        """uint8 (B, C, H, W) -> the logits, and the familiarity if there is one: (B, K or K + 1).

        By the network itself, of many pictures by an engine.
        """
        self._answered += len(pixels)
        if self._wanted or self._answered > _MANY:
            return self.engine(pixels)
        outputs: Tensor = self.answering(self.preprocess.normalise(pixels.to(device())))
        return outputs.cpu()

    @cached_property
    def answering(self) -> nn.Module:
        """The network with its familiarity beside the logits, where it has one."""
        return answering(self.net, self.rules)

    @cached_property
    def engine(self) -> Engine:
        """What answers about many pictures: as asked for, or the fastest that is here."""
        return engine_for(self.answering, self.preprocess, name=self._wanted or "auto")

    def _prediction(self, indices: list[int], chances: list[float], known: bool) -> Prediction:
        named = (self.classes[index] for index in indices)
        ranking = tuple(zip(named, chances, strict=True))
        label, chance = ranking[0]
        return Prediction(label if known else UNKNOWN, chance, known, top=ranking)


def load(path: str | Path, engine: str = "") -> Classifier:
    """Load a run folder (or the `model.safetensors` in it) as a `Classifier`.

    `engine` is `openvino`, `onnxruntime` or `torch`; without one, the fastest answers about many.
    """
    return Classifier(load_model(Path(path)), engine)


def load_pretrained(name: str, engine: str = "") -> Classifier:
    """A classifier of the zoo with its published weights, preprocessing and class names."""
    if (task := entry(name).task) != "classification":
        expected = f"the name of a classifier; its task is {task}"
        raise ArgumentError("model", name, expected, remedy="`striate models` lists the tasks")
    record = record_for(name)
    net = create(name, pretrained=record.name).eval()
    facts = {"model": {"name": name, "options": dict(record.options)}, "weights": record.name}
    preprocess = Preprocess(**record.preprocess)
    return Classifier(LoadedModel(net, record.classes, preprocess, facts), engine)
