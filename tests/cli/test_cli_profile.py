import json

import pytest

from striate.cli.main import main

NETS = """
import torch
from torch import nn

def small():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())

broken = nn.Sequential(nn.Linear(4, 4), nn.Linear(5, 2))
"""


@pytest.fixture
def nets(tmp_path, monkeypatch):
    (tmp_path / "nets.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)


def leave(capsys, *arguments):
    """Exit code, stdout and stderr of one command."""
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    return left.value.code, *capsys.readouterr()


@pytest.mark.usefixtures("nets")
def test_a_table_and_bars(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, err = leave(capsys, "profile", "nets.py:small", "--input", "1,8,8", "--repeats", "2")
    assert (code, err) == (0, "")
    assert "1x1x8x8 (cpu" in out
    assert "evaluation mode, median of 2" in " ".join(out.split())
    assert "Conv2d" in out
    assert "\x1b" not in out


@pytest.mark.usefixtures("nets")
def test_json_is_one_object(capsys):
    options = ["--input", "1,8,8", "--batch", "3", "--repeats", "1", "--backward", "--json"]
    code, out, err = leave(capsys, "profile", "nets.py:small", *options)
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert told["input_shapes"] == [[3, 1, 8, 8]]
    assert told["training"] is True
    assert told["backward"] > 0
    assert sum(layer["share"] for layer in told["layers"]) == pytest.approx(1)


def test_a_networks_name(capsys):
    options = ["--input", "1,28,28", "--repeats", "1", "--json"]
    code, out, err = leave(capsys, "profile", "lecture_net", *options)
    assert (code, err) == (0, "")
    assert "Conv2d" in json.loads(out)["by_type"]


@pytest.mark.usefixtures("nets")
@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["nets.py:small", "--input", "1,8,eight"],
            "--input: got '1,8,eight', expected positive sizes",
        ),
        (["nets.py:small", "--input", "1,0,8"], "--input: got '1,0,8'"),
        (["nets.py:tiny", "--input", "1,8,8"], "network: got 'tiny'"),
        (["lecture_nett", "--input", "1,28,28"], "Did you mean lecture_net"),
        (["none.py:small", "--input", "1,8,8"], "none.py: no such file"),
        (["nets.py:small", "--input", "1,8,8", "--batch", "0"], "batch: got 0"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(capsys, arguments, line):
    code, out, err = leave(capsys, "profile", *arguments)
    assert (code, out) == (2, "")
    assert line in err
    assert err.count("\n") == 1


@pytest.mark.usefixtures("nets")
def test_a_net_that_fails_is_one_line_and_exit_code_1(capsys):
    code, out, err = leave(capsys, "profile", "nets.py:broken", "--input", "4")
    assert (code, out) == (1, "")
    assert "failed in layer 1 (Linear)" in err
    assert err.count("\n") == 1
