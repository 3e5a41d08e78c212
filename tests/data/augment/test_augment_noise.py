"""Noise and erasing: what is done, to how much of a picture, and how evenly."""

import numpy as np
import pytest
import scipy.stats
import torch
from augment_forced import forced

from striate.data.augment import Cutout, Erase, GaussianNoise, SaltAndPepper, Stream
from striate.data.augment.erase import inside
from striate.data.augment.noise import _hash
from striate.data.augment.op import Shape
from striate.errors import ArgumentError

SHAPE = (3, 64, 65)


def noise(ids: torch.Tensor, epoch: int = 0) -> np.ndarray:
    """Standard noise alone, (B, numbers)."""
    grey = torch.full((len(ids), *SHAPE), 0.5, dtype=torch.float64)
    noisy = GaussianNoise((0.05, 0.05))(grey, Stream(0, epoch, ids))
    return ((noisy - 0.5) / 0.05).flatten(1).numpy()


def test_noise_is_normal_and_white() -> None:
    drawn = noise(torch.arange(8))
    for sample in drawn:
        assert scipy.stats.kstest(sample, "norm").pvalue > 1e-3
        assert abs(sample.std() - 1) < 0.02
        for lag in (1, 2, 64, 65, 66, 130):
            assert abs((sample[lag:] * sample[:-lag]).mean()) < 4.5 / np.sqrt(len(sample))
            squares = sample**2 - 1
            assert abs((squares[lag:] * squares[:-lag]).mean() / 2) < 4.5 / np.sqrt(len(sample))


def test_noise_differs_between_samples_and_epochs() -> None:
    samples = np.concatenate([noise(torch.arange(12)), noise(torch.arange(12), epoch=1)])
    correlations = np.corrcoef(samples)[~np.eye(24, dtype=bool)]
    assert np.abs(correlations).max() < 4.5 / np.sqrt(samples.shape[1])


def test_no_sample_holds_a_shifted_copy_of_anothers_noise() -> None:
    one, other = noise(torch.tensor([3, 4]))[:, :8192]
    spectrum = np.fft.rfft(one) * np.conj(np.fft.rfft(other))
    assert np.abs(np.fft.irfft(spectrum)).max() / len(one) < 6 / np.sqrt(len(one))


def bits(words: torch.Tensor) -> np.ndarray:
    return np.bitwise_count(words.numpy().astype(np.uint32))


@pytest.mark.parametrize("word", [0, 1])
@pytest.mark.parametrize("bit", range(0, 32, 3))
def test_every_bit_of_a_key_changes_half_of_the_noise(word: int, bit: int) -> None:
    key = torch.tensor([[123456789.0, 2987654321.0]], dtype=torch.float64)
    other = key.clone()
    other[0, word] = int(key[0, word]) ^ 1 << bit
    device = torch.device("cpu")
    differ = bits(_hash(key, 4000, device) ^ _hash(other, 4000, device))
    assert abs(differ.mean() - 16) < 0.5
    assert differ.std() < 4


def test_places_in_step_with_the_keys_do_not_repeat() -> None:
    stride = 0x9E3779B9
    keys = torch.tensor([[1000.0, 5.0], [1000.0 + stride, 6.0]], dtype=torch.float64)
    one, other = _hash(keys, 4000, torch.device("cpu"))
    assert float((one[1:] == other[:-1]).double().mean()) < 0.01


def test_noise_deviations_are_even() -> None:
    plan = GaussianNoise((0.02, 0.1)).plan(
        Stream(0, 0, torch.arange(4000)).uniform(0, 3), Shape(*SHAPE)
    )
    assert scipy.stats.kstest(plan[:, 0].numpy(), "uniform", (0.02, 0.08)).pvalue > 1e-3


