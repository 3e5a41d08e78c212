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
from striate.errors import printable
from striate.pipeline import folder as run_folder
from striate.pipeline.again import NO_LIMIT, command
from striate.pipeline.choose import check_enough, look_at, without_pictures
from striate.pipeline.decide import NONE, Decision, Wish, decide
from striate.pipeline.job import Job, Run, Talk
from striate.pipeline.plan import (
    begin,
    judged_by_val,
    network,
    without_validation,
)
from striate.pipeline.together import by_name, copies
from striate.pipeline.work import train_into
from striate.training import Recipe, Team, team
from striate.training.dist import ALONE, device, restarted
from striate.training.step import precision_of

SILENT = Talk()


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
            with held(path, members):
                return train_into(path, job)
        if members.leads:
            run_folder.make(path, planned.plan)
        with held(path, members):
            try:
                if members.leads and planned.check:
                    run_folder.keep_check(path, planned.check)
                return train_into(path, job)
            except BaseException:
                if members.leads:
                    run_folder.release(path, talk.say)
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
    wish = replace(wish, settings=unlimited(wish.settings))
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


def unlimited(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A budget without a number of epochs is what ends the run."""
    endless = {"epochs": NO_LIMIT} if settings.get("budget") else {}
    return {**endless, **settings}


def _copies(
    data: Dataset, members: Team, talk: Talk
) -> tuple[list[tuple[int, int]], Report | None]:
    """What the first process finds: a file that another cannot read must not change its cut."""
    pairs, check = copies(data, talk.decoding, talk.say)
    found = members.words(json.dumps(pairs))[0]
    return [(one, other) for one, other in json.loads(found)], check


@contextlib.contextmanager
def held(path: Path, members: Team) -> Iterator[None]:
    """The first process holds the folder; the others wait until it does."""
    with run_folder.held(path) if members.leads else contextlib.nullcontext():
        members.wait()
        yield
