"""How good a trained run is on a labelled source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from striate.data import Dataset, load_source
from striate.data.dataset import some_of
from striate.data.opening import open_store
from striate.data.stores import Store
from striate.errors import WRONG_INPUT, StriateError, printable
from striate.metrics import Scores, Share, Tally
from striate.pipeline.classifier import Classifier, load
from striate.pipeline.plan import digest

_BATCH = 256


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Scores over all samples, and each class's."""

    scores: Scores
    per_class: dict[str, Share]
    unreadable: int = 0
    unknown: int = 0
    """How many it answers with `unknown`; the scores count their likeliest class."""

    def to_dict(self) -> dict[str, Any]:
        """What `striate evaluate --json` prints."""
        rows = {name: share._asdict() for name, share in self.per_class.items()}
        facts = {"unreadable": self.unreadable, "unknown": self.unknown}
        return {**self.scores.to_dict(), **facts, "per_class": rows}


def evaluate(
    run: str | Path,
    source: str | Path,
    part: str = "",
    say: Callable[[str], None] = lambda line: None,
) -> Evaluation:
    """Score a run on every labelled picture of a source, or of one of its official parts.

    Classes are matched by name. A picture that cannot be read counts nowhere. `say` is told where
    the run has learnt from these pictures.
    """
    classifier, data = load(run), load_source(source)
    if not data.classes:
        raise StriateError(
            "has no classes to compare the answers with",
            where=str(source),
            remedy="Put the pictures of each class into a folder of its own",
            exit_code=WRONG_INPUT,
        )
    _warn(classifier.config, data, Path(source), part, say)
    known = {name: index for index, name in enumerate(classifier.classes)}
    if missing := [name for name in data.classes if name not in known]:
        raise StriateError(
            f"has classes the run does not know: {', '.join(missing[:5])}",
            where=str(source),
            remedy=f"The run knows {', '.join(classifier.classes[:10])}",
            exit_code=WRONG_INPUT,
        )
    if part and part not in data.parts:
        there = ", ".join(data.parts) or "none"
        raise StriateError(
            f"has no part {part!r}", where=str(source), remedy=f"Its parts: {there}",
            exit_code=WRONG_INPUT,
        )  # fmt: skip
    labels = torch.tensor([known[name] for name in data.classes])[data.labels]
    indices = data.parts[part] if part else torch.arange(len(data.labels))
    indices = indices[data.labels[indices] >= 0]  # those without a class cannot be scored
    store = open_store(
        data.pictures,
        classifier.preprocess,
        report=lambda done, total: None,
        say=lambda line: None,
    )
    found = _scored(classifier, store, indices, labels)
    if left_out := [*data.excluded, *store.excluded]:
        say(f"left out, and scored nowhere {some_of(left_out)}")
    return replace(found, unreadable=len(store.excluded))


def _warn(
    config: Mapping[str, Any], data: Dataset, source: Path, part: str, say: Callable[[str], None]
) -> None:
    """Say so where the run has learnt from these pictures, or may have learnt from some."""
    own = config.get("data", {})
    if own.get("digest") == digest(data):
        if part in ("", "train"):
            say("the run has learnt from these pictures: its own test scores say more")
    elif source.exists() and "source" in own:
        here, there = source.resolve(), Path(own["source"])
        if here in (there, *there.parents) or there in here.parents:
            say(
                f"the run's own pictures are of {printable(str(there))}: scores on those that it "
                "has learnt from are too good"
            )


def _scored(classifier: Classifier, store: Store, indices: Tensor, labels: Tensor) -> Evaluation:
    rules, classes = classifier.rules, len(classifier.classes)
    tally, unknown = Tally(classes), 0
    batches = indices.split(_BATCH)
    for ids, (pixels, readable) in zip(batches, store.batches(batches), strict=True):
        outputs = classifier.outputs(pixels)
        tally.add(outputs[:, :classes] / rules.temperature, labels[ids], readable)
        unknown += int((~rules.judge([outputs])[1] & readable).sum())
    per_class = dict(zip(classifier.classes, tally.per_class(), strict=True))
    return Evaluation(tally.scores(), per_class, unknown=unknown)
