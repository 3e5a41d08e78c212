"""What a rule says: which rule, how grave, at which layer, why, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning", "hint"]

# error: the net cannot run, or cannot learn. warning: it runs, but surely not as it was meant.
# hint: a good net may do so with a reason; worth a thought.
LEVELS: tuple[Level, ...] = ("error", "warning", "hint")


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark of one rule about one layer; `layer` is its dotted path, "" for the whole net."""

    rule: str
    level: Level
    layer: str
    reason: str
    mend: str

    @property
    def anchor(self) -> str:
        """Where the rule is explained: the section of the rules page."""
        return f"rules.md#{self.rule}"

    def to_dict(self) -> dict[str, str]:
        """The five fields and the anchor, as plain strings."""
        return {
            "rule": self.rule,
            "level": self.level,
            "layer": self.layer,
            "reason": self.reason,
            "mend": self.mend,
            "docs": self.anchor,
        }

    def __str__(self) -> str:
        place = f" at {self.layer}" if self.layer else ""
        return f"{self.level} {self.rule}{place}: {self.reason} Mend: {self.mend}"
