"""What a run found, as plain records: all that the page and the model card need."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from striate.errors import ArgumentError
from striate.evaluating.calibrate import Bin, Calibration
from striate.evaluating.confusion import ClassRow, class_report
from striate.evaluating.mislabels import Suspect
from striate.evaluating.reject import Coverage
from striate.metrics import Scores, Tally, majority
from striate.preprocess import Preprocess
from striate.training.log import Epoch


@dataclass(frozen=True, slots=True)
class Held:
    """The held-out pictures that the page shows, and the net's answers to them."""

    indices: Tensor
    """(N,): where each picture lies in the data set."""
    labels: Tensor
    """(N,)"""
    chances: Tensor
    """(N, K): probabilities, as the saved model gives them (with its temperature)."""
    known: Tensor | None = None
    """(N,) bool: whether it answers with a class; without it, it always does."""

    def __post_init__(self) -> None:
        n = len(self.labels)
        if n == 0:
            raise ArgumentError("held", n, "at least one held-out picture to report on")
        if self.indices.shape != (n,) or self.chances.ndim != 2 or len(self.chances) != n:
            shapes = (tuple(self.indices.shape), tuple(self.chances.shape))
            raise ArgumentError("indices and chances", shapes, f"a row for each of {n} labels")
        if self.known is not None and self.known.shape != (n,):
            raise ArgumentError("known", tuple(self.known.shape), f"a row for each of {n} labels")

    @property
    def predicted(self) -> Tensor:
        """(N,): the likeliest class."""
        return self.chances.argmax(1)

    @property
    def unknown(self) -> int:
        """How many are answered `unknown`."""
        return 0 if self.known is None else int((~self.known).sum())

    @property
    def answered_rightly(self) -> int:
        """How many are answered with a class, and the right one."""
        right = self.predicted == self.labels
        return int((right if self.known is None else right & self.known).sum())

    @property
    def logs(self) -> Tensor:
        """(N, K) float64: logarithms of the probabilities, which are logits of the same."""
        return self.chances.double().clamp(min=1e-300).log()

    @property
    def confusion(self) -> Tensor:
        """(K, K) whole numbers: how many of class i (row) were taken for class j."""
        classes = self.chances.shape[1]
        pairs = self.labels * classes + self.predicted
        return torch.bincount(pairs, minlength=classes**2).view(classes, classes)


@dataclass(frozen=True, slots=True)
class Pictures:
    """The data set's pictures, fetched when they are shown; indices are the data set's own."""

    name: Callable[[int], str]
    pixels: Callable[[Tensor], Tensor]
    """Indices (B,) -> uint8 (B, C, H, W): what the net gets, before it is normalised."""
    heat: Callable[[Tensor, Tensor], Tensor] | None = None
    """Indices (B,), classes (B,) -> (B, H, W) of 0..1: where the net looked for that class."""


@dataclass(frozen=True, slots=True)
class Calibrated:
    """Whether probabilities mean what they say, and when there is no answer."""

    fit: Calibration
    """The temperature, and what it does to the pictures it was fitted on."""
    bins: Sequence[Bin]
    """Of the held-out pictures, with the temperature."""
    curve: Coverage
    """Of the same."""
    threshold: float = 0.0
    """Below this probability the answer is `unknown`; 0: never."""
    familiar: bool = False
    """Whether the answer is also `unknown` where a picture is unlike those of every class."""


@dataclass(frozen=True, slots=True)
class Model:
    """The network: its name and options, how it was trained, what its weights began as."""

    name: str
    options: Mapping[str, Any]
    mode: str
    """`features`, `finetune` or `scratch`."""
    weights: str = ""
    """Published weights that it began with; empty: random numbers."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What the model takes, measured on this machine."""

    params: int
    macs: int
    """Multiply-adds for one picture."""
    file_size: int
    """Bytes of the model file."""
    train_seconds: float
    latency: Mapping[str, float] = field(default_factory=dict)
    """Engine -> seconds for one picture alone."""
    throughput: Mapping[str, float] = field(default_factory=dict)
    """Engine -> pictures a second, in batches."""
    engine: str = ""
    """The one that prediction takes."""
    machine: str = ""
    """Processor and threads, or the GPU."""

    @property
    def engines(self) -> list[str]:
        """All that were measured."""
        return sorted({*self.latency, *self.throughput})


@dataclass(frozen=True, slots=True)
class Origin:
    """How to come to the same run again."""

    run: str
    """The run folder, as a command line names it."""
    command: str
    seed: int
    digest: str
    """SHA-256 of the data set."""
    versions: Mapping[str, str]
    written: str = ""
    """The day, if it shall be told."""
    data_licence: str = ""
    caveat: str = ""
    """Why the command comes to other weights, where it does."""


@dataclass(frozen=True, slots=True)
class Findings:
    """A finished run. Classes are named by their place in `classes` everywhere else."""

    data: str
    """The data set's name."""
    classes: tuple[str, ...]
    model: Model
    preprocess: Preprocess
    held: Held
    """The test part, or the validation part where nothing was left to test on."""
    val: Scores
    test: Scores | None
    learnt: Tensor
    """(K,): how many training pictures each class had."""
    pictures: Pictures
    cost: Cost
    origin: Origin
    decisions: Sequence[str] = ()
    """A sentence each: what was decided, and why."""
    calibration: Calibrated | None = None
    history: Sequence[Epoch] = ()
    suspects: Sequence[Suspect] = ()
    """The most doubtful first; their indices are the data set's."""
    augmented: Tensor | None = None
    """(B, V, C, H, W) uint8: some pictures (first of each row) and what the policy makes of them"""
    filters: Tensor | None = None
    """(F, C, h, w): the weights of the first convolution."""
    check: Mapping[str, Any] | None = None
    """The data check's report, as its `to_dict` gives it."""

    def __post_init__(self) -> None:
        classes = len(self.classes)
        if self.held.chances.shape[1] != classes or self.learnt.shape != (classes,):
            shapes = (tuple(self.held.chances.shape), tuple(self.learnt.shape))
            raise ArgumentError("chances and learnt", shapes, f"a column for {classes} classes")
        if self.scores.n != len(self.held.labels):
            expected = f"{self.scores.n} held-out pictures, as the scores have"
            raise ArgumentError("held", len(self.held.labels), expected)

    @property
    def part(self) -> str:
        """What `held` is."""
        if self.test:
            return "test"
        return "cross-validated" if self.model.mode == "features" else "validation"

    @property
    def scores(self) -> Scores:
        """Those of the held-out pictures."""
        return self.val if self.test is None else self.test

    @property
    def right(self) -> int:
        """How many held-out pictures were answered rightly."""
        return round(self.scores.accuracy * self.scores.n)

    @property
    def majority(self) -> tuple[int, float]:
        """The best answer for one who looks at no picture: a class, and its held-out share."""
        return majority(self.held.labels)

    def per_class(self) -> list[ClassRow]:
        """Precision, recall with its interval, and F1 of every class."""
        tally = Tally(len(self.classes))
        tally.add(self.held.logs, self.held.labels)
        return class_report(tally, self.classes)
