"""A file is the old one or the new one, whatever happens while it is written."""

from __future__ import annotations

import errno
import os
import random
import resource
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from striate.errors import StriateError
from striate.files import atomic_path, cache_folder, write_atomic

OLD, NEW = b"old" * 1000, b"new!" * 500_000


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "model.bin"
    path.write_bytes(OLD)
    return path


@pytest.fixture
def file_size_limit() -> Iterator[int]:
    """The kernel refuses writes beyond 100,000 bytes, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    yield 100_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_the_new_bytes_replace_the_old(target: Path) -> None:
    write_atomic(target, NEW)
    assert target.read_bytes() == NEW
    assert left_in(target.parent) == {"model.bin"}


def test_a_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomic(tmp_path / "new", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


@pytest.mark.parametrize("mode", [0o600, 0o664, 0o444])
def test_an_old_file_keeps_its_permissions(target: Path, mode: int) -> None:
    target.chmod(mode)
    write_atomic(target, b"x")
    assert stat.S_IMODE(target.stat().st_mode) == mode


def test_a_link_stays_and_its_target_changes(target: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link"
    link.symlink_to("../model.bin")
    write_atomic(link, NEW)
    assert link.is_symlink()
    assert target.read_bytes() == NEW
    assert left_in(tmp_path / "elsewhere") == {"link"}


def test_a_writer_may_replace_the_temporary_file_itself(target: Path) -> None:
    with atomic_path(target) as temporary:
        other = temporary.with_suffix(".other")
        other.write_bytes(NEW)
        other.chmod(0o600)
        other.replace(temporary)
    assert target.read_bytes() == NEW
    assert stat.S_IMODE(target.stat().st_mode) == 0o644


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_writer_that_fails_changes_nothing(target: Path, error: type[BaseException]) -> None:
    def write() -> None:
        with atomic_path(target) as temporary:
            temporary.write_bytes(NEW)
            raise error

    with pytest.raises(error):
        write()
    assert target.read_bytes() == OLD
    assert left_in(target.parent) == {"model.bin"}


def test_a_full_disk_changes_nothing(target: Path, file_size_limit: int) -> None:
    assert len(NEW) > file_size_limit
    with pytest.raises(StriateError, match=r"model\.bin: cannot write: File too large") as caught:
        write_atomic(target, NEW)
    assert caught.value.exit_code == 1
    assert target.read_bytes() == OLD
    assert left_in(target.parent) == {"model.bin"}


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (errno.ENOSPC, "Free some space"),
        (errno.EDQUOT, "Free some of your quota"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "may write to"),
        (errno.EPERM, "may write to"),
        (errno.EIO, "Check the disk"),
    ],
)
def test_a_failure_at_any_step_changes_nothing(
    target: Path, monkeypatch: pytest.MonkeyPatch, step: str, code: int, remedy: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(StriateError, match=remedy) as caught:
        write_atomic(target, NEW)
    assert os.strerror(code) in str(caught.value)
    assert target.read_bytes() == OLD
    assert left_in(target.parent) == {"model.bin"}


def test_the_folder_and_the_file_are_flushed(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = []
    fsync, replace = os.fsync, os.replace

    def spy_fsync(descriptor: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def spy_replace(source: Path, goal: Path) -> None:
        steps.append("rename")
        replace(source, goal)

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(os, "replace", spy_replace)
    write_atomic(target, NEW)
    assert steps == ["file", "rename", "folder"]


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        (".", r"Is a directory\. This is a folder: name a file"),
        ("/", r"Is a directory\. This is a folder: name a file"),
        ("none/x", r"No such file or directory\. The folder does not exist: create it first"),
        ("model.bin/x", r"Not a directory\. A part of the path is a file"),
        ("n" * 300, r"File name too long\. Choose a shorter name"),
        ("/dev/null", r"not a regular file\. Name an ordinary file"),
    ],
)
def test_a_wrong_path_is_named_with_its_remedy(target: Path, place: str, reason: str) -> None:
    path = target.parent / place
    with pytest.raises(StriateError, match=reason) as caught:
        write_atomic(path, NEW)
    assert caught.value.where == str(path)
    assert caught.value.exit_code == 2
    assert left_in(target.parent) == {"model.bin"}


def run_child(code: str, *words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_a_read_only_folder_is_named() -> None:
    code = """
        import os, sys
        from pathlib import Path
        from striate.errors import StriateError
        from striate.files import write_atomic
        if os.getuid() == 0:  # no folder is read-only to root
            os.setuid(65534)
        try:
            write_atomic(Path(sys.argv[1]), b"x")
        except StriateError as error:
            print(error.exit_code, error)
    """
    with tempfile.TemporaryDirectory() as folder:  # pytest's own lie in a private folder
        os.chmod(folder, 0o555)
        done = run_child(code, Path(folder) / "model.bin")
        assert left_in(Path(folder)) == set()
    assert done.stdout.startswith("1 ")
    assert "Permission denied. Choose a folder you may write to" in done.stdout


KILLED_AT = """
    import os, signal, sys
    from pathlib import Path
    from striate.files import write_atomic

    countdown = int(sys.argv[2])
    def hook(event, arguments):
        # every call that touches a file announces itself here, before it happens
        global countdown
        if armed and event.split(".")[0] in ("open", "os"):
            countdown -= 1
            if countdown < 0:
                os.kill(os.getpid(), signal.SIGKILL)
    armed = False
    sys.addaudithook(hook)
    real = os.fsync
    def fsync(descriptor):  # flushing announces nothing, so it is told here, before and after
        hook("os.fsync", ())
        real(descriptor)
        hook("os.fsync", ())
    os.fsync = fsync
    armed = True
    write_atomic(Path(sys.argv[1]), b"new!" * 500_000)
    armed = False
    print("done")
"""


def test_a_kill_at_any_step_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    outcomes = []
    for step in range(40):
        target = tmp_path / str(step) / "model.bin"
        target.parent.mkdir()
        target.write_bytes(OLD)
        done = run_child(KILLED_AT, target, step)
        assert target.read_bytes() in (OLD, NEW), f"a mixture after step {step}"
        strays = left_in(target.parent) - {"model.bin"}
        assert all(name.startswith(".striate-") and name.endswith(".tmp") for name in strays)
        if done.returncode == 0:
            break
        outcomes.append("old" if target.read_bytes() == OLD else "new")
    else:
        pytest.fail("the write never came to its end")
    # Both sides of the rename were met, and the change happened once.
    assert outcomes == sorted(outcomes, reverse=True)
    assert {"old", "new"} == set(outcomes)
    assert len(outcomes) >= 6


WRITING_ON = """
    import sys
    from pathlib import Path
    from striate.files import write_atomic
    print("ready", flush=True)
    for turn in range(10**9):
        write_atomic(Path(sys.argv[1]), bytes([turn % 256]) * 1_000_000)
"""


def test_a_kill_at_random_moments_leaves_a_whole_file(target: Path) -> None:
    rng, met = random.Random(0), set()
    for _ in range(15):
        child = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(WRITING_ON), str(target)],
            stdout=subprocess.PIPE,
        )
        with child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(rng.uniform(0.0, 0.1))
            child.kill()
        content = target.read_bytes()
        assert content == OLD or (len(content) == 1_000_000 and len(set(content)) == 1)
        met.add(content[:1])
    assert len(met) > 1


def test_the_cache_lies_where_the_desktop_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder("pixels") == tmp_path / "striate" / "pixels"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert cache_folder("pixels").parts[-2:] == ("striate", "pixels")
    assert cache_folder("pixels").is_absolute()
