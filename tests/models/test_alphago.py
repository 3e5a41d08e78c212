import pytest
import torch
import torch.nn.functional as F

from striate.anatomy import summary
from striate.errors import ArgumentError
from striate.models import create
from striate.models.alphago import AlphaGoPolicy


def _weights(net: AlphaGoPolicy) -> int:
    return sum(p.numel() for p in net.parameters() if p.ndim > 1)


def test_the_match_network_has_the_papers_parameters() -> None:
    with torch.device("meta"):
        net = AlphaGoPolicy()
    assert _weights(net) == 3_880_128
    assert sum(p.numel() for p in net.parameters()) == 3_882_793
    assert net.points.bias.numel() == 361
    assert summary(net, (48, 19, 19)).output == (1, 361)


@pytest.mark.parametrize("filters", [128, 256, 384])
def test_the_other_widths_of_the_paper(filters: int) -> None:
    with torch.device("meta"):
        net = create("alphago_policy", filters=filters)
    weights = 25 * 48 * filters + 11 * 9 * filters**2 + filters
    assert sum(p.numel() for p in net.parameters()) == weights + 12 * filters + 361


def test_it_is_the_layers_of_the_paper_one_after_another() -> None:
    """Zero-padded to 23 x 23 for the 5x5 filter, to 21 x 21 for the others, then a bias a point."""
    torch.manual_seed(0)
    net = AlphaGoPolicy(filters=8)
    torch.nn.init.normal_(net.points.bias)
    x = board = torch.randn(2, 48, 19, 19)
    for number in range(1, 13):
        layer = net.get_submodule(f"conv{number}")
        x = F.pad(x, (2, 2, 2, 2) if number == 1 else (1, 1, 1, 1))
        assert x.shape[-1] == (23 if number == 1 else 21)
        x = F.relu(F.conv2d(x, layer.weight, layer.bias))
    plane = (x * net.conv13.weight[0]).sum(1) + net.points.bias.reshape(19, 19)
    torch.testing.assert_close(net(board), plane.flatten(1))


def test_the_bias_is_one_of_each_point() -> None:
    net = AlphaGoPolicy(filters=4)
    empty = torch.zeros(1, 48, 19, 19)
    before = net(empty)
    net.points.bias.data[19 * 2 + 5] += 1
    assert (net(empty) - before).nonzero().tolist() == [[0, 19 * 2 + 5]]


def test_another_board() -> None:
    net = AlphaGoPolicy(81, in_channels=3, filters=8)
    assert net(torch.randn(2, 3, 9, 9)).shape == (2, 81)
    trunk = net.conv5.weight.clone()
    net.double().reset_head(25)
    assert net(torch.randn(2, 3, 5, 5, dtype=torch.float64)).shape == (2, 25)
    assert net.conv13.out_channels == 1
    assert net.stages["head"].channels == 25
    assert torch.equal(net.conv5.weight, trunk.double())


def test_classes_are_the_points_of_a_square() -> None:
    with pytest.raises(ArgumentError, match=r"classes: got 10, expected the points of a square"):
        AlphaGoPolicy(10)
    net = AlphaGoPolicy(filters=4)
    with pytest.raises(ArgumentError, match=r"each point has its own score"):
        net.reset_head(360)
    assert net.stages["head"].channels == 361


def test_a_board_of_another_size_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"board: got \(9, 9\), expected the 19 x 19 points"):
        AlphaGoPolicy(filters=4)(torch.zeros(1, 48, 9, 9))


def test_bad_numbers_are_named() -> None:
    with pytest.raises(ArgumentError, match="filters: got 0"):
        AlphaGoPolicy(filters=0)
    with pytest.raises(ArgumentError, match="in_channels: got 0"):
        AlphaGoPolicy(in_channels=0)
