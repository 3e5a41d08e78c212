"""Run one step with chosen random numbers."""

import torch
from torch import Tensor

from striate.data.augment.op import Shape, Step


def forced(step: Step, images: Tensor, *uniform: float) -> Tensor:
    """`step` on images (B, C, H, W), every sample with the same uniform numbers; uint8 rounded."""
    numbers = torch.tensor(uniform, dtype=torch.float64).expand(len(images), -1)
    white = 255.0 if images.dtype == torch.uint8 else 1.0
    plan = step.plan(numbers, Shape(*images.shape[1:]))
    changed = step.change(images.clone(), plan, white)
    return changed.round().to(images.dtype) if images.dtype == torch.uint8 else changed


def photo(height: int = 61, width: int = 80, channels: int = 3, count: int = 1) -> Tensor:
    """Smooth shapes with some detail: uint8 (count, channels, height, width)."""
    generator = torch.Generator().manual_seed(height * width)
    coarse = torch.rand(count, channels, 7, 9, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic")
    detail = torch.rand(count, channels, height, width, generator=generator)
    return (smooth * 200 + detail * 40).clamp(0, 255).to(torch.uint8)
