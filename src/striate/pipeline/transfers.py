"""The lectures' table, measured: how far a trained network's features go, by how much of it learns.

Extraction, fine-tuning the deep stages, fine-tuning all, and learning from scratch; each on the
same pictures, cut alike, with the same network.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from striate.data import Dataset, Split, load_source
from striate.data.augment import policy
from striate.data.dataset import some_of
from striate.data.loader import Loader
from striate.data.opening import open_store
from striate.data.order import Order
from striate.data.split import split
from striate.data.stores import Store
from striate.exporting.engines import engine_for
from striate.metrics import Scores
from striate.models import create
from striate.models.contract import ConvNet
from striate.models.records import Record
from striate.models.weights import record_for
from striate.pipeline.choose import check_enough, look_at
from striate.pipeline.decide import of_weights
from striate.pipeline.job import Talk
from striate.pipeline.together import copies
from striate.preprocess import Preprocess
from striate.training import Loss, Recipe, Surroundings, evaluate, fit
from striate.training.dist import device, own_random_numbers
from striate.transfer import (
    FINE_TUNING,
    Head,
    deep_stages,
    features_of,
    folds_of,
    gradually,
    pairs_among,
    solve_logistic,
    trunk_of,
    write_head,
)

_SILENT = Talk()
_EVALUATION_BATCH = 64
_SCRATCH = FINE_TUNING.with_settings(
    {"layer_decay": 1.0, "keep_start": False, "peak_rate": 2e-3, "warmup": 0.25}
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to use the network: how many of its numbers learnt, how long, and how well."""

    mode: str
    learning: int
    epochs: float
    """Passes over the training part by gradient descent; 0 where a solver did it."""
    seconds: float
    """From pixels to the trained network, the solved head that it begins with included."""
    val: Scores
    """On the part by which the best epoch was chosen."""
    test: Scores | None
    """On the part that nothing was chosen by."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "mode": self.mode,
            "learning": self.learning,
            "epochs": self.epochs,
            "seconds": round(self.seconds, 2),
            "val": self.val.to_dict(),
            "test": self.test.to_dict() if self.test else None,
        }


@dataclass(frozen=True, slots=True)
class _Table:
    """What all attempts share."""

    data: Dataset
    cut: Split
    pairs: list[tuple[int, int]]
    store: Store
    preprocess: Preprocess
    record: Record
    talk: Talk

    @property
    def classes(self) -> int:
        return len(self.data.classes)

    def loader(self, part: Tensor, recipe: Recipe | None = None) -> Loader:
        """Pictures to learn from by a recipe; without one, in order and as they are."""
        batch, seed = (recipe.batch_size, recipe.seed) if recipe else (_EVALUATION_BATCH, 0)
        return Loader(
            self.store,
            self.data.labels,
            Order(batch, seed, recipe is not None),
            normalise=self.preprocess.normalise,
            policy=policy(recipe.policy) if recipe else (),
            part=part,
            device=device(),
        )

    def attempt(self, mode: str, net: nn.Module, began: float, learning: int, epochs: float
    ) -> Attempt:  # fmt: skip
        """Score a network that has just learnt."""
        seconds = time.perf_counter() - began
        val, test = (
            evaluate(net, self.loader(part), self.classes).scores() if len(part) else None
            for part in (self.cut.val, self.cut.test)
        )
        assert val is not None  # `check_enough` asked
        return Attempt(mode, learning, epochs, seconds, val, test)


def compare_transfer(
    source: str | Path,
    *,
    model: str = "efficientnet_lite0",
    epochs: float = FINE_TUNING.epochs,
    seed: int = 0,
    talk: Talk = _SILENT,
) -> list[Attempt]:
    """Try the four ways on `source`, each for `epochs` at most; `talk` is told as each begins."""
    settings = {"epochs": epochs, "seed": seed}
    tuning, scratch = FINE_TUNING.with_settings(settings), _SCRATCH.with_settings(settings)
    table = _open(source, model, seed, talk)
    with own_random_numbers():
        talk.say("extraction: the trunk looks at every picture once, a solver makes the head")
        began = time.perf_counter()
        net = _pretrained(model, table)
        head = _head(net, table, seed)
        write_head(net, head)
        solved = time.perf_counter() - began
        found = [table.attempt("extraction", net, began, _count(net.last_layer), 0.0)]
        deep = tuning.with_settings({"frozen": deep_stages(net)})
        for mode, recipe in (("fine-tune deep", deep), ("fine-tune all", gradually(tuning, net))):
            talk.say(f"{mode}: {epochs:g} epochs from the solved head")
            began = time.perf_counter() - solved
            net = _pretrained(model, table)
            write_head(net, head)
            found.append(_fitted(mode, net, recipe, table, began))
        talk.say(f"from scratch: {epochs:g} epochs from random weights")
        torch.manual_seed(seed)
        began = time.perf_counter()
        net = create(model, **{**table.record.options, "classes": table.classes})
        found.append(_fitted("from scratch", net, scratch, table, began))
    return found


def _open(source: str | Path, model: str, seed: int, talk: Talk) -> _Table:
    record = record_for(model)
    data = load_source(source)
    pairs, _ = copies(data, talk.decoding, talk.say)
    cut = split(data, seed=seed, groups=pairs)
    check_enough(data, cut)
    preprocess, fitted = of_weights(record, look_at(data, cut.train))
    talk.say(fitted)
    store = open_store(data.pictures, preprocess, report=talk.decoding, say=talk.say)
    if store.excluded:
        talk.say(f"unreadable, so left out {some_of(store.excluded)}")
    return _Table(data, cut, pairs, store, preprocess, record, talk)


def _pretrained(model: str, table: _Table) -> ConvNet:
    net = create(model, pretrained=table.record.name, classes=table.classes)
    return net.to(device(), memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def _head(net: ConvNet, table: _Table, seed: int) -> Head:
    """The head that a solver makes of the trunk's features of the training part."""
    engine = engine_for(trunk_of(net), table.preprocess, say=table.talk.say)
    part = table.cut.train
    values, readable = features_of(engine, table.store, part, report=table.talk.decoding)
    part = part[readable]
    labels = table.data.labels[part]
    folds = folds_of(labels, groups=pairs_among(part, table.pairs), seed=seed)
    return solve_logistic(values[readable], labels, table.classes, folds=folds)


def _fitted(mode: str, net: ConvNet, recipe: Recipe, table: _Table, began: float) -> Attempt:
    net.to(device(), memory_format=torch.channels_last)  # type: ignore[call-overload]
    learning = _count(net)
    if recipe.frozen and not recipe.thaw:
        names = list(net.stages)
        still = [net.stages[name].parts for name in names[: names.index(recipe.frozen)]]
        learning -= sum(_count(net.get_submodule(part)) for parts in still for part in parts)
    fit(
        net,
        table.loader(table.cut.train, recipe),
        table.loader(table.cut.val),
        recipe,
        loss=Loss(),
        classes=table.classes,
        around=Surroundings(report=table.talk.step),
    )
    return table.attempt(mode, net, began, learning, recipe.epochs)


def _count(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())
