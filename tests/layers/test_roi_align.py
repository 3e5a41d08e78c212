"""RoIAlign against a loop over bins and samples in plain numbers."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from striate.errors import ArgumentError
from striate.layers.roi_align import pyramid_levels, roi_align

coordinate = st.floats(-30, 90)
box = st.tuples(coordinate, coordinate, st.floats(0, 120), st.floats(0, 120)).map(
    lambda one: (one[0], one[1], one[0] + one[2], one[1] + one[3])
)


def interpolated(one: Tensor, y: float, x: float) -> Tensor:
    """Map (C, H, W) -> (C,): bilinear, 0 more than a position outside."""
    height, width = one.shape[1:]
    if not (-1 <= y <= height and -1 <= x <= width):
        return one.new_zeros(len(one))
    y, x = (min(max(at, 0), size - 1) for at, size in ((y, height), (x, width)))
    top, left = int(y), int(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    down, along = y - top, x - left
    upper = (1 - along) * one[:, top, left] + along * one[:, top, right]
    lower = (1 - along) * one[:, bottom, left] + along * one[:, bottom, right]
    return (1 - down) * upper + down * lower


def naive(maps: Tensor, stride: int, rois: Tensor, owners: Tensor, size: int, n: int) -> Tensor:
    patches = maps.new_zeros(len(rois), maps.shape[1], size, size)
    for k, (x1, y1, x2, y2) in enumerate((rois / stride).tolist()):
        bin_width, bin_height = max(x2 - x1, 1) / size, max(y2 - y1, 1) / size
        for row in range(size):
            for column in range(size):
                for v in range(n):
                    for u in range(n):
                        y = y1 + (row + (v + 0.5) / n) * bin_height
                        x = x1 + (column + (u + 0.5) / n) * bin_width
                        value = interpolated(maps[owners[k]], y, x)
                        patches[k, :, row, column] += value / n**2
    return patches


def random_maps(*shape: int, seed: int = 0) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(shape, dtype=torch.float64, generator=draw)


@given(
    st.lists(st.tuples(box, st.integers(0, 1)), max_size=3),
    st.sampled_from([1, 4, 8]),
    st.integers(1, 4),
    st.integers(1, 3),
)
@settings(deadline=None, max_examples=40)
def test_equals_the_loop(
    rows: list[tuple[tuple[float, ...], int]], stride: int, size: int, samples: int
) -> None:
    maps = random_maps(2, 3, 7, 9)
    rois = torch.tensor([row[0] for row in rows], dtype=torch.float64).reshape(-1, 4)
    owners = torch.tensor([row[1] for row in rows], dtype=torch.int64)
    got = roi_align([maps], [stride], rois, owners, size, samples)
    wanted = naive(maps, stride, rois, owners, size, samples)
    # A sample within rounding of the border, where the loop jumps to 0, may fall on either side.
    for roi, one, other in zip(rois / stride, got, wanted, strict=True):
        if not near_the_border(roi, size, samples):
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


def near_the_border(roi: Tensor, size: int, samples: int) -> bool:
    steps = (torch.arange(size * samples, dtype=torch.float64) + 0.5) / (size * samples)
    for axis, extent in ((0, 9), (1, 7)):
        points = roi[axis] + steps * (roi[axis + 2] - roi[axis]).clamp(min=1)
        if ((points + 1).abs() < 1e-9).any() or ((points - extent).abs() < 1e-9).any():
            return True
    return False


def test_a_bin_on_a_ramp_is_the_value_at_its_centre() -> None:
    """A map whose value is 10 y + x: its mean over a bin is what stands at the bin's middle."""
    ramp = (10 * torch.arange(8.0)[:, None] + torch.arange(8.0))[None, None]
    patch = roi_align([ramp], [2], torch.tensor([[2.0, 4, 10, 8]]), torch.tensor([0]), size=2)
    torch.testing.assert_close(patch[0, 0], torch.tensor([[27.0, 29], [37, 39]]))


