"""ZFNet, by figure 3 of its paper."""

import torch

from striate.anatomy import summary
from striate.models import create

LAYERS = [14_208, 614_656, 885_120, 1_327_488, 884_992, 37_752_832, 16_781_312, 4_097_000]


def test_figure_3() -> None:
    with torch.device("meta"):
        net = create("zfnet")
    found = summary(net, (3, 224, 224))
    assert [layer.params for layer in found.layers if layer.params] == LAYERS
    assert found.params == 62_357_608
    named = [layer for layer in found.layers if layer.type in {"Conv2d", "MaxPool2d"}]
    sides = [(layer.type[:4], *layer.output[::2]) for layer in named]
    assert sides == [
        ("Conv", 96, 110),
        ("MaxP", 96, 55),
        ("Conv", 256, 26),
        ("MaxP", 256, 13),
        ("Conv", 384, 13),
        ("Conv", 384, 13),
        ("Conv", 256, 13),
        ("MaxP", 256, 6),
    ]


def test_contrast_is_normalised_after_pooling() -> None:
    with torch.device("meta"):
        net = create("zfnet")
    kinds = [type(layer).__name__ for layer in net.features]  # type: ignore[arg-type]
    normed = ["Conv2d", "ReLU", "MaxPool2d", "LocalResponseNorm"]
    assert kinds == [*normed, *normed, *["Conv2d", "ReLU"] * 3, "MaxPool2d"]


def test_other_sizes_channels_and_classes() -> None:
    torch.manual_seed(0)
    net = create("zfnet", classes=5, in_channels=1).eval()
    with torch.no_grad():
        logits = net(torch.randn(2, 1, 131, 100))
    assert logits.shape == (2, 5)
    assert 0.05 < logits.std() < 20  # neither faded nor blown up on the way
