"""`striate datasets`: the data sets that can be had by name, and how they come here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from striate.cli.output import Json, Quiet, print_json, print_table, talk, wants_json
from striate.errors import ArgumentError, unknown_name

app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)


@app.callback()
def datasets(context: typer.Context, json: Json = False) -> None:
    """Data sets that the other commands know by name: list them, or download one.

    A set is at hand if its files lie in the cache, or in $STRIATE_DATA/NAME.

    \b
    striate datasets
    striate datasets --json
    striate datasets get mnist
    striate train mnist
    """
    if context.invoked_subcommand is None:
        _list(json)


def _list(json: bool) -> None:
    from striate.data.sources.bring import at_hand
    from striate.data.sources.known import KNOWN

    rows = []
    for entry in KNOWN.values():
        folder = at_hand(entry)
        row = {"name": entry.name, "about": entry.about, "bytes": entry.size}
        row |= {"licence": entry.licence, "at_hand": not entry.files or folder is not None}
        rows.append(row | {"folder": None if folder is None else str(folder)})
    if json:
        print_json(rows)
    else:
        _print(rows)


@app.command("get")
def get_dataset(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A data set of the list.")],
    out: Annotated[
        Path | None, typer.Option(help="Put it there instead of into the cache.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Download a data set, or go on with a download that was cut; prints the folder.

    Every file is checked by its SHA-256. Files that are there already are not fetched again.

    \b
    striate datasets get mnist
    striate datasets get cifar10 --out data/cifar10
    """
    from striate.data.sources.bring import get
    from striate.data.sources.known import KNOWN
    from striate.fetch import show_progress

    if name not in KNOWN:
        raise unknown_name("data set", name, KNOWN)
    entry = KNOWN[name]
    if not entry.files:
        raise ArgumentError("name", name, "a data set to download; this one is inside the package")
    folder, files = get(entry, out, progress=_silent if quiet else show_progress)
    if wants_json(context, json):
        print_json({"name": name, "folder": str(folder), "files": [str(file) for file in files]})
        return
    print(folder)
    use = name if out is None else folder
    # Where one download holds several sets, its folder is none of them.
    hint = f" Try next: striate train {use}" if out is None or not entry.folder else ""
    talk(quiet).print(f"Checked.{hint}", soft_wrap=True)


def _silent(name: str) -> Callable[[int, int], None]:
    return lambda done, total: None


def _print(rows: list[dict[str, Any]]) -> None:
    heads = ("name", "what", "MB", "licence", "at hand")
    cells = [
        (
            row["name"],
            row["about"],
            f"{row['bytes'] / 1e6:,.0f}" if row["bytes"] else "",
            row["licence"],
            "yes" if row["at_hand"] else "",
        )
        for row in rows
    ]
    print_table(heads, cells, narrow=("name", "MB", "at hand"))
