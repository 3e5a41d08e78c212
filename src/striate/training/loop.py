"""The training loop, to be read top to bottom: evaluate → save → stop? → step → log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from striate.data.loader import Batch, Loader
from striate.errors import StriateError
from striate.metrics import Tally
from striate.training.checkpoint import Checkpoints
from striate.training.clock import Clock
from striate.training.dist import ALONE, Team
from striate.training.interrupts import Wish, wishes
from striate.training.log import Report
from striate.training.loss import Loss
from striate.training.recipe import Recipe
from striate.training.schedule import share_of_peak
from striate.training.state import Training
from striate.training.step import Stepper
from striate.training.watch import NonFiniteError


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run is not about: who listens, where snapshots go, who else trains."""

    report: Report = lambda step: None
    checkpoints: Checkpoints | None = None
    team: Team = ALONE
    name_of: Callable[[int], str] = "sample {}".format
    interval: float = 300.0
    """Seconds between snapshots within an epoch."""
    resume: str = "Start again with --resume"


def fit(
    net: nn.Module,
    train: Loader,
    val: Loader,
    recipe: Recipe,
    *,
    loss: Loss,
    classes: int,
    around: Surroundings,
) -> Training:
    """Train `net` in place by a recipe; what comes back has its history and its best weights.

    With checkpoints it goes on where the newest one stands, to the very bit on one machine.
    """
    clock = Clock(recipe.epochs * len(train), recipe.budget)
    stepper = Stepper(net, recipe, loss, classes, around.team)
    training = Training(stepper, train, clock, recipe)
    if around.checkpoints and (snapshot := around.checkpoints.newest()):
        training.restore(snapshot)
    with torch.random.fork_rng(), wishes() as wish:
        while True:
            if training.evaluation_due:
                tally = evaluate(stepper.best_known, val, classes, around.team)
                around.report(training.note(tally.scores()))
                _save(training, around)
            if training.done:
                break
            _train_epoch(training, around, wish)
    training.keep_best()
    return training


def _train_epoch(training: Training, around: Surroundings, wish: Wish) -> None:
    """What is left of the present epoch, or of the budget."""
    saved = training.clock.seconds
    for batch in training.train:
        loss, rate = _step(training, batch, around)
        around.report(training.log(loss, rate))
        stop, budget_is_used = _agreed(around.team, bool(wish.signal), training.progress >= 1)
        if stop:
            _save(training, around)
            raise wish.error(around.resume) if wish.signal else StriateError("interrupted")
        if budget_is_used:
            break
        if training.clock.seconds - saved > around.interval:
            _save(training, around)
            saved = training.clock.seconds
    training.end_epoch()


def _step(training: Training, batch: Batch, around: Surroundings) -> tuple[float, float]:
    recipe, step = training.recipe, training.step
    rate = recipe.peak_rate * share_of_peak(recipe.schedule, training.progress, recipe.warmup)
    count = int(around.team.total(batch.mask.sum()).item())
    try:
        loss = training.stepper.update(batch, step, training.epoch, rate, count)
    except NonFiniteError as error:
        names = [around.name_of(int(batch.ids[place])) for place in error.samples]
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        raise StriateError(
            f"step {step + 1}: {error.what} (files of the batch: {shown})",
            remedy="The weights before this step are kept. Lower peak_rate, or look at the files",
        ) from error
    return loss, rate


@torch.inference_mode()
def evaluate(net: nn.Module, data: Loader, classes: int, team: Team = ALONE) -> Tally:
    """The tally of `net` over every sample of a loader, summed exactly over all processes."""
    net.eval()
    tally = Tally(classes)
    for batch in data:
        tally.add(net(batch.images), batch.labels, batch.mask)
    tally.load(team.total(tally.vector()))
    return tally


def _agreed(team: Team, *wishes: bool) -> list[bool]:
    """Whether any process wishes so; all get the same answer."""
    return (team.total(torch.tensor(wishes, dtype=torch.float64)) > 0).tolist()


def _save(training: Training, around: Surroundings) -> None:
    if around.checkpoints and around.team.leads:
        around.checkpoints.save(training.snapshot())
    around.team.wait()
