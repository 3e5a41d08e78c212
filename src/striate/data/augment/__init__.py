"""Augmentation: batched on the device, and a pure function of seed, epoch and sample."""

from striate.data.augment.choose import Choose as Choose
from striate.data.augment.colour import IMAGENET as IMAGENET
from striate.data.augment.colour import Colour as Colour
from striate.data.augment.colour import ColourShift as ColourShift
from striate.data.augment.colour import Principal as Principal
from striate.data.augment.colour import principal_colours as principal_colours
from striate.data.augment.crop import RandomCrop as RandomCrop
from striate.data.augment.crop import RandomResizedCrop as RandomResizedCrop
from striate.data.augment.erase import Cutout as Cutout
from striate.data.augment.erase import Erase as Erase
from striate.data.augment.geometry import Flip as Flip
from striate.data.augment.geometry import Rotate as Rotate
from striate.data.augment.geometry import Scale as Scale
from striate.data.augment.geometry import Shear as Shear
from striate.data.augment.geometry import Translate as Translate
from striate.data.augment.mix import CutMix as CutMix
from striate.data.augment.mix import MixUp as MixUp
from striate.data.augment.noise import GaussianNoise as GaussianNoise
from striate.data.augment.noise import SaltAndPepper as SaltAndPepper
from striate.data.augment.op import Operation as Operation
from striate.data.augment.op import Policy as Policy
from striate.data.augment.op import apply as apply
from striate.data.augment.policy import POLICIES as POLICIES
from striate.data.augment.policy import policy as policy
from striate.data.augment.stream import Stream as Stream
from striate.data.augment.tone import AutoContrast as AutoContrast
from striate.data.augment.tone import Posterise as Posterise
from striate.data.augment.tone import Sharpness as Sharpness
from striate.data.augment.tone import Solarise as Solarise
from striate.data.augment.views import averaged as averaged
from striate.data.augment.views import mirrored as mirrored
from striate.data.augment.views import ten_crop as ten_crop

__all__ = [
    "IMAGENET",
    "POLICIES",
    "AutoContrast",
    "Choose",
    "Colour",
    "ColourShift",
    "CutMix",
    "Cutout",
    "Erase",
    "Flip",
    "GaussianNoise",
    "MixUp",
    "Operation",
    "Policy",
    "Posterise",
    "Principal",
    "RandomCrop",
    "RandomResizedCrop",
    "Rotate",
    "SaltAndPepper",
    "Scale",
    "Sharpness",
    "Shear",
    "Solarise",
    "Stream",
    "Translate",
    "apply",
    "averaged",
    "mirrored",
    "policy",
    "principal_colours",
    "ten_crop",
]
