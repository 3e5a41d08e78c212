"""`striate cache`: what decoded pictures take on the disk, and how to be rid of them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from striate.cli.output import Json, print_json, print_table, results, talk, wants_json
from striate.errors import printable

if TYPE_CHECKING:
    from striate.data.caching.evict import Listed

app = typer.Typer(rich_markup_mode=None)

_UNTOUCHED = ("archives", "hub", "datasets", "weights")


@app.callback(invoke_without_command=True)
def cache(context: typer.Context, json: Json = False) -> None:
    """Show the decoded pictures that are kept for the next run, and what they take.

    Nothing in the cache is needed: what is missing is decoded again. What was used longest ago goes
    when the cap is reached: 50 GB, or the number of gigabytes in STRIATE_CACHE_GB (0: no cache).
    What was downloaded or unpacked lies beside it, without a cap; it is yours to delete.

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
            "beside": _beside(pixel_folder().parent),
        }
        if json:
            print_json(facts)
        else:
            _print(facts)


@app.command("clear")
def clear(context: typer.Context, json: Json = False) -> None:
    """Remove all decoded pictures that no process is using or building.

    What was downloaded or unpacked stays: a run may be reading it.

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
    if wants_json(context, json):
        print_json({"removed": gone, "in_use": [_facts(item) for item in kept]})
        return
    results().print(f"removed {gone / 1e6:,.1f} MB")
    for item in kept:
        source = item.seal.source if item.seal else "an unfinished build"
        talk().print(f"in use, so it stays: {printable(source)}")


def _facts(item: Listed) -> dict[str, Any]:
    seal = item.seal
    return {
        "source": printable(seal.source) if seal else None,
        "pictures": seal.count if seal else None,
        "height_width_channels": list(seal.shape) if seal else None,
        "unreadable": len(seal.bad) if seal else None,
        "bytes": item.size,
        "used": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(item.used)),
        "folder": str(item.folder),
    }


def _beside(cache: Path) -> list[dict[str, Any]]:
    """What lies beside the decoded pictures: unpacked archives, copies of saved sets, downloads."""
    found = []
    for folder in (cache / name for name in _UNTOUCHED if (cache / name).is_dir()):
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        found.append({"path": str(folder), "bytes": size})
    return found


def _print(facts: dict[str, Any]) -> None:
    head = f"{facts['bytes'] / 1e6:,.1f} MB of {facts['limit'] / 1e6:,.0f} MB in {facts['path']}"
    talk().print(head, soft_wrap=True)
    for one in facts["beside"]:
        talk().print(f"{one['bytes'] / 1e6:,.1f} MB beside it, in {one['path']}", soft_wrap=True)
    heads = ("pictures", "size", "MB", "used", "source")
    cells = [_cells(entry) for entry in facts["entries"]]
    print_table(heads, cells, narrow=("pictures", "MB", "source"))


def _cells(entry: dict[str, Any]) -> tuple[str, ...]:
    shape = entry["height_width_channels"]
    return (
        f"{entry['pictures']:,}" if entry["pictures"] is not None else "",
        "x".join(str(size) for size in shape) if shape else "",
        f"{entry['bytes'] / 1e6:,.1f}",
        entry["used"][:10],
        entry["source"] or "unfinished",
    )
