"""Every constructor refuses what it cannot use: the argument, its value, what was expected."""

import re
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from striate import layers
from striate.errors import ArgumentError

ONE = nn.Identity()

BAD: dict[str, tuple[Callable[[], object], str]] = {
    "CCell kernel": (lambda: layers.CCell(0), "kernel_size: got 0, expected a whole number"),
    "CCell stride": (lambda: layers.CCell(3, stride=0), "stride: got 0"),
    "CCell padding": (
        lambda: layers.CCell(3, padding=-1),
        "padding: got -1, expected a whole numb",
    ),
    "CCell alpha": (lambda: layers.CCell(3, alpha=0), "alpha: got 0, expected a finite number"),
    "CCell decay": (lambda: layers.CCell(3, decay=1.5), "decay: got 1.5, expected a number above"),
    "CausalConv1d in": (lambda: layers.CausalConv1d(0, 1), "in_channels: got 0"),
    "CausalConv1d out": (lambda: layers.CausalConv1d(1, 0), "out_channels: got 0"),
    "CausalConv1d kernel": (lambda: layers.CausalConv1d(1, 1, 0), "kernel_size: got 0"),
    "CausalConv1d dilation": (lambda: layers.CausalConv1d(1, 1, dilation=0), "dilation: got 0"),
    "CausalConv1d groups": (
        lambda: layers.CausalConv1d(4, 6, groups=4),
        "groups: got 4, expected a divisor of the channels 4 and 6",
    ),
    "ConvNormAct in": (
        lambda: layers.ConvNormAct("3", 4),
        "in_channels: got '3', expected a whole",
    ),
    "ConvNormAct out": (lambda: layers.ConvNormAct(3, -4), "out_channels: got -4"),
    "ConvNormAct even": (
        lambda: layers.ConvNormAct(3, 4, 2),
        "kernel_size: got (2, 2), expected an odd kernel where the padding is left to be computed. "
        "Give the padding, or take an odd kernel",
    ),
    "ConvNormAct stride": (lambda: layers.ConvNormAct(3, 4, stride=(1, 0)), "stride: got 0"),
    "ConvNormAct padding": (lambda: layers.ConvNormAct(3, 4, padding=-1), "padding: got -1"),
    "ConvNormAct groups": (lambda: layers.ConvNormAct(3, 4, groups=2), "groups: got 2"),
    "DenseBlock": (lambda: layers.DenseBlock({}), "layers: got {}, expected at least one layer"),
    "DenseLayer channels": (lambda: layers.DenseLayer(0, 2), "channels: got 0"),
    "DenseLayer growth": (lambda: layers.DenseLayer(4, 0), "growth: got 0"),
    "DenseLayer bottleneck": (lambda: layers.DenseLayer(4, 2, -1), "bottleneck: got -1"),
    "DepthwiseSeparable in": (lambda: layers.DepthwiseSeparable(0, 4), "in_channels: got 0"),
    "DepthwiseSeparable out": (lambda: layers.DepthwiseSeparable(3, 0), "out_channels: got 0"),
    "EuclideanRBF list": (lambda: layers.EuclideanRBF([[1.0]]), "centres: got [[1.0]], expected a"),
    "EuclideanRBF shape": (lambda: layers.EuclideanRBF(torch.ones(3)), "centres: got (3,), expect"),
    "GatedResidual channels": (lambda: layers.GatedResidual(0, 1), "channels: got 0"),
    "GatedResidual skip": (lambda: layers.GatedResidual(1, 0), "skip: got 0"),
    "GatedResidual kernel": (lambda: layers.GatedResidual(1, 1, kernel_size=0), "kernel_size: got"),
    "GatedResidual dilation": (lambda: layers.GatedResidual(1, 1, dilation=0), "dilation: got 0"),
    "Inception": (lambda: layers.Inception([ONE]), "branches: got [Identity()], expected at least"),
    "FrozenBatchNorm2d channels": (lambda: layers.FrozenBatchNorm2d(0), "channels: got 0"),
    "FrozenBatchNorm2d eps": (lambda: layers.FrozenBatchNorm2d(4, eps=-1), "eps: got -1"),
    "LayerNorm2d channels": (lambda: layers.LayerNorm2d(0), "channels: got 0"),
    "LayerNorm2d eps": (lambda: layers.LayerNorm2d(4, eps=-1), "eps: got -1"),
    "InvertedResidual in": (lambda: layers.InvertedResidual(0, 6, 3), "in_channels: got 0"),
    "InvertedResidual inner": (lambda: layers.InvertedResidual(3, 0, 3), "expanded: got 0"),
    "InvertedResidual out": (lambda: layers.InvertedResidual(3, 6, 0), "out_channels: got 0"),
    "InvertedResidual stride": (
        lambda: layers.InvertedResidual(3, 6, 3, stride=0),
        "stride: got 0",
    ),
    "InvertedResidual attention": (
        lambda: layers.InvertedResidual(3, 6, 3, attention=8),
        "attention: got 8, expected a module",
    ),
    "InvertedResidual drop": (lambda: layers.InvertedResidual(3, 6, 3, drop=1.0), "drop: got 1.0"),
    "LRN size": (
        lambda: layers.LocalResponseNorm(4),
        "size: got 4, expected an odd whole number, so that the window has a centre",
    ),
    "LRN alpha": (lambda: layers.LocalResponseNorm(alpha=0), "alpha: got 0"),
    "LRN beta": (lambda: layers.LocalResponseNorm(beta=float("nan")), "beta: got nan"),
    "LRN k": (lambda: layers.LocalResponseNorm(k=float("inf")), "k: got inf"),
    "PaddedConv2d in": (lambda: layers.PaddedConv2d(True, 4), "in_channels: got True"),
    "PaddedConv2d out": (lambda: layers.PaddedConv2d(3, 4.0), "out_channels: got 4.0"),
    "PaddedConv2d even": (
        lambda: layers.PaddedConv2d(3, 4, 2),
        "kernel_size: got 2, expected an o",
    ),
    "PaddedConv2d triple": (
        lambda: layers.PaddedConv2d(3, 4, (3, 3, 3)),
        "kernel_size: got (3, 3, 3), expected one whole number, or a pair (rows, columns)",
    ),
    "PaddedConv2d mode": (
        lambda: layers.PaddedConv2d(3, 4, mode="zeroes"),
        "mode: got 'zeroes', expected the name of a mode. Did you mean zeros?",
    ),
    "PaddedConv2d stride": (lambda: layers.PaddedConv2d(3, 4, stride=0), "stride: got 0"),
    "PaddedConv2d dilation": (lambda: layers.PaddedConv2d(3, 4, dilation=0), "dilation: got 0"),
    "PaddedConv2d groups": (lambda: layers.PaddedConv2d(4, 4, groups=3), "groups: got 3"),
    "SamePadConv2d in": (lambda: layers.SamePadConv2d(0, 4), "in_channels: got 0"),
    "SamePadConv2d out": (lambda: layers.SamePadConv2d(3, 0), "out_channels: got 0"),
    "SamePadConv2d kernel": (lambda: layers.SamePadConv2d(3, 4, 0), "kernel_size: got 0"),
    "SamePadConv2d stride": (lambda: layers.SamePadConv2d(3, 4, stride=0), "stride: got 0"),
    "SamePadConv2d dilation": (lambda: layers.SamePadConv2d(3, 4, dilation=0), "dilation: got 0"),
    "SamePadConv2d groups": (lambda: layers.SamePadConv2d(4, 4, groups=3), "groups: got 3"),
    "ProjectionShortcut": (lambda: layers.ProjectionShortcut(3, 4, 0), "stride: got 0"),
    "Residual": (lambda: layers.Residual(torch.tanh), "branch: got <built-in method tanh"),
    "Residual shortcut": (lambda: layers.Residual(ONE, 1), "shortcut: got 1, expected a module"),
    "Residual act": (
        lambda: layers.Residual(ONE, act=torch.relu),
        "act: got <built-in method relu",
    ),
    "SCell in": (lambda: layers.SCell(0, 4), "in_planes: got 0"),
    "SCell planes": (lambda: layers.SCell(3, 0), "planes: got 0"),
    "SCell kernel": (lambda: layers.SCell(3, 4, 0), "kernel_size: got 0"),
    "SCell padding": (lambda: layers.SCell(3, 4, padding=-1), "padding: got -1"),
    "SCell r": (lambda: layers.SCell(3, 4, r=0), "r: got 0"),
    "SCell decay": (lambda: layers.SCell(3, 4, decay=0), "decay: got 0"),
    "ScaledTanh amplitude": (lambda: layers.ScaledTanh(0), "amplitude: got 0"),
    "ScaledTanh slope": (lambda: layers.ScaledTanh(slope=-1), "slope: got -1"),
    "SqueezeExcite channels": (lambda: layers.SqueezeExcite(0, 1), "channels: got 0"),
    "SqueezeExcite reduced": (lambda: layers.SqueezeExcite(4, 0), "reduced: got 0"),
    "Dropout": (lambda: layers.Dropout(1), "rate: got 1, expected a number from 0"),
    "StochasticDepth": (lambda: layers.StochasticDepth(1), "rate: got 1, expected a number from 0"),
    "Subsampling2d channels": (lambda: layers.Subsampling2d(0), "channels: got 0"),
    "Subsampling2d size": (lambda: layers.Subsampling2d(6, 0), "size: got 0"),
    "SumPool1d kernel": (lambda: layers.SumPool1d(0), "kernel_size: got 0"),
    "SumPool1d stride": (lambda: layers.SumPool1d(2, 0), "stride: got 0"),
    "SumPool1d padding": (
        lambda: layers.SumPool1d(2, 1, 2),
        "padding: got 2, expected at most half",
    ),
    "SumPool1d padding sign": (lambda: layers.SumPool1d(2, 1, -1), "padding: got -1"),
    "SumPool2d kernel": (lambda: layers.SumPool2d((2, 0)), "kernel_size: got 0"),
    "SumPool2d stride": (lambda: layers.SumPool2d(2, 0), "stride: got 0"),
    "SumPool2d padding": (
        lambda: layers.SumPool2d((2, 4), padding=2),
        "padding: got 2, expected at",
    ),
    "TableConv2d in": (lambda: layers.TableConv2d(0, [[0]], 3), "in_channels: got 0"),
    "TableConv2d kernel": (lambda: layers.TableConv2d(1, [[0]], 0), "kernel_size: got 0"),
    "TableConv2d row": (
        lambda: layers.TableConv2d(3, [[0, 3]], 3),
        "table: got [0, 3], expected r",
    ),
    "TableConv2d twice": (
        lambda: layers.TableConv2d(3, [[1, 1]], 3),
        "table: got [1, 1], expected",
    ),
    "TableConv2d blank": (
        lambda: layers.TableConv2d(3, [[]], 3),
        "table: got [], expected rows of",
    ),
    "TableConv2d empty": (lambda: layers.TableConv2d(3, [], 3), "table: got [], expected one row"),
    "Transition in": (lambda: layers.Transition(0, 4), "in_channels: got 0"),
    "Transition out": (lambda: layers.Transition(4, 0), "out_channels: got 0"),
    "ZeroPadShortcut in": (lambda: layers.ZeroPadShortcut(0, 4), "in_channels: got 0"),
    "ZeroPadShortcut out": (
        lambda: layers.ZeroPadShortcut(3, 2),
        "out_channels: got 2, expected at",
    ),
    "ZeroPadShortcut stride": (lambda: layers.ZeroPadShortcut(3, 4, 0), "stride: got 0"),
}


