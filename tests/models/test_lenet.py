"""LeNet-5 against the table of its paper."""

import pytest
import torch
from torch import nn

from striate.anatomy import summary
from striate.errors import ArgumentError
from striate.models import create
from striate.models.lenet import TABLE, LeNet5, targets

# Layer: maps, size, trainable parameters, connections.
PAPER = {
    "c1": (6, 28, 156, 122_304),
    "s2": (6, 14, 12, 5_880),
    "c3": (16, 10, 1_516, 151_600),
    "s4": (16, 5, 32, 2_000),
    "c5": (120, 1, 48_120, 48_120),
    "f6": (84, 1, 10_164, 10_164),
    "output": (10, 1, 0, 840),
}


def connections(net: LeNet5) -> dict[str, int]:
    """What each layer's units read, a bias each, from the layers' own geometry."""
    maps = {name: one[0] for name, one in net.features(torch.zeros(1, 1, 32, 32)).items()}
    units = {name: one[0].numel() for name, one in maps.items()}  # of one map
    return {
        "c1": maps["c1"].numel() * (net.c1.weight[0].numel() + 1),
        "s2": maps["s2"].numel() * (net.s2.size**2 + 1),
        "c3": units["c3"] * sum(fan_in + 1 for fan_in in net.c3.fan_in.tolist()),
        "s4": maps["s4"].numel() * (net.s4.size**2 + 1),
        "c5": maps["c5"].numel() * (net.c5.weight[0].numel() + 1),
        "f6": net.f6.out_features * (net.f6.in_features + 1),
        "output": net.output.centres.numel(),
    }


def test_the_papers_table_row_by_row() -> None:
    found = summary(create("lenet5"), (1, 32, 32))
    rows = {layer.name: layer for layer in found.layers}
    for name, (maps, size, params, _) in PAPER.items():
        assert rows[name].params == params, name
        assert rows[name].output == ((maps, size, size) if name[0] in "cs" else (maps,)), name
    assert found.params == found.trainable == 60_000
    assert sum(row.params for row in found.layers) == 60_000


def test_the_papers_connections() -> None:
    found = connections(LeNet5())
    assert found == {name: row[3] for name, row in PAPER.items()}
    assert sum(found.values()) == 340_908


def test_the_papers_connection_table() -> None:
    printed = [
        "X...XXX..XXXX.XX",
        "XX...XXX..XXXX.X",
        "XXX...XXX..X.XXX",
        ".XXX..XXXX..X.XX",
        "..XXX..XXXX.XX.X",
        "...XXX..XXXX.XXX",
    ]
    seen = ["".join("X" if s2 in row else "." for row in TABLE) for s2 in range(6)]
    assert seen == printed


def test_logits_are_minus_the_squared_distances_to_the_bitmaps() -> None:
    torch.manual_seed(0)
    net = LeNet5()
    x = torch.randn(3, 1, 32, 32)
    codes = torch.stack(
        [net.squash(net.f6(net.features(one[None])["c5"].flatten()))[None] for one in x]
    )
    distances = torch.cdist(codes[:, 0], targets(10)).square()
    torch.testing.assert_close(net(x), -distances)


def test_the_bitmaps_are_digits_apart() -> None:
    codes = targets(10)
    assert codes.shape == (10, 84)
    assert set(codes.unique().tolist()) == {-1, 1}
    apart = torch.cdist(codes, codes, p=0) + 84 * torch.eye(10)
    assert apart.min() >= 5
    one = codes[1].view(12, 7)
    assert (one[:, 3:5] == 1).sum() == 20  # an upright stroke
    assert (one[0] == -1).all()
    assert (one[11] == -1).all()


def test_codes_do_not_depend_on_the_number_of_classes() -> None:
    assert torch.equal(targets(30)[:12], targets(12))
    assert torch.equal(targets(12)[:10], targets(10))
    assert torch.equal(targets(4), targets(10)[:4])
    assert len(targets(200).unique(dim=0)) == 200


def test_every_layer_up_to_f6_is_squashed() -> None:
    net = LeNet5()
    called: list[float] = []
    net.squash.register_forward_hook(lambda _m, _x, y: called.append(y.abs().max().item()))
    net(100 * torch.randn(1, 1, 32, 32))
    assert len(called) == 6
    assert max(called) <= 1.7160


def test_the_start_is_the_papers() -> None:
    torch.manual_seed(0)
    net = LeNet5()
    assert net.c5.weight.abs().max().item() == pytest.approx(2.4 / 400, rel=0.01)
    assert net.f6.weight.abs().max().item() == pytest.approx(2.4 / 120, rel=0.01)


def test_a_new_head_has_as_many_bitmaps() -> None:
    net = create("lenet5", in_channels=3).double()
    assert net.num_features == 84
    net.reset_head(12)
    assert net.stages["head"].channels == 12
    logits = net(torch.randn(2, 3, 32, 32).double())
    assert logits.shape == (2, 12)
    assert logits.dtype == torch.float64
    with pytest.raises(ArgumentError, match="classes: got 0"):
        net.reset_head(0)


@pytest.mark.parametrize("name", ["lenet5", "lenet5_modern"])
def test_a_net_made_without_numbers_can_be_filled(name: str) -> None:
    full = create(name)
    with torch.device("meta"):
        empty = create(name)
    empty.load_state_dict(full.state_dict(), assign=True)
    x = torch.randn(2, 1, 32, 32)
    assert torch.equal(empty(x), full(x))


def test_the_modern_one() -> None:
    net = create("lenet5_modern").eval()
    assert sum(p.numel() for p in net.parameters()) == 61_706
    listing = nn.Sequential(
        *[net.c1, nn.ReLU(), nn.MaxPool2d(2)],
        *[net.c3, nn.ReLU(), nn.MaxPool2d(2)],
        *[net.c5, nn.ReLU(), nn.Flatten(), net.f6, nn.ReLU(), net.output],
    )
    x = torch.randn(2, 1, 32, 32)
    torch.testing.assert_close(net(x), listing(x))
    with pytest.raises(ArgumentError, match="classes: got 0"):
        create("lenet5_modern", classes=0)


@pytest.mark.parametrize("name", ["lenet5", "lenet5_modern"])
def test_a_smaller_digit_lies_in_the_papers_field(name: str) -> None:
    net = create(name).eval()
    digit = torch.full((2, 1, 28, 28), -0.1)
    digit[..., 9:20, 12:17] = 1.175
    field = torch.full((2, 1, 32, 32), -0.1)
    field[..., 2:30, 2:30] = digit
    assert torch.equal(net(digit), net(field))
    for side in (27, 40):
        with pytest.raises(RuntimeError):
            net(torch.randn(2, 1, side, side))
