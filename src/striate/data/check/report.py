"""What a check found, for people and for machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Class:
    """One class: its name and how many pictures it has, in all and in each official part."""

    name: str
    count: int
    parts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Fault:
    """A file without a picture in it, or left out for another reason."""

    path: str
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Group:
    """Copies of one picture: `kind` exact or near, and the paths, classes and parts they are in."""

    kind: str
    indices: tuple[int, ...]
    paths: tuple[str, ...]
    classes: tuple[str, ...]
    parts: tuple[str, ...]

    @property
    def conflict(self) -> bool:
        """One picture, two labels: one of them is wrong."""
        return len(self.classes) > 1

    @property
    def leak(self) -> bool:
        """One picture in two parts: what is measured on the second was seen in training."""
        return len(self.parts) > 1

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        whole = asdict(self)
        return {key: whole[key] for key in ("kind", "paths", "classes", "parts")}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at: a word for its kind, a sentence, and the pictures it is about."""

    kind: str
    message: str
    indices: tuple[int, ...] = ()
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """All that a check found. `problems` are what `--strict` does not let pass."""

    source: str
    files: int
    classes: tuple[Class, ...]
    sizes: dict[str, Any]
    unreadable: tuple[Fault, ...]
    excluded: tuple[Fault, ...]
    converted: tuple[Finding, ...]
    duplicates: tuple[Group, ...]
    problems: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    pairs: tuple[tuple[int, int], ...]
    seconds: float

    @property
    def leakage(self) -> tuple[Group, ...]:
        """The groups of duplicates that lie in more than one part."""
        return tuple(group for group in self.duplicates if group.leak)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; every list is complete."""
        return {
            "source": self.source,
            "files": self.files,
            "classes": [asdict(one) for one in self.classes],
            "sizes": self.sizes,
            "unreadable": [asdict(one) for one in self.unreadable],
            "excluded": [asdict(one) for one in self.excluded],
            "converted": _findings(self.converted),
            "duplicates": [group.to_dict() for group in self.duplicates],
            "leakage": [group.to_dict() for group in self.leakage],
            "problems": _findings(self.problems),
            "warnings": _findings(self.warnings),
            "seconds": round(self.seconds, 3),
        }


def _findings(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [{"kind": f.kind, "message": f.message, "paths": list(f.paths)} for f in findings]
