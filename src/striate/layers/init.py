"""Named initialisers: one function per paper's rule, each given a net and returning that net.

    net = init.he(Net())        or, by name        net = init.by_name("he")(Net())

Every rule but `zero_last_gamma` sets the weights of `nn.Linear` and `nn.Conv1d` to `nn.Conv3d`,
subclasses included, and their biases to 0 unless the paper says otherwise. All other modules are
left as they were made: norms, transposed convolutions, `LocalConv1d` and `LocalConv2d`, and
`TableConv2d`, which `lenet_1998` alone sets. The draws come from torch's global generator, so
`torch.manual_seed` makes them repeatable. Fan-in is what one unit sums (inputs per group x kernel
area), fan-out what one input feeds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch
from torch import Tensor, nn

from striate.errors import ArgumentError, unknown_name
from striate.layers.classic import TableConv2d
from striate.layers.residual import Residual

Net = TypeVar("Net", bound=nn.Module)
Rule = Callable[[nn.Module], nn.Module]
Weighted = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d
_WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.GroupNorm, nn.LayerNorm)


@torch.no_grad()
def lenet_1998(net: Net) -> Net:
    """w and bias ~ U(-2.4 / fan_in, 2.4 / fan_in): LeCun, Bottou, Bengio, Haffner 1998 (LeNet-5).

    A `TableConv2d` has a fan-in of its own for each output map.
    """
    for layer in net.modules():
        if isinstance(layer, TableConv2d):
            layer.uniform_(2.4 / layer.fan_in)
        elif isinstance(layer, _WEIGHTED):
            _uniform(layer, 2.4 / _fan_in(layer))
    return net


@torch.no_grad()
def lecun(net: Net) -> Net:
    """w ~ N(0, 1 / fan_in): LeCun, Bottou, Orr, Mueller, "Efficient BackProp", 1998."""
    for layer in _weighted(net):
        _gaussian(layer, math.sqrt(1 / _fan_in(layer)))
    return net


@torch.no_grad()
def glorot(net: Net) -> Net:
    """w ~ U(-a, a), a = sqrt(6 / (fan_in + fan_out)): Glorot, Bengio 2010, also called Xavier."""
    for layer in _weighted(net):
        bound = math.sqrt(6 / (_fan_in(layer) + _fan_out(layer)))
        layer.weight.uniform_(-bound, bound)
        _bias(layer, 0)
    return net


@torch.no_grad()
def he(net: Net) -> Net:
    """w ~ N(0, 2 / fan_in): He, Zhang, Ren, Sun 2015 for ReLU nets, also called Kaiming."""
    for layer in _weighted(net):
        _gaussian(layer, math.sqrt(2 / _fan_in(layer)))
    return net


@torch.no_grad()
def he_fan_out(net: Net) -> Net:
    """w ~ N(0, 2 / fan_out): He et al. 2015, keeping the variance of gradients (ResNets)."""
    for layer in _weighted(net):
        _gaussian(layer, math.sqrt(2 / _fan_out(layer)))
    return net


@torch.no_grad()
def alexnet_2012(net: Net) -> Net:
    """w ~ N(0, 0.01^2); biases 1 in conv 2, 4, 5 and the hidden linear layers, else 0.

    Krizhevsky, Sutskever, Hinton 2012, section 5. Layers count in the order of `net.modules()`.
    """
    layers = list(_weighted(net))
    convolutions = [layer for layer in layers if not isinstance(layer, nn.Linear)]
    linear = [layer for layer in layers if isinstance(layer, nn.Linear)]
    ones = {id(layer) for number, layer in enumerate(convolutions, 1) if number in (2, 4, 5)}
    ones |= {id(layer) for layer in linear[:-1]}
    for layer in layers:
        _gaussian(layer, 0.01)
        _bias(layer, 1 if id(layer) in ones else 0)
    return net


@torch.no_grad()
def orthogonal(net: Net) -> Net:
    """Rows (or columns) of each weight, as a matrix out x fan_in, orthonormal: Saxe et al. 2014."""
    for layer in _weighted(net):
        nn.init.orthogonal_(layer.weight)
        _bias(layer, 0)
    return net


@torch.no_grad()
def delta_orthogonal(net: Net) -> Net:
    """Kernels zero but for their centre, which is orthogonal: Xiao et al. 2018.

    Needs odd kernels; a plain stack then trains thousands of layers deep. Linear layers become
    orthogonal.
    """
    for layer in _weighted(net):
        area = tuple(layer.weight.shape[2:])
        if any(side % 2 == 0 for side in area):
            raise ArgumentError("net", layer, "odd kernels in every convolution")
        core = nn.init.orthogonal_(layer.weight.new_empty(layer.weight.shape[:2]))
        kernels = torch.zeros_like(layer.weight, memory_format=torch.contiguous_format)
        # The kernel's positions in a row: the middle one is its centre.
        kernels.view(*core.shape, -1)[..., math.prod(area) // 2] = core
        layer.weight.copy_(kernels)
        _bias(layer, 0)
    return net


@torch.no_grad()
def zero_last_gamma(net: Net) -> Net:
    """The last norm's weight of every `Residual` branch becomes 0: Goyal et al. 2017.

    Each block starts as its shortcut. Use it after one of the other rules.
    """
    for block in net.modules():
        if isinstance(block, Residual):
            norms = [layer for layer in block.branch.modules() if isinstance(layer, _NORMS)]
            if norms and isinstance(norms[-1].weight, Tensor):
                norms[-1].weight.zero_()
    return net


RULES: dict[str, Rule] = {
    "alexnet-2012": alexnet_2012,
    "delta-orthogonal": delta_orthogonal,
    "glorot": glorot,
    "he": he,
    "he-fan-out": he_fan_out,
    "kaiming": he,
    "lecun": lecun,
    "lenet-1998": lenet_1998,
    "orthogonal": orthogonal,
    "xavier": glorot,
    "zero-last-gamma": zero_last_gamma,
}


def by_name(rule: str) -> Rule:
    """The initialiser of that name; an unknown one is told the nearest that exist."""
    if rule not in RULES:
        raise unknown_name("initialiser", rule, RULES)
    return RULES[rule]


def _weighted(net: nn.Module) -> Iterator[Weighted]:
    for layer in net.modules():
        # On the meta device there is nothing to fill, and pretending to costs most of the time.
        if isinstance(layer, _WEIGHTED) and not layer.weight.is_meta:
            yield layer


def _fan_in(layer: Weighted) -> int:
    return layer.weight[0].numel()


def _fan_out(layer: Weighted) -> int:
    """Per input: the kernel's area times all outputs, as torch and the papers' code count it."""
    return layer.weight.shape[0] * math.prod(layer.weight.shape[2:])


def _uniform(layer: Weighted, bound: float) -> None:
    layer.weight.uniform_(-bound, bound)
    if layer.bias is not None:
        layer.bias.uniform_(-bound, bound)


def _gaussian(layer: Weighted, deviation: float) -> None:
    layer.weight.normal_(0, deviation)
    _bias(layer, 0)


def _bias(layer: Weighted, value: float) -> None:
    if layer.bias is not None:
        layer.bias.fill_(value)
