"""Boxes against loops over plain numbers: overlap, offsets, and greedy suppression."""

import math
import statistics
import time
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from striate.errors import ArgumentError
from striate.layers import boxes

Box = tuple[float, float, float, float]

corner, side = st.integers(0, 12), st.integers(0, 8)
one_box = st.tuples(corner, corner, side, side).map(
    lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3])
)
scored = st.lists(st.tuples(one_box, st.integers(0, 4), st.integers(0, 2)), max_size=40)
thresholds = st.sampled_from([0.0, 0.25, 0.3, 0.5, 0.7, 1.0])


def drawn(count: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    """Boxes of 1 to 61 pixels a side in a picture of 200."""
    draw = torch.Generator().manual_seed(seed)
    first = 200 * torch.rand(count, 2, generator=draw, dtype=dtype)
    return torch.cat([first, first + 1 + 60 * torch.rand(count, 2, generator=draw, dtype=dtype)], 1)


def naive_iou(one: Box, other: Box) -> float:
    width = max(min(one[2], other[2]) - max(one[0], other[0]), 0)
    height = max(min(one[3], other[3]) - max(one[1], other[1]), 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    union = sum(areas) - width * height
    return width * height / union if union else math.nan


def naive_nms(found: list[Box], scores: list[float], groups: list[int], limit: float) -> list[int]:
    kept: list[int] = []
    for index in sorted(range(len(found)), key=lambda index: (-scores[index], index)):
        rivals = [other for other in kept if groups[other] == groups[index]]
        if not any(naive_iou(found[other], found[index]) > limit for other in rivals):
            kept.append(index)
    return kept


def columns(rows: list[tuple[Box, float, int]]) -> tuple[Tensor, Tensor, Tensor]:
    found = torch.tensor([row[0] for row in rows], dtype=torch.float64).reshape(-1, 4)
    scores = torch.tensor([row[1] for row in rows], dtype=torch.float64)
    return found, scores, torch.tensor([row[2] for row in rows], dtype=torch.int64)


@given(st.lists(one_box, max_size=8), st.lists(one_box, max_size=8))
@settings(deadline=None, max_examples=60)
def test_iou_equals_the_loop(left: list[Box], right: list[Box]) -> None:
    pair = [torch.tensor(some, dtype=torch.float64).reshape(-1, 4) for some in (left, right)]
    wanted = torch.tensor([[naive_iou(a, b) for b in right] for a in left], dtype=torch.float64)
    got = boxes.iou(*pair)
    torch.testing.assert_close(got, wanted.reshape(len(left), len(right)), equal_nan=True)


@given(scored, thresholds)
@settings(deadline=None, max_examples=150)
def test_suppression_equals_the_greedy_loop_with_ties(
    rows: list[tuple[Box, float, int]], limit: float
) -> None:
    found, scores, groups = columns(rows)
    plain = [row[0] for row in rows], scores.tolist()
    assert boxes.nms(found, scores, limit).tolist() == naive_nms(*plain, [0] * len(rows), limit)
    wanted = naive_nms(*plain, groups.tolist(), limit)
    assert boxes.batched_nms(found, scores, groups, limit).tolist() == wanted


@pytest.mark.parametrize("limit", [0.1, 0.5, 0.7])
def test_suppression_of_many_blocks_equals_the_greedy_loop(limit: float) -> None:
    found = drawn(700)
    scores = torch.rand(700, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    scores = (scores * 20).round() / 20  # many ties
    wanted = naive_nms([tuple(box) for box in found.tolist()], scores.tolist(), [0] * 700, limit)
    assert 100 < len(wanted) < 700
    assert boxes.nms(found, scores, limit).tolist() == wanted


def test_a_chain_where_each_box_would_remove_the_next() -> None:
    """Box i overlaps only i - 1 and i + 1: every second stays, however long the chain."""
    start = torch.arange(1000.0)
    found = torch.stack([start, 0 * start, start + 1.9, 0 * start + 1], 1)
    scores = torch.linspace(1, 0, 1000)
    assert boxes.nms(found, scores, 0.2).tolist() == list(range(0, 1000, 2))


def test_no_boxes_leave_no_boxes() -> None:
    empty = torch.zeros(0, 4), torch.zeros(0)
    assert boxes.nms(*empty, 0.5).shape == (0,)
    assert boxes.batched_nms(*empty, torch.zeros(0, dtype=torch.int64), 0.5).dtype == torch.int64


def test_boxes_that_are_not_there_neither_stay_nor_suppress() -> None:
    found = torch.tensor([[0.0, 0, 4, 4], [0, 0, 4, 4], [9, 9, 12, 12]])
    scores, groups = torch.tensor([-math.inf, 0.1, -math.inf]), torch.zeros(3, dtype=torch.int64)
    assert boxes.survivors(found, scores, groups, 0.5).tolist() == [False, True, False]


def test_exactly_the_threshold_is_not_above_it() -> None:
    found = torch.tensor([[0.0, 0, 2, 1], [0, 0, 1, 1]])
    assert boxes.iou(found, found)[0, 1] == 0.5
    assert boxes.nms(found, torch.tensor([1.0, 0.5]), 0.5).tolist() == [0, 1]
    assert boxes.nms(found, torch.tensor([1.0, 0.5]), 0.49).tolist() == [0]


@pytest.mark.slow
def test_thousands_of_boxes_are_faster_than_a_loop_over_boxes() -> None:
    found, scores = 4 * drawn(5000, dtype=torch.float32), torch.rand(5000)

    def loop() -> None:
        alive = torch.ones(len(found), dtype=torch.bool)
        for index in scores.argsort(descending=True).tolist():
            if alive[index]:
                alive &= ~(boxes.iou(found[index : index + 1], found)[0] > 0.7)

    assert seconds(lambda: boxes.nms(found, scores, 0.7)) < seconds(loop) / 2


def seconds(run: Callable[[], object]) -> float:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0, 1.0), (10.0, 10.0, 5.0, 5.0)])
def test_offsets_by_hand_and_back(weights: boxes.Weights) -> None:
    """Twice as wide, a quarter of the reference's width to the right of it, as high and level."""
    reference = torch.tensor([[10.0, 20, 30, 60]], dtype=torch.float64)
    box = torch.tensor([[5.0, 20, 45, 60]], dtype=torch.float64)
    offsets = boxes.encode(box, reference, weights)
    wanted = [weights[0] * 0.25, 0, weights[2] * math.log(2), 0]
    assert offsets[0].tolist() == pytest.approx(wanted)
    torch.testing.assert_close(boxes.decode(offsets, reference, weights), box)


