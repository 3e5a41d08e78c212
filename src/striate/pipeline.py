"""The main job: data in, a run folder out; a run folder in, a classifier out."""

from __future__ import annotations

import contextlib
import itertools
import json
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

import striate
from striate.data import Dataset, Files, Split, decode, load_source, stratified_split
from striate.errors import WRONG_INPUT, ArgumentError, StriateError
from striate.exporting import CONFIG, WEIGHTS, LoadedModel, load_model, save_model
from striate.files import write_atomic
from striate.metrics import Scores
from striate.models import create, entry
from striate.models.weights import record_for
from striate.preprocess import Preprocess
from striate.training import Part, Recipe, Step, evaluate, fit

_MODEL = "lecture_net"
METRICS = "metrics.jsonl"


@dataclass(frozen=True, slots=True)
class Run:
    """A finished training run: its folder, and how good it is on data it never saw."""

    path: Path
    model: str
    mode: str
    seconds: float
    val: Scores
    test: Scores

    def to_dict(self) -> dict[str, Any]:
        """What `striate train --json` prints."""
        return {
            "run": str(self.path),
            "model": self.model,
            "mode": self.mode,
            "seconds": round(self.seconds, 2),
            "val": self.val.to_dict(),
            "test": self.test.to_dict(),
        }


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
        picture = image if isinstance(image, Image.Image) else decode(Path(image))
        batch = self.preprocess.normalise(self.preprocess.pixels(picture).unsqueeze(0))
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


def train(
    source: str = "sample",
    *,
    epochs: int = 12,
    seed: int = 0,
    out: str | Path | None = None,
    report: Callable[[Step], None] = lambda step: None,
) -> Run:
    """Train a classifier on `source` and write its run folder.

    The test part is held out before anything is measured and is used once, at the end.
    """
    recipe = Recipe(epochs=epochs, seed=seed)
    data = load_source(source)
    folder = _reserve(Path(out) if out is not None else _free_name(Path("runs"), data.name))
    try:
        return _train_into(folder, data, recipe, report)
    except BaseException:
        _release(folder)
        raise


def _train_into(folder: Path, data: Dataset, recipe: Recipe, report: Callable[[Step], None]) -> Run:
    start = time.monotonic()
    split = stratified_split(data.labels, seed=recipe.seed)
    if isinstance(data.pictures, Files):
        raise ArgumentError("source", data.name, "pictures in memory, not files")
    pictures = data.pictures
    preprocess = _preprocess_for(pictures[split.train])
    train_part, val_part, test_part = (
        Part(pictures[indices], data.labels[indices], preprocess.normalise)
        for indices in (split.train, split.val, split.test)
    )
    options: dict[str, Any] = {"classes": len(data.classes), "in_channels": preprocess.channels}
    lines: list[str] = []

    def log(step: Step) -> None:
        if step.val is not None:
            epoch = {"epoch": step.epoch, "loss": step.loss, "val": step.val.to_dict()}
            lines.append(json.dumps(epoch) + "\n")
        report(step)

    with torch.random.fork_rng(devices=[]):  # the caller's random numbers are theirs
        torch.manual_seed(recipe.seed)
        net = create(_MODEL, **options)
        net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in its stub
        fit(net, train_part, val_part, recipe, log)
    val, test = evaluate(net, val_part), evaluate(net, test_part)
    run = Run(folder, _MODEL, "scratch", time.monotonic() - start, val, test)
    write_atomic(folder / METRICS, "".join(lines).encode())
    config = {
        "model": {"name": _MODEL, "options": options},
        "classes": data.classes,
        "preprocess": preprocess.to_dict(),
        "recipe": recipe.to_dict(),
        "data": {"source": data.name, "samples": _sizes(split)},
        "metrics": {"val": val.to_dict(), "test": test.to_dict()},
        "seconds": run.seconds,
        "versions": _versions(),
    }
    save_model(folder, net, config)
    return run


def _preprocess_for(images: Tensor) -> Preprocess:
    """The record for pictures `(N, C, H, W)` as they are: size, and each band's mean and std."""
    bands = images.double().div(255).transpose(0, 1).flatten(1)
    return Preprocess(
        size=(images.shape[2], images.shape[3]),
        channels=images.shape[1],
        mean=tuple(bands.mean(dim=1).tolist()),
        std=tuple(bands.std(dim=1).tolist()),
    )


def _sizes(split: Split) -> dict[str, int]:
    return {"train": len(split.train), "val": len(split.val), "test": len(split.test)}


def _versions() -> dict[str, str]:
    return {
        "striate": striate.__version__,
        "torch": str(torch.__version__),
        "python": platform.python_version(),
    }


def _free_name(parent: Path, source: str) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S")
    names = itertools.chain([stamp], (f"{stamp}-{n}" for n in itertools.count(2)))
    return next(path for name in names if not (path := parent / f"{source}-{name}").exists())


def _reserve(folder: Path) -> Path:
    """Make the run folder, or refuse: a run never writes into a folder that is already there."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise StriateError(
            "is already there, and a run overwrites nothing",
            where=str(folder),
            remedy="Choose another --out",
            exit_code=WRONG_INPUT,
        ) from error
    except OSError as error:
        raise StriateError(
            f"cannot be made ({error.strerror})",
            where=str(folder),
            remedy="Choose another --out",
            exit_code=WRONG_INPUT,
        ) from error
    return folder


def _release(folder: Path) -> None:
    """Take back the folder of a run that did not finish: its own files, and nobody else's."""
    # Whatever ended the run says more than a failed clean-up would.
    with contextlib.suppress(OSError):
        for name in (METRICS, CONFIG, WEIGHTS):
            (folder / name).unlink(missing_ok=True)
        if not any(folder.iterdir()):
            folder.rmdir()
