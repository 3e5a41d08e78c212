import functools
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import worker_tasks

from striate.data.kinds import Unreadable
from striate.data.pixels import raw_of
from striate.data.workers import Workers
from striate.errors import ArgumentError, StriateError
from striate.preprocess import Preprocess

HERE = Path(__file__).parent


def gone(process: int) -> bool:
    """Whether no such process is left, not even a zombie."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("ahead", [1, 3, 100])
def test_results_come_in_the_order_of_their_sources(count: int, ahead: int) -> None:
    with Workers(worker_tasks.same, count=count) as workers:
        assert list(workers.map(range(50), ahead=ahead)) == list(range(50))
        assert list(workers.map(iter("ab"), ahead=ahead)) == ["a", "b"]
        assert list(workers.map([], ahead=ahead)) == []


def test_the_work_is_done_elsewhere_and_by_all() -> None:
    with Workers(worker_tasks.process, count=2) as workers:
        processes = set(workers.map(range(200)))
    assert len(processes) == 2
    assert os.getpid() not in processes
    assert all(gone(int(process)) for process in processes if isinstance(process, int))


def test_a_decoding_process_imports_neither_torch_nor_numpy() -> None:
    with Workers(worker_tasks.modules, count=1) as workers:
        (loaded,) = workers.map([0])
    assert isinstance(loaded, list)
    assert "striate.data.kinds" in loaded
    assert not {"torch", "numpy", "multiprocessing"} & set(loaded)


@pytest.mark.parametrize("count", [0, 2])
def test_what_the_task_refuses_is_a_result(count: int) -> None:
    with Workers(worker_tasks.refused, count=count) as workers:
        zero, one = workers.map([0, 1])
    assert zero == 0
    assert isinstance(one, Unreadable)
    assert (one.kind, one.reason, one.where) == ("damaged", "is odd", "1")
    assert str(one) == "1: is odd. Make it even"


@pytest.mark.parametrize("count", [0, 2])
def test_a_mistake_in_the_task_is_raised(count: int) -> None:
    with (
        Workers(worker_tasks.wrong, count=count) as workers,
        pytest.raises(LookupError, match="a mistake in the task at 5"),
    ):
        list(workers.map([5, 6]))


def test_an_error_that_cannot_travel_is_told() -> None:
    with (
        Workers(worker_tasks.awkward, count=1) as workers,
        pytest.raises(RuntimeError, match="Awkward: ab"),
    ):
        list(workers.map([0]))


@pytest.mark.parametrize(
    ("fate", "kind", "reason"),
    [
        ("segv", "decoder-crashed", "SIGSEGV"),
        ("abort", "decoder-crashed", "SIGABRT"),
        ("exit", "decoder-crashed", "exit code 3"),
        ("memory", "decoder-crashed", "out of memory"),
        ("stall", "decoder-stalled", "over 0.3 s"),
    ],
)
def test_a_death_costs_one_source(fate: str, kind: str, reason: str) -> None:
    sources = [(number, fate if number in (0, 4) else "") for number in range(8)]
    with Workers(worker_tasks.dangerous, count=2, seconds=0.3) as workers:
        results = list(workers.map(sources))
    for number, result in enumerate(results):
        if number in (0, 4):
            assert isinstance(result, Unreadable)
            assert result.kind == kind
            assert reason in result.reason
        else:
            assert result == number


def test_a_hundred_deaths_are_survived() -> None:
    choose = random.Random(0)
    fates = ["segv", "abort", "exit", "memory"] * 24 + ["stall"] * 4 + [""] * 300
    choose.shuffle(fates)
    with Workers(worker_tasks.dangerous, count=2, seconds=0.3) as workers:
        results = list(workers.map(enumerate(fates)))
    named = [isinstance(result, Unreadable) for result in results]
    assert named == [bool(fate) for fate in fates]
    assert all(result == number for number, result in enumerate(results) if not named[number])


def test_a_process_that_dies_idle_costs_nothing() -> None:
    with Workers(worker_tasks.process, count=1) as workers:
        (first,) = workers.map([0])
        assert isinstance(first, int)
        os.kill(first, signal.SIGKILL)
        time.sleep(0.05)
        (second,) = workers.map([0])
    assert isinstance(second, int)
    assert second != first


def test_large_messages_both_ways_do_not_block() -> None:
    with Workers(worker_tasks.large, count=1) as workers:
        assert [len(result) for result in workers.map(range(20))] == [3_000_000] * 20
    blob = bytes(3_000_000)
    with Workers(worker_tasks.same, count=1) as workers:
        assert list(workers.map([blob, b"", blob, blob])) == [blob, b"", blob, blob]


def test_what_a_task_prints_goes_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    with Workers(worker_tasks.noisy, count=1) as workers:
        assert list(workers.map(range(3))) == [0, 1, 2]
    assert capfd.readouterr() == ("", "")


def test_leaving_early_ends_everything_at_once(tmp_path: Path) -> None:
    """A consumer that stops, with work under way that would take a minute."""
    before = open_files()
    start = time.monotonic()
    with Workers(worker_tasks.slowly, count=2, seconds=60) as workers:
        results = workers.map([tmp_path] * 9)
        results.close()
        stuck = workers.map([tmp_path])
        with pytest.raises(KeyboardInterrupt):
            interrupt_when(stuck, tmp_path)
    assert time.monotonic() - start < 10
    assert all(gone(int(path.name)) for path in tmp_path.iterdir())
    assert open_files() == before


def interrupt_when(stuck: object, folder: Path) -> None:
    """Ctrl-C while the first result is waited for."""
    # A shell's background job is started deaf to Ctrl-C.
    deaf = signal.signal(signal.SIGINT, signal.default_int_handler)
    previous = signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        next(iter(stuck))  # type: ignore[call-overload]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        signal.signal(signal.SIGINT, deaf)
        assert list(folder.iterdir())


def test_many_rounds_leave_no_files_open() -> None:
    def work() -> None:
        with Workers(worker_tasks.dangerous, count=1) as workers:
            list(workers.map([(0, ""), (1, "segv"), (2, "")]))

    work()
    before = open_files()
    for _ in range(3):
        work()
    assert open_files() == before


def test_a_script_without_a_guard_and_a_killed_parent(tmp_path: Path) -> None:
    """The main script is never imported again, and workers end with their parent."""
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import sys, time
            sys.path.append({str(HERE)!r})
            import worker_tasks
            from striate.data.workers import Workers
            with Workers(worker_tasks.process, count=2) as workers:
                print(*set(workers.map(range(100))), flush=True)
                time.sleep(60)
            """
        )
    )
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        processes = [int(word) for word in parent.stdout.readline().split()]
        assert processes
        parent.kill()
    deadline = time.monotonic() + 10
    while not all(gone(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert all(gone(process) for process in processes)


def test_a_partial_decodes(tmp_path: Path) -> None:
    record = Preprocess((4, 5), 3, (0.5,) * 3, (0.5,) * 3)
    task = functools.partial(raw_of, preprocess=record)
    with Workers(task, count=1) as workers:
        (result,) = workers.map([tmp_path / "none.png"])
    assert isinstance(result, Unreadable)
    assert result.kind == "missing"
    assert result.where == str(tmp_path / "none.png")


def local(source: int) -> int:
    return source


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": -1}, "count: got -1, expected 0 or more"),
        ({"count": 1, "seconds": 0}, "seconds: got 0"),
    ],
)
def test_bad_arguments_are_named(options: dict[str, int], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Workers(worker_tasks.same, **options)


def test_a_task_that_cannot_travel_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ArgumentError, match="a function of a module"):
        Workers(lambda source: source, count=1)
    script = sys.modules["__main__"]
    monkeypatch.setattr(script, "task_of_a_notebook", local, raising=False)
    monkeypatch.setattr(local, "__module__", "__main__")
    monkeypatch.setattr(local, "__qualname__", "task_of_a_notebook")
    with pytest.raises(ArgumentError, match="Move it into a file of its own"):
        Workers(local, count=1)
    with Workers(local, count=0) as workers:
        assert list(workers.map([1])) == [1]


def test_map_says_what_it_needs() -> None:
    workers = Workers(worker_tasks.same, count=1)
    with pytest.raises(StriateError, match="inside their `with` block"):
        workers.map([1])
    with workers, pytest.raises(ArgumentError, match="ahead: got 0"):
        workers.map([1], ahead=0)


def test_processes_that_cannot_start_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/python")
    with (
        Workers(worker_tasks.same, count=2) as workers,
        pytest.raises(StriateError, match=r"do not start.*Use 0 workers"),
    ):
        list(workers.map([1, 2]))


def test_a_task_whose_module_is_not_found_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    path = [entry for entry in sys.path if Path(entry) != HERE]
    workers = Workers(worker_tasks.same, count=1)
    monkeypatch.setattr(sys, "path", path)
    with workers, pytest.raises(StriateError, match="No module named 'worker_tasks'"):
        list(workers.map([1]))
