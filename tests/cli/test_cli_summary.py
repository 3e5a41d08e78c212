"""`striate summary` as a person and as a program use it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Striate = Callable[..., "subprocess.CompletedProcess[str]"]

NETS = """
from torch import nn
def good():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(1152, 10))
def bad():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(512, 10))
def pair():
    return nn.Bilinear(3, 4, 5)
class Chatty(nn.Linear):
    def __init__(self):
        print("building")
        super().__init__(4, 2)
    def forward(self, x):
        print("running")
        return super().forward(x)
print("importing")
"""


@pytest.fixture
def nets(tmp_path: Path) -> Path:
    (tmp_path / "nets.py").write_text(NETS)
    return tmp_path / "nets.py"


def test_a_table_with_totals(striate_command: Striate, nets: Path) -> None:
    done = striate_command("summary", f"{nets}:good", "--input", "3,14,14")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0].split()[:3] == ["layer", "type", "output"]
    assert "parameters 11,754\n" in done.stdout
    assert "\x1b" not in done.stdout


def test_json_is_one_object_with_exact_numbers(striate_command: Striate, nets: Path) -> None:
    done = striate_command("summary", f"{nets}:good", "--input", "3x14x14", "--json")
    told = json.loads(done.stdout)
    assert told["params"] == 216 + 8 + 11_520 + 10
    assert told["macs"] == 144 * 216 + 11_520
    assert [layer["type"] for layer in told["layers"]] == ["Conv2d", "ReLU", "Flatten", "Linear"]


def test_what_a_network_prints_is_no_result(striate_command: Striate, nets: Path) -> None:
    done = striate_command("summary", f"{nets}:Chatty", "--input", "4", "--json")
    assert json.loads(done.stdout)["params"] == 10
    assert done.stderr.split() == ["importing", "building", "running"]


def test_a_failing_net_prints_its_table_and_exits_with_1(
    striate_command: Striate, nets: Path
) -> None:
    done = striate_command("summary", f"{nets}:bad", "--input", "3,14,14")
    assert done.returncode == 1
    assert "Conv2d" in done.stdout
    assert "expected 512 features, got 1152. Set in_features=1152" in done.stdout
    done = striate_command("summary", f"{nets}:bad", "--input", "3,14,14", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["failure"]["layer"] == "2"


def test_html_is_written_whole(striate_command: Striate, nets: Path, tmp_path: Path) -> None:
    page = tmp_path / "net.html"
    done = striate_command("summary", f"{nets}:good", "--input", "3,14,14", "--html", page)
    assert done.returncode == 0
    assert page.read_text().rstrip().endswith("</html>")
    done = striate_command("summary", f"{nets}:good", "--input", "3,14,14", "--html", tmp_path)
    assert done.returncode == 2
    assert "cannot write" in done.stderr


def test_a_narrow_terminal(
    striate_command: Striate, nets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    done = striate_command("summary", f"{nets}:good", "--input", "3,14,14")
    assert max(map(len, done.stdout.splitlines())) <= 40
    assert "11,754" in done.stdout


def test_several_inputs(striate_command: Striate, nets: Path) -> None:
    done = striate_command("summary", f"{nets}:pair", "--input", "3;4")
    assert done.returncode == 0
    assert "parameters 65" in done.stdout


@pytest.mark.parametrize("shape", ["", "a", "3,-1,4", "3,0", "3,,4", "3;", "1.5"])
def test_wrong_shapes(striate_command: Striate, nets: Path, shape: str) -> None:
    done = striate_command("summary", f"{nets}:good", "--input", shape)
    assert done.returncode == 2
    assert done.stdout == ""
    assert f"--input: got {shape!r}, expected positive sizes such as 3,224,224" in done.stderr


def test_wrong_networks(striate_command: Striate, nets: Path, tmp_path: Path) -> None:
    for spec in (f"{nets}:goood", "none.py:net", str(tmp_path), f"{tmp_path}:net"):
        done = striate_command("summary", spec, "--input", "3,14,14")
        assert done.returncode == 2
        assert done.stdout == ""
        assert len(done.stderr.splitlines()) <= 2  # the file's own print, and one line of ours


def test_a_networks_name(striate_command: Striate) -> None:
    done = striate_command("summary", "lecture_net", "--input", "1,28,28", "--json")
    assert (done.returncode, json.loads(done.stdout)["params"]) == (0, 34_826)
    done = striate_command("summary", "lecture-nett", "--input", "1,28,28")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("striate: model: got 'lecture-nett', expected the name of a")
    assert "or FILE.py:NAME for one of your own. Did you mean lecture_net" in done.stderr


def test_a_closed_pipe_is_no_bug(nets: Path) -> None:
    command = f"{sys.executable} -m striate summary {nets}:good --input 3,14,14 | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert done.stdout.startswith("layer")
    assert "Traceback" not in done.stderr
