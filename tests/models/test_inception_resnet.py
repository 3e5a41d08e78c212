"""Inception-ResNet v2: how many blocks, what they add, and the released network's numbers."""

import torch
from golden_nets import assert_golden, filled, image
from torch import nn

from striate.anatomy import summary
from striate.models.inception_resnet import InceptionResNetV2, ScaledResidual


def made(**options: int) -> InceptionResNetV2:
    with torch.device("meta"):
        return InceptionResNetV2(**options).eval()


def test_ten_twenty_ten_blocks_and_their_scales() -> None:
    blocks = [m for m in made().modules() if isinstance(m, ScaledResidual)]
    assert [block.scale for block in blocks] == [0.17] * 10 + [0.1] * 20 + [0.2] * 9 + [1.0]
    assert [type(block.act) for block in blocks] == [nn.ReLU] * 39 + [nn.Identity]


def test_a_block_adds_a_scaled_part_to_its_input() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, 4, 4)
    branches = {"a": nn.Identity(), "b": nn.AvgPool2d(3, 1, 1)}
    block = ScaledResidual(branches, 6, 3, 0.5)
    part = block.conv2d(torch.cat([x, nn.functional.avg_pool2d(x, 3, 1, 1)], 1))
    assert torch.allclose(block(x), torch.relu(x + 0.5 * part))
    bare = ScaledResidual(branches, 6, 3, 0.0, relu=False)
    assert torch.equal(bare(x), x)
    assert "scale=0.5" in repr(block)


def test_the_reductions_widths() -> None:
    """k, l, m, n of table 1: 256, 256, 384 behind each other, and 384."""
    widths = [m.out_channels for m in made().mixed_6a.modules() if isinstance(m, nn.Conv2d)]
    assert widths == [384, 256, 256, 384]


def test_the_grid() -> None:
    maps = made().features(torch.zeros(1, 3, 299, 299, device="meta"))
    sizes = [tuple(found.shape[1:]) for found in maps.values()]
    assert sizes == [(192, 71, 71), (320, 35, 35), (1088, 17, 17), (1536, 8, 8)]


def test_parameters_and_products() -> None:
    net = made()
    found = summary(net, (3, 299, 299))
    assert (found.params, found.macs) == (55_843_464, 13_155_794_016)
    assert len(net.state_dict()) == 1306
    assert sum(isinstance(m, nn.Conv2d) for m in net.modules()) == 244
    assert {m.eps for m in net.modules() if isinstance(m, nn.BatchNorm2d)} == {1e-3}


def test_golden_logits_at_an_odd_size() -> None:
    with torch.no_grad():
        logits = filled("inception_resnet_v2")(image(123, 107))
    first = [1.10262373501, 0.246140772919, 3.30977292158, 2.3822751981]
    assert_golden(logits, first, 19.7065267059)


def test_options() -> None:
    x = torch.zeros(2, 1, 80, 75, device="meta")
    assert made(classes=6, in_channels=1)(x).shape == (2, 6)
