"""`striate models`: the networks that can be had by name."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from striate.cli.output import Json, print_json, results
from striate.errors import unknown_name


def models(
    family: Annotated[
        str | None, typer.Option(help="Only this family: resnet, vgg, efficientnet, ...")
    ] = None,
    json: Json = False,
) -> None:
    """List the networks that `striate.create` and the other commands know by name.

    Parameters and multiply-adds are exact, for one picture of the input shown. Weights: those whose
    file can be checked by its SHA-256 and loaded by `create(name, pretrained=True)`.

    \b
    striate models
    striate models --family resnet
    striate models --json
    """
    from striate.models.catalogue import ENTRIES
    from striate.models.records import records_of

    families = sorted({entry.family for entry in ENTRIES})
    if family is not None and family not in families:
        raise unknown_name("family", family, families)
    rows = [
        {
            "name": entry.name,
            "family": entry.family,
            "year": entry.year,
            "paper": entry.paper.title,
            "url": entry.paper.url,
            "params": entry.params,
            "macs": entry.macs,
            "input": [list(shape) for shape in entry.inputs],
            "task": entry.task,
            "weights": [record.name for record in records_of(entry.name)],
        }
        for entry in ENTRIES
        if family in (None, entry.family)
    ]
    if json:
        print_json(rows)
    else:
        _print(rows)


def _print(rows: list[dict[str, Any]]) -> None:
    """One line a network: aligned on a terminal, separated by tabs in a pipe."""
    from rich import box
    from rich.table import Table

    console = results()
    cells = [
        (
            row["name"],
            str(row["year"]),
            f"{row['params'] / 1e6:,.2f}",
            f"{row['macs'] / 1e6:,.0f}",
            ", ".join("x".join(str(size) for size in shape) for shape in row["input"]),
            row["task"],
            "yes" if row["weights"] else "",
        )
        for row in rows
    ]
    heads = ("name", "year", "M params", "M MACs", "input", "task", "weights")
    if not console.is_terminal:
        for line in (heads, *cells):
            print("\t".join(line))
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head in heads:
        numbers = head in ("year", "M params", "M MACs")
        table.add_column(head, justify="right" if numbers else "left", no_wrap=head == "name")
    for line in cells:
        table.add_row(*line)
    console.print(table)
