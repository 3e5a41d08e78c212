"""The training loop, to be read top to bottom: evaluate → save → step → log → look up.

Several processes take the same turns, because all go by one clock, and by everyone's wishes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from striate.data.loader import Batch, Loader
from striate.errors import ArgumentError, StriateError
from striate.metrics import Tally
from striate.training.checkpoint import Checkpoints
from striate.training.clock import Clock
from striate.training.dist import ALONE, Team, own_random_numbers
from striate.training.interrupts import SIGNALS, Wish, granted, wishes
from striate.training.log import Epoch, Report
from striate.training.loss import Loss
from striate.training.memory import keep_freed_memory
from striate.training.recipe import Recipe
from striate.training.schedule import share_of_peak
from striate.training.state import Training
from striate.training.step import Stepper
from striate.training.watch import NonFiniteError, check_weights


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
    steer: Callable[[Sequence[Epoch]], float] = lambda history: 1.0
    """Asked after every epoch: what the recipe's rates are multiplied by from then on; 0 ends."""


def fit(
    net: nn.Module,
    train: Loader,
    val: Loader | None,
    recipe: Recipe,
    *,
    loss: Loss,
    classes: int,
    around: Surroundings,
    optimiser_state: Mapping[int, Any] | None = None,
) -> Training:
    """Train `net` in place by a recipe; what comes back has its history and its best weights.

    `optimiser_state` is what the optimiser of an earlier fit of the same net knew at its end.
    Without a validation part the smallest training loss counts as the best. With checkpoints it
    goes on where the newest one stands, to the very bit on one machine.
    """
    if not len(train):
        raise ArgumentError("train", 0, "at least one sample to learn from")
    keep_freed_memory()
    clock = Clock(max(1, round(recipe.epochs * len(train))), recipe.budget)
    stepper = Stepper(net, recipe, loss, classes, around.team)
    if optimiser_state:
        groups = stepper.optimiser.state_dict()["param_groups"]
        stepper.optimiser.load_state_dict({"state": optimiser_state, "param_groups": groups})
    training = Training(stepper, train, clock, recipe)
    if around.checkpoints and (snapshot := around.checkpoints.newest()):
        training.restore(snapshot)
    if len(steps := set(around.team.words(str(training.step)))) > 1:
        found = " and ".join(sorted(steps))
        raise StriateError(
            f"the processes found different checkpoints (after {found} steps)",
            remedy="They must all see the same run folder",
        )
    with own_random_numbers(), wishes() as wish:
        look_up = partial(_look_up, training, around, wish)
        if recipe.keep_start and val is not None and training.start is None:
            _evaluate_start(training, val, around, look_up)
        while True:
            if training.evaluation_due:
                _evaluate(training, val, around, look_up)
            look_up()
            if training.done:
                break
            _train_epoch(training, around, look_up)
    training.keep_best()
    training.stepper.release()
    return training


def _evaluate(
    training: Training, val: Loader | None, around: Surroundings, look_up: Callable[[], None]
) -> None:
    net, clock = training.stepper.best_known, training.clock
    look_up()
    began = clock.seconds
    around.team.align(training.net)
    around.team.align(net)
    check_weights(training.step, training.net.state_dict())
    if val is None:
        step = training.note(None)
    else:
        tally = evaluate(net, val, training.stepper.classes, around.team, look_up)
        look_up()
        clock.reserve = clock.seconds - began
        step = training.note(tally.scores())
    training.pace = around.steer(training.history)
    around.report(step)
    _save(training, around)


def _evaluate_start(
    training: Training, val: Loader, around: Surroundings, look_up: Callable[[], None]
) -> None:
    """How good the weights are that the run starts from."""
    around.team.align(training.net)
    tally = evaluate(training.net, val, training.stepper.classes, around.team, look_up)
    training.note_start(tally.scores())


def _train_epoch(training: Training, around: Surroundings, look_up: Callable[[], None]) -> None:
    """What is left of the present epoch, or of the budget."""
    clock = training.clock
    saved = clock.seconds
    # After a stop at the very end there are updates that no evaluation has seen, and no more.
    for batch in () if training.used_up else training.train:
        loss, rate = _step(training, batch, around)
        around.report(training.log(loss, rate))
        look_up()
        if training.used_up:
            break
        if clock.seconds - saved > around.interval:
            _save(training, around)
            saved = clock.seconds
    if training.uncounted:
        training.end_epoch()


def _look_up(training: Training, around: Surroundings, wish: Wish) -> None:
    """See what time it is, and whether any process was asked to leave; then save, and leave."""
    clock, team = training.clock, around.team
    mine = [float(wish.signal == number) for number in SIGNALS]
    seen = torch.tensor([*mine, clock.read() if team.leads else 0.0], dtype=torch.float64)
    *asked, clock.seconds = team.total(seen).tolist()
    for number, count in zip(SIGNALS, asked, strict=True):
        if count:
            _save(training, around)
            raise granted(number, around.resume)


def _step(training: Training, batch: Batch, around: Surroundings) -> tuple[float, float]:
    recipe, step = training.recipe, training.step
    share = share_of_peak(recipe.schedule, training.progress, recipe.warmup)
    rate = recipe.peak_rate * share * training.pace
    count = int(around.team.total(batch.mask.sum()).item())
    training.stepper.thaw(training.progress)
    try:
        loss = training.stepper.update(batch, step, training.epoch, rate, count)
    except NonFiniteError as error:
        names = [around.name_of(int(batch.ids[place])) for place in error.samples]
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        # All processes stop here. Those whose share was good have nothing to name but all of it.
        said = around.team.words(f"{len(names):09d}{error.what} (files of the batch: {shown})")
        raise StriateError(
            f"step {step + 1}: {min(said)[9:]}",
            remedy="The weights before this step are kept. Lower peak_rate, or look at the files",
        ) from error
    return loss, rate


@torch.inference_mode()
def evaluate(
    net: nn.Module,
    data: Loader,
    classes: int,
    team: Team = ALONE,
    between: Callable[[], None] = lambda: None,
) -> Tally:
    """The tally of `net` over every sample of a loader, summed exactly over all processes.

    `between` is called after every batch, as often in every process.
    """
    net.eval()
    tally = Tally(classes)
    for batch in data:
        tally.add(net(batch.images), batch.labels, batch.mask)
        between()
    tally.load(team.total(tally.vector()))
    return tally


def _save(training: Training, around: Surroundings) -> None:
    if around.checkpoints and around.team.leads:
        snapshot = training.snapshot()
        check_weights(training.step, snapshot.tensors)
        around.checkpoints.save(snapshot)
    around.team.wait()
