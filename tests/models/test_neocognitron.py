"""Fukushima's net: the sizes of the paper, and what it learns without being told."""

import itertools
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from striate.anatomy import summary
from striate.errors import ArgumentError
from striate.layers import SCell
from striate.models import create
from striate.models.neocognitron import Neocognitron, Rule, reinforce

# The five figures of the 1980 demonstration, on 16x16 cells of which only the middle is used.
DIGITS = """
......... ......... ......... ......... .........
.#####... ...#..... .######.. .######.. .....#...
#.....#.. ..##..... #......#. .......#. ....##...
#.....#.. ...#..... .......#. .......#. ...#.#...
#.....#.. ...#..... .......#. .......#. ..#..#...
#.....#.. ...#..... ......#.. ..#####.. .#...#...
#.....#.. ...#..... ....##... .......#. #....#...
#.....#.. ...#..... ..##..... .......#. ########.
#.....#.. ...#..... .#....... .......#. .....#...
#.....#.. ...#..... #........ .......#. .....#...
.#####... ..###.... ########. .######.. .....#...
"""


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def digits() -> Tensor:
    """(5, 1, 16, 16) of 0 and 1."""
    rows = [line.split() for line in DIGITS.split("\n") if line]
    drawn = [[[float(p == "#") for p in row[n]] for row in rows] for n in range(5)]
    return torch.nn.functional.pad(torch.tensor(drawn)[:, None], (4, 3, 2, 3))


def taught(seed: int) -> Neocognitron:
    torch.manual_seed(seed)
    net = Neocognitron()
    net.learn(digits(), presentations=5)
    return net


def planes(net: Neocognitron, images: Tensor) -> Tensor:
    """The plane that answers each image, -1 where none does."""
    with torch.no_grad():
        strength, plane = net(images).max(1)
    return torch.where(strength > 0, plane, -1)


def one_each(net: Neocognitron) -> bool:
    found = planes(net, digits()).tolist()
    return len(set(found)) == 5 and -1 not in found


def moved(distance: int) -> Iterator[Tensor]:
    """The digits moved up to `distance` cells along each axis, none over the border."""
    for step in itertools.product(range(-distance, distance + 1), repeat=2):
        if step != (0, 0):
            yield digits().roll(step, (2, 3))


def spoiled(seed: int) -> Tensor:
    """The digits with about one cell in a hundred turned."""
    generator = torch.Generator().manual_seed(seed)
    turned = torch.rand(5, 1, 16, 16, generator=generator) < 0.01
    return (digits() - turned.float()).abs()


def same_plane(net: Neocognitron, variants: Iterator[Tensor]) -> float:
    """Which share of the variants is answered by the plane that answers the digit itself."""
    learned = planes(net, digits())
    return torch.cat([planes(net, images) == learned for images in variants]).float().mean().item()


def test_sizes_of_the_paper() -> None:
    rows = {
        layer.name: layer.output for layer in summary(create("neocognitron"), (1, 16, 16)).layers
    }
    assert rows["us1"] == (24, 16, 16)
    assert rows["uc1"] == (24, 10, 10)
    assert rows["us2"] == (24, 8, 8)
    assert rows["uc2"] == (24, 6, 6)
    assert rows["us3"] == (24, 2, 2)
    assert rows["uc3"] == (24, 1, 1)


def test_every_digit_finds_a_plane_of_its_own_and_keeps_it_when_moved_or_spoiled() -> None:
    net = taught(seed=0)
    assert one_each(net)
    assert same_plane(net, moved(2)) >= 0.95
    assert same_plane(net, map(spoiled, range(20))) >= 0.95


def test_most_random_starts_learn_the_digits() -> None:
    """Not all: in about one of eight, two digits end in one plane."""
    nets = [taught(seed) for seed in range(10)]
    assert sum(map(one_each, nets)) >= 8
    assert sum(same_plane(net, moved(2)) for net in nets) / 10 >= 0.9
    assert sum(same_plane(net, map(spoiled, range(10))) for net in nets) / 10 >= 0.95


def test_before_it_has_learned_it_cannot() -> None:
    torch.manual_seed(0)
    assert not one_each(Neocognitron())


def test_learning_is_local_and_unsupervised() -> None:
    """One image and one layer, by hand: a plane's strongest cell learns what it sees."""
    torch.manual_seed(0)
    cells, image = SCell(1, 3, 3, padding=1), torch.rand(1, 1, 6, 6)
    before = cells.a.detach().clone()
    plane, row, column = [
        int(axis) for axis in torch.unravel_index(cells(image)[0].argmax(), (3, 6, 6))
    ]
    window = torch.nn.functional.pad(image, (1, 1, 1, 1))[0, :, row : row + 3, column : column + 3]
    reinforce(cells, image, Rule(q=2.0, column=6))  # one column: one representative
    torch.testing.assert_close(cells.a[plane] - before[plane], 2 * cells.c[0] * window)
    inhibition = 2 * (cells.c[0] * window.square()).sum().sqrt()
    torch.testing.assert_close(cells.b[plane].detach(), inhibition.detach())
    others = [other for other in range(3) if other != plane]
    assert torch.equal(cells.a[others], before[others])
    assert (cells.b[others] == 0).all()


def test_a_plane_has_one_representative_however_many_columns_it_wins() -> None:
    cells = SCell(1, 1, 3, padding=1)  # a single plane wins all columns
    before = cells.a.detach().clone()
    image = torch.zeros(1, 1, 12, 12)
    image[..., 2, 2], image[..., 9, 9] = 1.0, 2.0
    reinforce(cells, image, Rule(q=1.0, column=3))
    learned = (cells.a - before)[0, 0]
    assert learned.max().item() <= 2 * cells.c.max().item() + 1e-6
    assert (learned > 0).sum() == 1


def test_silence_teaches_nothing() -> None:
    net = Neocognitron()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    net.learn(torch.zeros(1, 1, 16, 16), presentations=1)
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_gradients_reach_every_connection() -> None:
    torch.manual_seed(0)
    net = Neocognitron()
    (net(torch.rand(4, 1, 16, 16)) * torch.randn(4, 24)).sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_another_number_of_planes() -> None:
    net = create("neocognitron", in_channels=2)
    assert net.num_features == 24
    net.double().reset_head(7)
    assert net.stages["head"].channels == 7
    assert net(torch.rand(2, 2, 16, 16).double()).shape == (2, 7)
    assert net(torch.rand(2, 2, 19, 22).double()).shape == (2, 7)


def test_what_it_cannot_learn_from() -> None:
    with pytest.raises(ArgumentError, match=r"images: got \(16, 16\), expected a batch"):
        Neocognitron().learn(torch.zeros(16, 16))
    with pytest.raises(ArgumentError, match="no value below 0"):
        Neocognitron().learn(-torch.ones(1, 1, 16, 16))
    with pytest.raises(ArgumentError, match="classes: got 0"):
        Neocognitron().reset_head(0)
