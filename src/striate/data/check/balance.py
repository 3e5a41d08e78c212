"""Classes: how many pictures each has, in which parts, and names that look like a slip."""

from __future__ import annotations

import re
from collections.abc import Sequence

from striate.data.check.report import Class, Finding
from striate.data.sources.names import look_alikes

_UNBALANCED = 10  # times as many pictures in the largest class as in the smallest
_FEW = 10
_SLIP = re.compile(
    r"(new folder|untitled( folder)?|tmp|temp|trash|backup|(.+[ _-])?copy)( ?\(?\d+\)?)?"
    r"|.+ \(\d+\)",
    re.IGNORECASE,
)


def problems(classes: Sequence[Class]) -> list[Finding]:
    """What no training can make good: classes without pictures to learn from."""
    if not classes:
        return [Finding("no-classes", "there are no classes: nothing can be trained on it")]
    found = []
    for one in classes:
        if one.count == 0:
            found.append(Finding("empty-class", f"class {one.name!r} has no usable picture"))
        elif one.parts.get("train") == 0:
            elsewhere = " and ".join(part for part, count in one.parts.items() if count)
            message = f"class {one.name!r} is in {elsewhere} and not in train: it cannot be learnt"
            found.append(Finding("class-not-in-train", message))
    return found


def warnings(classes: Sequence[Class]) -> list[Finding]:
    """Imbalance, classes with few pictures or missing in a part, and names."""
    return [*_counts(classes), *_absent(classes), *_names([one.name for one in classes])]


def _counts(classes: Sequence[Class]) -> list[Finding]:
    filled = [one for one in classes if one.count]
    if len(classes) == 1:
        return [Finding("one-class", f"there is one class only, {classes[0].name!r}")]
    if not filled:
        return []
    found = []
    most, least = max(filled, key=lambda c: c.count), min(filled, key=lambda c: c.count)
    if most.count > _UNBALANCED * least.count:
        message = (
            f"{most.name!r} has {most.count:,} pictures and {least.name!r} {least.count:,}: "
            f"{most.count / least.count:.0f} times as many"
        )
        found.append(Finding("imbalance", message))
    few = [one for one in filled if one.count < _FEW]
    if few:
        names = _listed([f"{one.name!r} ({one.count})" for one in few])
        found.append(Finding("few-pictures", f"fewer than {_FEW} pictures: {names}"))
    return found


def _absent(classes: Sequence[Class]) -> list[Finding]:
    found = []
    for part in ("val", "test"):
        absent = [one.name for one in classes if one.count and one.parts.get(part) == 0]
        if absent and any(one.parts.get(part) for one in classes):
            names = _listed([repr(name) for name in absent])
            found.append(Finding("absent-from-part", f"no pictures in {part}: {names}"))
    return found


def _names(names: Sequence[str]) -> list[Finding]:
    found = []
    for alike in look_alikes(names):
        named = " and ".join(repr(name) for name in alike)
        message = f"{named} differ only in case, spaces or spelling of the same letters"
        found.append(Finding("class-names-alike", message))
    for name in names:
        if name != name.strip():
            found.append(Finding("class-name-spaces", f"{name!r} begins or ends with a space"))
        if _SLIP.fullmatch(name.strip()):
            message = f"{name!r} looks like a folder left behind, and counts as a class"
            found.append(Finding("class-name-slip", message))
    return found


def _listed(words: Sequence[str], limit: int = 8) -> str:
    more = f" and {len(words) - limit:,} more" if len(words) > limit else ""
    return ", ".join(words[:limit]) + more
