"""A run that was cut anywhere and goes on ends with the very bits of one that was not."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import torch
from small_run import conv_net, run, weights

from striate.data.augment import Flip, Rotate
from striate.errors import StriateError
from striate.training import Checkpoints, Recipe, Step, Surroundings
from striate.training.clock import Clock

POLICY = (Rotate(20), Flip())
EPOCHS, STEPS = 3, 3 * 5

pytestmark = pytest.mark.usefixtures("one_thread")


class CutError(Exception):
    """Where the test lets the run fall."""


def recipe(optimiser: str = "adamw", **changes: object) -> Recipe:
    base = Recipe(
        epochs=EPOCHS, batch_size=32, optimiser=optimiser, average=0.9, mix="mixup",
        weight_decay=0.01, label_smoothing=0.1, patience=2, peak_rate=0.02,
    )  # fmt: skip
    return base.with_settings(changes)


def around(folder: Path, cut_at: int = 0) -> Surroundings:
    def report(step: Step) -> None:
        if step.step == cut_at and step.val is None:
            raise CutError

    def complain(line: str) -> None:
        raise AssertionError(line)

    # An interval below nothing: a snapshot after every update.
    return Surroundings(report, Checkpoints(folder, complain), interval=-1.0)


def outcome(
    folder: Path, recipe: Recipe, cuts: tuple[int, ...]
) -> tuple[torch.Tensor, list[object]]:
    for cut_at in cuts:
        with pytest.raises(CutError):
            run(conv_net(), recipe, around(folder, cut_at), POLICY)
    net = conv_net()
    training = run(net, recipe, around(folder), POLICY)
    return weights(net), [(row.loss, row.rate, row.val) for row in training.history]


@pytest.mark.parametrize("optimiser", ["adamw", "sgd", "muon"])
def test_a_resumed_run_is_bit_identical_wherever_it_was_cut(tmp_path: Path, optimiser: str) -> None:
    whole = outcome(tmp_path / "whole", recipe(optimiser), ())
    for cut_at in (1, 2, 5, 6, 14, 15):
        cut = outcome(tmp_path / f"cut-{cut_at}", recipe(optimiser), (cut_at,))
        assert torch.equal(cut[0], whole[0]), cut_at
        assert cut[1] == whole[1], cut_at


@pytest.mark.parametrize("at", [1, 5, 15])
def test_a_signal_saves_the_update_it_came_in(tmp_path: Path, at: int) -> None:
    """The last update of an epoch too, after which the epoch has still to be evaluated."""
    whole = outcome(tmp_path / "whole", recipe(), ())

    def interrupt(step: Step) -> None:
        if step.step == at and step.val is None:
            signal.raise_signal(signal.SIGTERM)

    once = Surroundings(interrupt, Checkpoints(tmp_path / "cut", print))
    with pytest.raises(StriateError, match="interrupted") as left:
        run(conv_net(), recipe(), once, POLICY)
    assert left.value.exit_code == 143
    cut = outcome(tmp_path / "cut", recipe(), ())
    assert torch.equal(cut[0], whole[0])
    assert cut[1] == whole[1]


def test_and_however_often(tmp_path: Path) -> None:
    whole = outcome(tmp_path / "whole", recipe(), ())
    often = outcome(tmp_path / "often", recipe(), tuple(range(2, STEPS + 1)))
    assert torch.equal(often[0], whole[0])
    assert often[1] == whole[1]


def test_a_finished_run_can_be_given_more_epochs(tmp_path: Path) -> None:
    run(conv_net(), recipe(patience=0), around(tmp_path), POLICY)
    training = run(conv_net(), recipe(patience=0, epochs=5), around(tmp_path), POLICY)
    assert [row.epoch for row in training.history] == [1, 2, 3, 4, 5]
    assert [row.step for row in training.history] == [5, 10, 15, 20, 25]


def test_part_of_an_epoch_can_be_given_the_rest(tmp_path: Path) -> None:
    part = run(conv_net(), recipe(patience=0, epochs=1.6), around(tmp_path), POLICY)
    assert [row.step for row in part.history] == [5, 8]
    assert part.progress == 1
    grown = run(conv_net(), recipe(patience=0, epochs=3), around(tmp_path), POLICY)
    assert [row.step for row in grown.history] == [5, 8, 10, 15]


def test_a_budget_that_ends_with_an_epoch_can_grow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An update takes a second. The epoch that was counted at five is not counted again."""
    updates: list[int] = []

    def count(step: Step) -> None:
        if step.val is None:
            updates.append(step.step)

    monkeypatch.setattr(Clock, "read", lambda clock: float(len(updates)))
    for budget in (5.0, 8.0):
        timed = recipe(patience=0, epochs=100, budget=budget)
        listening = Surroundings(count, Checkpoints(tmp_path, print))
        training = run(conv_net(), timed, listening, POLICY)
    assert [row.step for row in training.history] == [5, 8]
    again = run(conv_net(), timed, listening, POLICY)  # nothing is left to do
    assert [row.step for row in again.history] == [5, 8]


def test_another_recipe_cannot_go_on(tmp_path: Path) -> None:
    run(conv_net(), recipe(), around(tmp_path), POLICY)
    with pytest.raises(StriateError, match=r"another recipe \(peak_rate\)"):
        run(conv_net(), recipe(peak_rate=0.1), around(tmp_path), POLICY)