def test_each_box_reads_the_level_of_its_size() -> None:
    """Maps that hold their own number: levels change at sides of 112, 224 and 448 pixels."""
    maps = [torch.full((1, 1, 256 >> level, 256 >> level), float(level)) for level in range(4)]
    sides = [1.0, 111.9, 112, 223.9, 224, 447.9, 448, 900]
    rois = torch.tensor([[0, 0, side, side] for side in sides])
    patches = roi_align(maps, [4, 8, 16, 32], rois, torch.zeros(8, dtype=torch.int64), size=1)
    assert patches.flatten().tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    tall = torch.tensor([[0.0, 0, 56, 896]])
    assert pyramid_levels(tall, [4, 8, 16, 32]).tolist() == [2]
    assert pyramid_levels(tall, [32]).tolist() == [0]


def test_levels_equal_reading_each_map_by_itself() -> None:
    maps = [random_maps(2, 3, 64 >> level, 48 >> level, seed=level) for level in range(4)]
    draw = torch.Generator().manual_seed(3)
    first = 150 * torch.rand(40, 2, dtype=torch.float64, generator=draw)
    rois = torch.cat([first, first + 700 * torch.rand(40, 1, generator=draw) ** 2], 1)
    owners = torch.randint(0, 2, (40,), generator=draw)
    strides = [4, 8, 16, 32]
    levels = pyramid_levels(rois, strides)
    assert set(levels.tolist()) == {0, 1, 2, 3}
    together = roi_align(maps, strides, rois, owners)
    assert together.shape == (40, 3, 7, 7)
    for level, stride in enumerate(strides):
        here = levels == level
        alone = naive(maps[level], stride, rois[here], owners[here], 7, 2)
        torch.testing.assert_close(together[here], alone)


def test_gradients_reach_maps_and_boxes() -> None:
    maps = random_maps(2, 2, 5, 6).requires_grad_()
    rois = torch.tensor([[1.27, 2.13, 9.71, 8.23], [0.4, 0.3, 3.9, 7.7]], dtype=torch.float64)
    owners = torch.tensor([1, 0])

    def patches(maps: Tensor, rois: Tensor) -> Tensor:
        return roi_align([maps], [2], rois, owners, size=3)

    assert torch.autograd.gradcheck(patches, (maps, rois.requires_grad_()))


def test_boxes_that_are_no_numbers_give_zeros() -> None:
    rois = torch.full((1, 4), math.nan)
    assert not roi_align([torch.ones(1, 1, 4, 4)], [4], rois, torch.tensor([0])).any()


MAP, TWO = torch.zeros(1, 2, 4, 4), torch.zeros(2, dtype=torch.int64)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (([MAP, MAP[:, :1]], [4, 8], torch.ones(2, 4), TWO), r"maps: got .*of the same B and C"),
        (([], [], torch.ones(2, 4), TWO), r"maps: got \[\]"),
        (([MAP], [3], torch.ones(2, 4), TWO), r"strides: got \[3\], expected 1 powers of two"),
        (([MAP, MAP], [4, 16], torch.ones(2, 4), TWO), "expected 2 powers of two, each twice"),
        (([MAP], [4], torch.ones(2, 5), TWO), r"rois: got \(2, 5\), expected boxes \(K, 4\)"),
        (([MAP], [4], torch.ones(3, 4), TWO), r"owners: got \(2,\), expected one index"),
        (([MAP], [4], torch.ones(2, 4), TWO, 0), "size: got 0"),
        (([MAP], [4], torch.ones(2, 4), TWO, 7, 0), "samples: got 0"),
    ],
)
def test_what_does_not_fit_is_named(arguments: tuple[object, ...], told: str) -> None:
    with pytest.raises(ArgumentError, match=told):
        roi_align(*arguments)  # type: ignore[arg-type]
