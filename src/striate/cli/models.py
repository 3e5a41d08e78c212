"""`striate models`: the networks that can be had by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from striate.cli.output import Json, print_fitted, print_json
from striate.errors import ArgumentError, unknown_name

if TYPE_CHECKING:
    from striate.models import Entry

_NUMBERS = ("year", "M params", "M MACs")
_SPARE = ("task", "input", "weights")  # what a narrow terminal does without, in this order
_COLUMNS: dict[str, Callable[[dict[str, Any]], str]] = {
    "name": lambda row: row["name"],
    "year": lambda row: str(row["year"]),
    "M params": lambda row: f"{row['params'] / 1e6:,.2f}",
    "M MACs": lambda row: _millions(row["macs"]),
    "input": lambda row: ", ".join("x".join(map(str, shape)) for shape in row["input"]),
    "task": lambda row: row["task"],
    "weights": lambda row: "yes" if row["weights"] else "",
}


def models(
    context: typer.Context,
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

    if context.args:  # let through by the registration, to be answered better than by "unexpected"
        extra = context.args[0]
        remedy = f"Try: striate models --family {extra}"
        raise ArgumentError("models", extra, "options only", remedy=remedy)
    families = sorted({entry.family for entry in ENTRIES})
    if family is not None and family.lower() not in families:
        raise unknown_name("family", family, families)
    rows = [_row(one) for one in ENTRIES if family is None or family.lower() == one.family]
    if json:
        print_json(rows)
    else:
        _print(rows)


def _row(one: Entry) -> dict[str, Any]:
    from striate.models.records import records_of

    return {
        "name": one.name,
        "family": one.family,
        "year": one.year,
        "paper": one.paper.title,
        "url": one.paper.url,
        "params": one.params,
        "macs": one.macs,
        "input": [list(shape) for shape in one.inputs],
        "task": one.task,
        "weights": [record.name for record in records_of(one.name)],
    }


def _print(rows: list[dict[str, Any]]) -> None:
    lines = [[cell(row) for cell in _COLUMNS.values()] for row in rows]
    print_fitted(list(_COLUMNS), lines, folded=["name"], numbers=_NUMBERS, spare=_SPARE)


def _millions(number: int) -> str:
    """Whole ones, and where those are few a decimal."""
    return f"{number / 1e6:,.{0 if number >= 1e7 else 1}f}"
