import json
from dataclasses import replace

import pytest
from rich.console import Console
from torch import nn

from striate.anatomy.profile import profile
from striate.anatomy.timing.flame import Node, bars, nest


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
    half = Node("half", 0.5, {"a": Node("a", 0.25), "b": Node("b", 0.25)})
    tree = Node("net", 1.0, {"half": half, "other": Node("other", 0.5)})
    lines = [line.plain for line in bars(tree, 80, ascii_only=False)]
    assert [len(line) for line in lines] == [80, 80, 40]
    assert [line.rindex("▏") for line in lines] == [0, 40, 20]
    assert [line.strip("▏").split("▏")[-1].strip() for line in lines] == [
        "net 100%",
        "other 50%",
        "b 25%",
    ]


def test_the_nest_adds_up():
    found = profile(nn.Sequential(nn.Sequential(nn.Linear(4, 4), nn.ReLU())), (4,), repeats=1)
    tree = nest(found)
    assert tree.share == pytest.approx(1)
    assert sum(node.share for node in tree.below.values()) == pytest.approx(1)
    inner = tree.below["0"]
    assert set(inner.below) == {"0", "1", "(functions)"}
    assert sum(node.share for node in inner.below.values()) == pytest.approx(inner.share)


def test_to_dict_is_plain_and_text_needs_no_terminal():
    found = profile(nn.Sequential(nn.Linear(4, 2), nn.ReLU()), (4,), repeats=1)
    told = json.loads(json.dumps(found.to_dict()))
    assert told["layers"][0]["name"] == "0"
    assert set(told) >= {"layers", "forward", "backward", "hooks", "peak_bytes", "by_type"}
    assert "By class:" in str(found)
    assert "\x1b" not in str(found)


def test_a_slow_layers_rate_is_no_zero():
    found = profile(nn.Sequential(nn.Linear(4, 2)), (4,), repeats=1)
    for macs, time, text in (
        (8, 1e-4, "80.0k"),
        (117_600, 0.0314, "3.75M"),
        (10**9, 0.02, "50.0G"),
    ):
        layer = replace(found.layers[0], macs=macs, forward=time)
        lines = str(replace(found, layers=(layer,))).splitlines()
        head = next(place for place, line in enumerate(lines) if line.startswith("layer"))
        assert "MAC/s" in lines[head].split()
        assert text in lines[head + 1].split()
