"""Xception: the paper's count of layers, modules and parameters."""

import torch
from golden_nets import assert_golden, filled, image
from torch import nn

from striate.anatomy import summary
from striate.models import create
from striate.models.xception import Block, Separable, Xception


def made(**options: int) -> Xception:
    with torch.device("meta"):
        return Xception(**options).eval()


def test_thirty_six_layers_in_fourteen_modules() -> None:
    """Two plain convolutions, the rest separable; twelve modules, all but the ends, are sums."""
    net = made()
    assert sum(isinstance(m, Separable) for m in net.modules()) == 36 - 2
    assert sum(isinstance(m, Block) for m in net.modules()) == 14 - 2


def test_the_printed_parameters_and_the_statistics_beside_them() -> None:
    net = made()
    found = summary(net, (3, 299, 299))
    assert (found.params, found.macs) == (22_855_952, 8_357_403_496)
    statistics = [buffer for buffer in net.buffers() if buffer.is_floating_point()]
    assert sum(buffer.numel() for buffer in statistics) == 54_528


def test_the_grid() -> None:
    maps = made().features(torch.zeros(1, 3, 299, 299, device="meta"))
    assert {name: tuple(found.shape[1:]) for name, found in maps.items()} == {
        "stem": (64, 147, 147),
        "entry1": (128, 74, 74),
        "entry2": (256, 37, 37),
        "entry3": (728, 19, 19),
        "middle": (728, 19, 19),
        "exit": (2048, 10, 10),
    }


def test_a_block_leaves_its_input_as_it_was() -> None:
    x = torch.randn(2, 8, 5, 5)
    for block in (Block(8, 8, 8), Block(8, 8, 12), Block(8, 12, 12, relu_first=False)):
        before = x.clone()
        assert block(x).shape == (2, *((8, 5, 5) if block.skip is None else (12, 3, 3)))
        assert torch.equal(x, before)


def test_every_block_but_the_first_begins_with_its_activation() -> None:
    first = [next(block.rep.children()) for block in made().modules() if isinstance(block, Block)]
    assert [type(layer) for layer in first] == [Separable] + [nn.ReLU] * 11


def test_golden_logits_at_an_odd_size() -> None:
    with torch.no_grad():
        logits = filled("xception", gain=0.8)(image(123, 107))
    first = [-3.33923513966, 3.49267257932, -0.0975062996697, -6.07419984763]
    assert_golden(logits, first, 25.7324255437)


def test_untrained_activations_keep_their_scale() -> None:
    torch.manual_seed(0)
    net = create("xception").eval()
    with torch.no_grad():
        maps = net.features(torch.randn(1, 3, 96, 96))
    assert all(0.1 < float(found.std()) < 10 for found in maps.values())


def test_options() -> None:
    x = torch.zeros(2, 1, 71, 80, device="meta")
    assert made(classes=6, in_channels=1)(x).shape == (2, 6)
