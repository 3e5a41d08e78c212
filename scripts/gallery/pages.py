"""The gallery's pages as Markdown: an index by year, and one page a family."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby

from gallery.drawing import Drawing
from gallery.milestones import MILESTONES, Milestone
from gallery.timeline import charts

from striate.models.catalogue import BY_NAME, ENTRIES, Entry
from striate.models.papers import PAPERS, Paper
from striate.models.records import Record, records_of

_HEAD = "---\nhide: [navigation]\n---\n\n"
_ABOUT = """\
# Gallery

Every network that `striate models` lists, by the year of its paper: {nets} networks of {families} families. This page and
those behind it are made from the same table as the networks' tests, so the counts are exact: for one sample of
the input shown, a multiply and an add counted as one.
"""
_CHARTS = """\
Orange: the [figures below](#errors). Blue: the networks of the zoo, each a link; rings are other tasks than classification.
Years without a paper are left out, and counts are on a logarithmic scale.
"""
_SEES = """\
*sees*: the receptive field of the last layer that still has positions, in input pixels (or samples, or moves of a board);
*all* is the whole input; `-` is where it cannot be told exactly.
"""
_TRUNK = "The trunk only: what follows depends on the boxes it finds, so no picture holds for every image."


def families() -> dict[str, list[Entry]]:
    """Family -> its networks, the oldest family first."""
    found: dict[str, list[Entry]] = {}
    for entry in sorted(ENTRIES, key=lambda one: one.year):
        found.setdefault(entry.family, []).append(entry)
    return found


def pages(drawn: Mapping[str, Drawing]) -> dict[str, str]:
    """Path under the documentation -> content: the pages and the pictures they show."""
    found = {"gallery/index.md": index()}
    for family, entries in families().items():
        found[f"gallery/{family}.md"] = family_page(family, entries, drawn)
    return found | {f"gallery/img/{name}.svg": one.svg for name, one in drawn.items()}


def index() -> str:
    """The families by year, the charts, and where the published errors stand."""
    about = _ABOUT.format(nets=len(ENTRIES), families=len(families()))
    figures = "\n".join(f"<figure>{chart}</figure>" for chart in charts())
    rows = [row for family, entries in families().items() for row in _family_rows(family, entries)]
    return "\n".join(
        [
            _HEAD + about,
            f'<div class="gallery-charts">\n{figures}\n</div>\n',
            _CHARTS,
            "## Families",
            "",
            _table(("year", "family", "paper", "the one idea", "networks"), rows),
            "## Errors",
            "",
            "The best top-5 error on ImageNet, as lectures tell it, and the published figures in percent.",
            "",
            _table(("year", "error", "network", "published"), [_error_row(m) for m in MILESTONES]),
        ]
    )


def _family_rows(family: str, entries: list[Entry]) -> list[tuple[str, ...]]:
    rows = []
    for paper, members in by_paper(entries):
        names = ", ".join(f"[`{one.name}`]({family}.md#{one.name})" for one in members)
        linked = f"[{paper.title}]({paper.url})"
        rows.append((str(paper.year), f"[{family}]({family}.md)", linked, paper.idea, names))
    return rows


def _error_row(one: Milestone) -> tuple[str, ...]:
    home = f"{BY_NAME[one.model].family}.md#{one.model}" if one.model else ""
    what = f"[{one.what}]({home})" if home else one.what
    return str(one.year), one.figure, what, one.published


def family_page(family: str, entries: list[Entry], drawn: Mapping[str, Drawing]) -> str:
    """One family: each paper with its idea, a table of its networks, and their pictures."""
    parts = [f"{_HEAD}# {family}\n\n[All families](index.md)\n"]
    for paper, members in by_paper(entries):
        parts += [_paper(paper), _members(members, drawn)]
        parts += [_picture(one, drawn[one.name]) for one in members]
    return "\n".join(parts)


def _paper(paper: Paper) -> str:
    return (
        f"## {paper.title}\n\n{paper.authors}, {paper.year}: [the paper]({paper.url}).\n\n"
        f"**{paper.idea}**\n"
    )


def _members(members: list[Entry], drawn: Mapping[str, Drawing]) -> str:
    heads = ("network", "parameters", "MACs", "input", "sees", "task", "weights")
    rows = [
        (
            f"[`{one.name}`](#{one.name})",
            f"{one.params:,}",
            f"{one.macs:,}",
            " and ".join("x".join(map(str, shape)) for shape in one.inputs),
            drawn[one.name].sees,
            one.task,
            "<br>".join(map(_weights, records_of(one.name))) or "-",
        )
        for one in members
    ]
    return f"{_table(heads, rows)}\n{_SEES}"


def _weights(record: Record) -> str:
    return f"`{record.name}`: {record.metric}"


def _picture(entry: Entry, drawing: Drawing) -> str:
    words = f"{entry.name} as a picture of its volumes"
    source = f"img/{entry.name}.svg"
    width, height = drawing.size
    trunk = f"\n{_TRUNK}\n" if drawing.trunk_only else ""
    return (
        f"### `{entry.name}` {{ #{entry.name} }}\n\n"
        f'```python\nst.create("{entry.name}")\n```\n{trunk}\n'
        f'<div class="gallery-drawing" markdown>\n'
        f"[![{words}]({source}){{ loading=lazy width={width} height={height} }}]({source})\n"
        f"</div>\n"
    )


def by_paper(entries: Iterable[Entry]) -> list[tuple[Paper, list[Entry]]]:
    """The networks under the papers they are from, the oldest paper first."""
    ordered = sorted(entries, key=lambda one: (one.year, one.paper_key))
    return [
        (PAPERS[key], list(group)) for key, group in groupby(ordered, lambda one: one.paper_key)
    ]


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
