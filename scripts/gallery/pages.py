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

_ABOUT = """\
# Gallery

Every network that `striate models` lists, by the year of its paper: {nets} networks of {families}
families. These pages are made from the table that the networks' tests check, so the counts are
exact: for one sample of the input shown, a multiply and an add counted as one.
"""
_CHARTS = """\
Orange: the [figures below](#errors). Blue: the networks of the zoo, each a link; rings are tasks
other than classification. Years without a paper are left out of the axis; counts are on a
logarithmic scale.
"""
_LEGEND = """\
[All families](index.md). In the tables, *sees* is the receptive field of the last layer that still
has positions, in input pixels (or samples, or points of a board); *all* is the whole input, and `-`
that it cannot be told exactly. Every network is one call away after `import striate as st`.
"""
_TRUNK = "The trunk only: what follows is about the boxes that it finds."
_ERRORS = (
    "The best top-5 error of each year, as lectures tell it, and published figures in percent."
)


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
    rows.sort(key=lambda row: row[0])
    errors = [_error_row(one) for one in MILESTONES]
    return "\n".join(
        [
            "---\nhide: [toc]\n---\n\n" + about,  # the charts need the room
            f'<div class="gallery-charts">\n{figures}\n</div>\n',
            _CHARTS,
            "## Families",
            "",
            _stacking(_table(("year", "family", "paper", "the one idea", "networks"), rows)),
            "## Errors",
            "",
            _ERRORS,
            "",
            _stacking(_table(("year", "error", "network", "published"), errors)),
        ]
    )


def _family_rows(family: str, entries: list[Entry]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
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
    parts = [f"# {family}\n\n{_LEGEND}"]
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
            "yes" if records_of(one.name) else "-",
        )
        for one in members
    ]
    table = _table(heads, rows, numbers=("parameters", "MACs"))
    return f'<div class="gallery-members" markdown>\n\n{table}\n</div>\n'


def _weights(record: Record) -> str:
    return f"Weights `{record.name}`: {record.metric}.\n"


def _picture(entry: Entry, drawing: Drawing) -> str:
    records = records_of(entry.name)
    pretrained = ", pretrained=True" if records else ""
    notes = [_TRUNK + "\n"] if drawing.trunk_only else []
    remarks = "\n".join([*map(_weights, records), *notes])
    call = f'st.create("{entry.name}"{pretrained})'
    words = f"{entry.name} as a picture of its volumes"
    source = f"img/{entry.name}.svg"
    width, height = drawing.size
    size = f'{{ loading=lazy width={width} height={height} style="--own: {width}px" }}'
    return (
        f"### `{entry.name}` {{ #{entry.name} }}\n\n"
        f"```python\n{call}\n```\n\n{remarks}\n"
        f'<div class="gallery-drawing" markdown>\n'
        f"[![{words}]({source}){size}]({source})\n"
        f"</div>\n"
    )


def by_paper(entries: Iterable[Entry]) -> list[tuple[Paper, list[Entry]]]:
    """The networks under the papers they are from, the oldest paper first."""
    ordered = sorted(entries, key=lambda one: (one.year, one.paper_key))
    return [
        (PAPERS[key], list(group)) for key, group in groupby(ordered, lambda one: one.paper_key)
    ]


def _table(
    heads: tuple[str, ...], rows: Iterable[tuple[str, ...]], numbers: tuple[str, ...] = ()
) -> str:
    rule = tuple("---:" if head in numbers else "---" for head in heads)
    return "\n".join(f"| {' | '.join(line)} |" for line in (heads, rule, *rows)) + "\n"


def _stacking(table: str) -> str:
    """A table whose cells stand below one another on a page too narrow for its columns."""
    return f'<div class="gallery-stack" markdown>\n\n{table}\n</div>\n'
