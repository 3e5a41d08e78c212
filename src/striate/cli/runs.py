"""`striate runs` and `striate compare`: what was trained, and which of it is better."""

from __future__ import annotations

import string
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from striate.cli.output import Json, print_fitted, print_json, results, talk
from striate.errors import ArgumentError, in_plain_sight

if TYPE_CHECKING:
    from striate.pipeline import Comparison, Record
    from striate.pipeline.comparing import Verdict

_HEADS = ("name", "state", "test", "val", "model", "data", "classes", "epochs", "seconds")
_NUMBERS = ("test", "val", "classes", "epochs", "seconds")
_SPARE = ("classes", "seconds", "data", "epochs", "model", "val")
_LETTERS = string.ascii_lowercase
_PARTS = {"val": "validation", "cross-val": "cross-validation", "test": "test"}
_CURVES = {"accuracy": "Validation accuracy, %", "nll": "Validation loss"}
_WIDEST = 80


def runs(
    folder: Annotated[Path, typer.Argument(help="Where the run folders are.")] = Path("runs"),
    json: Json = False,
) -> None:
    """List the runs in a folder, the last written first.

    A run is finished, unfinished (it can go on with --resume), running now, or damaged. What is no
    run is passed over. Weights are not read: `striate evaluate` does that.

    \b
    striate runs
    striate runs experiments/
    striate runs --json | jq '.runs[] | select(.state == "unfinished") | .run'
    """
    from striate.pipeline import list_runs

    found = list_runs(folder)
    if json:
        print_json({"runs": [record.to_dict() for record in found]})
        return
    if not found:
        talk().print(f"No run in {_plain(folder)} yet. Make one: striate train", soft_wrap=True)
        return
    lines = [_cells(record) for record in found]
    print_fitted(_HEADS, lines, folded=["name"], numbers=_NUMBERS, spare=_SPARE)
    for record in found:
        if record.reason:
            talk().print(f"{_plain(record.name)}: {_plain(record.reason)}", soft_wrap=True)
    if going_on := next((record for record in found if record.resumable), None):
        remark = f"Go on with an unfinished one: striate train --resume {_plain(going_on.path)}"
        talk().print(remark, soft_wrap=True)


def compare(
    folders: Annotated[list[Path], typer.Argument(metavar="RUN", help="Two run folders or more.")],
    json: Json = False,
) -> None:
    """Set runs beside the first one: settings that differ, scores, curves, and what is chance.

    Scores compare where the data set is the same. Where both were judged by the same pictures,
    McNemar's exact test asks which of them one alone got right; else Fisher's, how many were.

    \b
    striate compare runs/small runs/large
    striate compare runs/digits-* --json | jq .verdicts
    """
    from striate.pipeline import compare as compare_runs

    if len(folders) > len(_LETTERS):
        raise ArgumentError("runs", len(folders), f"at most {len(_LETTERS)}")
    found = compare_runs(folders)
    if json:
        print_json(found.to_dict())
    else:
        _print(found)


def _cells(record: Record) -> list[str]:
    row = record.to_dict()
    solved = record.config.get("mode") == "features"  # by no epoch
    epochs = "" if solved or row["epochs"] is None else f"{row['epochs']}"
    if (
        record.config
        and not solved
        and record.state != "finished"
        and not record.config["recipe"]["budget"]
    ):
        epochs += f"/{record.config['recipe']['epochs']:g}"
    return [
        _plain(row["name"]),
        row["state"],
        _share(row["test"]),
        _share(row["val"]),
        row["model"] or "",
        _plain(row["data"] or ""),
        "" if row["classes"] is None else f"{row['classes']:,}",
        epochs,
        "" if row["seconds"] is None else f"{row['seconds']:,.0f}",
    ]


def _share(scores: dict[str, Any] | None) -> str:
    return f"{scores['accuracy']:.1%}" if scores else ""


def _print(found: Comparison) -> None:
    for letter, run in zip(_LETTERS, found.runs, strict=False):
        note = "" if run.state == "finished" else f" ({run.state})"
        _say(f"{letter}  {run.path}{note}")
    letters = _LETTERS[: len(found.runs)]
    _say("\nSettings that differ" if found.differences else "\nNo setting differs.")
    rows = [
        [_plain(one.setting), *(_plain(_value(value)) for value in one.values)]
        for one in found.differences
    ]
    if rows:
        print_fitted(("setting", *letters), rows, folded=("setting", *letters))
    _say("\nScores")
    _print_scores(found.runs)
    _say("")
    for line in _verdicts(found):
        _say(line)
    _print_curves(found.runs)


