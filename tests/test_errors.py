import pytest

from striate.errors import (
    FAILED,
    WRONG_INPUT,
    ArgumentError,
    StriateError,
    in_plain_sight,
    nearest,
    unknown_name,
)


def test_an_error_says_what_where_and_how_to_mend_it() -> None:
    error = StriateError("is empty", where="photos/a.png", remedy="Remove it", exit_code=3)
    assert str(error) == "photos/a.png: is empty. Remove it"
    assert error.exit_code == 3


def test_where_and_remedy_may_be_missing() -> None:
    assert str(StriateError("no space left")) == "no space left"
    assert StriateError("no space left").exit_code == FAILED


def test_an_argument_error_is_also_a_value_error() -> None:
    with pytest.raises(ValueError, match=r"^stride: got 0, expected at least 1$") as caught:
        raise ArgumentError("stride", 0, "at least 1")
    assert isinstance(caught.value, StriateError)
    assert caught.value.exit_code == WRONG_INPUT


def test_long_values_are_cut() -> None:
    assert len(str(ArgumentError("x", list(range(1000)), "less"))) < 120


def test_unknown_names_suggest_the_nearest() -> None:
    near = str(unknown_name("kernel", "sobel", ["sobel-x", "sobel-y", "box"]))
    assert "Did you mean" in near
    assert "sobel-x" in near
    assert "box" not in near
    assert "Known: box" in str(unknown_name("kernel", "qqq", ["box"]))


def test_names_that_share_a_few_letters_are_not_near() -> None:
    assert nearest("bert", ["unet", "resnet18"]) == ""
    assert nearest("", ["unet"]) == ""
    assert nearest("deeplab", ["deeplabv3_resnet50", "unet"]) == "Did you mean deeplabv3_resnet50?"


def test_a_long_list_may_be_told_shorter() -> None:
    error = unknown_name("model", "bert", ["unet", "vgg16"], otherwise="See the list")
    assert str(error) == "model: got 'bert', expected the name of a model. See the list"


def test_a_name_cannot_break_the_line_or_command_the_terminal() -> None:
    name = "ant\n\x1b[31m\udcff\u202e.jpg"
    assert str(StriateError("is empty", where=name)) == (r"ant\n\x1b[31m\xff\u202e.jpg: is empty")
    assert in_plain_sight("Ameise ä 蟻 🐜.jpg") == "Ameise ä 蟻 🐜.jpg"
