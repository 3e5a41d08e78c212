"""Operations that move pixels, beside SciPy, Pillow, NumPy and OpenCV."""

import math

import cv2
import numpy as np
import pytest
import scipy.ndimage
import scipy.stats
import torch
from augment_forced import forced, photo
from PIL import Image
from torch import Tensor

from striate.data.augment import (
    Flip,
    RandomCrop,
    RandomResizedCrop,
    Rotate,
    Scale,
    Shear,
    Stream,
    Translate,
    apply,
)
from striate.data.augment.op import Geometric, Shape
from striate.data.augment.resample import compose, resample
from striate.errors import ArgumentError

SCIPY_MODES = {"reflect": "mirror", "replicate": "nearest", "zeros": "grid-constant"}
STEPS = [
    Rotate(50),
    Scale(0.9, 2),
    Shear(30, 10),
    Translate(0.3, 0.2),
    Flip(),
    Flip("vertical"),
    RandomCrop((30, 41)),
    RandomResizedCrop((50, 40), area=(0.2, 0.5)),
]


def scipys(image: Tensor, row: Tensor, size: tuple[int, int], mode: str) -> np.ndarray:
    """A map by scipy.ndimage, which counts (row, column) from the corner."""
    a, b, x, c, d, y = row.tolist()
    matrix = np.array([[d, c], [b, a]])
    middle = (np.array(image.shape[1:]) - 1) / 2
    offset = middle + np.array([y, x]) - matrix @ ((np.array(size) - 1) / 2)
    planes = image.double().numpy()
    return np.stack(
        [
            scipy.ndimage.affine_transform(
                plane, matrix, offset, size, order=1, mode=SCIPY_MODES[mode]
            )
            for plane in planes
        ]
    )


@pytest.mark.parametrize("padding", SCIPY_MODES)
@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
def test_each_map_is_what_scipy_makes_of_it(step: Geometric, padding: str) -> None:
    image = photo()[0]
    shape = Shape(*image.shape)
    uniform = torch.tensor([[0.81, 0.13, 0.35, 0.6]], dtype=torch.float64)[:, : step.draws]
    maps, after = step.plan(uniform, shape), step.becomes(shape)
    ours = resample(image[None], maps, after[1:], padding)[0]
    np.testing.assert_allclose(ours.numpy(), scipys(image, maps[0], after[1:], padding), atol=0.02)


def test_neighbours_are_one_resampling() -> None:
    image = photo()
    steps = (Rotate(20), Scale(0.95, 1.2), Flip(), Shear(10), Translate(0.1, 0.1))
    stream = Stream(0, 0, torch.tensor([4]))
    shape = Shape(*image.shape[1:])
    total = torch.tensor([[1.0, 0, 0, 0, 1, 0]], dtype=torch.float64)
    for step, uniform in zip(steps, stream.uniforms([s.draws for s in steps]), strict=True):
        total = compose(total, step.plan(uniform, shape))
    ours = apply(steps, image, stream)[0].numpy()
    np.testing.assert_allclose(ours, scipys(image[0], total[0], image.shape[2:], "reflect"), atol=1)
    # ... and nearly what one after the other gives, apart from the blur of interpolating twice
    one_by_one = image
    for position, step in enumerate(steps):
        one_by_one = forced(step, one_by_one, *stream.uniform(position, step.draws)[0].tolist())
    middle = (slice(None), slice(15, -15), slice(20, -20))
    away = ours[middle].astype(float) - one_by_one[0].numpy()[middle]
    assert np.abs(away).mean() < 8


@pytest.mark.parametrize("degrees", [-33.3, -10, 0.7, 45])
def test_rotation_is_pillows(degrees: float) -> None:
    image = photo(64, 64)
    ours = forced(Rotate(45), image, (degrees / 45 + 1) / 2)[0].permute(1, 2, 0).numpy()
    pillow = Image.fromarray(image[0].permute(1, 2, 0).numpy())
    theirs = np.asarray(pillow.rotate(degrees, Image.Resampling.BILINEAR)).astype(int)
    middle = slice(14, -14)  # Pillow's corners are black
    assert np.abs(ours[middle, middle].astype(int) - theirs[middle, middle]).max() <= 1


