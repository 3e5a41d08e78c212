import functools
import xml.etree.ElementTree as ET
from itertools import combinations

import pytest
import torch
from gallery_nets import GALLERY, UNet
from torch import nn

from striate.anatomy.diagram import diagram
from striate.errors import StriateError

SVG = "{http://www.w3.org/2000/svg}"


def fresh(name):
    make, shape = GALLERY[name]
    with torch.device("meta"):  # weights without numbers: a picture needs none
        net = make()
    return diagram(net, shape)


@functools.cache
def drawn(name):
    return fresh(name)


def words(svg):
    return [text.text for text in ET.fromstring(svg).iter(f"{SVG}text")]


def boxes(svg):
    """Every label with the box it covers, at 0.56 em a character: a digit's width in Helvetica."""
    for text in ET.fromstring(svg).iter(f"{SVG}text"):
        x, y, half = float(text.get("x")), float(text.get("y")), len(text.text) * 5.6 / 2
        yield text.text, (x - half, y - 7.5, x + half, y + 2)


def crossing(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@pytest.mark.parametrize("name", GALLERY)
def test_no_two_labels_overlap_and_all_are_on_the_page(name):
    svg = drawn(name)
    labels = list(boxes(svg))
    assert not [(a, b) for (a, p), (b, q) in combinations(labels, 2) if crossing(p, q)]
    _, _, width, height = map(float, ET.fromstring(svg).get("viewBox").split())
    assert all(x0 > 0 and y0 > 0 and x1 < width and y1 < height for _, (x0, y0, x1, y1) in labels)


@pytest.mark.parametrize("name", GALLERY)
def test_no_label_lies_on_a_block(name):
    root = ET.fromstring(drawn(name))
    fronts = [
        [tuple(map(float, corner.split(","))) for corner in face.get("points").split()]
        for face in root.iter(f"{SVG}polygon")
        if face.get("class").startswith("front")
    ]
    for label, box in boxes(ET.tostring(root)):
        for corners in fronts:
            xs, ys = zip(*corners, strict=True)
            assert not crossing(box, (min(xs), min(ys), max(xs), max(ys))), label


@pytest.mark.parametrize("name", GALLERY)
def test_the_page_is_accessible_and_the_same_every_time(name):
    svg = drawn(name)
    root = ET.fromstring(svg)
    assert root.get("role") == "img"
    named = root.get("aria-labelledby").split()
    assert [root.find(f"{SVG}{tag}").get("id") for tag in ("title", "desc")] == named
    assert "input" in root.find(f"{SVG}desc").text
    assert "prefers-color-scheme:dark" in svg
    assert "currentColor" in svg
    assert svg == fresh(name)


def test_two_pictures_in_one_page_have_different_names():
    names = [ET.fromstring(drawn(name)).get("aria-labelledby") for name in GALLERY]
    assert len(set(names)) == len(names)


def test_alexnet_as_the_lecture_draws_it():
    told = words(drawn("alexnet"))
    sizes = ["224x224x3", "55x55x96", "27x27x96", "27x27x256", "13x13x256"]
    assert [word for word in told if word in sizes][:5] == sizes
    assert told.index("11x11 /4") < told.index("55x55x96") < told.index("3x3 /2")
    assert [told.count(word) for word in ("conv", "max pool", "fc")] == [5, 3, 3]
    assert told[-1] == "1000"


def test_residual_additions_are_arcs_with_a_plus():
    svg = drawn("resnet18")
    assert words(svg).count("+") == 8
    assert svg.count('class="skip arrow"') == 8
    assert words(svg).count("conv 1x1 /2") == 3  # the projections are said on their arcs
    assert "x 2" not in words(svg)


def test_repeated_blocks_of_a_long_net_are_drawn_once():
    svg = drawn("resnet50")
    times = [word for word in words(svg) if word.startswith("x ")]
    assert times == ["x 2", "x 3", "x 5", "x 2"]
    assert svg.count('class="skip arrow"') == 8  # four first blocks, four repeated ones
    assert "x 41" in words(drawn("plain"))


def test_branches_stand_side_by_side_and_merge():
    svg = drawn("inception")
    assert words(svg).count("concat") == 2
    positions = {
        (text.text, float(text.get("y")))
        for text in ET.fromstring(svg).iter(f"{SVG}text")
        if text.text in ("3x3", "5x5", "1x1")
    }
    assert len({y for _, y in positions}) >= 4  # one height per branch


def test_a_u_net_goes_down_and_up():
    root = ET.fromstring(drawn("unet"))
    heights = {text.text: float(text.get("y")) for text in root.iter(f"{SVG}text")}
    lows = [heights[size] for size in ("64x64x8", "32x32x16", "16x16x32")]
    assert lows == sorted(lows)
    assert sum(path.get("class") == "skip arrow" for path in root.iter(f"{SVG}path")) == 2
    assert words(diagram(UNet(), (3, 32, 32))).count("concat") == 2


def test_all_earlier_features_at_once_are_a_chain_of_concatenations():
    assert drawn("densenet").count('class="skip arrow"') == 4


def test_a_picture_fits_a_page():
    for name in GALLERY:
        _, _, width, height = map(float, ET.fromstring(drawn(name)).get("viewBox").split())
        assert width < 1250, name
        assert height < 900, name


def test_a_branch_that_leads_nowhere_else_keeps_its_operation():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 1)
            self.c = nn.Conv2d(4, 4, 5)

        def forward(self, x):
            x = self.a(x)
            return self.b(x), self.c(x)

    assert "conv 5x5" in words(diagram(Two(), (3, 16, 16)))


def test_names_are_escaped():
    class Odd(nn.Module):
        def forward(self, x):
            return x.sum(1)

    Odd.__name__ = "A<&>B"
    title = ET.fromstring(diagram(Odd(), (3, 4, 4))).find(f"{SVG}title")
    assert title.text.startswith("A<&>B: 4x4x3 to ")


def test_a_net_that_fails_is_not_drawn():
    with pytest.raises(StriateError, match=r"1 \(Linear\)") as caught:
        diagram(nn.Sequential(nn.Linear(4, 4), nn.Linear(5, 2)), (4,))
    assert caught.value.exit_code == 1
