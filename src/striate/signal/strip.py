"""Drawings about filters: pictures side by side, a kernel as cells, a score map as heat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from striate.signal.kernels import Kernel
from striate.signal.kinds import Array

PANEL = 480  # the longer side of a panel, in pixels
_GAP, _CAPTION = 16, 28
_NEGATIVE, _ZERO, _POSITIVE = (33, 102, 172), (247, 247, 247), (178, 24, 43)
_HEAT = ((0, 0, 12), (72, 12, 104), (178, 48, 88), (246, 128, 32), (252, 252, 180))


def side_by_side(panels: Sequence[tuple[Image.Image, str]]) -> Image.Image:
    """One RGB picture: the panels from left to right on white, each with its caption below."""
    font = ImageFont.load_default(14)
    pictures = [(_fit(image), caption) for image, caption in panels]
    widths = [max(image.width, int(font.getlength(text)) + 1) for image, text in pictures]
    height = max(image.height for image, _ in pictures)
    size = (sum(widths) + _GAP * (len(widths) + 1), height + _GAP + _CAPTION)
    strip = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(strip)
    left = _GAP
    for (image, caption), width in zip(pictures, widths, strict=True):
        at = (left + (width - image.width) // 2, _GAP + (height - image.height) // 2)
        strip.paste(image, at)
        draw.text((left + width / 2, height + _GAP + 6), caption, "black", font, anchor="ma")
        left += width + _GAP
    return strip


def swatch(kernel: Kernel, side: int = 320) -> Image.Image:
    """The kernel as cells, red where positive, blue where negative; numbers where they fit."""
    rows, columns = kernel.shape
    cell = max(1, side // max(rows, columns))
    peak = float(np.abs(kernel).max()) or 1.0
    ends = np.where(kernel[..., None] < 0, _NEGATIVE, _POSITIVE)
    share = (np.abs(kernel) / peak)[..., None]
    colours = np.rint(_ZERO + share * (ends - _ZERO)).astype(np.uint8)
    picture = Image.fromarray(colours).resize((columns * cell, rows * cell), Image.Resampling.BOX)
    font = ImageFont.load_default(min(20, max(1, cell // 3)))
    texts = [[_number(float(value)) for value in row] for row in kernel]
    widest = max(font.getlength(text) for row in texts for text in row)
    if cell < 24 or widest > cell - 4:
        return picture
    draw = ImageDraw.Draw(picture)
    for row, line in enumerate(texts):
        for column, text in enumerate(line):
            box = (column * cell, row * cell, (column + 1) * cell - 1, (row + 1) * cell - 1)
            draw.rectangle(box, outline=(200, 200, 200))
            ink = "white" if share[row, column, 0] > 0.6 else "black"
            draw.text(((column + 0.5) * cell, (row + 0.5) * cell), text, ink, font, anchor="mm")
    return picture


def heat(scores: Array, size: tuple[int, int], pattern: tuple[int, int]) -> Image.Image:
    """Scores from 0 (black) to 1 (pale yellow), each at the centre of its window.

    `size` is the image's (width, height), `pattern` the pattern's; where no window has its centre
    the picture is grey.
    """
    stops = np.linspace(0, 1, len(_HEAT))
    level = np.clip(np.asarray(scores, dtype=np.float64), 0, 1)
    colours = np.stack([np.interp(level, stops, band) for band in np.transpose(_HEAT)], axis=-1)
    picture = Image.new("RGB", size, (128, 128, 128))
    picture.paste(Image.fromarray(colours.astype(np.uint8)), (pattern[0] // 2, pattern[1] // 2))
    return picture


def boxed(image: Image.Image, corner: tuple[int, int], size: tuple[int, int]) -> Image.Image:
    """The image in RGB with a box round the `size` (width, height) pixels from `corner` (x, y)."""
    picture = eight_bit(image)
    line = max(1, round(max(picture.size) / 200))
    draw = ImageDraw.Draw(picture)
    for width, colour in ((2 * line, "black"), (line, "yellow")):
        # Drawn outwards, so that what was found stays visible.
        x, y = corner
        box = (x - width, y - width, x + size[0] + width - 1, y + size[1] + width - 1)
        draw.rectangle(box, outline=colour, width=width)
    return picture


def eight_bit(image: Image.Image) -> Image.Image:
    """A new RGB image for looking at: 16 bits become 8, see-through parts lie on white."""
    if image.mode == "I;16":
        image = Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
    if image.mode in ("LA", "RGBA"):
        colour = image.convert("RGBA")
        white = Image.new("RGBA", colour.size, "white")
        image = Image.alpha_composite(white, colour)
    return image.convert("RGB") if image.mode != "RGB" else image.copy()


def _fit(image: Image.Image) -> Image.Image:
    """At most `PANEL` pixels long; tiny ones enlarged by a whole factor, pixels left square."""
    longest = max(image.size)
    picture = eight_bit(image)
    if longest > PANEL:
        size = [max(1, round(side * PANEL / longest)) for side in image.size]
        return picture.resize((size[0], size[1]), Image.Resampling.LANCZOS)
    factor = max(1, PANEL // 2 // longest)
    return picture.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)


def _number(value: float) -> str:
    """As short as the number allows: `-1`, `0.11`, `0.062`."""
    if value == round(value):
        return str(int(value))
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.3f}"
