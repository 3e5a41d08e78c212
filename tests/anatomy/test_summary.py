"""The table: rows, exact totals, and every width and format of it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest
import torch
from torch import Tensor, nn

from striate.anatomy.summary import Summary, summary
from striate.anatomy.table import as_text, shape


def lenet() -> nn.Module:
    shared = nn.Tanh()
    features = nn.Sequential(
        *(nn.Conv2d(1, 6, 5, padding=2), shared, nn.AvgPool2d(2)),
        *(nn.Conv2d(6, 16, 5), shared, nn.AvgPool2d(2)),
    )
    head = nn.Sequential(nn.Flatten(), nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10))
    return nn.Sequential(features, head)


@pytest.fixture(scope="module")
def found() -> Summary:
    return summary(lenet(), (1, 28, 28))


def test_totals_are_the_sums_of_the_rows(found: Summary) -> None:
    assert (found.params, found.macs) == (61_706, 416_520)
    assert found.params == sum(layer.params for layer in found.layers)
    assert found.macs == sum(layer.macs for layer in found.layers)
    assert found.memory == sum(layer.memory for layer in found.layers)
    assert found.weights == 4 * 61_706
    assert (found.trainable, found.uncalled) == (61_706, 0)


def test_rows_show_one_sample(found: Summary) -> None:
    row = {layer.name: layer for layer in found.layers}
    assert row["0.3"].output == (16, 10, 10)
    assert row["0.3"].receptive_field == (14, 14)
    assert not row["0.3"].whole
    assert row["1.1"].output == (120,)
    assert row["1.1"].whole
    assert row["0.1"].shared is False or row["0.1"].params == 0


def test_the_dict_has_the_documented_keys(found: Summary) -> None:
    told = json.loads(json.dumps(found.to_dict()))
    assert {"layers", "params", "macs", "memory"} <= told.keys()
    keys = {"name", "type", "output", "receptive_field", "params", "macs"}
    assert all(keys <= layer.keys() for layer in told["layers"])
    assert told["layers"][0]["output"] == [6, 28, 28]
    assert told["layers"][0]["receptive_field"] == [5, 5]
    assert told["failure"] is None


def test_the_text_as_wide_as_it_needs(found: Summary) -> None:
    lines = str(found).splitlines()
    assert lines[0].split() == ["layer", "type", "output", "sees", "params", "MACs", "memory"]
    first = "0.0 Conv2d 6x28x28 5x5 156 117,600 18.4KiB"
    assert lines[2].split() == first.split()
    assert "parameters 61,706" in lines
    assert "MACs 416,520" in lines
    assert lines[-1] == "activations 56.2KiB a sample, weights 241KiB"


@pytest.mark.parametrize("width", [30, 40, 60, 80, 120])
def test_no_line_is_longer_than_the_terminal_and_no_row_wraps(found: Summary, width: int) -> None:
    lines = as_text(found, width).splitlines()
    assert max(map(len, lines)) <= width
    rows = lines[2 : 2 + len(found.layers)]
    assert [row.split()[0] for row in rows] == [layer.name for layer in found.layers]
    assert "…" not in as_text(found, width)
    assert "61,706" in as_text(found, width)  # totals stay exact


def test_long_names_keep_their_end() -> None:
    net: nn.Module = nn.Conv2d(1, 1, 1)
    for _ in range(12):
        net = nn.Sequential(net)
    text = as_text(summary(net, (1, 5, 5)), 40)
    assert re.search(r"^\.\.[0.]+\.0 ", text, re.MULTILINE)
    assert max(map(len, text.splitlines())) <= 40


def test_shared_frozen_and_idle_parameters_are_told() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.idle = nn.Linear(4, 4, bias=False), nn.Linear(4, 3)
            self.layer.weight.requires_grad_(False)

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(self.layer(x))

    found = summary(Net(), (4,))
    assert (found.params, found.trainable, found.uncalled) == (31, 15, 15)
    text = str(found)
    assert "parameters 31 (15 trainable, 15 not used in this run)" in text
    again = text.splitlines()[3].split()
    assert again == ["layer", "Linear", "4", "-", "shared", "16", "16", "B"]


def test_a_failure_stands_under_the_rows() -> None:
    found = summary(nn.Sequential(nn.Conv2d(1, 8, 3), nn.Flatten(), nn.Linear(5, 2)), (1, 6, 6))
    text = str(found)
    assert text.endswith(
        "failed at 2 (Linear): the input has another number of features: "
        "expected 5 features, got 128. Set in_features=128"
    )
    assert "not used" not in text
    told = found.to_dict()["failure"]
    assert told["layer"] == "2"
    assert told["mend"] == "Set in_features=128"


class Checked(HTMLParser):
    """Collects the page's text and refuses anything that would be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not {"src", "href"} & {name for name, _ in attrs}
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_is_whole_and_self_contained(found: Summary) -> None:
    page, reader = found.to_html(), Checked()
    reader.feed(page)
    assert not reader.open
    assert "117,600" in reader.text
    assert page.startswith("<!doctype html>")
    assert "prefers-color-scheme: dark" in page
    assert "url(" not in page
    assert "@import" not in page
    assert found._repr_html_() in page


def test_the_page_escapes_what_it_shows() -> None:
    class Odd(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise RuntimeError("<script>alert(1)</script>")

    Odd.__name__ = "<b>Odd</b>"
    page = summary(nn.Sequential(Odd()), (3,)).to_html()
    assert "<script>" not in page
    assert "<b>" not in page


def test_several_inputs_and_none_that_are_spatial() -> None:
    found = summary(nn.Bilinear(3, 4, 5), ((3,), (4,)))
    assert found.layers[0].receptive_field is None
    assert found.layers[0].name == "Bilinear"
    assert "3 and 4" in found.to_html()
    assert " - " in str(found)


def test_dtype_is_passed_on() -> None:
    net = nn.Sequential(nn.Identity(), nn.Embedding(4, 5))
    assert summary(net, (6,), dtype=torch.int32).failure is None


def test_shapes() -> None:
    assert shape((64, 7)) == "64x7"
    assert shape(()) == "1"
    assert shape(None) == "-"
