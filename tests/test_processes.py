"""Several processes of one machine: watched, ended, started again; on loopback only."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file

from conftest import Striate
from striate.errors import StriateError
from striate.processes import LOST, _end, _verdict, _watch, launch
from striate.training import Recipe
from striate.training.dist import Team, team

# Without dropout, whose random numbers are each process's own.
WORDS = [
    "--epochs",
    "6",
    "--model",
    "lenet5",
    "--set",
    "batch_size=16",
    "--set",
    "average=0.9",
    "--set",
    "focus=1",
]


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, numbers = tmp_path_factory.mktemp("shapes"), np.random.default_rng(0)
    for kind in range(2):
        (folder / f"{kind}").mkdir()
        for index in range(31):
            pixels = numbers.integers(0, 120, (32, 32), dtype=np.uint8)
            pixels[16 * kind : 16 * kind + 16] += 100
            Image.fromarray(pixels).save(folder / f"{kind}" / f"{index}.png")
    return folder


def start(folder: Path, *words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "striate", "train", *map(str, words)],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


def open_to_others(pids: list[int]) -> list[str]:
    """Addresses, other than loopback, on which these processes listen (state 0A)."""
    links = []
    for path in (p for pid in pids for p in Path(f"/proc/{pid}/fd").iterdir()):
        with contextlib.suppress(FileNotFoundError):  # closed since it was listed
            links.append(os.readlink(path))
    inodes = {m[1] for link in links if (m := re.match(r"socket:\[(\d+)\]", link))}
    tables = [Path(f"/proc/net/{name}").read_text() for name in ("tcp", "tcp6")]
    rows = [line.split() for table in tables for line in table.splitlines()]
    mine = [row for row in rows if row[3] == "0A" and row[9] in inodes]
    loopback = ("0100007F:", "00000000000000000000000001000000:")
    return [row[1] for row in mine if not row[1].startswith(loopback)]


def test_a_killed_process_is_started_again_and_the_end_is_the_same(
    shapes: Path, tmp_path: Path
) -> None:
    quiet = start(tmp_path, shapes, "--out", "quiet", "--nproc", 2, "--json", *WORDS)
    out, err = quiet.communicate(timeout=120)
    assert quiet.returncode == 0, err
    assert json.loads(out)["run"] == "quiet"
    shaken = start(tmp_path, shapes, "--out", "shaken", "--nproc", 2, *WORDS)
    while not (tmp_path / "shaken" / "last").exists():
        assert shaken.poll() is None, shaken.communicate()[1]
        time.sleep(0.02)
    pids = children(shaken.pid)
    assert open_to_others([shaken.pid, *pids]) == []
    os.kill(pids[1], signal.SIGKILL)
    _, err = shaken.communicate(timeout=120)
    assert shaken.returncode == 0, err
    assert "Process 1 of 2 ended by SIGKILL. Going on from the last checkpoint (1 of 3)" in err
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    weights = [load_file(tmp_path / run / "model.safetensors") for run in ("quiet", "shaken")]
    assert all((weights[0][name] == weights[1][name]).all() for name in weights[0])
    # One process, the same global batch: the same losses, but for rounding.
    alone = start(tmp_path, shapes, "--out", "alone", *WORDS)
    assert alone.communicate(timeout=120)
    both = [(tmp_path / r / "metrics.jsonl").read_text().splitlines() for r in ("alone", "quiet")]
    for one, two in zip(*both, strict=True):
        a, b = json.loads(one), json.loads(two)
        assert a["val"]["n"] == b["val"]["n"]
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-3)


def test_ctrl_c_is_passed_on_once_and_all_leave(shapes: Path, tmp_path: Path) -> None:
    words = ["--out", "run", "--nproc", 2, "--epochs", 5000, *WORDS[2:]]
    run = start(tmp_path, shapes, *words)
    while not (tmp_path / "run" / "last").exists():
        assert run.poll() is None, run.communicate()[1]
        time.sleep(0.02)
    pids = children(run.pid)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=30)
    assert run.returncode == 130, err
    assert "Go on with: striate train --resume run" in err
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_a_mistake_is_said_once_and_not_tried_again(
    striate_command: Striate, tmp_path: Path
) -> None:
    done = striate_command("train", tmp_path / "nothing", "--nproc", "2", "--out", tmp_path / "run")
    assert done.returncode == 2
    assert done.stderr.count("no such file or folder") == 1
    assert "Going on" not in done.stderr
    assert striate_command("train", "--nproc", "0").returncode == 2


@pytest.mark.parametrize(
    ("codes", "verdict"),
    [([0, 0], 0), ([LOST, -9], LOST), ([LOST, 1], 1), ([2, -9], 2), ([0, -9], LOST)],
)
def test_what_the_ends_of_all_come_to(codes: list[int], verdict: int) -> None:
    assert _verdict(codes) == verdict


def test_one_that_hangs_after_the_others_are_done_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("striate.processes._PATIENCE", 0.2)
    children = [
        subprocess.Popen(["sleep", seconds], stdin=subprocess.PIPE) for seconds in ("0", "600")
    ]
    _watch(children, [])  # type: ignore[arg-type]
    assert [child.returncode for child in children] == [0, -signal.SIGKILL]


def test_the_first_may_report_when_the_others_have_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("striate.processes._PATIENCE", 0.2)
    children = [
        subprocess.Popen(["sleep", seconds], stdin=subprocess.PIPE) for seconds in ("1.5", "0")
    ]
    _watch(children, [])  # type: ignore[arg-type]
    _end(children)  # type: ignore[arg-type]
    assert [child.returncode for child in children] == [0, 0]


def test_a_second_that_fails_is_noticed_while_the_first_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("striate.processes._GRACE", 0.2)
    children = [
        subprocess.Popen(words, stdin=subprocess.PIPE) for words in (["sleep", "20"], ["false"])
    ]
    _watch(children, [])  # type: ignore[arg-type]
    assert [child.returncode for child in children] == [-signal.SIGKILL, 1]


def test_after_the_fourth_loss_it_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr("striate.processes.sys.executable", "/bin/false")
    monkeypatch.setattr("striate.processes._verdict", lambda codes: LOST)
    with pytest.raises(StriateError, match=r"for the fourth time\. The last checkpoint stands"):
        launch([], 2, said.append)
    assert len(said) == 3


def test_a_size_without_a_rank_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(StriateError, match="RANK does not say which"), team():
        pass


def test_shared_batch_norm_is_refused_on_a_cpu() -> None:
    from torch import nn

    assert Recipe(sync_batch_norm=True).sync_batch_norm
    Team().share_batch_norm(nn.Linear(1, 1))
    with pytest.raises(StriateError, match="torch has no shared batch norm"):
        Team(0, 2).share_batch_norm(nn.Linear(1, 1))
