"""`striate train`: the main job."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from striate.cli.output import Json, Quiet, print_json, results, talk
from striate.cli.progress import progress
from striate.errors import INTERRUPTED, TERMINATED, ArgumentError, StriateError, in_plain_sight

if TYPE_CHECKING:
    from rich.console import Console

    from striate.pipeline import Planned, Run

_FIXED = ("source", "mode", "model", "recipe", "settings", "group_by", "out", "dry_run")
"""What a run that goes on has decided already."""
_UNITS = {"s": 1, "m": 60, "h": 3600}


def train(  # noqa: PLR0913  # one argument an option, as typer wants it
    context: typer.Context,
    source: Annotated[
        str | None,
        typer.Argument(help="A folder of pictures, a data set's name, a manifest, an archive."),
    ] = None,
    mode: Annotated[
        str,
        typer.Option(
            help="features (solve a last layer on a published network's features), finetune, or "
            "scratch; by default what suits the pictures, their number and the time."
        ),
    ] = "",
    model: Annotated[str | None, typer.Option(help="A network of `striate models`.")] = None,
    recipe: Annotated[
        str | None, typer.Option(help="A named run, as mnist_fast; a wrong name lists all.")
    ] = None,
    epochs: Annotated[
        float | None, typer.Option(help="How often to see every picture; 0.5 is half of them once.")
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            help="How long to train, as 90s, 10m or 1h; with --epochs, what is over first."
        ),
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Change the recipe: peak_rate=0.01")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Decides the split, the weights and the order.")
    ] = None,
    group_by: Annotated[
        str, typer.Option(help="Never part files whose names match this regular expression alike.")
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="The run folder to make; by default runs/SOURCE-TIME.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Go on with this run; --epochs and --budget may change.")
    ] = None,
    nproc: Annotated[
        int, typer.Option(help="Processes of this machine that share every batch.")
    ] = 1,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Also write curves for TensorBoard into the run.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and why; write nothing.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check pictures, train a classifier, judge it, and write its run folder with a report.

    What is not said is decided, and the decisions are told. Without a source it trains on the
    recipe's own, or on the 5,000 digits that ship inside.

    \b
    striate train photos/
    striate train photos/ --dry-run
    striate train photos/ --mode finetune --budget 10m
    striate train mnist --model resnet20 --epochs 3 --set batch_size=128
    striate train --recipe mnist_fast
    striate train scans/ --group-by '(patient\\d+)_'
    striate train --resume runs/photos-20260101-120000
    striate train photos/ --nproc 2
    striate train --json | jq .test.accuracy
    """
    if resume is not None:
        _only_growth(context)
    source = source or _source(recipe)
    if nproc != 1 and not dry_run:
        begun = {"source": source, "out": _out(source, out)} if resume is None else {}
        return _launch(_words(context, nproc=None, **begun), nproc, talk(quiet))
    from striate.pipeline import Wish, plan_run
    from striate.pipeline import resume as go_on
    from striate.pipeline import train as run_training
    from striate.training import Recipe
    from striate.training.dist import leads

    changes = {**Recipe().parsed(settings or []), **_changes(epochs, budget, seed)}
    with progress(talk(quiet or not leads()), tensorboard) as listeners:
        if resume is not None:
            run = go_on(resume, talk=listeners, **changes)
        else:
            if dry_run:
                wish = Wish.of(mode, model or "", {}, recipe, changes)
                return _print_plan(
                    plan_run(source, wish, group_by, talk=listeners, processes=nproc), json
                )
            run = run_training(
                source, mode=mode, model=model, recipe=recipe, group_by=group_by, out=out,
                talk=listeners, **changes,
            )  # fmt: skip
    if leads():
        print_json(run.to_dict()) if json else _print_run(run)


def _only_growth(context: typer.Context) -> None:
    for parameter in context.command.params:
        value = context.params.get(parameter.name or "")
        if parameter.name in _FIXED and value:
            option = parameter.param_type_name == "option"
            raise ArgumentError(
                parameter.opts[0] if option else parameter.opts[0].upper(),
                ", ".join(value) if isinstance(value, list | tuple) else str(value),
                "nothing beside --resume, which goes on with the run as it began",
            )


