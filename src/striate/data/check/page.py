"""The report as one page that needs nothing beside it: pictures inline, no script, no network."""

from __future__ import annotations

import base64
import io
from functools import partial
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from striate.data.check.report import Report
from striate.data.dataset import Dataset, Files
from striate.data.decode import converting, decode
from striate.data.kinds import Unreadable
from striate.data.workers import Workers
from striate.preprocess import opaque

_SIDE = 96  # of a thumbnail
_GROUPS = 40  # of duplicates with pictures; the JSON report names all
_MEMBERS = 6
_SHOWN = 24  # pictures of any other finding
_ROWS = 200  # of a table


def page(dataset: Dataset, report: Report) -> str:
    """HTML under 5 MB, whatever the data set's size."""
    groups = sorted(report.duplicates, key=lambda group: (not group.conflict, not group.leak))
    groups = groups[:_GROUPS]
    looked_at = [f for f in report.warnings if f.indices and f.kind != "duplicates"]
    wanted = {index for group in groups for index in group.indices[:_MEMBERS]}
    wanted |= {index for finding in looked_at for index in finding.indices[:_SHOWN]}
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string((Path(__file__).parent / "page.html").read_text("utf-8"))
    return template.render(
        report=report,
        groups=groups,
        looked_at=looked_at,
        plain=[f for f in report.warnings if f not in looked_at],
        bars=_bars(report),
        thumbnails=_thumbnails(dataset, sorted(wanted)),
        members=_MEMBERS,
        shown=_SHOWN,
        rows=_ROWS,
        counted=_counted,
    )


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}" + ("" if number == 1 else "s")


def _bars(report: Report) -> list[dict[str, Any]]:
    most = max((one.count for one in report.classes), default=0)
    return [
        {"name": one.name, "count": one.count, "parts": one.parts, "width": 100 * one.count / most}
        for one in report.classes
        if most
    ]


def _thumbnails(dataset: Dataset, indices: list[int]) -> dict[int, str]:
    """Small pictures as `data:` addresses, by sample; a file that has gone has none."""
    pictures = dataset.pictures
    if not isinstance(pictures, Files):
        return {i: _address(_small(_image(pictures[i].numpy()), _SIDE)) for i in indices}
    with Workers(partial(thumbnail, side=_SIDE), count=min(2, len(indices))) as workers:
        made = list(workers.map(pictures.path(index) for index in indices))
    return {
        index: _address(one)
        for index, one in zip(indices, made, strict=True)
        if not isinstance(one, Unreadable)
    }


def thumbnail(source: Path, side: int) -> bytes:
    """A picture file as a small JPEG or PNG."""
    image = decode(source, at_least=(side, side))
    with converting(str(source)):
        return _small(opaque(image), side)


def _image(pixels: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0).copy())


def _small(image: Image.Image, side: int) -> bytes:
    image = image.convert("L" if image.mode in ("1", "L", "LA") else "RGB")
    image.thumbnail((side, side))
    buffer = io.BytesIO()
    # Of tiny pictures every pixel is shown as it is; of others, what fits a page.
    tiny = max(image.size) <= side // 2
    image.save(buffer, "PNG" if tiny else "JPEG", **({} if tiny else {"quality": 70}))
    return buffer.getvalue()


def _address(content: bytes) -> str:
    kind = "png" if content.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
