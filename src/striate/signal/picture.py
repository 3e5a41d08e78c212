"""A kernel laid on a picture file's image, and the answer as a picture again.

Numbers below black and above white have to become pixels; `Showing` is the rule for that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from striate.errors import ArgumentError
from striate.signal.convolve import correlate
from striate.signal.kernels import Kernel
from striate.signal.kinds import Array

WHITE = {"L": 255, "LA": 255, "RGB": 255, "RGBA": 255, "I;16": 65535}


@dataclass(frozen=True, slots=True)
class Showing:
    """How responses become pixels: times `scale`, without their sign if `absolute`, clipped."""

    absolute: bool
    scale: float

    @classmethod
    def of(cls, kernel: Kernel) -> Showing:
        """The rule for a kernel.

        Blurs and sharpeners (weights that sum to 1, or none negative) are only clipped. The others
        find edges and lines, dark-to-bright and bright-to-dark: their absolute value is shown, as
        `cv2.convertScaleAbs` does. Where their weights are no whole numbers (log, gabor) they have
        no natural size: scaled so that the positive ones, or the negative ones where those weigh
        more, sum to 4, as Sobel's do.
        """
        if kernel.min() >= 0 or abs(kernel.sum() - 1) < 1e-9:
            return cls(absolute=False, scale=1.0)
        whole = bool((kernel == kernel.round()).all())
        weight = max(kernel[kernel > 0].sum(), -kernel[kernel < 0].sum())
        return cls(absolute=True, scale=1.0 if whole else float(4 / weight))


def plain(image: Image.Image) -> Image.Image:
    """The image as grey (L), RGB, either with alpha (LA, RGBA), or 16-bit grey (I;16)."""
    if "transparency" in image.info or image.mode in ("PA", "RGBa", "La"):
        return image.convert("LA" if image.mode in ("L", "1", "La") else "RGBA")
    if image.mode in WHITE:
        return image
    if image.mode == "1":
        return image.convert("L")
    if image.mode == "F":
        raise ArgumentError(
            "image", "32-bit floating point", "whole numbers", remedy="Nothing says which is white"
        )
    if image.mode.startswith("I"):
        pixels = np.asarray(image)
        if pixels.min() < 0 or pixels.max() > WHITE["I;16"]:
            raise ArgumentError(
                "image", f"numbers from {pixels.min()} to {pixels.max()}", "0 to 65535"
            )
        return Image.fromarray(pixels.astype(np.uint16))
    return image.convert("RGB")


def filtered(image: Image.Image, kernel: Kernel, padding: str = "reflect") -> Image.Image:
    """A `plain` image correlated with the kernel, band by band; alpha stays as it is."""
    showing, white = Showing.of(kernel), WHITE[image.mode]
    names = image.getbands()
    bands = []
    for name, band in zip(names, image.split() if len(names) > 1 else [image], strict=True):
        pixels = np.asarray(band)
        if name == "A":
            bands.append(Image.fromarray(_under_windows(pixels, kernel, padding)))
            continue
        response = correlate(pixels, kernel, padding=padding)
        if showing.absolute:
            response = np.abs(response) * showing.scale
        bands.append(Image.fromarray(np.clip(np.rint(response), 0, white).astype(pixels.dtype)))
    return Image.merge(image.mode, bands) if len(bands) > 1 else bands[0]


def _under_windows(alpha: Array, kernel: Kernel, padding: str) -> Array:
    """The alpha under the centre of every window there is."""
    centre = np.zeros_like(kernel)
    centre[kernel.shape[0] // 2, kernel.shape[1] // 2] = 1
    values: Array = np.rint(correlate(alpha, centre, padding=padding))
    return values.astype(alpha.dtype)
