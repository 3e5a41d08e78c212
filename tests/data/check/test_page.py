import re
from html.parser import HTMLParser

import pytest
import torch
from check_folder import make

from striate.data import Dataset, Provenance, load_source
from striate.data.check import check
from striate.data.check.page import page

VOID = {"meta", "img", "br", "link", "input"}


class Page(HTMLParser):
    """The tags of a page, and whether each is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    dataset = load_source(make(tmp_path_factory.mktemp("page") / "a <b>set</b>"))
    return page(dataset, check(dataset))


def test_the_page_needs_nothing_beside_it(text: str) -> None:
    tags = Page(text).tags
    assert Page(text).open == []
    sources = [of["src"] for tag, of in tags if tag == "img"]
    assert len(sources) == 10  # three groups of two, and four odd ones
    assert all(source and source.startswith("data:image/") for source in sources)
    assert not {"script", "link", "iframe"} & {tag for tag, _ in tags}
    assert not re.search(r"https?://", text)


def test_it_can_be_read_without_seeing_it(text: str) -> None:
    tags = Page(text).tags
    assert ("html", {"lang": "en"}) in tags
    assert sum(tag == "h1" for tag, _ in tags) == 1
    assert all("alt" in of for tag, of in tags if tag == "img")
    assert all(of.get("scope") in ("col", "row") for tag, of in tags if tag == "th")
    assert "main" in {tag for tag, _ in tags}
    assert "prefers-color-scheme: dark" in text
    assert "width=device-width" in text


def test_names_are_text_and_no_markup(text: str) -> None:
    assert "a &lt;b&gt;set&lt;/b&gt;" in text
    assert "<b>" not in text


def test_many_findings_stay_under_five_megabytes() -> None:
    generator = torch.Generator().manual_seed(0)
    some = torch.randint(0, 256, (300, 3, 96, 96), dtype=torch.uint8, generator=generator)
    blank = torch.zeros(700, 3, 96, 96, dtype=torch.uint8)
    labels = torch.arange(1300) % 400
    classes = tuple(f"class {number}" for number in range(400))
    pictures = torch.cat([some, some, blank])
    dataset = Dataset("many", pictures, labels, classes, Provenance("many", "made"))
    report = check(dataset)
    assert len(report.duplicates) == 301
    text = page(dataset, report)
    assert len(text.encode()) < 5_000_000
    assert "of which 40 are shown" in text
