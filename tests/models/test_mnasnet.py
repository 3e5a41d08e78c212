import pytest
import torch
from torch import nn

from striate.anatomy import summary
from striate.errors import ArgumentError
from striate.models import create
from striate.models.mnasnet import Inverted

COUNTS = {
    "mnasnet0_5": (2_218_512, 104_455_968),
    "mnasnet0_75": (3_170_208, 215_493_104),
    "mnasnet1_0": (4_383_312, 314_415_872),
    "mnasnet1_3": (6_282_256, 526_362_432),
}
each = pytest.mark.parametrize("name", sorted(COUNTS))


@each
def test_counts(name: str) -> None:
    with torch.device("meta"):
        seen = summary(create(name), (3, 224, 224))
    assert (seen.params, seen.macs) == COUNTS[name]


@each
def test_norms_forget_slowly(name: str) -> None:
    with torch.device("meta"):
        net = create(name)
    norms = [layer for layer in net.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-5, 0.0003)}


def test_the_stacks_are_the_paper_s() -> None:
    with torch.device("meta"):
        net = create("mnasnet1_0")
    found = []
    for stack in (stack for stack in net.layers if isinstance(stack, nn.Sequential)):
        expand, _, _, filters, _, _, project, _ = stack[0].layers
        ratio = expand.out_channels / expand.in_channels
        found.append(
            (ratio, *filters.kernel_size, project.out_channels, len(stack), *filters.stride)
        )
    assert found == [
        (3, 3, 3, 24, 3, 2, 2),
        (3, 5, 5, 40, 3, 2, 2),
        (6, 5, 5, 80, 3, 2, 2),
        (6, 3, 3, 96, 2, 1, 1),
        (6, 5, 5, 192, 4, 2, 2),
        (6, 3, 3, 320, 1, 1, 1),
    ]


def test_widths_round_to_eights_and_the_last_map_stays() -> None:
    with torch.device("meta"):
        nets = {name: create(name) for name in COUNTS}
    widths = {name: [s.channels for s in net.stages.values()] for name, net in nets.items()}
    assert widths["mnasnet0_5"] == [8, 16, 24, 40, 48, 96, 160, 1280, 1000]
    assert widths["mnasnet0_75"] == [16, 24, 32, 64, 72, 144, 240, 1280, 1000]
    assert widths["mnasnet1_3"] == [24, 32, 56, 104, 128, 248, 416, 1280, 1000]


def test_a_block_ends_linear_and_adds_its_input_where_it_fits() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 8, 6, 6)
    block = Inverted(8, 8, 3, 5, 1).eval()
    assert (block(x) - x).min() < 0
    for kept, changed in ((True, block), (False, Inverted(8, 8, 3, 3, 2).eval())):
        nn.init.zeros_(changed.layers[6].weight)
        assert torch.equal(changed(x), x if kept else torch.zeros(2, 8, 3, 3))


@each
def test_no_classes_are_refused(name: str) -> None:
    with pytest.raises(ArgumentError, match="classes: got 0"):
        create(name, classes=0)