def _print_scores(compared: Sequence[Record]) -> None:
    rows = []
    for part in ("val", "test"):
        for letter, run in zip(_LETTERS, compared, strict=False):
            if scores := run.scores(part):
                low, high = scores["interval"]
                words = [letter, _part(run, part), f"{scores['accuracy']:.1%}"]
                words.append(f"{low:.1%} to {high:.1%}")
                rest = (f"{scores[name]:.3f}" for name in ("nll", "ece", "macro_f1"))
                rows.append([*words, f"{scores['n']:,}", *rest])
    heads = ("run", "part", "right", "95 % interval", "pictures", "loss", "ECE", "macro F1")
    numbers = [head for head in heads if head not in ("run", "part")]
    print_fitted(heads, rows, folded=(), numbers=numbers, spare=heads[:3:-1])


def _part(run: Record, part: str) -> str:
    """What a part is called: a head that is solved has none to validate with."""
    return "cross-val" if (part, run.config.get("mode")) == ("val", "features") else part


def _verdicts(found: Comparison) -> list[str]:
    if not found.same_data:
        return ["The data sets differ, so the scores do not compare."]
    if not found.verdicts:
        return ["There are no scores to compare yet."]
    lines = [_verdict(found, one) for one in found.verdicts]
    lines += [
        f"{letter} is {run.state}: what it scores so far is its last epoch's."
        for letter, run in zip(_LETTERS, found.runs, strict=False)
        if run.history and "metrics" not in run.config
    ]
    if any(one.apart is None for one in found.verdicts):
        why = (
            "They were not asked about the same pictures, or it is not stored which each got right"
            if found.same_cut
            else "The held-out pictures are of the same data set, cut in other ways"
        )
        lines.append(f"{why}: Fisher's exact test takes how many were right.")
    if len(found.verdicts) > 1:
        lines.append(f"Each p is times {len(found.verdicts)}, for so many comparisons.")
    return lines


def _verdict(found: Comparison, one: Verdict) -> str:
    who, first = _LETTERS[one.other], _LETTERS[0]
    parts = [_PARTS[_part(found.runs[index], one.part)] for index in (0, one.other)]
    part = " and ".join(dict.fromkeys(parts))
    alone = ""
    if one.apart is not None:
        of_first, of_other = one.apart
        alone = f" {first} alone is right on {of_first:,} of the pictures, {who} alone on "
        alone += f"{of_other:,}."
    if not one.gain:
        return f"{who} is as good as {first} in {part}.{alone}"
    better = "better" if one.gain > 0 else "worse"
    sure = "more than chance" if one.more_than_chance else "no more than chance may bring"
    told = f"{abs(one.gain) * 100:.1f} points {better} than {first} in {part}"
    return f"{who} is {told}: {sure} ({one.method}, p = {one.p:.2g}).{alone}"


def _print_curves(compared: Sequence[Record]) -> None:
    """In plain letters, as wide as the terminal, and no wider than a page."""
    from striate.cli.curves import draw

    console = results()
    for name, title in _CURVES.items():
        scale = 100 if name == "accuracy" else 1
        curves = {
            letter: [(row["epoch"], row["val"][name] * scale) for row in run.history if row["val"]]
            for letter, run in zip(_LETTERS, compared, strict=False)
        }
        curves = {letter: points for letter, points in curves.items() if points}
        if any(len(points) > 1 for points in curves.values()):
            lines = draw(curves, min(_WIDEST, console.width))
            legend = " (*: several)" if any("*" in line for line in lines) else ""
            _say("\n".join(["", f"{title}, by epoch{legend}", *lines]))


def _value(value: Any) -> str:
    """A setting in a few words."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    if not isinstance(value, list):
        text = str(value)
        return text if len(text) < 64 or " " in text or "/" in text else f"{text[:12]}..."
    shown = ", ".join(_value(one) for one in value[:4])
    return f"{shown}, ... ({len(value):,})" if len(value) > 4 else shown


def _plain(text: object) -> str:
    """As it may go to this terminal: letters that its encoding lacks are spelt out."""
    encoding = sys.stdout.encoding or "utf-8"
    return in_plain_sight(str(text)).encode(encoding, "backslashreplace").decode(encoding)


def _say(text: str) -> None:
    results().print("\n".join(_plain(line) for line in text.split("\n")), soft_wrap=True)
