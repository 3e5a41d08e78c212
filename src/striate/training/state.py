"""Where a run stands, and how that becomes a snapshot and comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import Tensor

from striate.data.loader import Loader
from striate.errors import WRONG_INPUT, StriateError
from striate.metrics import Scores
from striate.training.checkpoint import Snapshot
from striate.training.clock import Clock
from striate.training.log import Epoch, Step
from striate.training.recipe import Recipe
from striate.training.step import Stepper

_MAY_CHANGE = ("epochs", "budget")


class Training:
    """A run between two updates."""

    def __init__(self, stepper: Stepper, train: Loader, clock: Clock, recipe: Recipe) -> None:
        self.stepper, self.train, self.clock, self.recipe = stepper, train, clock, recipe
        self.step = 0
        """Updates done."""
        self.history: list[Epoch] = []
        self.best: dict[str, Tensor] = {}
        """The weights of the best epoch, where the recipe has patience or keeps the start."""
        self.start: dict[str, Any] | None = None
        """Scores of the weights before the first update, where the recipe keeps the start."""
        self.pace = 1.0
        """What the recipe's rates are multiplied by; 0 ends the run."""
        self._losses = [0.0, 0.0]
        """Sum and number of the losses of this epoch."""
        self._rate = 0.0
        self._ended = 0
        """Epochs whose updates are done."""

    @property
    def net(self) -> torch.nn.Module:
        """The network that learns."""
        return self.stepper.net

    @property
    def progress(self) -> float:
        """The share of the run that is done."""
        return self.clock.progress(self.step)

    @property
    def epoch(self) -> int:
        """The present epoch, from 0."""
        return self._ended

    @property
    def evaluation_due(self) -> bool:
        """Whether an epoch has ended that was not evaluated."""
        return self._ended > len(self.history)

    @property
    def uncounted(self) -> bool:
        """Whether there were updates since the last evaluation."""
        return self._losses[1] > 0

    @property
    def used_up(self) -> bool:
        """Whether the recipe's updates are done, or its budget is."""
        return self.clock.out_of_time or self.step >= self.clock.updates

    @property
    def done(self) -> bool:
        """Whether nothing is left to do, or nothing better has come for too long."""
        stale = len(self.history) - 1 - self._best_epoch()
        out_of_patience = bool(self.recipe.patience) and stale >= self.recipe.patience
        used_up = self.used_up and not self.uncounted
        return used_up or out_of_patience or self.pace == 0

    def log(self, loss: float, rate: float) -> Step:
        """Count an update."""
        self.step += 1
        self._losses[0] += loss
        self._losses[1] += 1
        self._rate = rate
        return Step(self.step, self._ended + 1, self.progress, loss)

    def end_epoch(self) -> None:
        """The updates of an epoch are done, or those of the run."""
        self._ended += 1

    def note(self, scores: Scores | None) -> Step:
        """Take in how good the network is after an epoch; None where nothing validates it."""
        loss = self._losses[0] / max(1.0, self._losses[1])
        seconds = self.clock.seconds
        val = scores.to_dict() if scores else {}
        self.history.append(Epoch(self._ended, self.step, loss, self._rate, seconds, val))
        self._losses = [0.0, 0.0]
        wanted = self.recipe.patience or self.recipe.keep_start
        if wanted and self._best_epoch() == len(self.history) - 1:
            self._keep()
        return Step(self.step, self._ended, self.progress, loss, scores)

    def note_start(self, scores: Scores) -> None:
        """Take in how good the network is that nothing here has taught yet."""
        self.start = scores.to_dict()
        self._keep()

    def _keep(self) -> None:
        weights = self.stepper.best_known.state_dict()
        self.best = {name: value.detach().clone() for name, value in weights.items()}

    def keep_best(self) -> None:
        """Put the weights that count into the network: the best epoch's, or the average's."""
        weights = self.best or self.stepper.best_known.state_dict()
        self.stepper.net.load_state_dict(weights)

    @property
    def kept(self) -> int | None:
        """The epoch whose weights count, 0 for the start; None: the last, however good it is."""
        return self._best_epoch() + 1 if self.best else None

    def snapshot(self) -> Snapshot:
        """Everything that the rest of the run depends on."""
        tensors = dict(_named("net", self.stepper.net.state_dict()))
        tensors |= _named("best", self.best)
        for index, state in self.stepper.optimiser.state_dict()["state"].items():
            tensors |= _named(f"optimiser.{index}", state)
        average = self.stepper.average
        if average:
            tensors |= _named("average", average.net.state_dict())
        facts = {
            "step": self.step,
            "ended": self._ended,
            "losses": self._losses,
            "rate": self._rate,
            "pace": self.pace,
            "start": self.start,
            "seconds": self.clock.seconds,
            "reserve": self.clock.reserve,
            "loader": self.train.state(),
            "history": [asdict(epoch) for epoch in self.history],
            "averaged": average.updates if average else 0,
            "recipe": self.recipe.to_dict(),
        }
        return Snapshot(self.step, tensors, facts)

    def restore(self, snapshot: Snapshot) -> None:
        """Stand where the snapshot was taken."""
        facts = snapshot.facts
        check_recipe(self.recipe, Recipe.from_dict(facts["recipe"]))
        self.stepper.net.load_state_dict(_below("net", snapshot.tensors))
        self.best = _below("best", snapshot.tensors)
        _restore_optimiser(self.stepper.optimiser, snapshot.tensors)
        if self.stepper.average:
            self.stepper.average.net.load_state_dict(_below("average", snapshot.tensors))
            self.stepper.average.updates = facts["averaged"]
        self.train.load_state(facts["loader"])
        self.step, self._ended = snapshot.step, facts["ended"]
        self._losses, self._rate, self.pace = facts["losses"], facts["rate"], facts["pace"]
        self.start = facts["start"]
        self.history = [Epoch(**row) for row in facts["history"]]
        self.clock.resume(facts["seconds"])
        self.clock.reserve = facts["reserve"]

    def _best_epoch(self) -> int:
        """The index of the best epoch so far, -1 for the start: most right, then the smallest loss;
        the earliest."""
        keys = [_key(epoch.val, epoch.loss) for epoch in self.history]
        if not keys or (self.start and _key(self.start, 0.0) <= min(keys)):
            return -1
        return keys.index(min(keys))


def _key(val: Mapping[str, Any], loss: float) -> tuple[float, float]:
    return (-val["accuracy"], val["nll"]) if val else (0.0, loss)


def _restore_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Into the memory format of each parameter: fused updates run over memory as it lies."""
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    for index, parameter in enumerate(parameters):
        saved = _below(f"optimiser.{index}", tensors)
        if saved:
            optimiser.state[parameter] = {
                name: torch.empty_like(parameter).copy_(value)
                if value.shape == parameter.shape
                else value.to(parameter.device, copy=True)
                for name, value in saved.items()
            }


def check_recipe(recipe: Recipe, saved: Recipe) -> None:
    """Raise unless a run of the recipe `saved` can go on with `recipe`."""
    same = {name: getattr(recipe, name) for name in _MAY_CHANGE}
    old = replace(saved, **same)
    if old != recipe:
        names = [n for n, v in recipe.to_dict().items() if v != old.to_dict()[n]]
        raise StriateError(
            f"the run was started with another recipe ({', '.join(names)})",
            remedy="Only epochs and budget may change on resume",
            exit_code=WRONG_INPUT,
        )


def _named(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": t.detach().cpu().contiguous() for name, t in tensors.items()}


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    start = f"{prefix}."
    return {name[len(start) :]: t for name, t in tensors.items() if name.startswith(start)}
