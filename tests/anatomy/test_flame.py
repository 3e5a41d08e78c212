import json
import time

import pytest
from rich.console import Console
from torch import nn

from striate.anatomy.profile import profile


class Sleep(nn.Module):
    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds

    def forward(self, x):
        time.sleep(self.seconds)
        return x.clone()


@pytest.mark.parametrize("width", [20, 40, 60, 100, 160])
def test_the_terminal_page_keeps_to_its_width(width):
    net = nn.Sequential(
        nn.Sequential(nn.Linear(4, 4), nn.Tanh()), nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    )
    found = profile(net, (4,), repeats=1)
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        console.print(found)
    lines = captured.get().splitlines()
    assert max(map(len, lines)) <= width
    assert "…" not in "".join(line for line in lines if "us" in line.split()[-1:])
    bars = [line for line in lines if line.startswith("▏")]
    assert len(bars[0]) == width
    assert bars[0].startswith("▏Sequential")


def test_a_child_lies_under_its_parent():
    net = nn.Sequential(nn.Sequential(Sleep(0.01), Sleep(0.01)), Sleep(0.02))
    found = profile(net, (4,), repeats=3)
    console = Console(width=80, color_system=None)
    with console.capture() as captured:
        console.print(found)
    root, outer, inner = captured.get().splitlines()[-3:]
    assert len(root) == 80
    assert [i for i, mark in enumerate(outer) if mark == "▏"][1] == pytest.approx(40, abs=6)
    assert [i for i, mark in enumerate(inner) if mark == "▏"][1] == pytest.approx(20, abs=6)


def test_to_dict_is_plain_and_text_needs_no_terminal():
    found = profile(nn.Sequential(nn.Linear(4, 2), nn.ReLU()), (4,), repeats=1)
    told = json.loads(json.dumps(found.to_dict()))
    assert told["layers"][0]["name"] == "0"
    assert set(told) >= {"layers", "forward", "backward", "hooks", "peak_bytes", "by_type"}
    assert "By class:" in str(found)
    assert "\x1b" not in str(found)