def test_zeros_beyond_the_edge_are_opencvs() -> None:
    image = photo()
    height, width = image.shape[2:]
    step = Rotate(30, padding="zeros")
    ours = forced(step, image, 1.0)[0].permute(1, 2, 0).numpy()
    centre = ((width - 1) / 2, (height - 1) / 2)
    theirs = cv2.warpAffine(
        np.ascontiguousarray(image[0].permute(1, 2, 0).numpy()),
        cv2.getRotationMatrix2D(centre, 30, 1.0),
        (width, height),
    )
    # OpenCV's places are rounded to 1/32 of a pixel
    assert np.abs(ours.astype(int) - theirs).mean() < 0.5


def test_a_flip_swaps_pixels_exactly() -> None:
    image = photo(count=3)
    assert torch.equal(forced(Flip(), image, 0.1), image.flip(3))
    assert torch.equal(forced(Flip("vertical"), image, 0.1), image.flip(2))
    assert torch.equal(forced(Flip(), image, 0.9), image)
    flipped = apply((Flip(), Flip("vertical")), image, Stream(0, 0, torch.tensor([0, 1, 6])))
    for before, after in zip(image, flipped, strict=True):
        assert any(torch.equal(after, before.flip(dims)) for dims in ((), (1,), (2,), (1, 2)))


def test_a_flip_beside_a_turn_is_resampled_with_it() -> None:
    image = photo()
    stream = Stream(0, 0, torch.tensor([3]))
    both = apply((Flip(probability=1.0), Rotate(0.0)), image, stream)
    assert torch.equal(both, image.flip(3))


@pytest.mark.parametrize("padding", ["reflect", "replicate", "zeros"])
@pytest.mark.parametrize("kind", [torch.uint8, torch.float32])
def test_a_crop_copies_what_numpy_pads(padding: str, kind: torch.dtype) -> None:
    image = photo(28, 31, count=60).to(kind)
    mode = {"reflect": "reflect", "replicate": "edge", "zeros": "constant"}[padding]
    around = np.pad(image.numpy(), ((0, 0), (0, 0), (4, 4), (4, 4)), mode=mode)
    step = RandomCrop(margin=4, padding=padding)
    after = step(image, Stream(0, 0, torch.arange(60)))
    places = set()
    for before, crop in zip(around, after.numpy(), strict=True):
        found = [
            (y, x)
            for y in range(9)
            for x in range(9)
            if np.array_equal(before[:, y : y + 28, x : x + 31], crop)
        ]
        assert len(found) == 1
        places.add(found[0])
    assert {y for y, _ in places} == {x for _, x in places} == set(range(9))


def test_a_resized_crop_is_pillows() -> None:
    image = photo(120, 150)
    step = RandomResizedCrop((64, 48), area=(0.3, 1.0))
    for numbers in ((0.1, 0.8, 0.3, 0.9), (0.9, 0.2, 0.5, 0.5), (0.999, 0.5, 0.1, 0.2)):
        ours = forced(step, image, *numbers)[0].permute(1, 2, 0).numpy()
        a, _, x, _, d, y = step.plan(torch.tensor([numbers]).double(), Shape(3, 120, 150))[
            0
        ].tolist()
        width, height = a * 48, d * 64
        left, top = x + 75 - width / 2, y + 60 - height / 2
        pillow = Image.fromarray(image[0].permute(1, 2, 0).numpy())
        box = tuple(round(v) for v in (left, top, left + width, top + height))
        theirs = np.asarray(pillow.crop(box).resize((48, 64), Image.Resampling.BILINEAR))
        assert np.abs(ours.astype(int) - theirs).max() <= 1


