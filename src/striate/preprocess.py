"""One truth for pixels: the record and the one code path from an image to a network's input.

Training, prediction and export all call `pixels` then `normalise`, and the record travels inside
every model file, so that they cannot disagree.

A decode worker calls `raw` and never imports torch, which is imported where tensors are made.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from PIL import Image

from striate.errors import WRONG_INPUT, ArgumentError, StriateError, unknown_name

if TYPE_CHECKING:
    from torch import Tensor

_BANDS = {1: "L", 3: "RGB"}
_FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
# Without antialias only these: Pillow's bicubic at single points is not the one networks know.
_POINT_FILTERS = ("nearest", "bilinear")
FITS = ("crop", "squash", "pad")
WHITE = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Preprocess:
    """How an image becomes numbers: `(H, W)` size, bands, and mean and std on the 0..1 scale.

    `fit` says how a picture comes to that size. `squash` scales each side by itself. `crop` keeps
    the proportions: the size is cut out of the middle, and covers `crop_share` of the shorter side.
    `pad` keeps the proportions and the whole picture, with `background` beside it.

    `background` `(R, G, B)` is also what shows through transparent places. Without `antialias`, a
    picture is read at single points, as networks expect that were trained so.
    """

    size: tuple[int, int]
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    fit: str = "squash"
    crop_share: float = 1.0
    interpolation: str = "bilinear"
    antialias: bool = True
    background: tuple[int, int, int] = WHITE

    def __post_init__(self) -> None:
        if self.channels not in _BANDS:
            raise ArgumentError("channels", self.channels, "1 (grey) or 3 (RGB)")
        if len(self.size) != 2 or min(self.size) < 1:
            raise ArgumentError("size", self.size, "(height, width), both at least 1")
        if {len(self.mean), len(self.std)} != {self.channels}:
            raise ArgumentError("mean and std", (self.mean, self.std), f"{self.channels} values")
        _check_scale(self.mean, self.std)
        if self.fit not in FITS:
            raise unknown_name("fit", self.fit, FITS)
        if not 0 < self.crop_share <= 1:
            raise ArgumentError("crop_share", self.crop_share, "a share above 0, at most 1")
        if self.interpolation not in _FILTERS:
            raise unknown_name("interpolation", self.interpolation, _FILTERS)
        if not self.antialias and self.interpolation not in _POINT_FILTERS:
            expected = f"without antialias {' or '.join(_POINT_FILTERS)}"
            raise ArgumentError("interpolation", self.interpolation, expected)
        if len(self.background) != 3 or not all(0 <= band <= 255 for band in self.background):
            raise ArgumentError("background", self.background, "red, green and blue, each 0..255")

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Preprocess:
        """The record as a model file holds it, back into a `Preprocess`."""
        try:
            red, green, blue = record.get("background", WHITE)
            return cls(
                size=(int(record["size"][0]), int(record["size"][1])),
                channels=int(record["channels"]),
                mean=tuple(float(value) for value in record["mean"]),
                std=tuple(float(value) for value in record["std"]),
                fit=str(record.get("fit", "squash")),
                crop_share=float(record.get("crop_share", 1)),
                interpolation=str(record.get("interpolation", "bilinear")),
                antialias=bool(record.get("antialias", True)),
                background=(int(red), int(green), int(blue)),
            )
        except ArgumentError:
            raise
        except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
            raise ArgumentError("preprocess", record, "size, channels, mean and std") from error

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @property
    def at_least(self) -> tuple[int, int] | None:
        """The `(height, width)` below which a picture must not be decoded smaller; None: at all.

        Twice what the size needs: the fast reduction of a JPEG decoder then leaves the filter of
        the last step enough to do, and the pixels stay within a few levels of the full decoding.
        """
        if not self.antialias or self.interpolation == "nearest":
            return None
        gap = 2 / self.crop_share if self.fit == "crop" else 2
        return math.ceil(self.size[0] * gap), math.ceil(self.size[1] * gap)

    def pixels(self, image: Image.Image) -> Tensor:
        """An image to uint8 `(C, H, W)`: bands converted, then fitted to `size`.

        16 bits become 8 by their high byte, real numbers by their range (0..1 or 0..255).
        """
        return self.tensor(self.raw(image))

    def tensor(self, raw: bytes) -> Tensor:
        """What `raw` gave, as uint8 `(C, H, W)`; in memory the bands lie together."""
        import torch

        flat = torch.frombuffer(bytearray(raw), dtype=torch.uint8)
        return flat.view(*self.size, self.channels).permute(2, 0, 1)

    def raw(self, image: Image.Image) -> bytes:
        """The same pixels as bytes, `(H, W, C)`: quick to send, and made without torch."""
        bands = opaque(image, self.background)
        mode = _BANDS[self.channels]
        return self._fitted(bands if bands.mode == mode else bands.convert(mode)).tobytes()

    def _fitted(self, image: Image.Image) -> Image.Image:
        """The image at `size`, as `fit` says."""
        height, width = self.size
        whole = (0.0, 0.0, float(image.width), float(image.height))
        if self.fit == "crop":
            return self._resized(image, (width, height), self._middle(image))
        if image.size == (width, height):
            return image
        if self.fit == "squash":
            return self._resized(image, (width, height), whole)
        scale = min(width / image.width, height / image.height)
        inner = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        paper = Image.new("RGB", (width, height), self.background).convert(image.mode)
        place = ((width - inner[0]) // 2, (height - inner[1]) // 2)
        paper.paste(self._resized(image, inner, whole), place)
        return paper

    def _resized(
        self, image: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float]
    ) -> Image.Image:
        method = _FILTERS[self.interpolation]
        if self.antialias:
            return image.resize(size, method, box)
        return image.transform(size, Image.Transform.EXTENT, box, method)

    def _middle(self, image: Image.Image) -> tuple[float, float, float, float]:
        """What `crop` keeps: the largest middle box of the size's proportions, times the share.

        Cutting before scaling reads only the pixels that are used, and rounds to no whole pixel.
        """
        height, width = self.size
        scale = self.crop_share * min(image.width / width, image.height / height)
        # Rounding may put an edge a billionth of a pixel outside, which Pillow refuses.
        left = max(0.0, (image.width - scale * width) / 2)
        top = max(0.0, (image.height - scale * height) / 2)
        right = min(float(image.width), left + scale * width)
        return left, top, right, min(float(image.height), top + scale * height)

    def normalise(self, batch: Tensor) -> Tensor:
        """A uint8 batch `(B, C, H, W)` to float32: `(x / 255 - mean) / std`."""
        import torch

        rows = batch.contiguous(memory_format=torch.channels_last).permute(0, 2, 3, 1)
        scaled = rows.to(torch.float32, memory_format=torch.contiguous_format)
        # Numbers that repeat along a whole row of the picture: four times as fast as three at once.
        mean, std = (
            torch.tensor(values, device=batch.device).repeat(rows.shape[2])
            for values in (self.mean, self.std)
        )
        scaled.flatten(2).div_(255).sub_(mean).div_(std)
        return scaled.permute(0, 3, 1, 2)


def _check_scale(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    if not all(map(math.isfinite, mean)):
        raise ArgumentError("mean", mean, "finite values")
    if not all(0 < value < math.inf for value in std):
        raise ArgumentError("std", std, "positive values")


def opaque(image: Image.Image, background: tuple[int, int, int] = WHITE) -> Image.Image:
    """The image in 8 bits a band and without transparency; Pillow's own conversions clip and drop.

    16 bits become 8 by their high byte, which is what decoders of 16-bit colour give. Real numbers
    of 0..1 are scaled to 0..255; those of 0..255 are rounded. Others are refused, as 32-bit whole
    numbers are: nothing in the file says which value is white.
    """
    if image.mode.startswith("I;16"):
        return _high_bytes(image)
    if image.mode == "F":
        return _from_real(image)
    if image.mode == "I":
        raise _no_scale("has 32-bit or signed pixels, and nothing says which value is white")
    if image.has_transparency_data:
        paper = Image.new("RGBA", image.size, background)
        return Image.alpha_composite(paper, image.convert("RGBA"))
    return image


def _high_bytes(image: Image.Image) -> Image.Image:
    """16-bit grey to 8 bits."""
    import numpy as np

    return Image.fromarray((np.asarray(image, dtype=np.uint16) >> 8).astype(np.uint8))


def _from_real(image: Image.Image) -> Image.Image:
    """Real numbers of 0..1 or 0..255 to bytes."""
    import numpy as np

    values = np.asarray(image)
    if not np.isfinite(values).all():
        raise _no_scale("has pixels that are no numbers (NaN) or infinite")
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > 255:
        raise _no_scale(f"has real pixels from {low:g} to {high:g}, and nothing says what is white")
    return Image.fromarray(np.rint(values * 255 if high <= 1 else values).astype(np.uint8))


def _no_scale(what: str) -> StriateError:
    remedy = "Save it with 8 or 16 bits"
    return StriateError(what, remedy=remedy, exit_code=WRONG_INPUT)
