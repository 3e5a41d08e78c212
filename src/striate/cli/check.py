"""`striate check`: what is wrong with a data set."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from striate.cli.output import Json, Quiet, print_json, results, talk
from striate.errors import DATA_PROBLEMS, ArgumentError, in_plain_sight

if TYPE_CHECKING:
    from rich.console import Console

    from striate.data import Dataset
    from striate.data.check import Report

_EXAMPLES = 3


def check(
    source: Annotated[str, typer.Argument(help="A folder of pictures, or a data set's name.")],
    html: Annotated[Path | None, typer.Option(help="Write the report as one HTML page.")] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Leave with code 3 on problems.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Find what is wrong with a data set: nothing is changed or written in it.

    Looks at every picture: unreadable and odd ones, exact and near duplicates (re-encoded, resized,
    slightly cropped, mirrored, turned), leaks between train, val and test, one picture with two
    labels, blank, tiny and blurred ones, classes out of balance, names that look like slips.

    \b
    striate check photos/
    striate check photos/ --html report.html
    striate check photos/ --strict --json | jq .leakage
    """
    from striate.data import load_source
    from striate.data.check import check as run_check
    from striate.data.check.page import page
    from striate.files import write_atomic

    dataset = load_source(source)
    if html is not None:
        _check_place(html, source, dataset)
    with _progress(talk(quiet)) as step:
        report = run_check(dataset, step=step)
    if html is not None:
        write_atomic(html, page(dataset, report).encode())
        talk(quiet).print(f"Report: {html}", soft_wrap=True)
    if json:
        print_json(report.to_dict())
    else:
        _print(report)
    if strict and report.problems:
        raise typer.Exit(DATA_PROBLEMS)


def _check_place(html: Path, source: str, dataset: Dataset) -> None:
    """Refuse a page that cannot be written, or that would lie in the data, before the work."""
    from striate.data import Files

    folder = html.resolve().parent
    if html.is_dir() or not folder.is_dir():
        raise ArgumentError("html", str(html), "a file in a folder that exists")
    data = [Path(source).expanduser().resolve()]  # for a set by its name, nothing that is there
    if isinstance(dataset.pictures, Files):
        data.append(dataset.pictures.root.resolve())
    if any(place.exists() and html.resolve().is_relative_to(place) for place in data):
        expected = "a file outside the data, which stays as it is"
        raise ArgumentError("html", str(html), expected)


def _print(report: Report) -> None:
    say = _line
    num = len(report.classes)
    classes = "class" if num == 1 else "classes"
    readable = report.files - len(report.unreadable)
    say(f"{readable:,} pictures in {num:,} {classes}{_size(report.sizes)}")
    for finding in report.problems:
        say(f"problem  {finding.kind}: {_of(finding.message, finding.paths)}", "red")
        if finding.kind == "unreadable":
            _examples([f"{f.path}  {f.kind}: {f.reason}" for f in report.unreadable])
        elif finding.kind == "leakage":
            _examples([_group(g.paths) for g in report.leakage])
        elif finding.kind == "two-labels":
            _examples([_group(g.paths) for g in report.duplicates if g.conflict])
    for finding in report.warnings:
        say(f"warning  {finding.kind}: {_of(finding.message, finding.paths)}", "yellow")
        if finding.kind == "duplicates":
            plain = [g for g in report.duplicates if not g.leak and not g.conflict]
            _examples([_group(g.paths) for g in plain])
        else:
            _examples(finding.paths)
    for finding in report.converted:
        say(f"note     {finding.kind}: {_of(finding.message, finding.paths)}")
    for kind, count in Counter(fault.kind for fault in report.excluded).items():
        of_kind = [fault for fault in report.excluded if fault.kind == kind]
        say(f"left out {kind}: {of_kind[0].reason} ({count:,})")
        _examples([fault.path for fault in of_kind])
    if not report.problems and not report.warnings:
        say("Nothing is wrong with the files.", "green")
    else:
        say(f"{_count(report.problems, 'problem')}, {_count(report.warnings, 'warning')}.")


def _size(sizes: dict[str, list[int]]) -> str:
    if not sizes["smallest"]:
        return ", none usable"
    (low, wide), (high, broad) = sizes["smallest"], sizes["largest"]
    return f", {wide}x{low} to {broad}x{high}" if sizes["mixed"] else f", all {wide}x{low}"


def _count(found: Sequence[object], what: str) -> str:
    return f"{len(found)} {what}{'s' * (len(found) != 1)}"


def _of(message: str, paths: Sequence[str]) -> str:
    return f"{message} ({len(paths):,})" if paths else message


def _group(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - 3:,} more" if len(paths) > 3 else ""
    return " = ".join(paths[:3]) + more


def _examples(lines: Sequence[str]) -> None:
    for line in lines[:_EXAMPLES]:
        _line(f"         {line}")
    if len(lines) > _EXAMPLES:
        _line(f"         and {len(lines) - _EXAMPLES:,} more")


def _line(text: str, style: str | None = None) -> None:
    """One line; a file name with control characters in it cannot move the cursor."""
    results().print(in_plain_sight(text), style=style, soft_wrap=True)


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal; every tenth in a pipe; nothing when quiet."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    on_terminal = sys.stderr.isatty()
    with Progress(*columns, console=console, disable=not on_terminal, transient=True) as bar:
        task = bar.add_task("looking", total=None)

        def step(done: int, of: int) -> None:
            bar.update(task, completed=done, total=of)
            if done == of and on_terminal:
                bar.update(task, description="comparing")
            if not on_terminal and of >= 1000 and done % (of // 10) == 0:
                console.print(f"{done:,} of {of:,} pictures", highlight=False)

        yield step
