import math
from itertools import groupby

import pytest
import torch
from torch import nn

from striate.anatomy import summary
from striate.errors import ArgumentError
from striate.models import create
from striate.models.regnet import DEPTHS, GROUP_WIDTH, WIDTHS


def test_the_widths_follow_the_rule_of_the_paper() -> None:
    """u = w0 + wa j, quantised to w0 wm^s for whole s, then to 8: w0 48, wa 27.89, wm 2.09."""
    ramp = [48 + 27.89 * j for j in range(16)]
    steps = [round(math.log(u / 48) / math.log(2.09)) for u in ramp]
    widths = [round(48 * 2.09**step / 8) * 8 for step in steps]
    runs = [(width, len(list(run))) for width, run in groupby(widths)]
    assert tuple(width for width, _ in runs) == WIDTHS
    assert tuple(depth for _, depth in runs) == DEPTHS


def test_counts() -> None:
    with torch.device("meta"):
        net = create("regnet_y_400mf")
    found = summary(net, (3, 224, 224))
    assert (found.params, found.macs) == (4_344_144, 401_842_848)


def test_groups_of_eight_channels_and_attention_to_a_quarter_of_the_input() -> None:
    with torch.device("meta"):
        net = create("regnet_y_400mf")
    channels = 32
    for stage, width in zip(net.trunk_output, WIDTHS, strict=True):
        for block in stage:
            assert block.f.b[0].groups * GROUP_WIDTH == width
            assert block.f.se.fc1.out_channels == channels // 4
            channels = width


def test_a_block_computes_what_the_paper_says() -> None:
    torch.manual_seed(0)
    block = create("regnet_y_400mf").eval().trunk_output.block2[0]
    x = torch.randn(2, 48, 9, 10)
    y = block.f.b(block.f.a(x))
    gates = torch.relu(block.f.se.fc1(y.mean((2, 3), keepdim=True)))
    y = block.f.c(y * torch.sigmoid(block.f.se.fc2(gates)))
    torch.testing.assert_close(block(x), torch.relu(y + block.proj(x)))
    assert not isinstance(block.f.c[-1], nn.ReLU)


def test_bad_classes_are_named() -> None:
    with pytest.raises(ArgumentError, match="classes: got 0"):
        create("regnet_y_400mf", classes=0)
