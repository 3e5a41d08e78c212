"""The random stream: published answers, distributions, and what a draw depends on."""

import numpy as np
import pytest
import scipy.stats
import torch
from torch import Tensor

from striate.data.augment import Stream
from striate.data.augment.spread import beta_quantile, log_between, normal
from striate.data.augment.stream import as_words, philox
from striate.errors import ArgumentError

IDS = torch.arange(20_000)
ALL = 0xFFFFFFFF


@pytest.mark.parametrize(
    ("counter", "key", "answer"),
    [  # known-answer vectors of the Random123 library, philox4x32 with 10 rounds
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((ALL,) * 4, (ALL, ALL), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_published_answers(
    counter: tuple[int, ...], key: tuple[int, int], answer: tuple[int, ...]
) -> None:
    words = philox(np.array(counter, dtype=np.uint64)[:, None], key[0] | key[1] << 32)
    assert tuple(words[:, 0]) == answer


def test_the_counter_holds_id_epoch_position_and_block() -> None:
    ident = 5 << 32 | 7
    drawn = as_words(Stream(9 << 32 | 11, 3, torch.tensor([ident])).uniform(2, 8))
    counters = np.array([[7, 7], [5, 5], [3, 3], [2 << 16, (2 << 16) + 1]], dtype=np.uint64)
    words = philox(counters, 9 << 32 | 11)
    assert drawn[0].tolist() == words.T.flatten().tolist()


def test_a_draw_does_not_depend_on_the_batch() -> None:
    whole = Stream(1, 2, IDS[:100]).uniform(4, 6)
    order = torch.randperm(100, generator=torch.Generator().manual_seed(0))
    for ids in (order, order[:1], order[17:40]):
        assert torch.equal(Stream(1, 2, ids).uniform(4, 6), whole[ids])


def test_many_positions_at_once_are_the_same_draws() -> None:
    stream = Stream(1, 2, IDS[:50])
    together = stream.uniforms([3, 0, 9, 1])
    assert [part.shape[1] for part in together] == [3, 0, 9, 1]
    for position, part in enumerate(together):
        assert torch.equal(part, stream.uniform(position, part.shape[1]))


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1])
def test_draws_are_uniform(seed: int) -> None:
    drawn = Stream(seed, 0, IDS).uniform(0, 5).numpy()
    assert drawn.min() > 0
    assert drawn.max() < 1
    for column in drawn.T:
        assert scipy.stats.kstest(column, "uniform").pvalue > 1e-3
        counts = np.bincount((column * 256).astype(int), minlength=256)
        assert scipy.stats.chisquare(counts).pvalue > 1e-3


def test_low_bits_are_as_random_as_high_ones() -> None:
    words = as_words(Stream(3, 0, IDS).uniform(0, 4)).flatten().numpy()
    for bit in range(32):
        ones = int((words >> bit & 1).sum())
        assert scipy.stats.binomtest(ones, len(words)).pvalue > 1e-4, bit


def neighbours() -> dict[str, tuple[Tensor, Tensor]]:
    """Draws that differ in one thing alone."""
    base = Stream(0, 0, IDS)
    return {
        "sample": (base.uniform(0, 1), Stream(0, 0, IDS + 1).uniform(0, 1)),
        "far sample": (base.uniform(0, 1), Stream(0, 0, IDS + (1 << 32)).uniform(0, 1)),
        "epoch": (base.uniform(0, 1), Stream(0, 1, IDS).uniform(0, 1)),
        "seed": (base.uniform(0, 1), Stream(1, 0, IDS).uniform(0, 1)),
        "upper half of the seed": (base.uniform(0, 1), Stream(1 << 32, 0, IDS).uniform(0, 1)),
        "position": (base.uniform(0, 1), base.uniform(1, 1)),
        "number": tuple(base.uniform(0, 2).split(1, 1)),  # type: ignore[dict-item]
        "block": (base.uniform(0, 1), base.uniform(0, 5)[:, 4:]),
    }


@pytest.mark.parametrize("what", neighbours())
def test_draws_that_differ_in_one_thing_are_independent(what: str) -> None:
    one, other = (draw[:, 0].numpy() for draw in neighbours()[what])
    assert scipy.stats.pearsonr(one, other).pvalue > 1e-3
    table = np.histogram2d(one, other, bins=16, range=[[0, 1], [0, 1]])[0]
    assert scipy.stats.chi2_contingency(table).pvalue > 1e-3
    # ... also when seen as bits: half of them differ
    differ = np.bitwise_count((one * 2**32).astype(np.uint64) ^ (other * 2**32).astype(np.uint64))
    assert abs(differ.mean() - 16) < 5 * np.sqrt(8 / len(one))


@pytest.mark.parametrize("lag", [1, 2, 3, 7, 32, 1000])
def test_successive_samples_are_uncorrelated(lag: int) -> None:
    drawn = Stream(5, 6, IDS).uniform(0, 1)[:, 0].numpy() - 0.5
    correlation = (drawn[lag:] * drawn[:-lag]).mean() * 12
    assert abs(correlation) < 4 / np.sqrt(len(drawn) - lag)


def test_normal_numbers_are_normal() -> None:
    drawn = normal(Stream(0, 0, IDS).uniform(0, 3)).numpy()
    for column in drawn.T:
        assert scipy.stats.kstest(column, "norm").pvalue > 1e-3


@pytest.mark.parametrize("alpha", [0.1, 0.2, 0.5, 1.0, 2.0])
def test_beta_quantiles_are_scipys(alpha: float) -> None:
    uniform = torch.linspace(0.001, 0.999, 401, dtype=torch.float64)
    theirs = scipy.stats.beta.ppf(uniform.numpy(), alpha, alpha)
    np.testing.assert_allclose(beta_quantile(uniform, alpha).numpy(), theirs, atol=2e-6, rtol=1e-5)


def test_logarithms_are_even() -> None:
    drawn = log_between(Stream(0, 0, IDS).uniform(0, 1)[:, 0], 0.5, 2.0)
    assert scipy.stats.kstest(drawn.log2().numpy(), "uniform", (-1, 2)).pvalue > 1e-3


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"seed": -1}, "seed: got -1"),
        ({"seed": 1 << 64}, "seed: got 18446744073709551616"),
        ({"epoch": 1 << 32}, "epoch: got 4294967296"),
        ({"ids": torch.zeros(3)}, "ids: got 'torch.float32"),
        ({"ids": torch.zeros(3, 1, dtype=torch.int64)}, "ids: got 'torch.int64"),
    ],
)
def test_a_stream_says_what_it_cannot_use(change: dict[str, object], match: str) -> None:
    with pytest.raises(ArgumentError, match=match):
        Stream(**({"seed": 0, "epoch": 0, "ids": IDS} | change))  # type: ignore[arg-type]
