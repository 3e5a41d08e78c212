from dataclasses import replace

import pytest
import torch
from made_findings import findings

from striate.errors import ArgumentError
from striate.metrics import score
from striate.report import Findings, Held
from striate.report.words import answered as said_unknown
from striate.report.words import cautions, counted, file_name, percent, seconds, verdict

_SPACE = "\N{NO-BREAK SPACE}"


def answered(right: int, n: int, *, ones: int, tested: bool = True) -> Findings:
    """Findings of two classes: `ones` pictures of the second, `right` of all n answered rightly."""
    labels = (torch.arange(n) < ones).long()
    said = torch.where(torch.arange(n) < right, labels, 1 - labels)
    chances = torch.full((n, 2), 0.1).scatter(1, said[:, None], 0.9)
    held = Held(torch.arange(n), labels, chances)
    scores = score(chances.log(), labels)
    made = findings(classes=("ants", "bees"), n=n, suspects=0)
    return replace(
        made, held=held, val=scores, test=scores if tested else None, calibration=None, history=()
    )


def test_the_verdict_in_one_sentence() -> None:
    found = answered(146, 153, ones=83)
    assert verdict(found).replace(_SPACE, " ") == (
        "Right on 146 of 153 held-out pictures: 95.4 % (95 % interval 90.9 to 97.8); "
        "always saying 'bees' would be right on 54.2 %."
    )
    assert cautions(found) == []


def test_all_right_is_said_so_and_the_interval_is_not() -> None:
    sentence = verdict(answered(30, 30, ones=15)).replace(_SPACE, " ")
    assert sentence.startswith("Right on all 30 held-out pictures: 100.0 % (95 % interval 88.6 to")
    one = verdict(answered(1, 1, ones=1)).replace(_SPACE, " ")
    assert one.startswith("Right on 1 of 1 held-out picture: ")


def test_what_is_unknown_is_told_beside_the_figure() -> None:
    found = answered(28, 30, ones=15)
    known = torch.arange(30) >= 3  # the first three, all right, are turned away
    some = replace(found, held=replace(found.held, known=known))
    assert said_unknown(some).replace(_SPACE, " ") == (
        "Of the 30 held-out pictures 3 are unknown; "
        "of the 27 others 25 are answered rightly (92.6 %)."
    )
    assert any(line.startswith("It answers 3 of the 30 with 'unknown'") for line in cautions(some))
    none = replace(found, held=replace(found.held, known=known | True))
    assert said_unknown(none) == "None of the 30 held-out pictures is unknown."
    assert not any("unknown" in line for line in cautions(none))
    every = replace(found, held=replace(found.held, known=known & False))
    assert said_unknown(every) == "All of the 30 held-out pictures are unknown."


def test_no_better_than_the_majority_is_said_first() -> None:
    assert cautions(answered(110, 200, ones=100))[0].startswith("This is no proof")
    assert not any("no proof" in line for line in cautions(answered(130, 200, ones=100)))


def test_few_pictures_and_a_missing_test_part_are_said() -> None:
    lines = cautions(answered(39, 40, ones=20, tested=False))
    assert lines[0].startswith("40 held-out pictures are few: each weighs 2.5")
    assert lines[1].startswith("No part was left to test on.")


def test_classes_of_which_little_is_known_are_named() -> None:
    lines = cautions(findings(classes=3, n=300, empty=1))
    assert lines == ["Nothing is known of 'class 1': no held-out picture shows it."]
    assert cautions(answered(300, 300, ones=5)) == ["Fewer than 10 held-out pictures each: 'bees'."]
    lines = cautions(answered(105, 120, ones=120 - 20))
    assert "More than half of the pictures are taken for others: 'ants'." in lines


def test_copies_in_two_official_parts_are_said() -> None:
    found = replace(answered(146, 153, ones=83), check={"leakage": [{}, {}]})
    assert cautions(found)[0].startswith("2 groups of copies lie in more than one official part")


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.954, "95.4 %"),
        (1.0, "100.0 %"),
        (0.9999, "99.9 %"),
        (0.0, "0.0 %"),
        (1e-5, "under 0.1 %"),
    ],
)
def test_a_share_is_never_rounded_to_all_or_nothing(share: float, text: str) -> None:
    assert percent(share).replace(_SPACE, " ") == text


def test_numbers_and_times_as_people_write_them() -> None:
    assert counted(1, "class", "classes") == "1 class"
    assert counted(1200, "picture") == "1,200 pictures"
    assert [seconds(value) for value in (0.0042, 4.25, 93, 7300)] == [
        "4.2 ms", "4.25 s", "1 min 33 s", "2 h 1 min",
    ]  # fmt: skip


def test_of_a_long_name_the_end_is_kept() -> None:
    assert file_name("x" * 200 + "/photo.jpg").endswith("x/photo.jpg")
    assert len(file_name("x" * 200)) == 90


def test_findings_that_do_not_fit_together_are_refused() -> None:
    found = answered(146, 153, ones=83)
    with pytest.raises(ArgumentError, match="153 held-out pictures, as the scores have"):
        replace(found, held=answered(9, 10, ones=5).held)
    with pytest.raises(ArgumentError, match="a column for 3 classes"):
        replace(found, classes=("a", "b", "c"))
    with pytest.raises(ArgumentError, match="at least one held-out picture"):
        Held(torch.empty(0), torch.empty(0), torch.empty(0, 2))
    with pytest.raises(ArgumentError, match="a row for each of 2 labels"):
        Held(torch.arange(3), torch.tensor([0, 1]), torch.rand(2, 2))
