"""Policies by name. A policy is a tuple, so that one's own is as easy: `(*LIGHT, Cutout())`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from types import MappingProxyType

from striate.data.augment.choose import Choose
from striate.data.augment.colour import Colour, ColourShift
from striate.data.augment.crop import RandomCrop, RandomResizedCrop
from striate.data.augment.erase import Erase
from striate.data.augment.geometry import Flip, Rotate, Scale, Shear, Translate
from striate.data.augment.noise import GaussianNoise
from striate.data.augment.op import Operation, Policy
from striate.data.augment.tone import AutoContrast, Posterise, Sharpness, Solarise
from striate.errors import unknown_name

NONE: Policy = ()

# No mirror images before `photos`: text, digits, signs and X-ray pictures mean another thing then.
LIGHT: Policy = (
    Rotate(5),
    Translate(0.05, 0.05),
    Colour(brightness=0.1, contrast=0.1),
)

STANDARD: Policy = (
    Rotate(10),
    Scale(0.9, 1.15),
    Shear(5),
    Translate(0.08, 0.08),
    Colour(brightness=0.2, contrast=0.2),
)

STRONG: Policy = (
    Choose(
        (
            Rotate(30),
            Scale(0.7, 1.4),
            Shear(17, 17),
            Translate(0.25, 0.25),
            Colour(brightness=0.6),
            Colour(contrast=0.6),
            Sharpness(0.9),
            AutoContrast(),
            Posterise((3, 7)),
            Solarise((0.4, 1.0)),
            GaussianNoise((0.0, 0.1)),
        ),
        count=2,
    ),
    Erase(probability=0.5, area=(0.02, 0.2)),
)

# Handwriting leans, grows and drifts on black paper; it is never mirrored.
DIGITS: Policy = (
    Rotate(10, padding="zeros"),
    Scale(0.9, 1.1, padding="zeros"),
    Shear(10, padding="zeros"),
    Translate(0.07, 0.07, padding="zeros"),
)

# What things look like from elsewhere, in another light; their mirror images are as good.
PHOTOS: Policy = (
    RandomResizedCrop(area=(0.35, 1.0)),
    Flip(),
    Colour(brightness=0.3, contrast=0.3, saturation=0.3, hue=0.03),
    ColourShift(0.1),
)

# Things in pictures of 32 pixels: as He and others 2016 showed them, and a little less of it.
SHIFTED: Policy = (RandomCrop(margin=4, padding="zeros"), Flip())
NUDGED: Policy = (RandomCrop(margin=2), Flip())

POLICIES: Mapping[str, Policy] = MappingProxyType(
    {
        "none": NONE,
        "light": LIGHT,
        "standard": STANDARD,
        "strong": STRONG,
        "digits": DIGITS,
        "photos": PHOTOS,
        "shifted": SHIFTED,
        "nudged": NUDGED,
    }
)


def policy(name: str) -> Policy:
    """The policy of this name."""
    if name not in POLICIES:
        raise unknown_name("policy", name, POLICIES)
    return POLICIES[name]


def describe(steps: Sequence[Operation]) -> list[str]:
    """A line an operation, with the settings that differ from its defaults."""
    lines = []
    for step in steps:
        if isinstance(step, Choose):
            lines.append(f"{step.count} of:")
            lines += [f"  {line}" for line in describe(step.steps)]
        else:
            lines.append(_line(step))
    return lines


def _line(step: Operation) -> str:
    settings = [
        f"{field.name}={getattr(step, field.name)}"
        for field in fields(step)  # type: ignore[arg-type]  # every operation is a dataclass
        if getattr(step, field.name) != field.default
    ]
    return " ".join([type(step).__name__, *settings])
