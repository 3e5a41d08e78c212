"""What a run is made of, who listens to it, and what comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from striate.data import Dataset, Files, Split
from striate.errors import printable
from striate.evaluating import Familiar
from striate.exporting.engines import Engine
from striate.metrics import Scores
from striate.models.contract import ConvNet
from striate.preprocess import Preprocess
from striate.training import Epoch, Recipe, Team
from striate.training.log import Report

PARTS = ("val", "test")
SIGNED = 5_000
"""How many of the training pictures say what a class's pictures are like."""


@dataclass(frozen=True, slots=True)
class Run:
    """A finished training run: its folder, and how good it is on data it never saw."""

    path: Path
    model: str
    mode: str
    seconds: float
    val: Scores
    test: Scores | None
    """None where no part was left to test on."""
    unknown: int | None = None
    """How many of those that it is judged by it would answer with `unknown`."""
    majority: tuple[str, float] | None = None
    """The class that most of those have, and their share: right without looking at a picture."""

    @classmethod
    def of(cls, path: Path, config: Mapping[str, Any]) -> Run:
        """As the config of a finished one tells it."""
        parts = config["metrics"]
        val, test = (Scores.from_dict(parts[part]) if parts[part] else None for part in PARTS)
        assert val is not None  # there is always something to judge by
        name, mode = config["model"]["name"], config["mode"]
        best = config.get("majority")
        return cls(
            path, name, mode, config["seconds"], val, test,
            unknown=config.get("unknown"),
            majority=(best["class"], best["share"]) if best else None,
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """What `striate train --json` prints."""
        best = dict(zip(("class", "share"), self.majority, strict=True)) if self.majority else None
        return {
            "run": str(self.path),
            "model": self.model,
            "mode": self.mode,
            "seconds": round(self.seconds, 2),
            "val": self.val.to_dict(),
            "test": self.test.to_dict() if self.test else None,
            "unknown": self.unknown,
            "majority": best,
        }


@dataclass(frozen=True, slots=True)
class Talk:
    """Who listens to a run: to its steps, to pictures being decoded, to remarks."""

    step: Report = lambda step: None
    decoding: Callable[[int, int], None] = lambda done, total: None
    say: Callable[[str], None] = lambda line: None
    tensorboard: bool = False
    """Whether the run's folder also gets curves that TensorBoard shows."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a run is made of."""

    data: Dataset
    cut: Split
    preprocess: Preprocess
    recipe: Recipe
    plan: dict[str, Any]
    """The config as the run begins: among others its mode, its network and published weights."""
    talk: Talk
    team: Team

    @property
    def mode(self) -> str:
        """features, finetune or scratch."""
        return str(self.plan["mode"])

    def name_of(self, index: int) -> str:
        """What a sample is called: its file's name in the folder, or its number."""
        if isinstance(self.data.pictures, Files):
            return printable(self.data.pictures.names[index])
        return f"sample {index}"


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a network gives `(N, K)`, float64, for samples `ids` `(N,)` that can be read."""

    ids: Tensor
    values: Tensor

    def of(self, wanted: Tensor) -> Outputs:
        """Of those samples, as far as they are here, in the order that they are asked for."""
        place = {index: row for row, index in enumerate(self.ids.tolist())}
        here = torch.tensor([index in place for index in wanted.tolist()], dtype=torch.bool)
        rows = [place[index] for index in wanted[here].tolist()]
        return Outputs(wanted[here], self.values[rows])


@dataclass(frozen=True, slots=True)
class Judged:
    """Answers beside labels; probabilities `(N, K)` as the saved model gives them."""

    ids: Tensor
    labels: Tensor
    chances: Tensor
    scores: Scores
    known: Tensor | None = None
    """(N,) bool: whether it answers with a class; None where how familiar they are is not known."""


@dataclass(frozen=True, slots=True)
class Learned:
    """A network that has learnt, and what it says about pictures that it did not learn from."""

    net: ConvNet
    held_out: Outputs
    """Logits of the validation part; in features mode of the training part, by cross-validation."""
    ask: Callable[[Tensor, Familiar], Outputs]
    """The logits of the samples of these indices, and as a last column how familiar they are."""
    signatures: Callable[[Tensor], Outputs]
    """The patterns by which it knows pictures like those it learnt from."""
    history: Sequence[Epoch]
    seconds: float
    kept: str = ""
    """Which epoch's weights are the network's."""
    seen: Engine | None = None
    """What computed its features, and signatures behind them."""
