"""The files a report is written to."""

from __future__ import annotations

from pathlib import Path

from striate.files import write_atomic
from striate.report.card import card
from striate.report.findings import Findings
from striate.report.page import page

REPORT = "report.html"
CARD = "README.md"


def write_report(folder: Path, findings: Findings) -> None:
    """Write `report.html` and the model card `README.md` into a run's folder."""
    write_atomic(folder / REPORT, page(findings).encode("utf-8", "backslashreplace"))
    write_atomic(folder / CARD, card(findings).encode("utf-8", "backslashreplace"))
