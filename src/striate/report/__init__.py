"""What a run found, joined into one page and a model card."""

from __future__ import annotations

from pathlib import Path

from striate.files import write_atomic
from striate.report.card import card as card
from striate.report.findings import Calibrated as Calibrated
from striate.report.findings import Cost as Cost
from striate.report.findings import Findings as Findings
from striate.report.findings import Held as Held
from striate.report.findings import Model as Model
from striate.report.findings import Origin as Origin
from striate.report.findings import Pictures as Pictures
from striate.report.page import page as page

REPORT = "report.html"
CARD = "README.md"

__all__ = [
    "CARD",
    "REPORT",
    "Calibrated",
    "Cost",
    "Findings",
    "Held",
    "Model",
    "Origin",
    "Pictures",
    "card",
    "page",
    "write_report",
]


def write_report(folder: Path, findings: Findings) -> None:
    """Write `report.html` and the model card `README.md` into a run's folder."""
    write_atomic(folder / REPORT, page(findings).encode("utf-8", "backslashreplace"))
    write_atomic(folder / CARD, card(findings).encode("utf-8", "backslashreplace"))
