"""A contact sheet: one picture, and what a policy makes of it."""

from __future__ import annotations

import math

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from striate.data.augment.op import Policy, apply
from striate.data.augment.stream import Stream
from striate.preprocess import Preprocess

COLUMNS, ROWS = 6, 4
_TILE = 168  # the longer side of a tile, in pixels
_GAP = 4
_PAPER, _INK = (255, 255, 255), (40, 40, 40)


def contact_sheet(image: Image.Image, policy: Policy, title: str, seed: int = 0) -> Image.Image:
    """The picture as it is, top left, and the policy's samples 0 to 22 of epoch 0 beside it."""
    pixels = _pixels(image)
    samples = COLUMNS * ROWS - 1
    copies = pixels.expand(samples, -1, -1, -1)
    changed = apply(policy, copies, Stream(seed, 0, torch.arange(samples)))
    tiles = torch.cat((pixels, changed))
    # Small pictures are augmented at their size, and shown large enough to see.
    enlarge = max(1, _TILE // max(tiles.shape[2:]))
    return _laid_out(tiles.repeat_interleave(enlarge, 2).repeat_interleave(enlarge, 3), title)


def _pixels(image: Image.Image) -> Tensor:
    """At most a tile's size: uint8 (1, C, H, W), grey where the file is."""
    channels = 1 if image.mode in ("1", "L", "LA") or image.mode.startswith("I") else 3
    shrink = min(1.0, _TILE / max(image.size))
    size = (max(1, round(image.height * shrink)), max(1, round(image.width * shrink)))
    preprocess = Preprocess(size, channels, mean=(0.0,) * channels, std=(1.0,) * channels)
    return preprocess.pixels(image).unsqueeze(0)


def _laid_out(tiles: Tensor, title: str) -> Image.Image:
    font = ImageFont.load_default(14)
    height, width = tiles.shape[2:]
    top = 28
    sheet = Image.new(
        "RGB", (COLUMNS * (width + _GAP) + _GAP, top + ROWS * (height + _GAP)), _PAPER
    )
    draw = ImageDraw.Draw(sheet)
    draw.text((_GAP + 2, 6), _fitting(title, sheet.width - 2 * _GAP, font), _INK, font)
    for i, tile in enumerate(tiles):
        picture = Image.fromarray(tile.expand(3, -1, -1).permute(1, 2, 0).contiguous().numpy())
        row, column = divmod(i, COLUMNS)
        sheet.paste(picture, (_GAP + column * (width + _GAP), top + row * (height + _GAP)))
    return sheet


def _fitting(title: str, width: float, font: ImageFont.ImageFont | ImageFont.FreeTypeFont) -> str:
    """The title, cut where the sheet of a narrow picture ends."""
    share = width / max(1.0, font.getlength(title))
    return title if share >= 1 else title[: max(0, math.floor(len(title) * share) - 3)] + "..."
