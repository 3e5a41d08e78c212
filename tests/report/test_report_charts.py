import re

import pytest
import torch
from made_findings import findings

from striate.evaluating.reject import Coverage
from striate.report import charts
from striate.report.charts import Series, ticks
from striate.report.filters import bank
from striate.report.pictures import Budget, encode, overlaid, thumbnails
from striate.signal.kernels import sobel_x

FIELD = (0.0, 340.0, 0.0, 220.0)


def inside(svg: str) -> bool:
    """Whether every point of the paths and circles lies in the picture."""
    numbers = re.findall(r"[ML]([\d.-]+) ([\d.-]+)", svg)
    numbers += re.findall(r'cx="([\d.-]+)" cy="([\d.-]+)"', svg)
    return bool(numbers) and all(
        FIELD[0] <= float(x) <= FIELD[1] and FIELD[2] <= float(y) <= FIELD[3] for x, y in numbers
    )


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 1.0, [0, 0.25, 0.5, 0.75, 1]),
        (1.0, 5.0, [1, 2, 3, 4, 5]),
        (0.13, 2.4, [0, 1, 2, 3]),
        (7.0, 7.0, [6.5, 6.75, 7, 7.25, 7.5]),
    ],
)
def test_ticks_are_round_and_hold_the_values(
    low: float, high: float, expected: list[float]
) -> None:
    assert ticks(low, high) == pytest.approx(expected)


def test_a_curve_passes_where_its_values_are() -> None:
    svg = charts.lines([Series("a", [(1, 0.0), (2, 1.0), (3, 0.5)])], "told", "epoch", "loss")
    path = re.search(r'class="curve c0" d="M([^"]+)"', svg)
    assert path
    (x1, y1), (x2, y2), (x3, y3) = [map(float, p.split()) for p in path[1].split("L")]
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.2)
    assert y2 < y3 < y1  # 1 on top, 0 at the bottom
    assert y3 == pytest.approx((y1 + y2) / 2, abs=0.2)


@pytest.mark.parametrize("epochs", [1, 2, 300])
def test_curves_of_any_length_stay_inside(epochs: int) -> None:
    points = [(i, 3.0 / i) for i in range(1, epochs + 1)]
    svg = charts.lines([Series("training", points), Series("validation", points)], "t", "x", "y")
    assert inside(svg)
    assert "curve c1" in svg
    assert "nan" not in svg


def test_names_in_a_chart_are_text() -> None:
    svg = charts.lines([Series("<b>", [(0, 1)]), Series("b", [(0, 2)])], '"><x', "x", "y")
    assert "<b>" not in svg
    assert "<x" not in svg


def test_the_threshold_in_use_lies_on_the_coverage_curve() -> None:
    curve = Coverage(
        torch.tensor([0.9, 0.6, 0.3]), torch.tensor([0.2, 0.5, 1.0]), torch.tensor([1.0, 0.9, 0.8])
    )
    assert "50\N{NO-BREAK SPACE}% answered, 90.0" in charts.coverage(curve, 0.5, "told")
    assert "100\N{NO-BREAK SPACE}% answered, 80.0" in charts.coverage(curve, 0.0, "told")
    assert "% answered," not in charts.coverage(curve, 0.95, "told")


def test_the_other_charts_stay_inside() -> None:
    calibration = findings().calibration
    assert calibration
    assert inside(charts.reliability(calibration.bins, "told"))
    assert inside(charts.coverage(calibration.curve, 0.0, "told"))
    assert inside(charts.interval(1.0, (0.9, 1.0), 0.0, "told"))


def test_a_learned_sobel_filter_is_known_whatever_its_sign() -> None:
    generator = torch.Generator().manual_seed(0)
    filters = torch.randn(8, 3, 3, 3, generator=generator)
    filters[5] = -0.3 * torch.from_numpy(sobel_x()).float()
    found = bank(filters)
    assert found
    assert found.matches[0].name == "Sobel x"
    assert found.matches[0].likeness == pytest.approx(1)
    assert (found.count, found.size) == (8, "3 x 3")


@pytest.mark.parametrize("shape", [(4, 3, 11, 11), (70, 1, 5, 5), (4, 3, 2, 2), (4, 5, 3, 1)])
def test_filters_of_any_shape_can_be_shown(shape: tuple[int, ...]) -> None:
    found = bank(torch.randn(shape))
    assert found
    assert found.shown == min(64, shape[0])
    assert bool(found.matches) == (shape[2] == shape[3] and shape[2] % 2 == 1)


def test_filters_without_weights_are_grey() -> None:
    found = bank(torch.zeros(2, 3, 3, 3))
    assert found
    assert all(match.likeness == 0 for match in found.matches)


def test_heat_lies_where_it_is_hot_and_nowhere_else() -> None:
    pixels = torch.full((1, 3, 4, 4), 100, dtype=torch.uint8)
    heat = torch.zeros(1, 4, 4)
    heat[0, 1, 2] = 1
    over = overlaid(pixels, heat)
    changed = (over != 100).any(1)[0]
    assert changed.nonzero().tolist() == [[1, 2]]
    assert over[0, 0, 1, 2] > over[0, 2, 1, 2]  # yellow


def test_a_heat_map_with_holes_in_it_is_cold_there() -> None:
    pixels = torch.zeros(1, 1, 2, 2, dtype=torch.uint8)
    assert overlaid(pixels, torch.full((1, 2, 2), torch.nan)).count_nonzero() == 0


def test_small_grey_pictures_are_kept_exactly() -> None:
    assert encode(torch.zeros(1, 28, 28, dtype=torch.uint8), 96).startswith("data:image/png")
    assert encode(torch.zeros(3, 28, 28, dtype=torch.uint8), 96).startswith("data:image/jpeg")


def test_pictures_end_where_the_budget_ends() -> None:
    pixels = torch.zeros(5, 3, 96, 96, dtype=torch.uint8)
    size = len(encode(pixels[0], 96))
    budget = Budget(2 * size + 10)
    shown = thumbnails(pixels, budget, 96)
    assert [bool(one.address) for one in shown] == [True, True, False, False, False]
    assert budget.left == 10
