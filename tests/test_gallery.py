"""The gallery's generator, without the build: every network has its place, every chart is sound."""

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from gallery.chart import BOTTOM, LEFT, WIDTH, Axis, Chart  # noqa: E402
from gallery.drawing import Drawing, draw  # noqa: E402
from gallery.milestones import MILESTONES  # noqa: E402
from gallery.pages import families, index, pages  # noqa: E402
from gallery.timeline import charts, counts, link, milestones, published_errors  # noqa: E402
from striate.models import list_models  # noqa: E402
from striate.models.catalogue import BY_NAME, ENTRIES  # noqa: E402

SVG = "{http://www.w3.org/2000/svg}"
BLANK = '<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20"></svg>'


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pages({name: Drawing(BLANK, trunk_only=False, sees="3x3") for name in list_models()})


def test_every_network_has_a_heading_a_row_and_a_picture(made: dict[str, str]) -> None:
    for entry in ENTRIES:
        page = made[f"gallery/{entry.family}.md"]
        assert f"### `{entry.name}` {{ #{entry.name} }}" in page
        row = next(line for line in page.splitlines() if f"| [`{entry.name}`](#" in line)
        assert f"| {entry.params:,} | {entry.macs:,} |" in row
        assert f'st.create("{entry.name}"' in page
        assert f"](img/{entry.name}.svg)" in page
        assert made[f"gallery/img/{entry.name}.svg"] == BLANK


def test_the_index_tells_every_network_with_its_paper_and_idea(made: dict[str, str]) -> None:
    rows = [line for line in made["gallery/index.md"].splitlines() if line.startswith("| ")]
    for entry in ENTRIES:
        own = [row for row in rows if f"({entry.family}.md#{entry.name})" in row]
        facts = f"| {entry.year} |", f"({entry.paper.url})", entry.paper.idea
        assert any(all(fact in row for fact in facts) for row in own), entry.name


def test_the_families_stand_in_the_order_of_their_years() -> None:
    rows = re.findall(r"^\| (\d{4}) \| \[", index(), re.M)
    assert len(rows) >= len(families()) > 25
    assert rows == sorted(rows)
    assert rows[0] == "1980"


def test_every_page_shows_the_navigation(made: dict[str, str]) -> None:
    assert not any("navigation" in page for page in made.values())


def test_the_tables_of_the_index_stack_where_there_is_no_room(made: dict[str, str]) -> None:
    stacked = made["gallery/index.md"].split('<div class="gallery-stack" markdown>\n\n')
    assert [table.splitlines()[0] for table in stacked[1:]] == [
        "| year | family | paper | the one idea | networks |",
        "| year | error | network | published |",
    ]


def test_each_link_of_the_index_leads_to_a_page(made: dict[str, str]) -> None:
    for page, anchor in re.findall(r"\]\((\w+)\.md(?:#(\w+))?\)", made["gallery/index.md"]):
        assert not anchor or f"{{ #{anchor} }}" in made[f"gallery/{page}.md"]
    for family, anchor in re.findall(r'href="(\w+)/#(\w+)"', made["gallery/index.md"]):
        assert f"{{ #{anchor} }}" in made[f"gallery/{family}.md"]


def test_weights_are_told_where_there_are_some(made: dict[str, str]) -> None:
    assert "top-1 56.522 %, top-5 79.066 %" in made["gallery/alexnet.md"]
    assert 'st.create("alexnet", pretrained=True)' in made["gallery/alexnet.md"]
    assert 'st.create("alexnet_2012")' in made["gallery/alexnet.md"]


@pytest.mark.parametrize("place", range(4))
def test_a_chart_is_valid_xml_and_keeps_its_words_inside(place: int) -> None:
    chart = ElementTree.fromstring(charts()[place])
    assert chart.find(f"{SVG}title") is not None
    for word in chart.iter(f"{SVG}text"):
        assert 0 <= float(word.attrib["x"]) <= WIDTH


def test_the_milestones_are_drawn_at_their_heights_with_their_figures() -> None:
    chart = ElementTree.fromstring(milestones())
    words = {text.text for text in chart.iter(f"{SVG}text")}
    assert {f"{one.what} {one.figure}" for one in MILESTONES} <= words
    assert [one.error for one in MILESTONES] == [26, 16, 11.7, 6.6, 4.5, 2]
    tops = [float(dot.attrib["cy"]) for dot in chart.iter(f"{SVG}circle")]
    zero, thirty = BOTTOM, 40
    expected = [zero - (zero - thirty) * one.error / 30 for one in MILESTONES]
    assert tops == pytest.approx(expected, abs=0.06)


