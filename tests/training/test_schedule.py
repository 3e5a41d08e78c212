import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate.training.schedule import one_cycle


def test_the_cycle_goes_up_and_comes_down() -> None:
    assert one_cycle(0) == pytest.approx(0.02)
    assert one_cycle(0.25) == pytest.approx(1)
    assert one_cycle(1) == pytest.approx(0.02)


@given(st.floats(0, 1))
def test_the_rate_stays_between_floor_and_peak(progress: float) -> None:
    assert 0.02 - 1e-12 <= one_cycle(progress) <= 1


@given(st.floats(0.25, 1), st.floats(0.25, 1))
def test_after_the_peak_it_only_falls(a: float, b: float) -> None:
    assert one_cycle(max(a, b)) <= one_cycle(min(a, b)) + 1e-12
