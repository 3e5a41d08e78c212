"""The words for what is wrong with files are the ones that the documentation explains."""

import pickle
from pathlib import Path

import pytest

from striate.data.kinds import KINDS, ODDITIES, Unreadable
from striate.errors import WRONG_INPUT

PAGE = Path(__file__).parents[2] / "docs" / "tour" / "pictures.md"


@pytest.mark.parametrize("table", [KINDS, ODDITIES])
def test_every_word_is_documented(table: dict[str, str]) -> None:
    rows = [f"| `{word}` | {meaning} |" for word, meaning in table.items()]
    assert "\n".join(rows) in PAGE.read_text()


def test_a_finding_travels_whole() -> None:
    finding = Unreadable("damaged", "is broken", where="a.jpg", remedy="Mend it")
    back = pickle.loads(pickle.dumps(finding))
    assert (back.kind, back.reason, back.where) == ("damaged", "is broken", "a.jpg")
    assert str(back) == str(finding) == "a.jpg: is broken. Mend it"
    assert back.exit_code == WRONG_INPUT
    assert finding.at("b.jpg").where == "b.jpg"