@pytest.mark.parametrize("kind", [torch.uint8, torch.float32])
def test_salt_and_pepper_take_half_each(kind: torch.dtype) -> None:
    white = 255 if kind == torch.uint8 else 1
    grey = torch.full((200, *SHAPE), 0.4).mul(white).to(kind)
    out = SaltAndPepper((0.1, 0.1))(grey, Stream(0, 0, torch.arange(200)))
    assert torch.equal(out[:, 0], out[:, 1])  # whole pixels
    plane = out[:, 0]
    total = plane.numel()
    for value in (0, white):
        count = int((plane == value).sum())
        assert scipy.stats.binomtest(count, total, 0.05).pvalue > 1e-3
    assert (
        int((plane == grey[0, 0, 0, 0]).sum())
        + int((plane == 0).sum())
        + int((plane == white).sum())
        == total
    )
    assert torch.equal(forced(SaltAndPepper((0, 0)), grey[:1], 0.5, 0.1, 0.2), grey[:1])
    assert set(forced(SaltAndPepper((1, 1)), grey[:1], 0.5, 0.1, 0.2).unique().tolist()) == {
        0,
        white,
    }


def test_erased_boxes_have_the_area_asked_for_and_lie_inside() -> None:
    step = Erase(probability=0.25, area=(0.1, 0.4), aspect=(0.5, 2.0))
    plan = step.plan(Stream(0, 0, torch.arange(20_000)).uniform(0, 5), Shape(3, 1000, 1200))
    left, top, right, bottom = plan.T.numpy()
    erased = right > left
    assert scipy.stats.binomtest(int(erased.sum()), len(erased), 0.25).pvalue > 1e-3
    area = ((right - left) * (bottom - top) / 1.2e6)[erased]
    assert scipy.stats.kstest(area, "uniform", (0.1, 0.3)).pvalue > 1e-3
    assert min(left.min(), top.min()) >= 0
    assert (right.max(), bottom.max()) <= (1200, 1000)


def test_an_erased_box_is_one_shade_and_nothing_else_changes() -> None:
    images = torch.randint(0, 200, (40, 3, 30, 41), generator=torch.Generator().manual_seed(0))
    images = images.to(torch.uint8)
    stream = Stream(0, 0, torch.arange(40))
    step = Erase(probability=0.5, shade=0.9)
    boxes = step.plan(stream.uniform(0, 5), Shape(3, 30, 41)).to(torch.int64).tolist()
    expected = images.clone()
    for image, (left, top, right, bottom) in zip(expected, boxes, strict=True):
        image[:, top:bottom, left:right] = 230  # 0.9 of 255, to the even
    assert torch.equal(step(images, stream), expected)
    assert not torch.equal(expected, images)


def test_a_cutout_is_a_square_with_its_middle_anywhere() -> None:
    white = torch.ones(500, 1, 20, 20)
    cut = Cutout(0.5)(white, Stream(0, 0, torch.arange(500)))
    sizes = (cut == 0).sum((1, 2, 3))
    assert sizes.max() == 100
    assert sizes.min() == 25  # a corner
    hits = (cut == 0).double().mean(0)[0]
    # A pixel is hit by the middles within reach of it: all 10 in the middle, half at the edge.
    assert float(hits[10, 10]) == pytest.approx(0.25, abs=0.08)
    assert float(hits[0, 0]) == pytest.approx(6 * 6 / 400, abs=0.06)
    assert torch.equal(Cutout(probability=0.0)(white, Stream(0, 0, torch.arange(500))), white)


def test_inside_is_half_open() -> None:
    mask = inside(torch.tensor([[1.0, 0.0, 3.0, 2.0]]), 3, 4)
    assert mask[0, 0].int().tolist() == [[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: GaussianNoise((0.2, 0.1)), "deviation: got"),
        (lambda: SaltAndPepper((0, 2)), "share: got"),
        (lambda: Cutout(-1), "side: got -1"),
        (lambda: Cutout(shade=2), "shade: got 2"),
        (lambda: Cutout(probability=2), "probability: got 2"),
        (lambda: Erase(probability=2), "probability: got 2"),
        (lambda: Erase(area=(0.5, 2)), "area: got"),
        (lambda: Erase(aspect=(0, 2)), "aspect: got"),
        (lambda: Erase(shade=-1), "shade: got -1"),
    ],
)
def test_wrong_settings_are_named(make, match) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ArgumentError, match=match):
        make()
