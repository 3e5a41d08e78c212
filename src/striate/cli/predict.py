"""`striate predict`: ask a trained run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from striate.cli.output import Json, print_json, results, talk
from striate.errors import WRONG_INPUT, StriateError

if TYPE_CHECKING:
    from striate.pipeline import Classifier


def predict(
    run: Annotated[Path, typer.Argument(help="A run folder, as `striate train` prints it.")],
    images: Annotated[list[Path], typer.Argument(help="Image files.")],
    top: Annotated[int, typer.Option(min=1, help="How many classes to rank.")] = 5,
    json: Json = False,
) -> None:
    """Classify image files with a trained run.

    A run answers whatever it is shown, so show it what it was trained on: the embedded digits are
    white on black, centred, one to a picture.

    A file that cannot be read gets an error line of its own, the others are still answered; the
    exit code is then 2.

    \b
    striate predict runs/digits digit.png
    striate predict runs/digits *.png --json
    """
    from striate.pipeline import load

    classifier = load(run)
    rows = [_row(classifier, path, top) for path in images]
    if json:
        print_json({"rows": rows})
    else:
        _print_rows(rows)
    if any("error" in row for row in rows):
        raise typer.Exit(WRONG_INPUT)


def _row(classifier: Classifier, path: Path, top: int) -> dict[str, Any]:
    try:
        return {"path": str(path), **classifier.predict(path, top).to_dict()}
    except StriateError as error:
        return {"path": str(path), "error": error.what}


def _print_rows(rows: list[dict[str, Any]]) -> None:
    console, errors = results(), talk()
    for row in rows:
        if "error" in row:
            errors.print(f"striate: {row['path']}: {row['error']}", soft_wrap=True, markup=False)
            continue
        console.print(
            f"{row['path']}: {row['label']} ({_percent(row['probability'])})",
            soft_wrap=True,
            markup=False,
        )
        if len(rows) == 1:
            for rank in row["top"][1:]:
                console.print(f"  {rank['label']} ({_percent(rank['probability'])})", markup=False)


def _percent(chance: float) -> str:
    """One decimal, but never 0.0% or 100.0%: a network is not that sure of anything."""
    if chance > 0.9995:
        return ">99.9%"
    return "<0.1%" if chance < 0.0005 else f"{chance:.1%}"
