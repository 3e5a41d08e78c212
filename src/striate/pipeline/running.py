"""From a source to a run folder."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from striate.data import Dataset, Split, load_source
from striate.data.check import Report
from striate.data.split import split
from striate.errors import WRONG_INPUT, ArgumentError, StriateError, printable
from striate.exporting import CONFIG, WEIGHTS, seal
from striate.files import write_atomic
from striate.pipeline import folder as run_folder
from striate.pipeline.again import command
from striate.pipeline.choose import check_enough, look_at, without_pictures
from striate.pipeline.decide import NONE, Decision, Wish, decide
from striate.pipeline.job import Job, Run, Talk
from striate.pipeline.plan import (
    begin,
    cut_as_planned,
    digest,
    judged_by_val,
    network,
    without_validation,
)
from striate.pipeline.together import by_name, copies
from striate.pipeline.work import train_into
from striate.preprocess import Preprocess
from striate.report import CARD, REPORT
from striate.training import Recipe, Team, team
from striate.training.dist import ALONE, device, restarted
from striate.training.snapshots import newest_facts
from striate.training.state import check_recipe
from striate.training.step import precision_of

SILENT = Talk()
_NO_LIMIT = 1_000_000.0
_DECIDED = ("mode", "weights", "together", "recipe_name")


@dataclass(frozen=True, slots=True)
class Planned:
    """A run that is decided and not begun."""

    data: Dataset
    cut: Split
    decision: Decision
    plan: dict[str, Any]
    check: Report | None

    @property
    def command(self) -> str:
        """The same run, told so that nothing is left to choose."""
        return command(self.plan)


def train(
    source: str | Path = "sample",
    *,
    mode: str = "",
    model: str | None = None,
    options: Mapping[str, Any] = NONE,
    recipe: Recipe | str | None = None,
    group_by: str = "",
    out: str | Path | None = None,
    talk: Talk = SILENT,
    **settings: Any,
) -> Run:
    """Train a classifier on `source` and write its run folder.

    What is not said is decided by the pictures, the weights at hand and the time: `mode`
    (`features`, `finetune`, `scratch`), `model`, `recipe`, which may be a named run's. `settings`
    change the recipe: `epochs=20, seed=1`. The test part is held out before anything is measured
    and is used once, at the end. Neither copies of a picture nor files whose names match the
    regular expression `group_by` alike come into two parts.
    """
    wish = Wish.of(mode, model or "", options, recipe, settings)
    if out is not None and not restarted():
        run_folder.check_free(Path(out))
    with team() as members:
        talk = talk if members.leads else SILENT
        planned = plan_run(source, wish, group_by, members, talk)
        for reason in planned.decision.why:
            talk.say(reason)
        free = out if out is not None else run_folder.free_name(Path("runs"), planned.data.name)
        path = Path(members.words(str(free))[0])
        preprocess, chosen = planned.decision.preprocess, planned.decision.recipe
        job = Job(planned.data, planned.cut, preprocess, chosen, planned.plan, talk, members)
        if restarted() and run_folder.has_begun(path, planned.plan):
            with _held(path, members):
                return train_into(path, job)
        if members.leads:
            run_folder.make(path, planned.plan)
        with _held(path, members):
            try:
                if members.leads and planned.check:
                    run_folder.keep_check(path, planned.check)
                return train_into(path, job)
            except BaseException as error:
                if members.leads:
                    run_folder.release(path)
                    if not isinstance(error, Exception) and not path.exists():
                        talk.say(f"there was nothing yet to go on from: {path} is taken back")
                raise


def plan_run(
    source: str | Path,
    wish: Wish,
    group_by: str = "",
    members: Team = ALONE,
    talk: Talk = SILENT,
    processes: int = 1,
) -> Planned:
    """Check a source, cut it, and decide how to learn from it; nothing is written.

    `processes` will share the run, where they have not started yet.
    """
    wish = replace(wish, settings=_unlimited(wish.settings))
    # Refused before anything is looked at, which takes longer.
    seed = (wish.recipe or Recipe()).with_settings(wish.settings).seed
    data = load_source(source)
    named = by_name(data, group_by)
    found, check = _copies(data, members, talk)
    cut = split(data, seed=seed, groups=[*named, *found])
    check_enough(data, cut)
    for name in without_pictures(data):
        talk.say(f"class {printable(name)!r} has no pictures: it will never be the answer")
    processes = max(processes, members.size)
    decision = decide(data, cut, look_at(data, cut.train), wish, processes)
    if decision.mode == "features":
        cut = without_validation(data, cut)
    decision = replace(decision, why=(*decision.why, *_parts(data, decision.mode)))
    # As it is on this machine: what the run's record says is what was done.
    recipe = decision.recipe
    recipe = recipe.with_settings({"precision": precision_of(recipe, device().type)})
    decision = replace(decision, recipe=recipe)
    plan = begin(source, data, cut, decision)
    plan["model"] = network(data, decision)
    plan["recipe_name"] = wish.named
    plan["together"] = {"group_by": group_by, "copies": found}
    return Planned(data, cut, decision, plan, check)


def _parts(data: Dataset, mode: str) -> list[str]:
    """What becomes of an official validation part that has no test part beside it."""
    if not judged_by_val(data):
        return []
    if mode == "features":
        return ["the data's validation part is the test: nothing is chosen by it"]
    return ["the data's validation part chooses among epochs, so a test part is cut from the rest"]


def _unlimited(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A budget without a number of epochs is what ends the run."""
    endless = {"epochs": _NO_LIMIT} if settings.get("budget") else {}
    return {**endless, **settings}


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
    begun = Recipe.from_dict(plan["recipe"])
    recipe = begun.with_settings(_unlimited(settings))
    check_recipe(recipe, begun)
    _check_growth(path, recipe, settings)
    with team() as members, _held(path, members):
        talk = talk if members.leads else SILENT
        if recipe == begun and _is_complete(path, plan):
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
        cut = cut_as_planned(plan, data)
        preprocess = Preprocess.from_dict(plan["preprocess"])
        as_fast = recipe.with_settings({"precision": "auto"})
        if recipe.precision == "bfloat16" != precision_of(as_fast, device().type):
            talk.say("the run began in bfloat16, in which this machine is slow")
        if recipe != begun:
            plan |= {"recipe": recipe.to_dict()}
            plan.pop("metrics", None)  # of a run that is no longer at its end
            if members.leads:
                write_atomic(path / CONFIG, seal(plan))
        return train_into(path, Job(data, cut, preprocess, recipe, plan, talk, members))


def _is_complete(path: Path, plan: Mapping[str, Any]) -> bool:
    """Whether a run has ended and all that it leaves is there."""
    left = (WEIGHTS, run_folder.METRICS, run_folder.PREDICTIONS, REPORT, CARD)
    return "metrics" in plan and all((path / name).is_file() for name in left)


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


def _copies(
    data: Dataset, members: Team, talk: Talk
) -> tuple[list[tuple[int, int]], Report | None]:
    """What the first process finds: a file that another cannot read must not change its cut."""
    pairs, check = copies(data, talk.decoding, talk.say)
    found = members.words(json.dumps(pairs))[0]
    return [(one, other) for one, other in json.loads(found)], check


@contextlib.contextmanager
def _held(path: Path, members: Team) -> Iterator[None]:
    """The first process holds the folder; the others wait until it does."""
    with run_folder.held(path) if members.leads else contextlib.nullcontext():
        members.wait()
        yield
