"""The years of the zoo in four charts: error, accuracy, parameters, multiply-adds."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from itertools import groupby

from gallery.chart import BOTTOM, LEFT, RIGHT, TOP, Axis, Chart
from gallery.milestones import MILESTONES
from striate.models.catalogue import BY_NAME, ENTRIES, Entry
from striate.models.records import RECORDS

Point = tuple[Entry, float]
_POWERS = {3: "1 k", 4: "10 k", 5: "100 k", 6: "1 M", 7: "10 M", 8: "100 M", 9: "1 G", 10: "10 G",
           11: "100 G", 12: "1 T"}  # fmt: skip


def charts() -> list[str]:
    """Every chart, as SVG."""
    return [milestones(), accuracy(), counts("params", "Parameters"), counts("macs", "MACs")]


def milestones() -> str:
    """The best top-5 error of each year, as lectures tell it."""
    chart = Chart(
        "ImageNet: top-5 error of the year's best",
        "; ".join(f"{one.year} {one.what}: {one.figure}" for one in MILESTONES),
    )
    x, y = Axis(2010.6, 2022.4, LEFT, RIGHT), Axis(0, 30, BOTTOM, TOP)
    chart.ticks(y, [(level, f"{level} %") for level in (0, 10, 20, 30)])
    for year in range(2011, 2023):
        chart.below(x.at(year), _short(year))
    chart.trend([(x.at(one.year), y.at(one.error)) for one in MILESTONES])
    for one in MILESTONES:
        at = x.at(one.year), y.at(one.error)
        chart.dot(*at, f"{one.year} {one.what}: {one.figure}", "mark", link(one.model))
        chart.label(*at, f"{one.what} {one.figure}")
    return chart.svg()


def accuracy() -> str:
    """Top-5 error of the weights that can be had, one crop a picture, against the paper's year."""
    points = [(BY_NAME[name], error) for name, error in published_errors()]
    chart = Chart("Top-5 error of published weights, one crop", _told(points, "{:.1f} %"))
    y = Axis(0, 25, BOTTOM, TOP)
    chart.ticks(y, [(level, f"{level} %") for level in (0, 5, 10, 15, 20, 25)])
    return _scattered(chart, y, points, "{:.1f} %".format)


def published_errors() -> list[tuple[str, float]]:
    """(network, 100 - top-5 accuracy) of each record that tells it."""
    found = [(one.model, re.search(r"top-5 ([\d.]+) %", one.metric)) for one in RECORDS]
    return [(model, 100 - float(match[1])) for model, match in found if match]


def counts(what: str, name: str) -> str:
    """An exact count of every network against the paper's year, on a logarithmic scale."""
    points = [(one, float(getattr(one, what))) for one in ENTRIES if getattr(one, what)]
    chart = Chart(f"{name} of each network", _told(points, "{:,.0f}"))
    low = math.floor(math.log10(min(value for _, value in points)))
    high = math.ceil(math.log10(max(value for _, value in points)))
    y = Axis(10**low, 10**high, BOTTOM, TOP, log=True)
    chart.ticks(y, [(10**power, _POWERS[power]) for power in range(low, high + 1)])
    return _scattered(chart, y, points, "{:,.0f}".format)


def _scattered(chart: Chart, y: Axis, points: list[Point], written: Callable[[float], str]) -> str:
    """Dots over their years; the largest and the smallest of a year are named, if there is room."""
    years = sorted({entry.year for entry in ENTRIES})
    x = Axis(-0.6, len(years) - 0.4, LEFT, RIGHT)
    column = {year: x.at(place) for place, year in enumerate(years)}
    for year in years:
        chart.below(column[year], _short(year))
    for entry, value in points:
        style = "dot" if entry.task == "classification" else "other"
        told = f"{entry.name} ({entry.year}): {written(value)}"
        chart.dot(column[entry.year], y.at(value), told, style, link(entry.name))
    for entry, value in _extremes(points):
        chart.label(column[entry.year], y.at(value), entry.name)
    return chart.svg()


def _extremes(points: Iterable[Point]) -> list[Point]:
    """The largest of each year, the newest first, and then the smallest."""
    ordered = sorted(points, key=lambda point: (point[0].year, point[1]), reverse=True)
    years = [list(group) for _, group in groupby(ordered, key=lambda point: point[0].year)]
    return [year[0] for year in years] + [year[-1] for year in years if len(year) > 1]


def link(model: str) -> str:
    """From the index page to a network's own place."""
    return f"{BY_NAME[model].family}/#{model}" if model else ""


def _told(points: list[Point], form: str) -> str:
    return "; ".join(f"{entry.name} {form.format(value)}" for entry, value in points)


def _short(year: int) -> str:
    return f"'{year % 100:02}"