def test_decoding_is_the_inverse_of_encoding() -> None:
    found, references = drawn(50), drawn(50, seed=1)
    back = boxes.decode(boxes.encode(found, references), references)
    torch.testing.assert_close(back, found)


def test_growth_stops_at_a_thousand_from_sixteen_pixels() -> None:
    offsets = torch.tensor([[0.0, 0, 50, math.log(2)]], dtype=torch.float64)
    grown = boxes.decode(offsets, torch.tensor([[0.0, 0, 16, 16]], dtype=torch.float64))
    assert grown[0].tolist() == pytest.approx([8 - 500, 8 - 16, 8 + 500, 8 + 16])


def test_area_clipping_and_size() -> None:
    found = torch.tensor([[-5.0, 2, 30, 9], [1, 1, 1.5, 9], [40, 40, 50, 50]])
    inside = boxes.clip(found, (8, 20))
    assert inside.tolist() == [[0, 2, 20, 8], [1, 1, 1.5, 8], [20, 8, 20, 8]]
    assert boxes.area(inside).tolist() == [120, 3.5, 0]
    assert boxes.large(inside, 0.5).tolist() == [True, True, False]
    assert boxes.large(inside, 0.6).tolist() == [True, False, False]


def test_gradients() -> None:
    found, references = drawn(4).requires_grad_(), drawn(3, seed=2).requires_grad_()
    assert torch.autograd.gradcheck(boxes.iou, (found, references))
    assert torch.autograd.gradcheck(boxes.encode, (found, drawn(4, seed=3).requires_grad_()))
    offsets = torch.randn(4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(boxes.decode, (offsets, found))


@pytest.mark.parametrize(
    ("found", "scores", "groups", "told"),
    [
        ((3, 5), 3, 3, r"boxes: got \(3, 5\), expected boxes \(N, 4\)"),
        ((3, 4), 2, 3, r"scores: got \(2,\), expected one number for each of the 3 boxes"),
        ((3, 4), 3, 4, r"groups: got \(4,\), expected one number for each of the 3 boxes"),
    ],
)
def test_what_does_not_fit_is_named(
    found: tuple[int, int], scores: int, groups: int, told: str
) -> None:
    with pytest.raises(ArgumentError, match=told):
        boxes.batched_nms(torch.ones(found), torch.ones(scores), torch.ones(groups), 0.5)
