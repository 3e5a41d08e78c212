"""A run that goes on: after an interruption, or past its end with more epochs or time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from striate.data import load_source
from striate.errors import WRONG_INPUT, ArgumentError, StriateError
from striate.exporting import CONFIG, WEIGHTS, seal
from striate.files import write_atomic
from striate.pipeline import folder as run_folder
from striate.pipeline.job import Job, Run, Talk
from striate.pipeline.plan import cut_as_planned, digest
from striate.pipeline.record import went_on
from striate.pipeline.running import SILENT, held, unlimited
from striate.pipeline.work import train_into
from striate.preprocess import Preprocess
from striate.report import CARD, REPORT
from striate.training import Recipe, team
from striate.training.dist import device
from striate.training.log import read_history
from striate.training.snapshots import newest_facts
from striate.training.state import check_recipe
from striate.training.step import precision_of

_DECIDED = ("mode", "weights", "together", "recipe_name")
_LEFT = (WEIGHTS, run_folder.METRICS, run_folder.PREDICTIONS, REPORT, CARD)
"""What a run that has ended leaves beside its config."""
_OF_ITS_END = ("metrics", "unknown", "majority")
"""What a config does not say any longer when the run is to go on."""


def resume(path: str | Path, *, talk: Talk = SILENT, **settings: Any) -> Run:
    """Go on with a run that was interrupted, or, with more epochs or budget, with a finished one.

    The data must be what they were: they are loaded and cut anew, and compared. A run that has
    ended, and of which nothing is missing, is not touched.
    """
    path = Path(path)
    plan = run_folder.read_plan(path)
    _check_plan(path, plan, settings)
    begun = Recipe.from_dict(plan["recipe"])
    recipe = begun.with_settings(unlimited(settings))
    check_recipe(recipe, begun)
    if recipe != begun:
        _check_growth(path, recipe, settings)
    with team() as members, held(path, members):
        talk = talk if members.leads else SILENT
        if recipe == begun and _has_ended(path, plan):
            more = ". To go on with it, give it more --epochs or --budget"
            talk.say(f"the run is finished{'' if plan['mode'] == 'features' else more}")
            return Run.of(path, plan)
        data = load_source(plan["data"]["source"])
        if (found := digest(data)) != plan["data"]["digest"]:
            raise StriateError(
                f"the data set is another one than when the run began (digest {found[:12]})",
                where=str(plan["data"]["source"]),
                remedy="Bring it back as it was, or start a new run",
                exit_code=WRONG_INPUT,
            )
        cut, preprocess = cut_as_planned(plan, data), Preprocess.from_dict(plan["preprocess"])
        as_fast = recipe.with_settings({"precision": "auto"})
        if recipe.precision == "bfloat16" != precision_of(as_fast, device().type):
            talk.say("the run began in bfloat16, in which this machine is slow")
        if recipe != begun:
            plan = {name: value for name, value in plan.items() if name not in _OF_ITS_END}
            plan |= {"recipe": recipe.to_dict(), "grown": plan.get("grown", 0) + 1}
            if members.leads:
                write_atomic(path / CONFIG, seal(plan))
        return train_into(path, Job(data, cut, preprocess, recipe, plan, talk, members))


def _check_plan(path: Path, plan: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    if lacking := [name for name in _DECIDED if name not in plan]:
        raise StriateError(
            f"was begun by an earlier version: its config has no {' and no '.join(lacking)}",
            where=str(path),
            remedy="Start a new run",
            exit_code=WRONG_INPUT,
        )
    if plan["mode"] == "features" and settings:
        expected = "nothing beside --resume: features are computed once, and their head is solved"
        raise ArgumentError(next(iter(settings)), next(iter(settings.values())), expected)


def _has_ended(path: Path, plan: Mapping[str, Any]) -> bool:
    """Whether a run is at its end, and all that it leaves is there and whole."""
    if "metrics" not in plan or not all((path / name).is_file() for name in _LEFT):
        return False
    if went_on(read_history(path / run_folder.METRICS), newest_facts(path / run_folder.LAST)):
        return False
    with (path / WEIGHTS).open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    return bool(found == plan["weights_sha256"])


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
