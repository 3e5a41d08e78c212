import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from made_findings import findings

from striate.report import card, page, write_report
from striate.report.matrix import matrix
from striate.report.pictures import Budget

VOID = {"meta", "img", "br", "input"}
HOSTILE = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(2)>'",
    "two\nlines\ttab",
    b"broken\xff\xfe".decode(errors="surrogateescape"),
    "\u202egnp.exe",
    "שלום.png",
    "{{ 7 * 7 }}",
    "a" * 300,
)


class Page(HTMLParser):
    """The tags of a page; each must be closed where it belongs."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str]]:
        return [of for name, of in self.tags if name == tag]


CHECK = {
    "files": 70,
    "problems": [{"kind": "leakage", "message": "a copy", "paths": ["a/1.jpg", "b/1.jpg"]}],
    "warnings": [{"kind": "imbalance", "message": "3 to 1", "paths": []}],
    "unreadable": [{"path": "a/cut.jpg", "kind": "cut off", "reason": "ends early"}],
    "duplicates": [
        {
            "kind": "exact",
            "paths": ["a/1.jpg", "b/1.jpg"],
            "classes": ["a", "b"],
            "parts": ["train"],
        }
    ],
    "leakage": [],
    "converted": [{"kind": "rotated", "message": "turned", "paths": ["a/2.jpg"]}],
    "excluded": [{"path": "Thumbs.db", "kind": "junk", "reason": "no picture"}],
}
CASES: dict[str, dict[str, object]] = {
    "usual": {"check": CHECK},
    "thirty pictures": {"n": 30, "accuracy": 0.6, "tested": False},
    "one picture": {"n": 1, "suspects": 0},
    "no errors, no curves": {"accuracy": 1.0, "epochs": 0, "suspects": 0},
    "grey": {"channels": 1, "side": 28, "classes": 10, "empty": 3},
    "nothing optional": {
        "calibration": None, "decisions": (), "history": (), "augmented": None, "filters": None,
    },
    "many classes": {"classes": 130, "n": 400, "accuracy": 0.5},
    "filters of a point": {"filters": torch.ones(4, 3, 1, 1)},
}  # fmt: skip


@pytest.fixture(scope="module", params=CASES)
def text(request: pytest.FixtureRequest) -> str:
    return page(findings(**CASES[request.param]))


def test_a_page_needs_nothing_beside_it(text: str) -> None:
    found = Page(text)
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in found.tags}
    assert not re.search(r"(https?:)?//\w", re.sub(r"base64,[^\"]+", "", text))
    assert all(of["src"].startswith("data:image/") for of in found.all("img"))
    assert all(of["href"].startswith("#") for of in found.all("a"))
    assert "default-src 'none'; img-src data:" in text


def test_every_address_inside_the_page_exists_once(text: str) -> None:
    found = Page(text)
    names = [of["id"] for _, of in found.tags if "id" in of]
    assert len(names) == len(set(names))
    wanted = {of["href"][1:] for of in found.all("a")}
    wanted |= {of["popovertarget"] for of in found.all("button")}
    wanted |= {of["aria-labelledby"] for _, of in found.tags if "aria-labelledby" in of}
    assert wanted <= set(names)


def test_a_page_can_be_read_without_seeing_it(text: str) -> None:
    found = Page(text)
    assert found.all("html") == [{"lang": "en"}]
    assert len(found.all("h1")) == len(found.all("main")) == 1
    assert all("alt" in of for of in found.all("img"))
    assert all(of.get("scope") in ("row", "col") for of in found.all("th"))
    assert all(of.get("aria-label") for of in found.all("svg"))
    assert all(of.get("aria-label") and of["type"] == "button" for of in found.all("button"))
    regions = [of for of in found.all("div") if of.get("role") == "region"]
    assert all(of["tabindex"] == "0" and of["aria-label"] for of in regions)
    levels = [int(tag[1]) for tag, _ in found.tags if re.fullmatch("h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_the_sections_stand_in_order() -> None:
    headings = [of["id"] for of in Page(page(findings(check=CHECK))).all("h2")]
    assert headings == [
        "accuracy", "decisions", "curves", "confusion", "errors", "suspects", "calibration",
        "sees", "check", "cost", "use", "again",
    ]  # fmt: skip


def test_what_was_not_found_has_no_section() -> None:
    without = page(findings(**CASES["nothing optional"]))
    headings = {of["id"] for of in Page(without).all("h2")}
    assert not headings & {"decisions", "curves", "calibration", "check"}
    assert "Augmentation" not in without
    assert "The first filters" not in without


def test_where_the_command_comes_to_other_weights_page_and_card_say_so() -> None:
    made = findings()
    told = replace(made, origin=replace(made.origin, caveat="Time bounded it."))
    assert "<p>Time bounded it.</p>" in page(told)
    assert "\nTime bounded it.\n" in card(told)


def test_every_cell_of_the_matrix_opens_its_own_pictures() -> None:
    made = findings(classes=3, n=90, accuracy=0.8)
    text = page(made)
    confusion = made.held.confusion
    for true, said in confusion.nonzero().tolist():
        count = int(confusion[true, said])
        taken = "recognised" if true == said else f"taken for class {said}"
        label = f"{count} picture{'s' * (count > 1)} of class {true} {taken}"
        assert f'popovertarget="c{true}-{said}" aria-label="{label}">{count}</button>' in text
        inside = text.split(f'<div popover id="c{true}-{said}"')[1].split("</ul>")[0]
        shown = {int(number) for number in re.findall(r"photos/(\d+)\.jpg", inside)}
        rows = (made.held.labels == true) & (made.held.predicted == said)
        right = set(made.held.indices[rows].tolist())
        assert shown <= right
        assert len(shown) == (count if true != said else min(count, 12))


def test_the_worst_error_comes_first_and_shows_where_the_net_looked() -> None:
    made = findings(n=60, accuracy=0.7)
    asked: list[tuple[list[int], list[int]]] = []

    def heat(indices: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        asked.append((indices.tolist(), classes.tolist()))
        return torch.ones(len(indices), 32, 32)

    text = page(findings(n=60, accuracy=0.7, pictures=replace(made.pictures, heat=heat)))
    held = made.held
    own = held.chances[torch.arange(60), held.labels]
    own[held.predicted == held.labels] = 2
    worst = int(own.argmin())
    assert asked[0][0][0] == worst
    assert asked[0][1][0] == int(held.predicted[worst])
    listed = text.split('id="errors"')[1].split("</section>")[0]
    assert re.findall(r"photos/(\d+)\.jpg", listed)[0] == f"{worst:05d}"
    assert text.count('alt="Heat map: where it looked for') == 12 + 3


def test_names_are_text_whatever_is_in_them() -> None:
    names = list(HOSTILE)
    made = findings(classes=names, n=80, accuracy=0.5)
    hostile = page(
        replace(
            made,
            data=HOSTILE[0],
            decisions=HOSTILE[:2],
            pictures=replace(made.pictures, name=lambda index: HOSTILE[index % len(HOSTILE)]),
            check={
                **CHECK,
                "excluded": [{"path": name, "kind": "junk", "reason": name} for name in HOSTILE],
            },
        )
    )
    found = Page(hostile)
    assert not found.all("script")
    assert not any(name.startswith("on") for _, of in found.tags for name in of)
    assert all(of["src"].startswith("data:") for of in found.all("img"))
    assert "{{ 7 * 7 }}" in hostile
    assert "\u202e" not in hostile
    assert "a" * 100 not in hostile
    assert "broken\\xff\\xfe" in hostile
    assert "<bdi>שלום.png</bdi>" in hostile
    hostile.encode()  # no half of a letter is left


@pytest.mark.parametrize(("classes", "side", "accuracy"), [(10, 32, 0.9), (100, 224, 0.2)])
def test_ten_thousand_pictures_stay_under_five_megabytes(
    classes: int, side: int, accuracy: float
) -> None:
    made = findings(classes=classes, n=10_000, side=side, accuracy=accuracy, noise=True)
    text = page(made)
    assert len(text.encode()) < 5_000_000
    errors = [of for of in Page(text).all("button") if "taken for" in of["aria-label"]]
    assert len(errors) == int(
        (made.held.confusion - made.held.confusion.diagonal().diag()).count_nonzero()
    )


def test_errors_get_their_pictures_before_right_answers() -> None:
    made = findings(n=400, accuracy=0.9, side=96, noise=True)
    cells = matrix(made, Budget(420_000)).cells
    wrong = [one.shown.address for cell in cells if not cell.right for one in cell.entries]
    right = [one.shown.address for cell in cells if cell.right for one in cell.entries]
    assert all(wrong)
    assert not all(right)
    assert len(wrong) == 40


def test_the_budget_is_shared_among_the_cells_with_errors() -> None:
    made = findings(classes=10, n=1000, accuracy=0.5, side=96, noise=True)
    cells = matrix(made, Budget(900_000)).cells
    pictured = [sum(bool(one.shown.address) for one in cell.entries) for cell in cells]
    errors = [number for number, cell in zip(pictured, cells, strict=True) if not cell.right]
    assert min(errors) >= 1
    assert max(errors) - min(errors) <= 1
    assert sum(errors) < 500


def test_both_files_are_written(tmp_path: Path) -> None:
    write_report(tmp_path, findings())
    assert (tmp_path / "report.html").read_text("utf-8").startswith("<!doctype html>")
    assert (tmp_path / "README.md").read_text("utf-8").startswith("---\n")
