"""What a run found, joined into one page and a model card."""

from __future__ import annotations

from striate.report.card import card as card
from striate.report.findings import Calibrated as Calibrated
from striate.report.findings import Cost as Cost
from striate.report.findings import Findings as Findings
from striate.report.findings import Held as Held
from striate.report.findings import Model as Model
from striate.report.findings import Origin as Origin
from striate.report.findings import Pictures as Pictures
from striate.report.page import page as page
from striate.report.write import CARD as CARD
from striate.report.write import REPORT as REPORT
from striate.report.write import write_report as write_report

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
