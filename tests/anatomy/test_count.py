"""Counting on a real pass comes to the numbers of a trace."""

import pytest
import torch

from striate.anatomy import summary
from striate.anatomy.count import multiply_adds
from striate.models import create

NETS = {
    "efficientnet_lite0": (3, 224, 224),
    "mobilenet_v3_large": (3, 224, 224),
    "resnet18": (3, 224, 224),
    "convnext_tiny": (3, 64, 64),
    "airbench94": (3, 32, 32),
    "lecture_net": (1, 28, 28),
    "lenet5": (1, 32, 32),
    "densenet_40_12": (3, 32, 32),
}


@pytest.mark.parametrize(("name", "shape"), NETS.items())
def test_a_pass_counts_what_a_trace_counts(name: str, shape: tuple[int, int, int]) -> None:
    net = create(name).eval()
    assert multiply_adds(net, torch.zeros(1, *shape)) == summary(net, shape).macs
    assert multiply_adds(net, torch.zeros(3, *shape)) == 3 * summary(net, shape).macs
