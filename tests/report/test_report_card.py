import json
import re
from dataclasses import replace

import pytest
from made_findings import findings

from striate.report import card

HOSTILE = "a: [b]\n---\n# <script>| `x` */"


def header(text: str) -> list[str]:
    return text.split("---\n")[1].splitlines()


def test_the_header_tells_a_hub_what_it_is() -> None:
    made = findings(n=200)
    rows = header(card(made))
    assert rows[:3] == [
        "license: unknown",
        "library_name: striate",
        "pipeline_tag: image-classification",
    ]
    values = [row.split(": ")[1] for row in rows if row.strip().startswith("value:")]
    assert [float(value) for value in values] == pytest.approx(
        [made.scores.accuracy, made.scores.macro_f1], abs=1e-6
    )
    # What the header is made of is JSON where a person named it, and else plain words.
    for row in rows:
        value = row.partition(": ")[2]
        assert json.loads(value) if value.startswith('"') else re.fullmatch(r"[\w.-]*", value)


def test_the_card_states_the_same_figure_as_the_page() -> None:
    made = findings(n=200)
    text = card(made)
    assert f"Right on {made.right} of 200 held-out pictures" in text
    assert "| test part | |" in text
    assert "striate predict runs/made-1 photos/" in text
    assert "Where no class has a probability of 60.0" in text
    assert "gets one of them all the same" in text
    assert "The licence of the model is unknown" in text


def test_without_a_test_part_the_card_says_so() -> None:
    made = findings(tested=False, calibration=None)
    text = card(replace(made, model=replace(made.model, mode="scratch")))
    assert "none was left to test on" in text
    assert "- No part was left to test on. These are the validation pictures" in text
    assert "      split: validation" in text
    solved = card(replace(made, model=replace(made.model, mode="features")))
    assert "each answered without having learnt from it" in solved
    assert "      split: cross-validated" in solved
    assert "Where no class" not in text


def test_a_model_that_knows_the_unfamiliar_says_so() -> None:
    calibration = findings().calibration
    assert calibration
    text = card(findings(calibration=replace(calibration, familiar=True)))
    assert "unlike those of every class is answered `unknown`" in text
    assert "gets one of them" not in text


def test_a_hostile_name_ends_neither_header_nor_line() -> None:
    text = card(findings(classes=(HOSTILE, "b"), data=HOSTILE))
    assert text.count("\n---\n") == 1
    assert "<script>" not in text.split("---\n")[2]
    assert r"a: \[b\]\\n---\\n\# &lt;script>\| \`x\` \*/" in text


def test_code_with_fences_in_it_stays_code() -> None:
    made = findings()
    origin = type(made.origin)("runs/```x", "striate train '```x'", 0, "ab", {})
    text = card(findings(origin=origin))
    assert "````sh\n" in text
