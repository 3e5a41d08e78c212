"""The order in which volumes are drawn: one line, with branches stacked, skips as arcs, repeats."""

from __future__ import annotations

from dataclasses import dataclass, field

from striate.anatomy.drawing.volumes import Volume

_MANY = 30  # items from which on repeated blocks are drawn once
_LONGEST_BLOCK = 24


@dataclass(slots=True)
class Item:
    """A volume or join, or a stack of branches (rows) that the following join brings together."""

    volume: Volume | None = None
    rows: list[Line] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Arc:
    """A way past the line, from item `start` to item `end`; `label` is the operation on it."""

    start: int
    end: int
    label: str = ""


@dataclass(frozen=True, slots=True)
class Repeat:
    """Items `first` to `last` (inclusive) happen `times` times in a row."""

    first: int
    last: int
    times: int


@dataclass(slots=True)
class Line:
    """Items left to right. `linked[i]`: an arrow leads from the item before into item i."""

    items: list[Item] = field(default_factory=list)
    linked: list[bool] = field(default_factory=list)
    arcs: list[Arc] = field(default_factory=list)
    repeats: list[Repeat] = field(default_factory=list)


class Graph:
    """Who feeds whom, and through whom every path must pass."""

    def __init__(self, drawn: list[Volume]) -> None:
        self.nodes = {volume.id: volume for volume in drawn}
        self.fed: dict[int, set[int]] = {volume.id: set() for volume in drawn}
        self.before: dict[int, set[int]] = {}  # all ancestors
        self.gates: dict[int, set[int]] = {}  # nodes on every path to here, itself included
        for volume in drawn:
            sources = volume.sources
            for source in sources:
                self.fed[source].add(volume.id)
            self.before[volume.id] = {s for x in sources for s in (x, *self.before[x])}
            common = set.intersection(*[self.gates[x] for x in sources]) if sources else set()
            self.gates[volume.id] = common | {volume.id}

    def branches(self, join: int) -> tuple[int, list[list[int]]] | None:
        """The node where the ways into a join part, and the ways: each a list of nodes.

        None where the ways cannot be told apart: they share nodes or feed something else too.
        """
        gates = self.gates[join] - {join}
        if not gates:
            return None
        start = max(gates)
        region = self.before[join] - self.before[start] - {start}
        if any(not self.fed[node] <= region | {join} for node in region):
            return None
        ways: list[set[int]] = []
        for node in sorted(region):
            near = {node, *self.fed[node], *self.nodes[node].sources} & region
            touching = [way for way in ways if way & near]
            ways = [way for way in ways if not way & near] + [near.union(*touching)]
        return start, sorted(sorted(way) for way in ways)


def flow(drawn: list[Volume]) -> Line:
    """The whole net as one line; a long one with its repeated blocks drawn once."""
    line = _line(Graph(drawn), [volume.id for volume in drawn])
    weight = sum(max(1, sum(len(row.items) for row in item.rows)) for item in line.items)
    return _collapsed(line) if weight > _MANY else line


def _line(graph: Graph, nodes: list[int]) -> Line:
    stacks, projections = _parallel(graph, nodes)
    hidden = {n for _, ways in stacks.values() for way in ways for n in way}
    hidden |= {n for _, ways in projections.values() for way in ways for n in way}
    line, places = Line(), dict[int, int]()
    for node in nodes:
        if node in hidden:
            continue
        if node in stacks:
            start, ways = stacks[node]
            rows = [_line(graph, way) for way in ways]
            rows += [Line()] * (start in graph.nodes[node].sources)
            _add(line, Item(rows=rows), [places[start]] if start in places else [])
            places[node] = len(line.items)
            _add(line, Item(graph.nodes[node]), [len(line.items) - 1])
            continue
        sources = [places[s] for s in graph.nodes[node].sources if s in places]
        places[node] = len(line.items)
        _add(line, Item(graph.nodes[node]), sources)
        if node in projections:
            start, ways = projections[node]
            labels = [" ".join(graph.nodes[way[0]].operation).strip() for way in ways]
            if start in places:
                line.arcs += [Arc(places[start], places[node], label) for label in labels]
    return line


