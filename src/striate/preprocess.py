"""One truth for pixels: the record and the one code path from an image to a network's input.

Training, prediction and export all call `pixels` then `normalise`, and the record travels inside
every model file, so that they cannot disagree.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from striate.errors import WRONG_INPUT, ArgumentError, StriateError, unknown_name

_BANDS = {1: "L", 3: "RGB"}
_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
FITS = ("crop", "squash")


@dataclass(frozen=True, slots=True)
class Preprocess:
    """How an image becomes numbers: `(H, W)` size, bands, and mean and std on the 0..1 scale.

    `fit` says how a picture comes to that size. `squash` scales each side by itself. `crop` keeps
    the proportions: the size is cut out of the middle, and covers `crop_share` of the shorter side.
    """

    size: tuple[int, int]
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    fit: str = "squash"
    crop_share: float = 1.0
    interpolation: str = "bilinear"

    def __post_init__(self) -> None:
        if self.channels not in _BANDS:
            raise ArgumentError("channels", self.channels, "1 (grey) or 3 (RGB)")
        if len(self.size) != 2 or min(self.size) < 1:
            raise ArgumentError("size", self.size, "(height, width), both at least 1")
        if len(self.mean) != self.channels or len(self.std) != self.channels:
            raise ArgumentError("mean and std", (self.mean, self.std), f"{self.channels} values")
        if not all(0 < value < math.inf for value in self.std):
            raise ArgumentError("std", self.std, "positive values")
        if self.fit not in FITS:
            raise unknown_name("fit", self.fit, FITS)
        if not 0 < self.crop_share <= 1:
            raise ArgumentError("crop_share", self.crop_share, "a share above 0, at most 1")
        if self.interpolation not in _FILTERS:
            raise unknown_name("interpolation", self.interpolation, _FILTERS)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Preprocess:
        """The record as a model file holds it, back into a `Preprocess`."""
        try:
            return cls(
                size=(int(record["size"][0]), int(record["size"][1])),
                channels=int(record["channels"]),
                mean=tuple(float(value) for value in record["mean"]),
                std=tuple(float(value) for value in record["std"]),
                fit=str(record.get("fit", "squash")),
                crop_share=float(record.get("crop_share", 1)),
                interpolation=str(record.get("interpolation", "bilinear")),
            )
        except ArgumentError:
            raise
        except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
            raise ArgumentError("preprocess", record, "size, channels, mean and std") from error

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    def pixels(self, image: Image.Image) -> Tensor:
        """An image to uint8 `(C, H, W)`: bands converted, then fitted to `size`.

        16 bits become 8 by their high byte; what is transparent shows white paper behind it.
        """
        height, width = self.size
        bands = _opaque(image).convert(_BANDS[self.channels])
        if self.fit == "crop" or bands.size != (width, height):
            box = self._middle(bands) if self.fit == "crop" else None
            bands = bands.resize((width, height), _FILTERS[self.interpolation], box)
        array = np.array(bands, dtype=np.uint8).reshape(height, width, self.channels)
        return torch.from_numpy(array).permute(2, 0, 1)

    def _middle(self, image: Image.Image) -> tuple[float, float, float, float]:
        """What `crop` keeps: the largest middle box of the size's proportions, times the share.

        Cutting before scaling reads only the pixels that are used, and rounds to no whole pixel.
        """
        height, width = self.size
        scale = self.crop_share * min(image.width / width, image.height / height)
        left, top = (image.width - scale * width) / 2, (image.height - scale * height) / 2
        return left, top, left + scale * width, top + scale * height

    def normalise(self, batch: Tensor) -> Tensor:
        """A uint8 batch `(B, C, H, W)` to float32: `(x / 255 - mean) / std`."""
        mean = torch.tensor(self.mean, device=batch.device).view(1, -1, 1, 1)
        std = torch.tensor(self.std, device=batch.device).view(1, -1, 1, 1)
        scaled = batch.to(torch.float32).div_(255)
        return scaled.sub_(mean).div_(std).contiguous(memory_format=torch.channels_last)


def _opaque(image: Image.Image) -> Image.Image:
    """The image in 8 bits a band and without transparency; Pillow's own conversions clip and drop.

    32-bit pixels are refused: nothing in the file says which value is white.
    """
    if image.mode in ("I", "F"):
        raise StriateError(
            "has 32-bit pixels, and nothing says which value is white",
            remedy="Save it with 8 or 16 bits",
            exit_code=WRONG_INPUT,
        )
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image, dtype=np.uint16) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        paper = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(paper, image.convert("RGBA"))
    return image
