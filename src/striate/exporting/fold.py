"""BatchNorm put into the convolutions before it, in a copy of the network."""

from __future__ import annotations

from collections import Counter

from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from striate.exporting.recording import norms_behind, record, still_copy


def folded_copy(net: nn.Module, images: Tensor) -> nn.Module:
    """A copy in eval mode, each BatchNorm in the convolution whose output it alone takes.

    One run on `images` shows which; layers that run more than once stay as they are.
    """
    still = still_copy(net)
    recording = record(still, images)
    steps = recording.steps
    # A convolution is known by its weight, a BatchNorm by its mean: both are in the steps.
    weights = {id(one.weight): name for name, one in still.named_modules() if _is_conv(one)}
    means = {id(one.running_mean): name for name, one in still.named_modules() if _is_norm(one)}
    runs = Counter(id(one) for step in steps for one in step.args if isinstance(one, Tensor))
    for norm, convolution in norms_behind(recording).items():
        mean, weight = id(steps[norm].args[3]), id(steps[convolution].args[1])
        if mean in means and weight in weights and runs[mean] == runs[weight] == 1:
            _fold(still, weights[weight], means[mean])
    return still


def _fold(net: nn.Module, convolution: str, norm: str) -> None:
    layer, behind = net.get_submodule(convolution), net.get_submodule(norm)
    assert isinstance(layer, nn.Conv2d)
    assert isinstance(behind, nn.BatchNorm2d)
    net.set_submodule(convolution, fuse_conv_bn_eval(layer, behind))
    net.set_submodule(norm, nn.Identity())


def _is_conv(layer: nn.Module) -> bool:
    return type(layer) is nn.Conv2d  # another class may do more with its weight


def _is_norm(layer: nn.Module) -> bool:
    return type(layer) is nn.BatchNorm2d
