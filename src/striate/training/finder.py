"""Which learning rate? One short climb from rates that do nothing to one that breaks the net."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from torch import nn

from striate.data.loader import Loader
from striate.errors import ArgumentError, StriateError
from striate.training.dist import ALONE, own_random_numbers
from striate.training.loss import Loss
from striate.training.recipe import Recipe
from striate.training.step import Stepper
from striate.training.watch import NonFiniteError

_LOWEST, _HIGHEST = 1e-6, 10.0
_MOST = 100
_FEWEST = 20
"""Updates below which noise decides."""
_INERTIA = 0.9
_DIVERGED = 4.0
"""Times the smallest smoothed loss, or the first where that is larger: there the climb ends."""
_BELOW = 4.0
"""How far below the rate of the smallest smoothed loss, which lags, the suggestion is."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the climb saw: a rate and a smoothed loss an update, and the rate to train with."""

    rates: tuple[float, ...] = field(repr=False)
    losses: tuple[float, ...] = field(repr=False)
    suggested: float


def find_rate(net: nn.Module, train: Loader, recipe: Recipe, *, loss: Loss, classes: int) -> Found:
    """Try rates from 1e-6 to 10 on a copy of `net`, one an update, and suggest a `peak_rate`.

    The suggestion is a quarter of the rate at which the smoothed loss is smallest: beyond that one
    it rises, so an update there already undoes what others learnt. The climb ends where the loss
    diverges or is no number, and after 100 updates or an epoch. The net, the loader's place and the
    caller's random numbers stay as they were.
    """
    steps = min(_MOST, len(train))
    if steps < _FEWEST:
        expected = f"at least {_FEWEST} batches an epoch to find a rate by"
        raise ArgumentError("train", steps, expected, remedy="Make batch_size smaller")
    place = train.state()
    with own_random_numbers():
        # Neither would pay: nobody asks the average, and compiling takes longer than the climb.
        plain = replace(recipe, average=0.0, compile=False)
        stepper = Stepper(copy.deepcopy(net), plain, loss, classes, ALONE)
        train.load_state({**place, "position": 0})
        try:
            rates, seen = _climb(stepper, train, steps)
        finally:
            train.load_state(place)
    losses = smoothed(seen)
    best = min(range(len(losses)), key=losses.__getitem__)
    if best == 0:
        raise StriateError(
            "no rate makes the loss smaller",
            where="find_rate",
            remedy="Look at the labels and the network, or train it from other weights",
        )
    return Found(tuple(rates), losses, rates[best] / _BELOW)


def _climb(stepper: Stepper, train: Loader, steps: int) -> tuple[list[float], list[float]]:
    """Rates and losses before each one's update, until the loss diverges or is no number."""
    factor = (_HIGHEST / _LOWEST) ** (1 / (steps - 1))
    rates: list[float] = []
    losses: list[float] = []
    for step, batch in enumerate(islice(train, steps)):
        rate = _LOWEST * factor**step
        try:
            value = stepper.update(batch, step, 0, rate, int(batch.mask.sum()))
        except NonFiniteError as error:
            if not losses:
                raise StriateError(error.what, where="the first update of find_rate") from error
            break
        rates.append(rate)
        losses.append(value)
        levels = smoothed(losses)
        if levels[-1] > max(levels[0], _DIVERGED * min(levels)):
            break
    return rates, losses


def smoothed(losses: Sequence[float]) -> tuple[float, ...]:
    """Running means m <- 0.9 m + 0.1 loss, divided by 1 - 0.9^t, so that they start unbiased."""
    mean, found = 0.0, []
    for count, loss in enumerate(losses, 1):
        mean = _INERTIA * mean + (1 - _INERTIA) * loss
        found.append(mean / (1 - math.pow(_INERTIA, count)))
    return tuple(found)
