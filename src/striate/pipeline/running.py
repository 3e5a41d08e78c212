"""From a source to a run folder."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from striate.data import Dataset, load_source
from striate.data.split import split
from striate.errors import WRONG_INPUT, ArgumentError, StriateError, printable
from striate.exporting import CONFIG, seal
from striate.files import write_atomic
from striate.pipeline import folder as run_folder
from striate.pipeline.choose import (
    check_enough,
    default_model,
    preprocess_for,
    without_pictures,
)
from striate.pipeline.job import Job, Run, Talk, train_into
from striate.pipeline.plan import begin, digest, network
from striate.pipeline.together import by_name, copies
from striate.preprocess import Preprocess
from striate.training import (
    Recipe,
    Team,
    team,
)
from striate.training.dist import device, restarted
from striate.training.snapshots import newest_facts
from striate.training.state import check_recipe
from striate.training.step import precision_of

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
        for name in without_pictures(data):
            talk.say(f"class {printable(name)!r} has no pictures: it will never be the answer")
        preprocess = preprocess_for(data, cut.train)
        plan = begin(source, data, cut, preprocess, recipe)
        name = model or default_model(preprocess.size)
        plan["model"] = network(name, options, data, preprocess)
        plan["together"] = {"group_by": group_by, "copies": found}
        free = out if out is not None else run_folder.free_name(Path("runs"), data.name)
        path = Path(members.words(str(free))[0])
        job = Job(data, cut, preprocess, recipe, plan, talk, members)
        if restarted() and run_folder.has_begun(path, plan):
            with _held(path, members):
                return train_into(path, job)
        if members.leads:
            run_folder.make(path, plan)
        with _held(path, members):
            try:
                return train_into(path, job)
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
    _check_growth(path, recipe, settings)
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
        as_fast = recipe.with_settings({"precision": "auto"})
        if recipe.precision == "bfloat16" != precision_of(as_fast, device().type):
            talk.say("the run began in bfloat16, in which this machine is slow")
        if recipe == begun and "metrics" in plan:
            talk.say("the run is finished. To go on with it, give it more --epochs or --budget")
        if recipe != begun:
            plan |= {"recipe": recipe.to_dict()}
            if members.leads:
                write_atomic(path / CONFIG, seal(plan))
        return train_into(path, Job(data, cut, preprocess, recipe, plan, talk, members))


def _check_growth(path: Path, recipe: Recipe, settings: Mapping[str, Any]) -> None:
    """Refuse fewer epochs or seconds than are behind the run."""
    facts = newest_facts(path / run_folder.LAST)
    if facts is None:
        return
    done = facts["step"] / -(-facts["loader"]["samples"] // recipe.batch_size)
    if "epochs" in settings and recipe.epochs < done:
        raise ArgumentError("epochs", recipe.epochs, f"no less than the {done:.3g} that are done")
    if settings.get("budget") and recipe.budget < facts["seconds"]:
        expected = f"no less than the {facts['seconds']:.3g} seconds that it has trained"
        raise ArgumentError("budget", recipe.budget, expected)


def _copies(data: Dataset, members: Team, talk: Talk) -> list[tuple[int, int]]:
    """What the first process finds: a file that another cannot read must not change its cut."""
    found = json.dumps(copies(data, talk.decoding, talk.say))
    return [(one, other) for one, other in json.loads(members.words(found)[0])]


@contextlib.contextmanager
def _held(path: Path, members: Team) -> Iterator[None]:
    """The first process holds the folder; the others wait until it does."""
    with run_folder.held(path) if members.leads else contextlib.nullcontext():
        members.wait()
        yield
