import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate.training.clock import Clock
from striate.training.schedule import SCHEDULES, share_of_peak

PROGRESS = st.floats(0, 1)


def test_the_cycle_goes_up_and_comes_down() -> None:
    shares = [share_of_peak("one_cycle", progress, 0.25) for progress in (0, 0.25, 1)]
    assert shares == pytest.approx([0.02, 1, 0.02])


@given(st.sampled_from(sorted(SCHEDULES)), PROGRESS, st.floats(0, 0.9))
def test_the_rate_stays_between_nothing_and_the_peak(
    name: str, progress: float, warmup: float
) -> None:
    assert 0 <= share_of_peak(name, progress, warmup) <= 1


@given(st.sampled_from(sorted(SCHEDULES)), PROGRESS, PROGRESS)
def test_after_the_peak_it_never_rises(name: str, a: float, b: float) -> None:
    early, late = sorted((0.25 + 0.75 * a, 0.25 + 0.75 * b))
    assert share_of_peak(name, late, 0.25) <= share_of_peak(name, early, 0.25) + 1e-12


@pytest.mark.parametrize(("name", "end"), [("cosine", 0), ("linear", 0), ("step", 0.01)])
def test_where_each_ends(name: str, end: float) -> None:
    assert share_of_peak(name, 1, 0.1) == pytest.approx(end, abs=1e-12)


def test_a_budget_ends_annealed_when_it_is_used_up() -> None:
    now = 0.0
    clock = Clock(1000, 10.0, lambda: now)
    clock.reserve = 2.0
    shares = []
    for step in range(80):
        shares.append(share_of_peak("linear", clock.progress(step), 0.0))
        now += 0.1
        clock.seconds = clock.read()
    assert clock.progress(80) == pytest.approx(1)
    assert shares[40] == pytest.approx(0.5)
    assert shares[-1] < 0.02


def test_updates_that_are_done_before_the_budget_end_the_run() -> None:
    assert Clock(10, 1000.0, lambda: 0.0).progress(10) == 1


def test_time_before_a_resume_counts() -> None:
    now = 5.0
    clock = Clock(1000, 10.0, lambda: now)
    clock.resume(3.0)
    now += 1
    clock.seconds = clock.read()
    assert clock.progress(0) == pytest.approx(0.4)
