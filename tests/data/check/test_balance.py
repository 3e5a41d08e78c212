import pytest

from striate.data.check.balance import problems, warnings
from striate.data.check.report import Class


def classes(*counts: int, **parts: list[int]) -> list[Class]:
    return [
        Class(f"class{i}", count, {part: of[i] for part, of in parts.items()})
        for i, count in enumerate(counts)
    ]


def test_even_classes_have_nothing_wrong() -> None:
    fine = classes(100, 90, train=[80, 70], val=[20, 20])
    assert problems(fine) == []
    assert warnings(fine) == []


def test_imbalance_says_by_how_much() -> None:
    (found,) = warnings(classes(1000, 50))
    assert found.kind == "imbalance"
    assert "'class0' has 1,000 pictures and 'class1' 50: 20 times as many" in found.message
    assert warnings(classes(1000, 100)) == []


def test_few_pictures_are_named_with_their_number() -> None:
    (found,) = warnings(classes(20, 9))
    assert (found.kind, found.message) == ("few-pictures", "fewer than 10 pictures: 'class1' (9)")


def test_a_class_without_pictures_or_outside_train_is_a_problem() -> None:
    found = problems(classes(20, 0, 12, train=[10, 0, 0], val=[10, 0, 12]))
    assert [one.kind for one in found] == ["empty-class", "class-not-in-train"]
    assert "'class2' is in val and not in train" in found[1].message


def test_a_class_that_a_part_lacks_is_a_warning() -> None:
    found = warnings(classes(40, 40, train=[30, 40], val=[10, 0], test=[0, 0]))
    assert [(one.kind, one.message) for one in found] == [
        ("absent-from-part", "no pictures in val: 'class1'")
    ]


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["Cat", "cat"], "class-names-alike"),
        (["caf\u00e9", "cafe\u0301"], "class-names-alike"),
        (["dog ", "cat"], "class-name-spaces"),
        (["New folder (2)", "cat"], "class-name-slip"),
        (["cat copy", "dog"], "class-name-slip"),
        (["cats (1)", "dog"], "class-name-slip"),
        (["untitled folder", "dog"], "class-name-slip"),
    ],
)
def test_names_that_look_like_slips(names: list[str], kind: str) -> None:
    assert kind in [one.kind for one in warnings([Class(name, 50, {}) for name in names])]


@pytest.mark.parametrize("names", [["0", "1"], ["photocopy", "temple"], ["a_b", "a_c"]])
def test_ordinary_names_are_no_slips(names: list[str]) -> None:
    assert warnings([Class(name, 50, {}) for name in names]) == []


def test_a_single_class_is_pointed_out() -> None:
    assert [one.kind for one in warnings(classes(40))] == ["one-class"]


def test_no_classes_at_all_are_a_problem() -> None:
    assert [one.kind for one in problems([])] == ["no-classes"]
    assert warnings([]) == []
