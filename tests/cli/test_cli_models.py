import json
import re
import subprocess
import sys

import pytest

from conftest import Striate

KEYS = {"name", "family", "year", "paper", "url", "params", "macs", "input", "task", "weights"}


def test_all_networks_as_json(striate_command: Striate) -> None:
    rows = json.loads(striate_command("models", "--json").stdout)
    assert len(rows) > 90
    assert all(row.keys() == KEYS for row in rows)
    vgg = next(row for row in rows if row["name"] == "vgg16")
    assert (vgg["params"], vgg["macs"], vgg["year"]) == (138_357_544, 15_470_264_320, 2015)
    assert vgg["weights"] == ["vgg16.torchvision"]


def test_one_family_in_a_pipe_is_tab_separated(striate_command: Striate) -> None:
    lines = striate_command("models", "--family", "squeezenet").stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["name", "squeezenet1_0", "squeezenet1_1"]


def test_a_small_network_has_more_than_0_macs(striate_command: Striate) -> None:
    lines = striate_command("models", "--family", "lenet").stdout.splitlines()
    assert [line.split("\t")[3] for line in lines[1:]] == ["0.4", "0.4"]


def test_an_unknown_family_is_told_the_nearest(striate_command: Striate) -> None:
    done = striate_command("models", "--family", "resnets")
    assert done.returncode == 2
    assert "expected the name of a family. Did you mean resnet" in done.stderr


def test_the_command_imports_no_torch() -> None:
    program = (
        "import sys; sys.argv[1:] = ['models', '--json']\n"
        "from striate.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: assert 'torch' not in sys.modules; raise\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("width", "dropped"),
    [(40, ["input", "task", "weights"]), (80, ["input", "task"]), (100, ["task"]), (160, [])],
)
def test_on_a_terminal_of_any_width_no_number_is_cut(
    striate_command: Striate, monkeypatch: pytest.MonkeyPatch, width: int, dropped: list[str]
) -> None:
    plain = [line.split("\t") for line in striate_command("models").stdout.splitlines()]
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes the pipe for a terminal
    monkeypatch.setenv("COLUMNS", str(width))
    shown = re.sub(r"\x1b\[[\d;]*m", "", striate_command("models").stdout)
    assert max(map(len, shown.splitlines())) <= width
    assert "…" not in shown
    words = shown.split()
    for line in plain[1:]:
        assert set(line[1:4]) <= set(words), line
    assert [head for head in plain[0] if head not in shown.splitlines()[0]] == dropped


def test_a_family_is_found_whatever_its_case(striate_command: Striate) -> None:
    small = striate_command("models", "--family", "resnet").stdout
    assert striate_command("models", "--family", "ResNet").stdout == small
    assert striate_command("models", "--family", "VGG").returncode == 0


def test_a_family_without_its_option_is_told_the_option(striate_command: Striate) -> None:
    done = striate_command("models", "resnet")
    assert (done.returncode, done.stdout) == (2, "")
    assert "got 'resnet', expected options only. Try: striate models --family r" in done.stderr
    assert striate_command("models", "--nosuch").returncode == 2
