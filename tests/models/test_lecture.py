import pytest
import torch
from torch import nn

from striate.errors import ArgumentError
from striate.models.lecture import LectureNet


def test_it_computes_what_the_listing_says() -> None:
    """Its order (convolve, ReLU, pool) gives the same logits as ours (pool, then ReLU).

    It flattens with the channels of a place side by side.
    """
    net = LectureNet().eval()
    first, second = net.features[0], net.features[3]
    listing = nn.Sequential(
        first,
        nn.ReLU(),
        nn.MaxPool2d(2),
        second,
        nn.ReLU(),
        nn.MaxPool2d(2),
    )
    images = torch.randn(4, 1, 28, 28)
    numbers = listing(images).permute(0, 2, 3, 1).reshape(4, 1600)
    torch.testing.assert_close(net(images), net.last_layer(numbers))


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ArgumentError, match="size: got 9"):
        LectureNet(size=9)
    with pytest.raises(ArgumentError, match="classes: got 0"):
        LectureNet(classes=0)
