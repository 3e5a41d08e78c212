"""One run, all decided: pictures and recipe in, weights and figures in its folder out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from striate.data import Dataset, Files, Split
from striate.data.augment import policy
from striate.data.loader import Loader
from striate.data.opening import open_store
from striate.data.order import Order
from striate.data.stores import Store
from striate.errors import ArgumentError, printable
from striate.exporting import save_model
from striate.metrics import Scores
from striate.models import create
from striate.pipeline import folder as run_folder
from striate.preprocess import Preprocess
from striate.training import (
    Checkpoints,
    Loss,
    Recipe,
    Surroundings,
    Team,
    balancing_weights,
    evaluate,
    fit,
    write_history,
)
from striate.training.dist import device, own_random_numbers
from striate.training.log import Report, tensorboard

_EVALUATION_BATCH = 512


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

    def to_dict(self) -> dict[str, Any]:
        """What `striate train --json` prints."""
        return {
            "run": str(self.path),
            "model": self.model,
            "mode": self.mode,
            "seconds": round(self.seconds, 2),
            "val": self.val.to_dict(),
            "test": self.test.to_dict() if self.test else None,
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
    talk: Talk
    team: Team


def train_into(path: Path, job: Job) -> Run:
    """Train, or go on where the folder's newest snapshot stands; then evaluate and save."""
    data, cut, recipe = job.data, job.cut, job.recipe
    store = open_store(
        data.pictures,
        job.preprocess,
        report=job.talk.decoding,
        say=job.talk.say,
    )
    named = _name_unreadable(path, job, store)
    train_part = _loader(job, store, cut.train, recipe.batch_size, shuffle=True)
    val_part = _loader(job, store, cut.val, _EVALUATION_BATCH, shuffle=False)
    classes = len(data.classes)
    # The caller's random numbers are theirs.
    with own_random_numbers(), _listener(path, job) as report:
        torch.manual_seed(recipe.seed)
        net = create(job.plan["model"]["name"], **job.plan["model"]["options"])
        net.look_at(_plain_pictures(job, store))
        net.to(device(), memory_format=torch.channels_last)  # type: ignore[call-overload]
        training = fit(
            net,
            train_part,
            val_part,
            recipe,
            loss=_loss(recipe, data.labels[cut.train], classes),
            classes=classes,
            around=Surroundings(
                report=report,
                checkpoints=Checkpoints(path / run_folder.LAST, job.talk.say),
                team=job.team,
                name_of=_namer(data),
                resume=f"Go on with: striate train --resume {path}{_processes(job.team)}",
            ),
        )
    val = evaluate(net, val_part, classes, job.team).scores()
    test = None
    if len(cut.test):
        test_part = _loader(job, store, cut.test, _EVALUATION_BATCH, shuffle=False)
        test = evaluate(net, test_part, classes, job.team).scores()
    _name_unreadable(path, job, store, named)  # those decoded on the way are known only now
    run = Run(path, job.plan["model"]["name"], "scratch", training.clock.seconds, val, test)
    if job.team.leads:
        write_history(path / run_folder.METRICS, training.history)
        metrics = {"val": val.to_dict(), "test": test.to_dict() if test else None}
        facts = {"metrics": metrics, "seconds": run.seconds, "unreadable": len(store.excluded)}
        save_model(path, net, {**job.plan, **facts})
    job.team.wait()
    return run


@contextlib.contextmanager
def _listener(path: Path, job: Job) -> Iterator[Report]:
    if job.talk.tensorboard and job.team.leads:
        with tensorboard(path / run_folder.TENSORBOARD, job.talk.step) as both:
            yield both
    else:
        yield job.talk.step


def _processes(members: Team) -> str:
    return f" --nproc {members.size}" if members.size > 1 else ""


def _name_unreadable(path: Path, job: Job, store: Store, known: int = 0) -> int:
    """Tell which files have no pixels, `known` of which were told before; returns how many."""
    new = store.excluded[known:]
    if job.team.leads and (new or not known):
        run_folder.list_excluded(path, [*job.data.excluded, *store.excluded])
    if new:
        first = ", ".join(printable(f"{one.path} ({one.kind})") for one in new[:3])
        more = ", ..." if len(new) > 3 else ""
        where = path / run_folder.EXCLUDED
        job.talk.say(f"unreadable, so left out ({len(new):,}): {first}{more}; see {where}")
    return len(store.excluded)


def _loader(job: Job, store: Store, part: torch.Tensor, batch: int, *, shuffle: bool) -> Loader:
    ranks = job.team.size
    if shuffle and batch % ranks:
        raise ArgumentError("batch_size", batch, f"a multiple of the {ranks} processes")
    return Loader(
        store,
        job.data.labels,
        Order(-(-batch // ranks), job.recipe.seed, shuffle, job.team.rank, ranks),
        normalise=job.preprocess.normalise,
        policy=policy(job.recipe.policy) if shuffle else (),
        part=part,
        device=device(),
    )


def _plain_pictures(job: Job, store: Store) -> Iterator[torch.Tensor]:
    """Pictures of the training part as they are, well mixed, the same for every process."""
    order = Order(_EVALUATION_BATCH, job.recipe.seed)
    normalise = job.preprocess.normalise
    part = job.cut.train
    for batch in Loader(store, job.data.labels, order, normalise=normalise, part=part):
        yield batch.images[batch.mask]


def _loss(recipe: Recipe, labels: torch.Tensor, classes: int) -> Loss:
    weights = balancing_weights(labels, classes) if recipe.balanced else None
    return Loss(smoothing=recipe.label_smoothing, weights=weights, focus=recipe.focus)


def _namer(data: Dataset) -> Callable[[int], str]:
    if isinstance(data.pictures, Files):
        return data.pictures.names.__getitem__
    return "sample {}".format