def test_resized_crops_have_the_area_and_proportions_asked_for() -> None:
    step = RandomResizedCrop(area=(0.1, 0.4), aspect=(0.5, 2.0))
    uniform = Stream(0, 0, torch.arange(4000)).uniform(0, 4)
    maps = step.plan(uniform, Shape(3, 1000, 1000))
    width, height = maps[:, 0].numpy(), maps[:, 4].numpy()
    assert scipy.stats.kstest(width * height, "uniform", (0.1, 0.3)).pvalue > 1e-3
    assert scipy.stats.kstest(np.log2(width / height), "uniform", (-1, 2)).pvalue > 1e-3
    # inside, and anywhere
    room = (maps[:, 2].numpy() * 2 / 1000) / (1 - width)
    assert scipy.stats.kstest(room, "uniform", (-1, 2)).pvalue > 1e-3


def test_what_is_made_smaller_is_averaged() -> None:
    stripes = torch.zeros(1, 1, 96, 96, dtype=torch.uint8)
    stripes[..., ::2] = 255
    small = forced(Scale(1 / 3, 1, padding="zeros"), stripes, 0.0)[0, 0, 36:60, 36:60].double()
    assert abs(small.mean() - 127.5) < 3
    assert small.std() < 45  # single looks would give 0 and 255: 127


def test_angles_and_shifts_are_even() -> None:
    uniform = Stream(0, 0, torch.arange(4000)).uniform(0, 2)
    turned = Rotate(15).plan(uniform[:, :1], Shape(3, 50, 60))
    angles = torch.atan2(turned[:, 3], turned[:, 0]) * 180 / math.pi
    assert scipy.stats.kstest(angles.numpy(), "uniform", (-15, 30)).pvalue > 1e-3
    moved = Translate(0.1, 0.2).plan(uniform, Shape(3, 50, 60))
    assert scipy.stats.kstest(moved[:, 2].numpy(), "uniform", (-6, 12)).pvalue > 1e-3
    assert scipy.stats.kstest(moved[:, 5].numpy(), "uniform", (-10, 20)).pvalue > 1e-3


def test_a_picture_of_one_pixel_survives() -> None:
    image = torch.full((2, 3, 1, 1), 77, dtype=torch.uint8)
    policy = (Rotate(10), Scale(0.9, 1.1), RandomCrop(), RandomResizedCrop(), Flip())
    assert torch.equal(apply(policy, image, Stream(0, 0, torch.arange(2))), image)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Rotate(-1), "degrees: got -1, expected a number from 0 to 180"),
        (lambda: Rotate(math.nan), "degrees: got nan"),
        (lambda: Rotate(5, padding="mirror"), "padding: got 'mirror'"),
        (lambda: Scale(0, 1), "low: got 0"),
        (lambda: Scale(1.2, 1.1), "low: got 1.2"),
        (lambda: Scale(1, 99), "high: got 99"),
        (lambda: Shear(90), "horizontal: got 90"),
        (lambda: Shear(1, -2), "vertical: got -2"),
        (lambda: Translate(2, 0), "horizontal: got 2"),
        (lambda: Translate(0, 2), "vertical: got 2"),
        (lambda: Flip("diagonal"), "axis: got 'diagonal'"),
        (lambda: Flip(probability=1.1), "probability: got 1.1"),
        (lambda: RandomCrop((0, 3)), r"size: got \(0, 3\)"),
        (lambda: RandomCrop(margin=-1), "margin: got -1"),
        (lambda: RandomResizedCrop(area=(0.5, 0.1)), r"area: got \(0.5, 0.1\)"),
        (lambda: RandomResizedCrop(aspect=(0, 1)), r"aspect: got \(0, 1\)"),
        (lambda: forced(RandomCrop((70, 10)), photo(), 0.5, 0.5), "size and margin: got"),
    ],
)
def test_wrong_settings_are_named(make, match) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ArgumentError, match=match):
        make()
