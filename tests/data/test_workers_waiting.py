"""Nobody waits for ever for a result that cannot come any more."""

import signal
import sys
from collections.abc import Iterator

import pytest
import worker_tasks

from striate.data.kinds import Unreadable
from striate.data.workers import Workers
from striate.errors import StriateError


@pytest.fixture
def patience() -> Iterator[None]:
    """An end to what would be waited for without one."""

    def give_up(*_: object) -> None:
        raise AssertionError("still waiting for a result")

    previous = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(10)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


@pytest.mark.usefixtures("patience")
def test_a_successor_that_cannot_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also to the job that the dead process had been given and had not begun."""
    with Workers(worker_tasks.dangerous, count=1) as workers:
        assert list(workers.map([(0, "")])) == [0]
        monkeypatch.setattr(sys, "executable", "/no/python")
        results = workers.map([(0, "exit"), (1, ""), (2, "")])
        first = next(results)
        assert isinstance(first, Unreadable)
        assert first.kind == "decoder-crashed"
        with pytest.raises(StriateError, match=r"do not start.*Use 0 workers"):
            next(results)
        with pytest.raises(StriateError, match="do not start"):
            list(workers.map([(3, "")]))


@pytest.mark.usefixtures("patience")
def test_an_answer_that_cannot_be_read_is_told() -> None:
    with (
        Workers(worker_tasks.unloadable, count=1) as workers,
        pytest.raises(ValueError, match="invalid literal for int"),
    ):
        list(workers.map([0, 1, 2]))
