"""The page of complaints names tests that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_complaint_is_held_by_a_test_that_exists() -> None:
    rows = re.findall(
        r"^\| (?!complaint|---)(.*) \|$", (ROOT / "docs" / "complaints.md").read_text(), re.M
    )
    assert len(rows) >= 20
    for row in rows:
        held = re.search(r"`(tests/\S+\.py)::(test_\w+)`", row)
        assert held, row
        assert f"def {held[2]}(" in (ROOT / held[1]).read_text(), row
