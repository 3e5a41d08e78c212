"""The sentences of a report: what the figures say, and what they do not."""

from __future__ import annotations

from striate.anatomy.words import shortened, size
from striate.errors import in_plain_sight
from striate.evaluating import UNKNOWN
from striate.report.findings import Findings

NAME = 90  # letters of a file's name that are shown, the last ones
CLASS = 40
_SPACE = "\N{NO-BREAK SPACE}"
_FEW = 100  # held-out pictures below which an interval is wide
_FEW_OF_A_CLASS = 10


def file_name(name: str) -> str:
    """A file's name that breaks no line and commands no reader; of a long one, its end."""
    return shortened(in_plain_sight(name), NAME)


def class_name(name: str) -> str:
    """The same of a class."""
    return shortened(in_plain_sight(name), CLASS)


def percent(share: float, digits: int = 1) -> str:
    """0.954 -> 95.4 %; what is not everything is never shown as 100."""
    value = 100 * share
    text = f"{value:.{digits}f}"
    if share < 1 and float(text) == 100:
        text = f"{100 - 10**-digits:.{digits}f}"
    if share > 0 and float(text) == 0:
        return f"under {10**-digits:.{digits}f}{_SPACE}%"
    return f"{text}{_SPACE}%"


def counted(number: int, word: str, more: str = "") -> str:
    """1 picture, 1,200 pictures."""
    return f"{number:,} {word if number == 1 else more or word + 's'}"


def seconds(value: float) -> str:
    """0.0042 -> 4.2 ms; 93 -> 1 min 33 s."""
    if value < 1:
        return f"{1000 * value:.3g} ms"
    if value < 60:
        return f"{value:.3g} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def file_size(number: int) -> str:
    """13.1 MiB: in a sentence, not as narrow as in a table."""
    text = size(number)
    return f"{text[:-3]}{_SPACE}{text[-3:]}" if text.endswith("iB") else text


def verdict(found: Findings) -> str:
    """The one sentence."""
    n, right = found.scores.n, found.right
    majority, share = found.majority
    pictures = "held-out picture" if n == 1 else "held-out pictures"
    how_many = f"all {n:,}" if right == n and n > 1 else f"{right:,} of {n:,}"
    always = f"always saying {_quoted(found.classes[majority])} would be right on {percent(share)}"
    interval = f"95{_SPACE}% interval {spread(found.scores.interval).removesuffix(_SPACE + '%')}"
    figure = percent(found.scores.accuracy)
    return f"Right on {how_many} {pictures}: {figure} ({interval}); {always}."


def answered(found: Findings) -> str:
    """How many held-out pictures are answered with a class, and how many of these rightly."""
    unknown, right = found.held.unknown, found.held.answered_rightly
    rest = found.scores.n - unknown
    pictures = counted(found.scores.n, "held-out picture")
    if not (unknown and rest):
        how_many, are = ("All", "are") if unknown else ("None", "is")
        return f"{how_many} of the {pictures} {are} unknown."
    are, were = ("is" if count == 1 else "are" for count in (unknown, right))
    return (
        f"Of the {pictures} {unknown:,} {are} unknown; of the {rest:,} others {right:,} {were} "
        f"answered rightly ({percent(right / rest)})."
    )


def cautions(found: Findings) -> list[str]:
    """What a reader must know before the figure is believed."""
    return [line for line in (*_of_the_figure(found), *_of_the_classes(found)) if line]


def _of_the_figure(found: Findings) -> list[str]:
    n = found.scores.n
    majority, share = found.majority
    lines = []
    if found.scores.may_reach_no_more_than(share):
        lines.append(
            f"This is no proof that it has learnt anything: the interval reaches down to what "
            f"always saying {_quoted(found.classes[majority])} gives."
        )
    if n < _FEW:
        lines.append(
            f"{counted(n, 'held-out picture')} {'is' if n == 1 else 'are'} few: "
            f"each weighs {percent(1 / n)}, and the true share may lie anywhere in the interval."
        )
    if unknown := found.held.unknown:
        lines.append(
            f"It answers {unknown:,} of the {n:,} with {_quoted(UNKNOWN)}; the figure counts their "
            "likeliest class."
        )
    if found.test is None:
        kind = (
            "training pictures, each answered without having learnt from it; how strongly the last "
            "layer is held back was chosen by the same answers"
            if found.model.mode == "features"
            else "validation pictures, which have also steered the training"
        )
        lines.append(
            f"No part was left to test on. These are the {kind}: the figure is likely to be a "
            "little too high."
        )
    leaks = len((found.check or {}).get("leakage", ()))
    if leaks:
        lines.append(
            f"{counted(leaks, 'group')} of copies {'lies' if leaks == 1 else 'lie'} in more than "
            "one official part (see the data check): some held-out pictures may have been seen."
        )
    return lines


def _of_the_classes(found: Findings) -> list[str]:
    rows = found.per_class()
    lines = []
    unseen = [row.name for row in rows if row.n == 0]
    if unseen:
        lines.append(f"Nothing is known of {_listed(unseen)}: no held-out picture shows it.")
    few = [row.name for row in rows if 0 < row.n < _FEW_OF_A_CLASS]
    if few and found.scores.n >= _FEW:
        lines.append(f"Fewer than {_FEW_OF_A_CLASS} held-out pictures each: {_listed(few)}.")
    missed = [row.name for row in rows if row.n >= 3 and row.recall < 0.5]
    if missed:
        lines.append(f"More than half of the pictures are taken for others: {_listed(missed)}.")
    return lines


def spread(ends: tuple[float, float]) -> str:
    """90.0 to 97.3 %."""
    low, high = map(percent, ends)
    return f"{low.removesuffix(_SPACE + '%')} to {high}"


def _listed(names: list[str], most: int = 6) -> str:
    text = ", ".join(map(_quoted, names[:most]))
    return text if len(names) <= most else f"{text} and {len(names) - most} more"


def _quoted(name: str) -> str:
    return f"'{class_name(name)}'"
