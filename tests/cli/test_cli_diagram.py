import sys
import xml.etree.ElementTree as ET

import pytest

from striate.cli.main import main

NETS = """
from torch import nn
small = nn.Sequential(nn.Conv2d(1, 4, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 10))
broken = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(5, 4, 3))
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "nets.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # nets.py's would lie beside it
    return tmp_path


def leave(capsys, *arguments):
    with pytest.raises(SystemExit) as left:
        main(["diagram", *arguments])
    return left.value.code, *capsys.readouterr()


def test_it_writes_the_picture_and_nothing_else(capsys, folder):
    code, out, err = leave(capsys, "nets.py:small", "--input", "1,8,8", "-o", "small.svg")
    assert (code, out, err) == (0, "", "wrote small.svg\n")
    assert ET.parse(folder / "small.svg").getroot().get("role") == "img"


def test_a_networks_name(capsys, folder):
    code, out, err = leave(capsys, "lecture_net", "--input", "1,28,28", "-o", "net.svg")
    assert (code, out, err) == (0, "", "wrote net.svg\n")
    assert ET.parse(folder / "net.svg").getroot().get("role") == "img"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["lecture_nett", "--input", "1,8,8", "-o", "x.svg"], "Did you mean lecture_net"),
        (["nets.py:small", "--input", "8,8,-1", "-o", "x.svg"], "--input: got '8,8,-1'"),
        (["nets.py:small", "--input", "1,8,8", "-o", "none/x.svg"], "The folder does not exist"),
        (["nets.py:large", "--input", "1,8,8", "-o", "x.svg"], "network: got 'large'"),
        (
            ["lenet5", "-o", "x.png"],
            "--output: got 'x.png', expected a name that ends in .svg, for SVG is what is drawn. "
            "Try: striate diagram lenet5 -o x.svg",
        ),
        (
            ["lenet5"],
            "--output: got None, expected the SVG file to write. Try: striate diagram "
            "lenet5 -o lenet5.svg",
        ),
        (["nets.py:small", "--input", "1,8,8"], "striate diagram nets.py:small -o small.svg"),
    ],
)
def test_bad_input_is_one_line_exit_code_2_and_no_file(capsys, folder, arguments, line):
    code, out, err = leave(capsys, *arguments)
    assert (code, out) == (2, "")
    assert line in err
    assert err.count("\n") == 1
    assert [path.name for path in folder.iterdir()] == ["nets.py"]


def test_a_net_that_fails_is_one_line_exit_code_1_and_no_file(capsys, folder):
    code, out, err = leave(capsys, "nets.py:broken", "--input", "1,8,8", "-o", "x.svg")
    assert (code, out) == (1, "")
    assert "1 (Conv2d)" in err
    assert err.count("\n") == 1
    assert not (folder / "x.svg").exists()