@pytest.mark.parametrize("what", ["params", "macs"])
def test_every_network_has_its_dot(what: str) -> None:
    chart = ElementTree.fromstring(counts(what, what))
    told = [dot.findtext(f"{SVG}title") for dot in chart.iter(f"{SVG}circle")]
    expected = [f"{e.name} ({e.year}): {getattr(e, what):,}" for e in ENTRIES]
    assert told == expected


def test_a_logarithmic_axis_puts_equal_ratios_at_equal_distances() -> None:
    axis = Axis(10, 1000, 0, 100, log=True)
    assert [axis.at(value) for value in (10, 100, 1000)] == pytest.approx([0, 50, 100])


def test_published_errors_are_those_of_the_records() -> None:
    errors = dict(published_errors())
    assert errors["alexnet"] == pytest.approx(20.934)
    assert errors.keys() <= BY_NAME.keys()


def test_words_never_cover_a_dot_or_one_another() -> None:
    chart = Chart("crowd", "")
    for x in range(LEFT + 20, LEFT + 80, 10):
        chart.dot(x, 100, "dot", "dot")
    placed = [chart.label(x, 100, "a word") for x in range(LEFT + 20, LEFT + 80, 10)]
    assert any(placed)
    assert not all(placed)
    boxes = chart.taken[6:]
    assert len(boxes) == sum(placed)
    for place, one in enumerate(boxes):
        for other in [*chart.taken[:6], *boxes[:place]]:
            apart = one[2] <= other[0] or other[2] <= one[0]
            assert apart or one[3] <= other[1] or other[3] <= one[1]


@pytest.mark.parametrize("place", range(4))
def test_a_word_is_near_its_dot_and_off_all_others(place: int) -> None:
    chart = ElementTree.fromstring(charts()[place])
    dots = [
        (float(dot.attrib["cx"]), float(dot.attrib["cy"]), str(dot.findtext(f"{SVG}title")))
        for dot in chart.iter(f"{SVG}circle")
    ]
    words = [w for w in chart.iter(f"{SVG}text") if re.search("[a-z]{3}", str(w.text))]
    for word in words[1:]:  # after the chart's name
        text = str(word.text)
        width = len(text) * 12 * 0.55
        behind = {"start": 0.0, "middle": 0.5, "end": 1.0}[word.attrib["text-anchor"]]
        left = float(word.attrib["x"]) - width * behind
        base = float(word.attrib["y"])
        told = re.sub(r" (under )?[\d.]+ %$", "", text)
        gaps = {name: _gap(x, y, (left, base - 9, left + width, base + 2)) for x, y, name in dots}
        assert min(gaps.values()) >= 5, text
        own = min(gap for name, gap in gaps.items() if f"{told}: " in name or f"{told} (" in name)
        assert own <= 12, text
        assert own <= min(gaps.values()) + 4, text
        column = next(x for x, _, name in dots if gaps[name] == own)
        assert all(gaps[name] >= 8 for x, _, name in dots if x != column), text


def _gap(x: float, y: float, box: tuple[float, float, float, float]) -> float:
    """From a dot's middle to the nearest point of a box."""
    across = max(box[0] - x, 0, x - box[2])
    return float((across**2 + max(box[1] - y, 0, y - box[3]) ** 2) ** 0.5)


@pytest.mark.parametrize(
    ("name", "sees"), [("lenet5", "16x16"), ("resnet18", "435x435"), ("mobilenet_v3_small", "all"),
                       ("zfnet", "171x171"), ("wavenet", "3071"), ("textcnn", "-")]
)  # fmt: skip
def test_a_real_network_is_drawn_with_what_it_sees(name: str, sees: str) -> None:
    drawn = draw(name)
    ElementTree.fromstring(drawn.svg)
    assert drawn.size[0] > 100
    assert (drawn.sees, drawn.trunk_only) == (sees, False)


def test_of_a_detector_the_trunk_is_drawn() -> None:
    drawn = draw("fasterrcnn_resnet50_fpn")
    ElementTree.fromstring(drawn.svg)
    assert drawn.trunk_only
    assert "gather" not in drawn.svg


def test_a_milestone_without_a_network_has_no_link() -> None:
    assert link("") == ""
    assert link("resnet152") == "resnet/#resnet152"