@pytest.mark.parametrize(("build", "says"), BAD.values(), ids=BAD)
def test_a_bad_argument_is_refused(build: Callable[[], object], says: str) -> None:
    with pytest.raises(ArgumentError, match=f"^{re.escape(says)}") as refused:
        build()
    assert refused.value.exit_code == 2


UNFIT: dict[str, tuple[nn.Module, Tensor, str]] = {
    "Residual": (
        layers.Residual(layers.ConvNormAct(3, 4)),
        torch.zeros(2, 3, 5, 5),
        r"branch: got \(2, 4, 5, 5\), expected the shortcut's shape \(2, 3, 5, 5\). .*Projection",
    ),
    "Residual that would broadcast": (
        layers.Residual(nn.AdaptiveAvgPool2d(1)),
        torch.zeros(2, 3, 5, 5),
        r"branch: got \(2, 3, 1, 1\), expected the shortcut's shape \(2, 3, 5, 5\)",
    ),
    "Inception": (
        layers.Inception({"one": nn.Identity(), "two": nn.MaxPool2d(2)}),
        torch.zeros(2, 3, 4, 4),
        r"branches: got {'one': \(4, 4\), 'two': \(2, 2\)}, expected maps of one size",
    ),
    "reflect": (
        layers.PaddedConv2d(3, 4, 7, mode="reflect"),
        torch.zeros(1, 3, 8, 3),
        r"input: got \(1, 3, 8, 3\), expected an image larger than .* 3 rows and 3 columns",
    ),
    "GlobalAveragePool": (
        layers.GlobalAveragePool(),
        torch.zeros(2, 3),
        r"input: got \(2, 3\), expected a batch of maps \(B, C, \.\.\.\)",
    ),
    "GlobalMaxPool": (layers.GlobalMaxPool(), torch.zeros(3), r"input: got \(3,\), expected a bat"),
    "LayerNorm2d": (layers.LayerNorm2d(4), torch.zeros(2, 4), r"input: got \(2, 4\), expected a b"),
}


@pytest.mark.parametrize(("layer", "x", "says"), UNFIT.values(), ids=UNFIT)
def test_an_input_that_cannot_fit_is_refused(layer: nn.Module, x: Tensor, says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        layer(x)


def test_a_wrong_past_is_refused() -> None:
    conv = layers.CausalConv1d(3, 4, dilation=4)
    with pytest.raises(ArgumentError, match=r"past: got \(2, 3, 5\), expected \(2, 3, 4\)"):
        conv.stream(torch.zeros(2, 3, 7), torch.zeros(2, 3, 5))
