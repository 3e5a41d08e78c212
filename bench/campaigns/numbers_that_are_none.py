"""NaN and infinity, let in at every door: none of them may reach saved weights."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from pathlib import Path

import torch
from ground import Outcome
from torch import Tensor, nn

from striate.data.loader import Loader
from striate.data.order import Order
from striate.data.stores import MemoryStore
from striate.errors import StriateError
from striate.training import Checkpoints, Loss, Recipe, Step, Surroundings, fit

SAMPLES, EPOCHS, BATCH = 64, 3, 16
STEPS = EPOCHS * SAMPLES // BATCH


def _net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2)
    )


class Door:
    """Lets one bad number in at step `at`, by one way in."""

    def __init__(self, way: str, at: int, value: float) -> None:
        self.way, self.at, self.value = way, at, value
        self.net, self.step = _net(), 0
        if way == "gradient":
            self.net[4].weight.register_hook(lambda g: self._spoilt(g))
        if way == "layer":
            self.net[0].register_forward_hook(lambda m, i, o: self._spoilt(o) if m.training else o)

    def _spoilt(self, tensor: Tensor) -> Tensor:
        if self.step != self.at:
            return tensor
        tensor = tensor.clone()
        tensor[(0,) * tensor.ndim] = self.value
        return tensor

    def normalise(self, pixels: Tensor) -> Tensor:
        """As the loader wants it: uint8 to float."""
        images = pixels.float() / 255
        return self._spoilt(images) if self.way == "picture" else images

    def report(self, step: Step) -> None:
        """Count the steps, and spoil a weight after one of them."""
        self.step = step.step
        if self.way == "weight" and step.step == self.at and step.val is None:
            with torch.no_grad():
                self.net[4].weight[0, 0] = self.value


def _recipe(way: str) -> Recipe:
    steep = {"peak_rate": 1e38, "optimiser": "sgd", "schedule": "constant", "warmup": 0.0}
    return Recipe(
        epochs=EPOCHS, batch_size=BATCH, **(steep if way == "rate" else {})
    )  # fmt: skip


def _run(door: Door, folder: Path, complain: Callable[[str], None]) -> None:
    pixels = torch.randint(0, 256, (SAMPLES, 1, 8, 8), dtype=torch.uint8)
    recipe = _recipe(door.way)
    train, val = (
        Loader(
            MemoryStore(pixels), torch.arange(SAMPLES) % 2, Order(BATCH, 0, shuffle),
            normalise=normalise,
        )
        for shuffle, normalise in ((True, door.normalise), (False, lambda p: p.float() / 255))
    )  # fmt: skip
    around = Surroundings(
        report=door.report, checkpoints=Checkpoints(folder, complain), interval=-1.0,
        name_of="{}.png".format,
    )  # fmt: skip
    fit(door.net, train, val, recipe, loss=Loss(), classes=2, around=around)


def nonfinite(source: Path, folder: Path, count: int) -> Outcome:
    """Bad numbers in pictures, layers, gradients, weights; and a rate that makes them."""
    outcome = Outcome("NaN and infinity let in: stopped at once, named, the checkpoint finite")
    ways = ("picture", "layer", "gradient", "weight", "rate")
    values = (math.nan, math.inf, -math.inf)
    for case in range(count):
        way, at = ways[case % len(ways)], 1 + case % (STEPS - 2)
        door, place = Door(way, at, values[case % 3]), folder / str(case)
        outcome.cases += 1
        said = ""
        with contextlib.suppress(StriateError):
            try:
                _run(door, place, outcome.failures.append)
            except StriateError as error:
                said = str(error)
                raise
        what = f"case {case}, {way} at step {at}"
        # A spoilt weight shows in the next forward pass, or in the save before it.
        steps = {at + 1} if way in ("picture", "layer", "gradient") else set(range(STEPS + 2))
        if way == "weight":
            steps = {at, at + 1}
        named = any(f"step {step}:" in said for step in steps)
        outcome.check(named, f"{what}: said {said!r}")
        if way in ("picture", "layer", "gradient"):
            outcome.check(".png" in said, f"{what}: names no file: {said!r}")
        newest = Checkpoints(place, outcome.failures.append).newest()
        tensors = newest.tensors.values() if newest else ()
        finite = all(bool(t.isfinite().all()) for t in tensors)
        outcome.check(finite, f"{what}: the checkpoint is not finite")
        early = way != "rate" and newest is None
        outcome.check(not early, f"{what}: no checkpoint is left")
    return outcome
