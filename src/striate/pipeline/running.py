"""From a source to a run folder."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from striate.data import Dataset, Files, Split, load_source
from striate.data.augment import policy
from striate.data.loader import Loader
from striate.data.opening import open_store
from striate.data.order import Order
from striate.data.split import split
from striate.data.stores import Store
from striate.errors import WRONG_INPUT, ArgumentError, StriateError, printable
from striate.exporting import CONFIG, save_model, seal
from striate.files import write_atomic
from striate.metrics import Scores
from striate.models import create
from striate.pipeline import folder as run_folder
from striate.pipeline.choose import check_enough, default_model, preprocess_for
from striate.pipeline.plan import begin, digest, network
from striate.pipeline.together import by_name, copies
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
    team,
    write_history,
)
from striate.training.dist import device, restarted
from striate.training.log import Report
from striate.training.state import check_recipe
from striate.training.step import precision_of

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


SILENT = Talk()
RECIPE = Recipe()
NONE: Mapping[str, Any] = MappingProxyType({})


def train(
    source: str | Path = "sample",
    *,
    model: str | None = None,
    options: Mapping[str, Any] = NONE,
    recipe: Recipe = RECIPE,
    group_by: str = "",
    out: str | Path | None = None,
    talk: Talk = SILENT,
    **settings: Any,
) -> Run:
    """Train a classifier on `source` and write its run folder.

    Without a `model` the size of the pictures decides. `settings` change the recipe: `epochs=20,
    seed=1`. The test part is held out before anything is measured and is used once, at the end.
    Neither copies of a picture nor files whose names match the regular expression `group_by` alike
    come into two parts.
    """
    recipe = recipe.with_settings(settings)
    # As it is on this machine: what the run's record says is what was done.
    recipe = recipe.with_settings({"precision": precision_of(recipe, device().type)})
    with team() as members:
        talk = talk if members.leads else SILENT
        data = load_source(source)
        named = by_name(data, group_by)
        found = _copies(data, members, talk)
        cut = split(data, seed=recipe.seed, groups=[*named, *found])
        check_enough(data, cut)
        preprocess = preprocess_for(data, cut.train)
        plan = begin(source, data, cut, preprocess, recipe)
        name = model or default_model(preprocess.size)
        plan["model"] = network(name, options, data, preprocess)
        plan["together"] = {"group_by": group_by, "copies": found}
        free = out if out is not None else run_folder.free_name(Path("runs"), data.name)
        path = Path(members.words(str(free))[0])
        job = _Job(data, cut, preprocess, recipe, plan, talk, members)
        if restarted() and run_folder.has_begun(path, plan):
            with _held(path, members):
                return _train_into(path, job)
        if members.leads:
            run_folder.make(path, plan)
        with _held(path, members):
            try:
                return _train_into(path, job)
            except BaseException:
                if members.leads:
                    run_folder.release(path)
                raise


def resume(
    path: str | Path,
    *,
    talk: Talk = SILENT,
    **settings: Any,
) -> Run:
    """Go on with a run that was interrupted, or, with more epochs or budget, with a finished one.

    The data must be what they were: they are loaded and cut anew, and compared.
    """
    path = Path(path)
    plan = run_folder.read_plan(path)
    begun = Recipe.from_dict(plan["recipe"])
    recipe = begun.with_settings(settings)
    check_recipe(recipe, begun)
    with team() as members, _held(path, members):
        talk = talk if members.leads else SILENT
        data = load_source(plan["data"]["source"])
        if (found := digest(data)) != plan["data"]["digest"]:
            raise StriateError(
                f"the data set is another one than when the run began (digest {found[:12]})",
                where=str(plan["data"]["source"]),
                remedy="Bring it back as it was, or start a new run",
                exit_code=WRONG_INPUT,
            )
        kept = plan["together"]
        groups = [*by_name(data, kept["group_by"]), *kept["copies"]]
        cut = split(data, seed=recipe.seed, groups=groups)
        preprocess = Preprocess.from_dict(plan["preprocess"])
        if recipe != begun:
            plan |= {"recipe": recipe.to_dict()}
            if members.leads:
                write_atomic(path / CONFIG, seal(plan))
        return _train_into(path, _Job(data, cut, preprocess, recipe, plan, talk, members))


def _copies(data: Dataset, members: Team, talk: Talk) -> list[tuple[int, int]]:
    """What the first process finds: a file that another cannot read must not change its cut."""
    found = json.dumps(copies(data, talk.decoding, talk.say))
    return [(one, other) for one, other in json.loads(members.words(found)[0])]


@dataclass(frozen=True, slots=True)
class _Job:
    data: Dataset
    cut: Split
    preprocess: Preprocess
    recipe: Recipe
    plan: dict[str, Any]
    talk: Talk
    team: Team


@contextlib.contextmanager
def _held(path: Path, members: Team) -> Iterator[None]:
    """The first process holds the folder; the others wait until it does."""
    with run_folder.held(path) if members.leads else contextlib.nullcontext():
        members.wait()
        yield


def _train_into(path: Path, job: _Job) -> Run:
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
    with torch.random.fork_rng():  # the caller's random numbers are theirs
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
                report=job.talk.step,
                checkpoints=Checkpoints(path / run_folder.LAST, job.talk.say),
                team=job.team,
                name_of=_namer(data),
                resume=f"Go on with: striate train --resume {path}",
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


def _name_unreadable(path: Path, job: _Job, store: Store, known: int = 0) -> int:
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


def _loader(job: _Job, store: Store, part: torch.Tensor, batch: int, *, shuffle: bool) -> Loader:
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


def _plain_pictures(job: _Job, store: Store) -> Iterator[torch.Tensor]:
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
