"""Curves as text: the right letter in the right place, at any width."""

from hypothesis import given, settings
from hypothesis import strategies as some

from striate.cli.curves import draw

NUMBERS = some.floats(-1e6, 1e6)


def test_a_line_goes_from_corner_to_corner() -> None:
    assert draw({"a": [(1, 0.0), (5, 4.0)]}, width=16, height=5) == [
        "4.00 |        aa",
        "     |      aa",
        "2.00 |    aa",
        "     |  aa",
        "0.00 |aa",
        "     +----------",
        "      1        5",
    ]


def test_curves_that_meet_are_a_star_and_short_ones_end() -> None:
    lines = draw({"a": [(1, 1.0), (9, 1.0)], "b": [(1, 1.0), (5, 1.0)]}, width=20)
    [row] = [line for line in lines if "*" in line]
    assert row == "1.00 |*******aaaaaaa"


@settings(deadline=None, max_examples=60)
@given(some.lists(some.lists(NUMBERS, min_size=1, max_size=60), min_size=1, max_size=4))
def test_no_line_is_too_long_and_every_curve_is_there(curves: list[list[float]]) -> None:
    named = {
        letter: list(enumerate(values, 1)) for letter, values in zip("abcd", curves, strict=False)
    }
    for width in (40, 80):
        lines = draw(named, width)
        assert max(map(len, lines)) <= width
        assert len(lines) == 12
        text = "\n".join(lines)
        assert text.isascii()
        assert all(letter in text or "*" in text for letter in named)
