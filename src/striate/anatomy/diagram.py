"""A net as a picture: volumes as blocks, operations on the arrows, joins and skips drawn."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from html import escape

from torch import nn

from striate.anatomy.drawing.blocks import Scale
from striate.anatomy.drawing.flow import Item, Line, flow
from striate.anatomy.drawing.ink import Ink
from striate.anatomy.drawing.volumes import Volume, volumes
from striate.anatomy.drawing.wrapped import paginate
from striate.anatomy.trace import Trace, trace
from striate.errors import StriateError

_MARGIN = 16.0
# One hue per kind of operation, light and dark. The words say the same: colour only helps.
_HUES = {
    "input": ("#e7e9ee", "#4a515c"),
    "conv": ("#f6c66f", "#a8741a"),
    "pool": ("#e58f7b", "#97452f"),
    "fc": ("#8fbf9f", "#3f7a52"),
    "other": ("#9db8e0", "#46669a"),
}
_STYLE = (
    ".striate-net{color:#1f2430;font-family:Helvetica,Arial,sans-serif;font-size:10px}"
    ".striate-net text{fill:currentColor;text-anchor:middle}"
    ".striate-net .size{font-weight:600}"
    ".striate-net .sign{font-size:12px;font-weight:600}"
    ".striate-net .times{font-weight:600}"
    ".striate-net polygon{stroke:currentColor;stroke-width:.7;stroke-linejoin:round}"
    ".striate-net path{fill:none;stroke:currentColor;stroke-width:1}"
    ".striate-net .skip{stroke-width:1.2;stroke:#2f6fb0}"
    ".striate-net .turn{stroke-dasharray:3 3;opacity:.6}"
    ".striate-net .join{fill:none;stroke:currentColor;stroke-width:1.2}"
    ".striate-net .dot{fill:#2f6fb0}"
)


def diagram(net: nn.Module, input_shape: Sequence[int] | Sequence[Sequence[int]] = ()) -> str:
    """The net as one SVG image, for a page or a slide, in light and dark.

    `input_shape` is one sample's without batch axis. Blocks are as high and wide as the maps and as
    deep as the channels, both on compressed scales; flat vectors are bars. Activations, norms and
    dropout keep a volume as it is and are not drawn.
    """
    return drawn(trace(net, input_shape), type(net).__name__)


def drawn(found: Trace, name: str) -> str:
    """The same of a run that is already there, under the name that the title gives the net."""
    if found.failure is not None:
        raise StriateError(str(found.failure), where="net")
    drawn = volumes(found)
    line = flow(drawn)
    largest = max((max(v.shape[1:]) for v in drawn if len(v.shape) > 1), default=1)
    ink = paginate(line, Scale(largest))
    title = f"{name}: {drawn[0].label} to {drawn[-1].label}"
    return _document(ink, title, _told(line))


def _document(ink: Ink, title: str, description: str) -> str:
    left, top, right, bottom = ink.box
    page = Ink()
    page.paste(ink, _MARGIN - left, _MARGIN - top)
    width, height = round(right - left + 2 * _MARGIN), round(bottom - top + 2 * _MARGIN)
    # Several pictures may stand in one page: their names must differ, yet be the same every time.
    tag = f"net-{zlib.crc32((title + description).encode()):08x}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="striate-net" role="img" '
            f'aria-labelledby="{tag}-title {tag}-desc" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}">',
            f'<title id="{tag}-title">{escape(title)}</title>',
            f'<desc id="{tag}-desc">{escape(description)}</desc>',
            f"<style>{_STYLE}{_tones()}</style>",
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" '
            'markerHeight="6" orient="auto-start-reverse">'
            '<path d="M1 1L7 4L1 7" style="stroke:context-stroke"/></marker></defs>',
            *[mark.svg() for mark in page.marks],
            "</svg>",
            "",
        ]
    )


def _tones() -> str:
    light = [_face(kind, hue) for kind, (hue, _) in _HUES.items()]
    dark = [_face(kind, hue) for kind, (_, hue) in _HUES.items()]
    shades = ".striate-net .above{fill-opacity:.55}.striate-net .side{fill-opacity:.8}"
    night = (
        ".striate-net{color:#e3e6ec}"
        ".striate-net .skip{stroke:#7db4ee}.striate-net .dot{fill:#7db4ee}"
    )
    wrapped = f"@media (prefers-color-scheme:dark){{{night}{''.join(dark)}}}"
    return "".join(light) + shades + wrapped


def _face(kind: str, hue: str) -> str:
    return f".striate-net .{kind}{{fill:{hue}}}"


def _told(line: Line) -> str:
    """The picture in words, for those who hear it."""
    return "; ".join(words for item in line.items for words in _item_told(item))


def _item_told(item: Item) -> list[str]:
    if item.volume is None:
        rows = [_told(row) or "nothing" for row in item.rows]
        return ["in parallel (" + " | ".join(rows) + ")"]
    return [_volume_told(item.volume)]


def _volume_told(volume: Volume) -> str:
    name = " ".join(volume.operation).strip() or volume.kind
    return f"{name} to {volume.label}" if volume.kind != "input" else f"input {volume.label}"