def _out(source: str, out: Path | None) -> Path:
    """Decided before the processes start, so that they go on in it when they are started again."""
    from striate.pipeline.folder import free_name

    return out or free_name(Path("runs"), Path(source).resolve().stem)


def _words(context: typer.Context, **changed: object) -> list[str]:
    """The command line again, with some of its values changed."""
    words = []
    for parameter in context.command.params:
        name = parameter.name or ""
        value, flag = changed.get(name, context.params.get(name)), parameter.opts[0]
        if parameter.param_type_name == "argument":
            words += [str(value)] if value else []
        elif isinstance(value, list | tuple):
            words += [f"{flag}={one}" for one in value]
        elif value is True:
            words.append(flag)
        elif value is not None and value is not False and value != "":
            words.append(f"{flag}={value}")
    return words


def _launch(words: list[str], count: int, console: Console) -> None:
    """The same command in several processes, of which the first talks and prints."""
    from striate.processes import launch

    if count < 1:
        raise ArgumentError("nproc", count, "at least 1")
    code = launch(["train", *words], count, partial(console.print, soft_wrap=True))
    if code in (INTERRUPTED, TERMINATED):
        raise StriateError(f"all {count} processes have left", exit_code=code)
    raise typer.Exit(code)


def _source(recipe: str | None) -> str:
    """The data set of a named run, or the digits that ship inside."""
    if recipe is None:
        return "sample"
    from striate.recipes import setup

    return setup(recipe).source


def _print_plan(planned: Planned, json: bool) -> None:
    """What a run would do."""
    plan, decision = planned.plan, planned.decision
    kept = ("mode", "why", "weights", "model", "preprocess", "recipe", "data")
    if json:
        print_json({**{name: plan[name] for name in kept}, "command": planned.command})
        return
    console, samples = results(), plan["data"]["samples"]
    for reason in decision.why:
        console.print(reason, soft_wrap=True)
    parts = ", ".join(f"{count:,} to {_PARTS[part]}" for part, count in samples.items() if count)
    bad = len(planned.check.unreadable) if planned.check else 0
    console.print(f"pictures: {parts}{f'; {bad:,} cannot be read' if bad else ''}", soft_wrap=True)
    console.print("A dry run: nothing was trained, and nothing written.", soft_wrap=True)


_PARTS = {"train": "learn from", "val": "choose by", "test": "judge by"}


def _changes(epochs: float | None, budget: str | None, seed: int | None) -> dict[str, Any]:
    seconds = _seconds(budget) if budget is not None else None
    changes: dict[str, Any] = {"epochs": epochs, "budget": seconds, "seed": seed}
    return {name: value for name, value in changes.items() if value is not None}


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text.strip())
    if not match or float(match[1]) == 0:
        raise ArgumentError("budget", text, "a time such as 90s, 10m or 1.5h")
    return float(match[1]) * _UNITS[match[2]]


def _print_run(run: Run) -> None:
    console = results()
    of_val = "Cross-validated" if run.mode == "features" else "Validation"
    scores, what = (run.test, "Test") if run.test else (run.val, of_val)
    low, high = scores.interval
    wrong = round((1 - scores.accuracy) * scores.n)
    console.print(
        f"{what} accuracy {scores.accuracy:.1%} (95 % interval {low:.1%} to {high:.1%}): "
        f"{wrong:,} of {scores.n:,} held-out wrong, after learning for {run.seconds:.0f} s.",
        soft_wrap=True,
    )
    if run.unknown:
        console.print(
            f"It answers {run.unknown:,} of the {scores.n:,} with unknown; the figure counts their "
            "likeliest class.",
            soft_wrap=True,
        )
    if run.majority and scores.may_reach_no_more_than(run.majority[1]):
        name, share = run.majority
        console.print(
            "This is no proof that it has learnt anything: always saying "
            f"{in_plain_sight(name)!r} gives {share:.1%}.",
            soft_wrap=True,
        )
    console.print(f"Report:     {run.path / 'report.html'}", soft_wrap=True)
    console.print(f"Try next:   striate predict {run.path} PICTURES", soft_wrap=True)
