"""A summary as HTML: one self-contained page, or the fragment a notebook shows."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from striate.anatomy.table import field, params, shape, totals
from striate.anatomy.words import exact, size

if TYPE_CHECKING:
    from striate.anatomy.summary import Layer, Summary

_STYLE = """
.striate { --ink: #1c2024; --paper: #fff; --line: #d8dce1; --bar: #b9d3f2; --bad: #b3261e;
  color: var(--ink); background: var(--paper); font: 14px/1.5 system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { .striate { --ink: #e4e7ea; --paper: #16191c; --line: #3a4046;
  --bar: #2d4d73; --bad: #ff8a80; } }
.striate .scroll { overflow-x: auto; }
.striate table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.striate th, .striate td { padding: 3px 14px 3px 0; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--line); background-color: transparent; }
.striate th:nth-child(-n+2), .striate td:nth-child(-n+2) { text-align: left; }
.striate .share { background: linear-gradient(to left, var(--bar) var(--part), transparent 0)
  content-box; }
.striate .failure { color: var(--bad); font-weight: 600; }
"""

_TITLES = ("layer", "type", "output", "sees", "parameters", "MACs", "memory")


def page(found: Summary) -> str:
    """A whole document that opens offline and follows the reader's light or dark setting."""
    title = escape(f"{found.network} at {_input(found)}")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{title}</title>"
        f"<style>body {{ margin: 0; }} .striate {{ padding: 24px; min-height: 100vh;"
        f" box-sizing: border-box; }}</style></head>\n<body>{fragment(found)}</body></html>\n"
    )


def fragment(found: Summary) -> str:
    """The table, its style and its totals, to be set into another page."""
    head = "".join(f'<th scope="col">{title}</th>' for title in _TITLES)
    rows = "\n".join(_row(layer, found) for layer in found.layers)
    foot = "".join(f"<li>{escape(line)}</li>" for line in totals(found))
    failure = ""
    if found.failure is not None:
        failure = f'<p class="failure">failed at {escape(str(found.failure))}</p>'
    return (
        f'<div class="striate"><style>{_STYLE}</style>\n'
        f"<h1>{escape(found.network)}</h1><p>input {escape(_input(found))}</p>\n"
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody></table>'
        f"</div>{failure}\n<ul>{foot}</ul></div>"
    )


def _row(layer: Layer, found: Summary) -> str:
    plain = (layer.name, layer.type, shape(layer.output), field(layer))
    cells = [f"<td>{escape(text)}</td>" for text in plain]
    cells.append(_share(params(layer), layer.params, found.params))
    cells.append(_share(exact(layer.macs), layer.macs, found.macs))
    cells.append(_share(size(layer.memory), layer.memory, found.memory))
    return f"<tr>{''.join(cells)}</tr>"


def _share(text: str, part: int, total: int) -> str:
    """A number with its share of the total as a bar behind it."""
    percent = 100 * part / total if total else 0
    return f'<td class="share" style="--part: {percent:.1f}%">{text}</td>'


def _input(found: Summary) -> str:
    first = found.input[0]
    shapes = found.input if isinstance(first, tuple) else (found.input,)
    return " and ".join(shape(one) for one in shapes)  # type: ignore[arg-type]
