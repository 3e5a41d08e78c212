"""What differs between runs, and what is chance."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from scipy.stats import binomtest, fisher_exact

import made_runs as made
from striate.errors import StriateError
from striate.pipeline import compare
from striate.pipeline.significance import fisher, mcnemar


def recipe(**changes: object) -> dict[str, object]:
    return {**made.RECIPE, **changes}


def data(**changes: object) -> dict[str, object]:
    return {**made.config()["data"], **changes}


def test_the_chance_is_scipys() -> None:
    draw = random.Random(0)
    for _ in range(200):
        sizes = draw.randint(1, 60), draw.randint(1, 60)
        right = draw.randint(0, sizes[0]), draw.randint(0, sizes[1])
        table = [list(right), [sizes[0] - right[0], sizes[1] - right[1]]]
        assert fisher(right, sizes) == pytest.approx(fisher_exact(table).pvalue, rel=1e-6)
    expected = fisher_exact([[9_900, 9_850], [100, 150]]).pvalue
    assert fisher((9_900, 9_850), (10_000, 10_000)) == pytest.approx(expected, rel=1e-6)
    for one, other in ((0, 0), (1, 0), (5, 5), (3, 17), (120, 61), (4_000, 4_300)):
        wanted = binomtest(one, one + other).pvalue if one + other else 1.0
        assert mcnemar(one, other) == pytest.approx(wanted, rel=1e-6)


def test_only_the_settings_that_differ_are_told(tmp_path: Path) -> None:
    one = made.finished(tmp_path / "one", 450)
    two = made.finished(
        tmp_path / "two",
        450,
        recipe=recipe(peak_rate=0.1),
        mode="finetune",
        model={"name": "resnet20", "options": {"classes": 2, "dropout": 0.5}},
    )
    found = {each.setting: each.values for each in compare([one, two]).differences}
    assert found == {
        "mode": (None, "finetune"),
        "model": ("lecture_net", "resnet20"),
        "model.options.dropout": (None, 0.5),
        "recipe.peak_rate": (0.004, 0.1),
    }
    same = made.finished(tmp_path / "same", 450)
    assert compare([one, same]).differences == ()


def test_a_large_difference_is_more_than_chance_and_a_small_one_is_not(tmp_path: Path) -> None:
    runs = [
        made.finished(tmp_path / str(right), 450, test=(right, 1000)) for right in (900, 910, 960)
    ]
    small, large = compare(runs[:2]), compare(runs[::2])
    assert [one.more_than_chance for one in (*small.verdicts, *large.verdicts)] == [False, True]
    [verdict] = large.verdicts
    assert (verdict.part, verdict.other) == ("test", 1)
    assert verdict.gain == pytest.approx(0.06)
    both = compare(runs)
    assert [one.p for one in both.verdicts] == [
        pytest.approx(min(1, 2 * one.p)) for one in (*small.verdicts, *large.verdicts)
    ]


def answers(folder: Path, part: str, *right: bool) -> None:
    """The pictures that a made run was asked about, and what it said."""
    rows = [f"{n}.png,{part},ant,{'ant' if one else 'bee'},0.9,0.9," for n, one in enumerate(right)]
    head = "path,part,label,predicted,probability,label_probability,known"
    (folder / "predictions.csv").write_text("\n".join([head, *rows, ""]))


def test_answers_about_the_same_pictures_are_compared_in_pairs(tmp_path: Path) -> None:
    """All but ten of 1,000 alike, and those on one side: too few for Fisher, enough for McNemar."""
    alike = [True] * 900 + [False] * 90
    one = made.finished(tmp_path / "one", 450, test=(900, 1000))
    two = made.finished(tmp_path / "two", 450, test=(910, 1000))
    [before] = compare([one, two]).verdicts
    assert (before.method, before.apart) == ("Fisher's exact test", None)
    assert not before.more_than_chance
    answers(one, "test", *alike, *[False] * 10)
    answers(two, "test", *alike, *[True] * 10)
    [verdict] = compare([one, two]).verdicts
    assert (verdict.method, verdict.apart) == ("McNemar's exact test", (0, 10))
    assert verdict.more_than_chance
    assert verdict.p == pytest.approx(2 * 0.5**10)
    answers(two, "test", *alike)  # other pictures
    assert compare([one, two]).verdicts[0].apart is None
    answers(two, "val", *alike, *[True] * 10)
    assert compare([one, two]).verdicts[0].apart is None


def test_answers_of_a_run_that_went_on_are_of_its_earlier_end(tmp_path: Path) -> None:
    runs = [made.finished(tmp_path / name, 450, test=None) for name in ("one", "two")]
    for run in runs:
        answers(run, "val", *[True] * 450, *[False] * 50)
    assert compare(runs).verdicts[0].apart == (0, 0)
    made.snapshot(runs[1], 450, 460)
    assert compare(runs).verdicts[0].apart is None


@pytest.mark.parametrize(
    "table",
    [b"path;part;label;predicted\n", b"path,part,label,predicted\ngr\xf6\xdfe,test,ant,ant\n"],
    ids=["semicolons", "latin-1"],
)
def test_a_table_that_another_program_saved_is_left_alone(tmp_path: Path, table: bytes) -> None:
    runs = [made.finished(tmp_path / name, 450) for name in ("one", "two")]
    for run in runs:
        (run / "predictions.csv").write_bytes(table)
    assert compare(runs).verdicts[0].apart is None


def test_a_table_that_does_not_give_the_runs_figure_counts_for_nothing(tmp_path: Path) -> None:
    runs = [made.finished(tmp_path / name, 450, test=(3, 4)) for name in ("one", "two")]
    for run in runs:
        answers(run, "test", True, True, True, False)
    assert compare(runs).verdicts[0].apart == (0, 0)
    answers(runs[1], "test", True, True, True, True)
    assert compare(runs).verdicts[0].apart is None


def test_copies_are_told_by_their_number(tmp_path: Path) -> None:
    one = made.finished(tmp_path / "one", 450)
    together = {"group_by": "", "copies": [[201, 262], [202, 285]]}
    two = made.finished(tmp_path / "two", 450, together=together)
    [found] = compare([one, two]).differences
    assert (found.setting, found.values) == ("together.copies", (0, 2))


def test_a_setting_that_an_older_run_has_not_is_told(tmp_path: Path) -> None:
    one = made.finished(tmp_path / "one", 450)
    two = made.finished(tmp_path / "two", 450, recipe=recipe(focus=2.0))
    [found] = compare([one, two]).differences
    assert (found.setting, found.values) == ("recipe.focus", (None, 2.0))


def test_only_what_a_solved_head_uses_is_a_setting_of_it(tmp_path: Path) -> None:
    one = made.finished(tmp_path / "one", 450, mode="features")
    two = made.finished(
        tmp_path / "two", 450, mode="features", recipe=recipe(peak_rate=0.1, seed=3)
    )
    assert [each.setting for each in compare([one, two]).differences] == ["recipe.seed"]
    fitted = made.finished(tmp_path / "fitted", 450)
    assert [each.setting for each in compare([one, fitted]).differences] == ["mode"]


def test_without_a_test_part_validation_decides(tmp_path: Path) -> None:
    one = made.finished(tmp_path / "one", 400, test=None)
    two = made.finished(tmp_path / "two", 490)
    [verdict] = compare([one, two]).verdicts
    assert (verdict.part, verdict.more_than_chance) == ("val", True)
    young = made.unfinished(tmp_path / "young")
    assert compare([one, young]).verdicts == ()


@pytest.mark.parametrize(
    ("changes", "same_data", "same_cut"),
    [
        ({}, True, True),
        ({"recipe": recipe(peak_rate=1.0)}, True, True),
        ({"recipe": recipe(seed=1)}, True, False),
        ({"together": {"group_by": "(.)_", "copies": []}}, True, False),
        ({"data": data(source="copy")}, True, True),
        ({"data": data(digest="b" * 64)}, False, False),
        ({"classes": ["bee", "ant"]}, False, False),
    ],
)
def test_scores_compare_on_the_same_data_only(
    tmp_path: Path, changes: dict[str, object], same_data: bool, same_cut: bool
) -> None:
    one = made.finished(tmp_path / "one", 450)
    two = made.finished(tmp_path / "two", 450, test=(500, 1000), **changes)
    found = compare([one, two])
    assert (found.same_data, found.same_cut) == (same_data, same_cut)
    assert bool(found.verdicts) == same_data


def test_what_does_not_make_a_comparison_is_refused(tmp_path: Path) -> None:
    one = made.finished(tmp_path / "one", 450)
    with pytest.raises(StriateError, match="got 1, expected two run folders"):
        compare([one])
    with pytest.raises(StriateError, match="expected each run once"):
        compare([one, tmp_path / "." / "one"])
    with pytest.raises(StriateError, match="no run here"):
        compare([one, tmp_path / "two"])
