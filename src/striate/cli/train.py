"""`striate train`: the main job."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from striate.cli.output import Json, Quiet, print_json, results, talk

if TYPE_CHECKING:
    from rich.console import Console

    from striate.pipeline import Run
    from striate.training import Step


def train(
    source: Annotated[str, typer.Argument(help="What to train on.")] = "sample",
    epochs: Annotated[int, typer.Option(help="How often to see every picture.")] = 12,
    seed: Annotated[int, typer.Option(help="Decides the split, the weights and the order.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="The run folder to make; by default runs/SOURCE-TIME.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a classifier and write its run folder.

    This version trains on the 5,000 real digits that ship inside ("sample").

    \b
    striate train
    striate train --epochs 20 --seed 1 --out runs/digits
    striate train --json | jq .test.accuracy
    """
    from striate.pipeline import train as run_training

    with _progress(talk(quiet)) as report:
        run = run_training(source, epochs=epochs, seed=seed, out=out, report=report)
    if json:
        print_json(run.to_dict())
    else:
        _print_run(run)


def _print_run(run: Run) -> None:
    console = results()
    wrong = round((1 - run.test.accuracy) * run.test.n)
    console.print(
        f"Test accuracy {run.test.accuracy:.1%}: {wrong} of {run.test.n:,} held-out wrong, "
        f"after {run.seconds:.0f} s.",
        soft_wrap=True,
    )
    console.print(f"Run folder: {run.path}", soft_wrap=True)
    console.print(f"Try next:   striate predict {run.path} IMAGE", soft_wrap=True)


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[Step], None]]:
    """A bar on a terminal; a line an epoch in a pipe; nothing when quiet."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    on_terminal = sys.stderr.isatty()
    with Progress(*columns, console=console, disable=not on_terminal, transient=True) as bar:
        task = bar.add_task("training", total=None)

        def report(step: Step) -> None:
            bar.update(task, completed=step.step, total=step.steps)
            if step.val is not None:
                console.print(
                    f"epoch {step.epoch}: loss {step.loss:.3f}, "
                    f"validation accuracy {step.val.accuracy:.1%}"
                )

        yield report
