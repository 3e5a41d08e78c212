"""Inception v4: how many blocks of which kind, the reductions' widths, the grid."""

import torch
from golden_nets import assert_golden, filled, image
from torch import nn

from striate.anatomy import summary
from striate.models.inception_v4 import InceptionV4


def made(**options: int) -> InceptionV4:
    with torch.device("meta"):
        return InceptionV4(**options).eval()


def test_four_blocks_a_seven_b_three_c_behind_reductions() -> None:
    net = made()
    counts = {name: len(piece) for name, piece in net.features.pieces.items()}
    assert counts == {"stem": 5, "mixed_5": 1 + 4, "mixed_6": 1 + 7, "mixed_7": 1 + 3}


def test_the_reductions_widths() -> None:
    """k, l, m, n of table 1: 192, 224, 256 behind each other, and 384."""
    reduction = made().get_submodule("features.10")
    widths = [m.out_channels for m in reduction.modules() if isinstance(m, nn.Conv2d)]
    assert widths == [384, 192, 224, 256]


def test_the_grid() -> None:
    maps = made().features(torch.zeros(1, 3, 299, 299, device="meta"))
    sizes = [tuple(found.shape[1:]) for found in maps.values()]
    assert sizes == [(192, 71, 71), (384, 35, 35), (1024, 17, 17), (1536, 8, 8)]


def test_parameters_and_products() -> None:
    found = summary(made(), (3, 299, 299))
    assert (found.params, found.macs) == (42_679_816, 12_253_974_624)
    assert len(made().state_dict()) == 896


def test_means_at_a_border_count_only_what_is_inside() -> None:
    pools = [m for m in made().modules() if isinstance(m, nn.AvgPool2d)]
    assert len(pools) == 14
    x = torch.ones(1, 1, 4, 4)
    assert all(torch.equal(pool(x), x) for pool in pools)


def test_golden_logits_at_an_odd_size() -> None:
    with torch.no_grad():
        logits = filled("inception_v4")(image(123, 107))
    first = [-0.0455493639344, 0.0151091514839, 0.203964680377, 0.234541545196]
    assert_golden(logits, first, 1.20460438494)


def test_options() -> None:
    x = torch.zeros(2, 1, 80, 75, device="meta")
    assert made(classes=6, in_channels=1)(x).shape == (2, 6)
