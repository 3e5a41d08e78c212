"""`striate evaluate`: how good a run is on pictures with known classes."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from striate.cli.output import Json, print_json, print_table, results, talk
from striate.errors import in_plain_sight

if TYPE_CHECKING:
    from striate.pipeline import Evaluation


def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder, as `striate train` prints it.")],
    source: Annotated[str, typer.Argument(help="Pictures with classes, as for `striate train`.")],
    part: Annotated[
        str, typer.Option(help="Only this official part: train, val or test; all by default.")
    ] = "",
    json: Json = False,
) -> None:
    """Score a trained run on labelled pictures.

    Classes are matched by name. Give it pictures that it was not trained on: scores on others say
    nothing.

    \b
    striate evaluate runs/digits sample
    striate evaluate runs/ants new-photos/
    striate evaluate runs/digits mnist --part test --json | jq .accuracy
    """
    from striate.pipeline import evaluate as run_evaluation
    from striate.training.dist import leads

    if not leads():  # under torchrun: one process can do it
        return
    found = run_evaluation(run, source, part, partial(talk().print, soft_wrap=True))
    if json:
        print_json(found.to_dict())
    else:
        _print(found)


def _print(found: Evaluation) -> None:
    scores = found.scores
    low, high = scores.interval
    results().print(
        f"Accuracy {scores.accuracy:.1%} of {scores.n:,} (95 % interval {low:.1%} to {high:.1%}), "
        f"macro F1 {scores.macro_f1:.3f}, NLL {scores.nll:.3f}, calibration error {scores.ece:.3f}",
        soft_wrap=True,
    )
    if found.unknown:
        results().print(
            f"{found.unknown:,} of them {'is' if found.unknown == 1 else 'are'} answered unknown; "
            "the figures count the likeliest class",
            soft_wrap=True,
        )
    rows = [
        [in_plain_sight(name), *(f"{share:.1%}" for share in one[:3]), f"{one.n:,}"]
        for name, one in found.per_class.items()
        if one.n
    ]
    heads = ("class", "precision", "recall", "F1", "pictures")
    print_table(heads, rows, ("class", "recall", "pictures"))
