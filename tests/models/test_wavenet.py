import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from striate.errors import ArgumentError
from striate.models import create
from striate.models.wavenet import WaveNet, mu_law_decode, mu_law_encode


def _small(blocks: int = 1, classes: int = 5) -> WaveNet:
    torch.manual_seed(0)
    return WaveNet(classes, classes, blocks=blocks, residual=6, skip=7).eval()


def _codes(length: int, batch: int = 1, classes: int = 5) -> Tensor:
    codes = torch.randint(classes, (batch, length))
    return F.one_hot(codes, classes).transpose(1, 2).float()


@pytest.mark.parametrize(("blocks", "field"), [(1, 1024), (2, 2047), (3, 3070), (5, 5116)])
def test_the_stack_sees_what_the_paper_says(blocks: int, field: int) -> None:
    net = _small(blocks)
    assert 1 + sum(unit.conv.reach for unit in net.units) == field
    assert net.receptive_field == field + 1  # the leading causal convolution's


def test_the_receptive_field_is_what_the_gradient_reaches() -> None:
    net = _small().double()
    x = torch.randn(1, 5, 1030, dtype=torch.float64, requires_grad=True)
    net(x)[0, :, 1027].sum().backward()
    reached = x.grad.abs().sum((0, 1)).nonzero().flatten()
    assert (reached.min(), reached.max()) == (1027 - net.receptive_field + 1, 1027)


def test_nothing_depends_on_what_comes_later() -> None:
    net = _small()
    x = _codes(60)
    later = x.clone()
    later[..., 40:] = 0
    assert torch.equal(net(later)[..., :40], net(x)[..., :40])
    assert not torch.equal(net(later)[..., 40:], net(x)[..., 40:])


@pytest.mark.parametrize("pieces", [[1] * 30, [7, 1, 22], [30]])
def test_the_stream_is_the_whole(pieces: list[int]) -> None:
    net = _small(2).double()
    x = _codes(30, batch=2).double()
    answers, past = [], None
    for piece in x.split(pieces, -1):
        logits, past = net.stream(piece, past)
        answers.append(logits)
    torch.testing.assert_close(torch.cat(answers, -1), net(x))


def test_the_network_is_the_papers_figure_4() -> None:
    """Every unit: tanh(filter) * sigmoid(gate), residual and skip; the skips' sum, two 1x1."""
    net = _small().double()
    x = _codes(20).double()
    y, skips = F.conv1d(F.pad(x, (1, 0)), net.front.weight, net.front.bias), 0
    for number, unit in enumerate(net.units):
        d = 2**number
        filtered, gate = F.conv1d(
            F.pad(y, (d, 0)), unit.conv.weight, unit.conv.bias, dilation=d
        ).chunk(2, 1)
        z = filtered.tanh() * gate.sigmoid()
        skips = skips + unit.skip(z)
        y = y + unit.residual(z)
    torch.testing.assert_close(net(x), net.classifier(net.hidden(skips.relu()).relu()))


def test_the_features_are_the_skips_so_far() -> None:
    net = _small(3)
    maps = net.features(_codes(50))
    assert {name: m.shape for name, m in maps.items()} == {
        "front": (1, 6, 50),
        "block1": (1, 7, 50),
        "block2": (1, 7, 50),
        "block3": (1, 7, 50),
    }


def test_generation_draws_what_the_whole_network_would() -> None:
    net = _small().double()
    start = torch.randint(5, (2, 9))
    torch.manual_seed(3)
    codes = start
    for _ in range(6):
        logits = net(F.one_hot(codes, 5).transpose(1, 2).double())
        codes = torch.cat([codes, torch.multinomial(logits[..., -1].softmax(1), 1)], 1)
    torch.manual_seed(3)
    assert torch.equal(net.generate(start, 6), codes[:, 9:])


def test_it_learns_a_melody() -> None:
    """Position t learns what comes at t + 1, and the generated codes go on with the pattern."""
    torch.manual_seed(0)
    net = WaveNet(4, 4, blocks=1, residual=16, skip=16)
    codes = torch.tensor([[0, 1, 3, 2] * 10])
    x = F.one_hot(codes, 4).transpose(1, 2).float()
    step = torch.optim.Adam(net.parameters(), 2e-2)
    for _ in range(20):
        loss = F.cross_entropy(net(x)[..., :-1], codes[:, 1:])
        step.zero_grad()
        loss.backward()
        step.step()
    assert net.generate(codes[:, :8], 4).tolist() == codes[:, 8:12].tolist()


def test_other_inputs_and_answers() -> None:
    chords = create("wavenet", classes=88, in_channels=90, blocks=1, residual=8, skip=8)
    assert chords(torch.randn(2, 90, 33)).shape == (2, 88, 33)


def test_the_last_unit_feeds_no_other() -> None:
    net = _small()
    net(_codes(30)).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    assert isinstance(net.units[-1].residual, torch.nn.Identity)


def test_mu_law_by_its_formula() -> None:
    for x in (-1.0, -0.3, -0.001, 0.0, 0.02, 0.7, 1.0):
        f = math.copysign(math.log(1 + 255 * abs(x)) / math.log(256), x)
        code = mu_law_encode(torch.tensor(x, dtype=torch.float64))
        assert code == round((f + 1) / 2 * 255)


def test_mu_law_there_and_back() -> None:
    codes = torch.arange(256)
    wave = mu_law_decode(codes)
    assert (wave[0], wave[255]) == (-1, pytest.approx(1))
    assert torch.equal(mu_law_encode(wave), codes)
    assert torch.equal(mu_law_encode(mu_law_decode(torch.arange(16), 16), 16), torch.arange(16))
    quiet = torch.linspace(-0.01, 0.01, 101)
    torch.testing.assert_close(mu_law_decode(mu_law_encode(quiet)), quiet, atol=3.1e-4, rtol=0)
    assert mu_law_encode(torch.tensor([-7.0, 7.0])).tolist() == [0, 255]


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ArgumentError, match="blocks: got 0"):
        WaveNet(blocks=0)
    with pytest.raises(ArgumentError, match="classes: got 1"):
        mu_law_encode(torch.zeros(3), 1)
    with pytest.raises(ArgumentError, match="classes: got 0"):
        mu_law_decode(torch.zeros(3), 0)
    with pytest.raises(ArgumentError, match="count: got 0"):
        _small().generate(torch.zeros(1, 1, dtype=torch.int64), 0)
