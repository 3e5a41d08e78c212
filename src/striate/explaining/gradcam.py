"""Grad-CAM: Visual Explanations from Deep Networks. Selvaraju et al., ICCV 2017.

https://arxiv.org/abs/1610.02391. The idea: the deepest map still knows where things are, and the
gradient of a class's score says which of its channels speak for that class.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.anatomy.timing.unchanged import unchanged
from striate.errors import ArgumentError
from striate.models.contract import ConvNet


def gradcam(net: nn.Module, images: Tensor, classes: Tensor) -> Tensor:
    """Where `net` sees each picture's class: images (B, C, H, W), classes (B,) -> (B, H, W) 0..1.

    relu(sum_c a_c A_c), where A is the deepest map that has positions and a_c the mean over them of
    the derivative of the class's logit by A_c; resized to the picture, and divided by its maximum.
    A picture without a place that speaks for the class is 0 everywhere.

    Images are normalised as the net takes them. The derivative goes from the logits to the map and
    no further, and the net stays as it was: mode, gradients, running statistics.
    """
    _check(images, classes)
    with unchanged(net), torch.inference_mode(False), torch.no_grad():
        net.eval()
        maps, gradient = _map_and_gradient(net, images, classes)
        heat = (gradient.mean((2, 3), keepdim=True) * maps).sum(1, keepdim=True).relu()
        heat = F.interpolate(heat.float(), images.shape[2:], mode="bilinear").squeeze(1)
        peak = heat.amax((1, 2), keepdim=True)
        return heat / peak.where(peak > 0, 1)


class _Place(NamedTuple):
    """A layer, and which of its calls: a ReLU may serve many maps of one network."""

    layer: nn.Module
    call: int


def _map_and_gradient(net: nn.Module, images: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    """The deepest map (B, C, h, w) and the derivative of the classes' logits by it."""
    place = _deepest(net, images[:1])
    found: list[Tensor] = []
    calls = 0

    def cut(layer: nn.Module, given: Any, output: Tensor) -> Tensor | None:
        nonlocal calls
        calls += 1
        if calls != place.call:
            return None
        found.append(output.detach().requires_grad_())
        torch.set_grad_enabled(True)  # from here on; the caller's no_grad ends it
        return found[0].clone()  # so that what follows may work in place

    hook = place.layer.register_forward_hook(cut)
    try:
        logits = net(images)
    finally:
        hook.remove()
        torch.set_grad_enabled(False)
    if not isinstance(logits, Tensor) or logits.ndim != 2:
        got = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise ArgumentError("net", f"answers {got}", "a classifier: logits (B, classes)")
    if not 0 <= int(classes.min()) <= int(classes.max()) < logits.shape[1]:
        raise ArgumentError("classes", classes.tolist(), f"indices from 0 to {logits.shape[1] - 1}")
    with torch.enable_grad():
        # A copy, because one made in inference mode is not let into a derivative.
        chosen = logits.gather(1, classes.to(logits.device, copy=True)[:, None]).sum()
    (gradient,) = torch.autograd.grad(chosen, found[0])
    return found[0].detach(), gradient


def _deepest(net: nn.Module, image: Tensor) -> _Place:
    """Which call of which layer gives the deepest map with positions.

    Of a network of the zoo it is among the maps of `features`; of any other it is the last map.
    The outermost layer that hands the map on is taken, since what it returns is what is used next.
    """
    maps: list[tuple[nn.Module, Tensor]] = []

    def note(layer: nn.Module, given: Any, output: Any) -> None:
        if isinstance(output, Tensor):
            maps.append((layer, output))

    hooks = [layer.register_forward_hook(note) for layer in net.modules()]
    try:
        named = _answer(net, image)
    finally:
        for hook in hooks:
            hook.remove()
    wanted = [one for one in named if _has_positions(one)]
    if not wanted:
        wanted = [one for _, one in maps if _has_positions(one)]
    places = [index for index, (_, one) in enumerate(maps) if wanted and one is wanted[-1]]
    if not places:
        raise ArgumentError("net", type(net).__name__, "a layer whose map (B, C, h, w) has places")
    layer = maps[places[-1]][0]
    return _Place(layer, sum(one is layer for one, _ in maps[: places[-1] + 1]))


def _answer(net: nn.Module, image: Tensor) -> list[Tensor]:
    """The network's own named maps, in order; those that have none are run all the same."""
    if isinstance(net, ConvNet):
        return list(net.features(image).values())
    net(image)
    return []


def _has_positions(output: Tensor) -> bool:
    return output.ndim == 4 and output.shape[2] * output.shape[3] > 1


def _check(images: Tensor, classes: Tensor) -> None:
    if images.ndim != 4 or not len(images):
        raise ArgumentError("images", tuple(images.shape), "(B, C, H, W), at least one picture")
    if classes.shape != images.shape[:1] or classes.is_floating_point():
        found = f"{classes.dtype} {tuple(classes.shape)}"
        raise ArgumentError("classes", found, f"whole numbers ({len(images)},), one a picture")