def _add(line: Line, item: Item, sources: list[int]) -> None:
    here = len(line.items)
    line.items.append(item)
    line.linked.append(here - 1 in sources)
    # What a branch does on its way is said on the arrow, be it straight or an arc.
    plain = item.volume is not None and not item.volume.is_join
    label = " ".join(item.volume.operation).strip() if plain and item.volume else ""
    line.arcs += [Arc(source, here, label) for source in sources if source != here - 1]


_Ways = dict[int, tuple[int, list[list[int]]]]


def _parallel(graph: Graph, nodes: list[int]) -> tuple[_Ways, _Ways]:
    """Joins whose ways are stacked, and joins with single-operation ways that go on an arc."""
    inside = set(nodes)
    found: list[tuple[int, int, list[list[int]]]] = []
    for node in nodes:
        parted = graph.branches(node) if len(graph.nodes[node].sources) > 1 else None
        if parted and all(n in inside for way in parted[1] for n in way):
            found.append((node, *parted))
    stacks: _Ways = {}
    projections: _Ways = {}
    taken: set[int] = set()
    for node, start, ways in sorted(found, key=lambda f: -sum(map(len, f[2]))):
        members = {n for way in ways for n in way}
        if node in taken or members & taken or len(ways) < 2:
            continue
        lengths = sorted(map(len, ways))
        if len(ways) > 2 or lengths[-2] > 1:
            stacks[node] = (start, ways)
            taken |= members
        else:
            short = [min(ways, key=len)]
            projections[node] = (start, short)
            taken |= set(short[0])
    return stacks, projections


def _signature(line: Line, index: int) -> tuple[object, ...]:
    item = line.items[index]
    volume = item.volume
    own = (volume.kind, volume.shape, volume.operation) if volume else ()
    rows = tuple(tuple(_signature(row, i) for i in range(len(row.items))) for row in item.rows)
    arcs = tuple((index - a.start, a.label) for a in line.arcs if a.end == index)
    return own, rows, arcs, line.linked[index]


def _collapsed(line: Line) -> Line:
    """Every run of equal blocks, first to last, with the later ones left out."""
    signatures = [_signature(line, i) for i in range(len(line.items))]
    keep: list[int] = []
    runs: list[Repeat] = []
    i = 0
    while i < len(signatures):
        period, times = _run(line, signatures, i)
        if times > 1:
            runs.append(Repeat(len(keep), len(keep) + period - 1, times))
        keep += range(i, i + period)
        i += period * times
    # An arc from the last item of a repeat left out starts at the one that is drawn.
    places: dict[int, int] = {}
    last = 0
    for index in range(len(line.items)):
        last = keep.index(index) if index in keep else last
        places[index] = last
    kept = set(keep)
    arcs = [Arc(places[a.start], places[a.end], a.label) for a in line.arcs if a.end in kept]
    return Line([line.items[k] for k in keep], [line.linked[k] for k in keep], arcs, runs)


def _run(line: Line, signatures: list[tuple[object, ...]], i: int) -> tuple[int, int]:
    """Period and count of the run that saves most from item i on; (1, 1) if there is none."""
    best = (1, 1)
    for period in range(1, _LONGEST_BLOCK + 1):
        block, times = signatures[i : i + period], 1
        while signatures[i + times * period : i + (times + 1) * period] == block:
            times += 1
        enough = times > 2 if period == 1 else times > 1
        saved = (times - 1) * period
        if enough and saved > (best[1] - 1) * best[0] and _closed(line, i, period, times):
            best = (period, times)
    return best


def _closed(line: Line, i: int, period: int, times: int) -> bool:
    """No arc leaves a block other than from its end, and none comes from before its entry."""
    for arc in line.arcs:
        for first in range(i, i + period * times, period):
            last = first + period - 1
            if first <= arc.end <= last and arc.start < first - 1:
                return False
            if first <= arc.start < last < arc.end:
                return False
    return True
