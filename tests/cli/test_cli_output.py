"""Paths are printed as they are, whatever they hold."""

import pytest

from striate.cli.output import results, talk

ODD = "photos[red]/[/x]/[0].png"


def test_what_looks_like_markup_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    results().print(ODD)
    talk().print(ODD)
    assert capsys.readouterr() == (f"{ODD}\n", f"{ODD}\n")
