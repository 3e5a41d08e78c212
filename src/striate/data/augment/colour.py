"""Operations on what pixels show: light, contrast, colour.

Pixels are R'G'B' as files hold them; grey is Rec. 601 luma, 0.299 R + 0.587 G + 0.114 B, as in
Pillow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from striate.data.augment.limits import check_range
from striate.data.augment.op import Shape, Step, as_floats, beside
from striate.data.augment.spread import each, either_way, normal
from striate.errors import ArgumentError

LUMA = (0.299, 0.587, 0.114)
# R'G'B' to luma and two colour axes (NTSC, 1953), across which hue turns.
_YIQ = torch.tensor(
    [LUMA, (0.595716, -0.274453, -0.321263), (0.211456, -0.522591, 0.311135)], dtype=torch.float64
)
_RGB = torch.linalg.inv(_YIQ)


@dataclass(frozen=True)
class Colour(Step):
    """Jitter of brightness, contrast, saturation and hue, in this order.

    The first three are multiplied by 1 - strength to 1 + strength: pixels by the first, their
    distance from the picture's mean grey by the second, from their own grey by the third. Hue turns
    by up to this share of a full circle about the grey axis. All is one 3x3 matrix and an offset a
    sample, clipped once at the end. Grey has no saturation and hue: there these two do nothing.
    """

    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0

    def __post_init__(self) -> None:
        for name in ("brightness", "contrast", "saturation"):
            check_range(name, getattr(self, name), 0, 1)
        check_range("hue", self.hue, 0, 0.5)

    @property
    def draws(self) -> int:
        """One for each of the four."""
        return 4

    def plan(self, uniform: Tensor, shape: Shape) -> Tensor:
        """Gain, share of the mean grey that is added, and the 3x3 matrix row by row: (B, 11)."""
        if shape.channels not in (1, 3) and (self.saturation or self.hue):
            raise ArgumentError("channels", shape.channels, "1 or 3 for saturation and hue")
        brightness, contrast, saturation, turn = (
            either_way(uniform[:, i], reach)
            for i, reach in enumerate((self.brightness, self.contrast, self.saturation, self.hue))
        )
        gain = (1 + brightness) * (1 + contrast)
        matrix = gain[:, None] * _colour_matrix(1 + saturation, turn * math.tau)
        return torch.cat((gain[:, None], (-contrast * (1 + brightness))[:, None], matrix), dim=1)

    def change(self, pixels: Tensor, plan: Tensor, white: float) -> Tensor:
        """A matrix product where colours mix, a product where they do not."""
        pixels = as_floats(pixels)
        numbers = beside(plan, pixels)[:, :, None, None]
        offset = _mean_grey(pixels) * numbers[:, 1:2] if self.contrast else 0.0
        if pixels.shape[1] == 3 and (self.saturation or self.hue):
            planes, matrices = pixels.flatten(2), numbers[:, 2:].reshape(-1, 3, 3)
            pixels = torch.bmm(matrices, planes).view(pixels.shape)
        else:
            pixels.mul_(numbers[:, :1])
        return pixels.add_(offset).clamp_(0, white)


def _colour_matrix(saturation: Tensor, turn: Tensor) -> Tensor:
    """Colour axes stretched and turned: row by row (B, 9)."""
    cos, sin = saturation * each(math.cos, turn), saturation * each(math.sin, turn)
    rows = []
    for out in _RGB:
        for back in _YIQ.T:
            along = out[1] * back[1] + out[2] * back[2]
            rows.append(
                out[0] * back[0] + cos * along + sin * (out[2] * back[1] - out[1] * back[2])
            )
    return torch.stack(rows, dim=1)


def _mean_grey(pixels: Tensor) -> Tensor:
    """Of each picture: (B, 1, 1, 1). Row by row, so that it does not depend on the batch."""
    means = pixels.sum(3).sum(2) / (pixels.shape[2] * pixels.shape[3])
    if pixels.shape[1] == 3:
        r, g, b = means.unbind(1)
        grey = LUMA[0] * r + LUMA[1] * g + LUMA[2] * b
    else:
        grey = means.sum(1) / pixels.shape[1]
    return grey[:, None, None, None]


@dataclass(frozen=True)
class Principal:
    """Principal components of a data set's colours, on the scale from 0 to 1."""

    values: tuple[float, ...]
    vectors: tuple[tuple[float, ...], ...]  # one a row


# Of ImageNet's training pictures, as published with the common ResNet training code.
IMAGENET = Principal(
    values=(0.2175, 0.0188, 0.0045),
    vectors=(
        (-0.5675, -0.5808, -0.5836),
        (0.7192, -0.0045, -0.6948),
        (0.4009, -0.8140, 0.4203),
    ),
)


def principal_colours(images: Tensor) -> Principal:
    """Of one's own images (B, C, H, W): eigenvalues of the pixels' covariance, largest first."""
    if images.ndim != 4 or images.numel() == 0:
        raise ArgumentError("images", tuple(images.shape), "(B, C, H, W), not empty")
    white = 255.0 if images.dtype == torch.uint8 else 1.0
    planes = images.to(torch.float64).div(white).transpose(0, 1).flatten(1)
    values, vectors = torch.linalg.eigh(torch.cov(planes, correction=0).reshape(len(planes), -1))
    order = values.argsort(descending=True)
    return Principal(
        tuple(values[order].clamp_min(0).tolist()),
        tuple(tuple(vector) for vector in vectors.T[order].tolist()),
    )


@dataclass(frozen=True)
class ColourShift(Step):
    """AlexNet's shift along the principal components of the colours (section 4.1 of the paper).

    To every pixel of a picture `sum_i a_i value_i vector_i` is added, with a_i normal of this
    `strength`, drawn anew for every picture.
    """

    strength: float = 0.1
    principal: Principal = IMAGENET

    def __post_init__(self) -> None:
        check_range("strength", self.strength, 0, 10)

    @property
    def draws(self) -> int:
        """One a component."""
        return len(self.principal.values)

    def plan(self, uniform: Tensor, shape: Shape) -> Tensor:
        """What each channel gets, on the scale from 0 to 1: (B, C). Grey gets the luma of it."""
        channels = len(self.principal.vectors[0])
        grey = shape.channels == 1 and channels == 3
        if shape.channels != channels and not grey:
            expected = f"{channels}, as the components have"
            raise ArgumentError("channels", shape.channels, expected)
        steps = normal(uniform) * self.strength
        shift = torch.zeros(len(uniform), channels, dtype=torch.float64)
        for i, (value, vector) in enumerate(
            zip(self.principal.values, self.principal.vectors, strict=True)
        ):
            shift += steps[:, i : i + 1] * value * torch.tensor(vector, dtype=torch.float64)
        if grey:
            shift = LUMA[0] * shift[:, :1] + LUMA[1] * shift[:, 1:2] + LUMA[2] * shift[:, 2:]
        return shift

    def change(self, pixels: Tensor, plan: Tensor, white: float) -> Tensor:
        """Add, and clip."""
        pixels = as_floats(pixels)
        return pixels.add_(beside(plan * white, pixels)[:, :, None, None]).clamp_(0, white)
