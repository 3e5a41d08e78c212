"""The named runs.

Each is a function whose docstring says the command, what it costs, and what to expect.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from striate.errors import unknown_name
from striate.training import Recipe


@dataclass(frozen=True, slots=True)
class Setup:
    """A network with its options, and the recipe it is trained by."""

    model: str
    recipe: Recipe
    options: dict[str, Any] = field(default_factory=dict)


def mnist_deck() -> Setup:
    """The lectures' first listing: `striate train mnist --recipe mnist_deck`."""
    recipe = Recipe(
        epochs=15, batch_size=128, optimiser="adam", peak_rate=1e-3, schedule="constant", warmup=0.0
    )
    return Setup("lecture_net", recipe)


def mnist_fast() -> Setup:
    """The same net, in seconds: `striate train mnist --recipe mnist_fast`."""
    recipe = Recipe(
        epochs=0.7,
        batch_size=96,
        optimiser="muon",
        peak_rate=0.01,
        schedule="linear",
        warmup=0.2,
        label_smoothing=0.1,
        precision="auto",
    )
    return Setup("lecture_net", recipe, {"dropout": 0.0})


def cifar10_fast() -> Setup:
    """A small residual net in a few minutes: `striate train cifar10 --recipe cifar10_fast`."""
    recipe = Recipe(
        epochs=15,
        batch_size=128,
        optimiser="sgd",
        peak_rate=0.1,
        weight_decay=5e-4,
        label_smoothing=0.1,
        policy="light",
    )
    return Setup("resnet20", recipe)


def cifar10_resnet20() -> Setup:
    """He and others' procedure: `striate train cifar10 --recipe cifar10_resnet20`."""
    recipe = Recipe(
        epochs=164,
        batch_size=128,
        optimiser="sgd",
        peak_rate=0.1,
        weight_decay=1e-4,
        schedule="step",
        warmup=0.0,
        policy="light",
    )
    return Setup("resnet20", recipe)


RECIPES: dict[str, Callable[[], Setup]] = {
    "cifar10_fast": cifar10_fast,
    "cifar10_resnet20": cifar10_resnet20,
    "mnist_deck": mnist_deck,
    "mnist_fast": mnist_fast,
}


def setup(name: str) -> Setup:
    """The named run."""
    if name not in RECIPES:
        raise unknown_name("recipe", name, RECIPES)
    return RECIPES[name]()
