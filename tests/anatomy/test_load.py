"""`FILE.py:NAME`: what is found, and one clear line for what is not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from torch import nn

from striate.anatomy.load import net_from
from striate.errors import StriateError

NETS = """
from __future__ import annotations
from dataclasses import dataclass
import torch
from torch import nn
from neighbour import WIDTH

@dataclass
class Options:  # a dataclass needs its module to be findable while the file runs
    width: int = WIDTH

class Small(nn.Sequential):
    def __init__(self, width=WIDTH):
        super().__init__(nn.Linear(4, width))

def make():
    return Small(Options().width)

def needs(argument):
    return Small(argument)

def fails():
    raise OSError("no such weights")

def late():
    from later import WIDTH  # a neighbour that is imported only now

    return Small(WIDTH)

small = make()
number = 3
"""


@pytest.fixture
def nets(tmp_path: Path) -> str:
    (tmp_path / "nets.py").write_text(NETS)
    (tmp_path / "neighbour.py").write_text("WIDTH = 7")
    (tmp_path / "later.py").write_text("WIDTH = 7")
    return str(tmp_path / "nets.py")


@pytest.fixture(autouse=True)
def forget_neighbour():
    yield
    sys.modules.pop("neighbour", None)
    sys.modules.pop("later", None)


@pytest.mark.parametrize("name", ["Small", "make", "small", "late"])
def test_a_class_a_function_or_a_module(nets: str, name: str) -> None:
    path = list(sys.path)
    net = net_from(f"{nets}:{name}")
    assert isinstance(net, nn.Sequential)
    assert net[0].out_features == 7
    assert sys.path == path


def test_a_file_may_bear_the_name_of_a_module_in_use(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("from torch import nn\nnet = nn.ReLU()")
    import json

    assert isinstance(net_from(f"{tmp_path}/json.py:net"), nn.ReLU)
    assert sys.modules["json"] is json


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("nets", "nets: no network named. Name a network as FILE.py:NAME"),
        ("nets.py:", "no network named"),
        (":Small", "no network named"),
        ("{folder}/none.py:Small", "none.py: no such file. Name a network as"),
        ("{folder}:Small", "is a folder. Name a network as"),
        ("{folder}/data.txt:Small", "data.txt: is not a Python file"),
        ("{nets}:small_", "got 'small_', expected the name of a network. Did you mean small"),
        ("{nets}:number", "is a int, not a torch.nn.Module. Name a module"),
        ("{nets}:Options", "is a Options, not a torch.nn.Module"),
        ("{nets}:needs", r"fails when called without arguments: TypeError: needs\(\) missing 1"),
        ("{nets}:fails", r"OSError: no such weights \(line 23\)\. Mend the file"),
        ("{folder}/empty.py:net", "has no 'net', nor any network"),
        (
            "{folder}/broken.py:net",
            r"import: ZeroDivisionError: division by zero \(line 2\)",
        ),
        ("{folder}/syntax.py:net", "fails on import: SyntaxError: "),
        ("{folder}/leaves.py:net", "fails on import: SystemExit: 3"),
    ],
)
def test_one_clear_line(nets: str, tmp_path: Path, spec: str, message: str) -> None:
    (tmp_path / "data.txt").write_text("")
    (tmp_path / "empty.py").write_text("")
    (tmp_path / "broken.py").write_text("x = 1\ny = x / 0\n")
    (tmp_path / "syntax.py").write_text("def (:\n")
    (tmp_path / "leaves.py").write_text("import sys\nsys.exit(3)\n")
    with pytest.raises(StriateError, match=message) as caught:
        net_from(spec.format(folder=tmp_path, nets=nets))
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    assert not {"broken", "syntax", "leaves"} & sys.modules.keys()
