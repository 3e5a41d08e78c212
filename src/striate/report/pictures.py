"""Pictures inside the page: small, counted against one budget of bytes, and never twice made."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from striate.report.findings import Pictures

TINY = 64  # up to this side every pixel is kept, and shown enlarged as it is
_BATCH = 64
# Dark red to pale yellow, by rising heat; on grey and on colour it can be told from the picture.
_RAMP = torch.tensor([[60, 0, 80], [200, 30, 60], [250, 140, 20], [255, 250, 170]])
_STRONGEST = 0.65  # share of the heat's colour where it is 1


@dataclass(slots=True)
class Budget:
    """Bytes that may still be spent on the page."""

    left: int

    def spend(self, size: int) -> bool:
        """Whether there is room for so many bytes, which are then gone."""
        if size > self.left:
            return False
        self.left -= size
        return True


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture ready for the page."""

    address: str
    """`data:image/...`, or nothing where the budget was spent."""
    tiny: bool


NOTHING = Shown("", tiny=False)


def thumbnails(pixels: Tensor, budget: Budget, side: int) -> list[Shown]:
    """uint8 (B, C, H, W) -> small pictures of at most `side` pixels, as long as the budget lasts"""
    tiny = max(pixels.shape[2:]) <= TINY
    made = []
    for one in pixels:
        address = encode(one, side)
        made.append(Shown(address, tiny) if budget.spend(len(address)) else NOTHING)
    return made


def fetched(pictures: Pictures, indices: Tensor, budget: Budget, side: int) -> list[Shown]:
    """The same by their places in the data set; stops to fetch where the budget ends."""
    made: list[Shown] = []
    for some in indices.split(_BATCH):
        if made and not made[-1].address:
            return made + [NOTHING] * (len(indices) - len(made))
        made += thumbnails(pictures.pixels(some), budget, side)
    return made


def heated(
    pictures: Pictures, indices: Tensor, classes: Tensor, budget: Budget, side: int
) -> list[tuple[Shown, Shown]]:
    """Pictures, and the same with the heat of a class laid over them."""
    if not len(indices):
        return []
    pixels = pictures.pixels(indices)
    plain = thumbnails(pixels, budget, side)
    if pictures.heat is None:
        return [(one, NOTHING) for one in plain]
    over = overlaid(pixels, pictures.heat(indices, classes))
    return list(zip(plain, thumbnails(over, budget, side), strict=True))


def overlaid(pixels: Tensor, heat: Tensor) -> Tensor:
    """uint8 (B, C, H, W) and heat (B, H, W) of 0..1 -> uint8 (B, 3, H, W)."""
    heat = heat.detach().float().cpu().nan_to_num().clamp(0, 1)
    place = heat * (len(_RAMP) - 1)
    low = place.floor().long().clamp(max=len(_RAMP) - 2)
    part = (place - low).unsqueeze(-1)
    colour = torch.lerp(_RAMP[low].float(), _RAMP[low + 1].float(), part).permute(0, 3, 1, 2)
    # Grey below, so that colour means heat alone.
    grey = pixels.float().mean(1, keepdim=True).expand(-1, 3, -1, -1)
    return torch.lerp(grey, colour, _STRONGEST * heat.unsqueeze(1)).round().to(torch.uint8)


def encode(pixels: Tensor, side: int) -> str:
    """uint8 (C, H, W) as a `data:` address: JPEG, or PNG where a tiny picture is grey."""
    rows = pixels.permute(1, 2, 0).contiguous().cpu().numpy()
    image = Image.fromarray(rows[..., 0] if rows.shape[2] == 1 else rows)
    tiny = max(image.size) <= TINY
    buffer = io.BytesIO()
    if tiny and image.mode == "L":
        image.save(buffer, "PNG", optimize=True)
        return _address("png", buffer)
    image.thumbnail((side, side), reducing_gap=2.0)
    image.save(
        buffer, "JPEG", quality=85 if tiny else 72, subsampling=0 if tiny else 2, optimize=tiny
    )
    return _address("jpeg", buffer)


def lossless(pixels: Tensor) -> str:
    """uint8 (C, H, W) as a PNG, for drawings of a few pixels."""
    rows = pixels.permute(1, 2, 0).contiguous().numpy()
    buffer = io.BytesIO()
    Image.fromarray(rows[..., 0] if rows.shape[2] == 1 else rows).save(buffer, "PNG", optimize=True)
    return _address("png", buffer)


def _address(kind: str, buffer: io.BytesIO) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
