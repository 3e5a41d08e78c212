"""`striate cache`: what decoded pictures take on the disk, and how to be rid of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal

import typer

from striate.cli.output import Json, print_json, results, talk

if TYPE_CHECKING:
    from striate.data.caching.evict import Listed

app = typer.Typer(rich_markup_mode=None)

_NARROW = 60  # columns of a terminal, under which a path needs the room


@app.callback(invoke_without_command=True)
def cache(context: typer.Context, json: Json = False) -> None:
    """Show the decoded pictures that are kept for the next run, and what they take.

    Nothing in the cache is needed: what is missing is decoded again. What was used longest ago goes
    when the cap is reached: 50 GB, or the number of gigabytes in STRIATE_CACHE_GB (0: no cache).

    \b
    striate cache
    striate cache --json
    striate cache clear
    STRIATE_CACHE_GB=200 striate cache
    """
    if context.invoked_subcommand is None:
        from striate.data.caching.evict import entries, pixel_folder, size_limit

        found = entries(pixel_folder())
        facts = {
            "path": str(pixel_folder()),
            "bytes": sum(item.size for item in found),
            "limit": size_limit(),
            "entries": [_facts(item) for item in found],
        }
        if json:
            print_json(facts)
        else:
            _print(facts)


@app.command("clear")
def clear(json: Json = False) -> None:
    """Remove everything from the cache that no process is using or building.

    \b
    striate cache clear
    """
    from striate.data.caching.evict import entries, pixel_folder, remove

    gone, kept = 0, []
    for item in entries(pixel_folder()):
        if remove(item.folder):
            gone += item.size
        else:
            kept.append(item)
    if json:
        print_json({"removed": gone, "in_use": [_facts(item) for item in kept]})
        return
    results().print(f"removed {gone / 1e6:,.1f} MB")
    for item in kept:
        source = item.seal.source if item.seal else "an unfinished build"
        talk().print(f"in use, so it stays: {_printable(source)}")


def _facts(item: Listed) -> dict[str, Any]:
    seal = item.seal
    return {
        "source": _printable(seal.source) if seal else None,
        "pictures": seal.count if seal else None,
        "height_width_channels": list(seal.shape) if seal else None,
        "unreadable": len(seal.bad) if seal else None,
        "bytes": item.size,
        "used": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(item.used)),
        "folder": str(item.folder),
    }


def _printable(source: str) -> str:
    """A path may hold bytes that are no text."""
    return source.encode("utf-8", "surrogateescape").decode(errors="backslashreplace")


def _print(facts: dict[str, Any]) -> None:
    """One line an entry: aligned on a terminal, separated by tabs in a pipe."""
    from rich import box
    from rich.table import Table

    console = results()
    head = f"{facts['bytes'] / 1e6:,.1f} MB of {facts['limit'] / 1e6:,.0f} MB in {facts['path']}"
    talk().print(head, soft_wrap=True)
    names = ["pictures", "size", "MB", "used", "source"]
    cells = [_cells(entry) for entry in facts["entries"]]
    if not console.is_terminal:
        for line in (names, *cells):
            print("\t".join(line))
        return
    shown = names if console.width >= _NARROW else ["pictures", "MB", "source"]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in names:
        if name in shown:
            right = name in ("pictures", "MB")
            justify: Literal["right", "left"] = "right" if right else "left"
            table.add_column(name, justify=justify, overflow="fold", no_wrap=name != "source")
    for line in cells:
        table.add_row(*(cell for name, cell in zip(names, line, strict=True) if name in shown))
    if cells:
        console.print(table)


def _cells(entry: dict[str, Any]) -> tuple[str, ...]:
    shape = entry["height_width_channels"]
    return (
        f"{entry['pictures']:,}" if entry["pictures"] is not None else "",
        "x".join(str(size) for size in shape) if shape else "",
        f"{entry['bytes'] / 1e6:,.1f}",
        entry["used"][:10],
        entry["source"] or "unfinished",
    )
