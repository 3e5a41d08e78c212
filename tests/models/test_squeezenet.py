import math

import pytest
import torch
import torch.nn.functional as F

from striate.anatomy import summary
from striate.errors import ArgumentError
from striate.models import create
from striate.models.squeezenet import Fire

COUNTS = {
    ("squeezenet1_0", 224): (1_248_424, 818_924_576),
    ("squeezenet1_0", 250): (1_248_424, 1_034_022_528),
    ("squeezenet1_1", 224): (1_235_496, 349_151_936),
    ("squeezenet1_1", 250): (1_235_496, 457_851_904),
}
each = pytest.mark.parametrize("name", ["squeezenet1_0", "squeezenet1_1"])


@pytest.mark.parametrize(("name", "size"), sorted(COUNTS))
def test_counts(name: str, size: int) -> None:
    """The other size tells poolings that round up from ones that round down."""
    with torch.device("meta"):
        seen = summary(create(name), (3, size, size))
    assert (seen.params, seen.macs) == COUNTS[name, size]


def test_fifty_times_fewer_parameters_than_alexnet() -> None:
    assert 60_965_224 / COUNTS["squeezenet1_0", 224][0] == pytest.approx(48.8, abs=0.1)


def test_a_fire_squeezes_and_then_looks_twice() -> None:
    x = torch.randn(2, 6, 5, 7)
    fire = Fire(6, 3, 4)
    squeezed = F.relu(fire.squeeze(x))
    y = fire(x)
    torch.testing.assert_close(y[:, :4], F.relu(fire.expand1x1(squeezed)))
    torch.testing.assert_close(y[:, 4:], F.relu(fire.expand3x3(squeezed)))


@each
def test_fires_follow_the_paper_s_table(name: str) -> None:
    with torch.device("meta"):
        net = create(name)
    fires = [layer for layer in net.modules() if isinstance(layer, Fire)]
    assert [f.squeeze.out_channels for f in fires] == [16, 16, 32, 32, 48, 48, 64, 64]
    assert [f.expand3x3.out_channels for f in fires] == [64, 64, 128, 128, 192, 192, 256, 256]
    assert [len(s.parts) for s in net.stages.values()] == (
        [2, 4, 5, 2, 1] if name == "squeezenet1_0" else [2, 3, 3, 5, 1]
    )


@each
def test_logits_are_means_of_what_is_above_zero(name: str) -> None:
    torch.manual_seed(0)
    net = create(name, classes=5).eval()
    x = torch.randn(2, 3, 64, 96)
    scores = net.get_submodule(net.heads[0])(list(net.features(x).values())[-1])
    assert (scores < 0).any()
    torch.testing.assert_close(net(x), scores.clamp(min=0).mean((2, 3)))


@each
def test_it_begins_near_even_chances(name: str) -> None:
    torch.manual_seed(0)
    net = create(name).eval()
    with torch.inference_mode():
        surprise = -net(torch.randn(4, 3, 96, 96)).log_softmax(1).mean()
    assert float(surprise) == pytest.approx(math.log(1000), rel=0.05)


@each
def test_no_classes_are_refused(name: str) -> None:
    with pytest.raises(ArgumentError, match="classes: got 0"):
        create(name, classes=0)
