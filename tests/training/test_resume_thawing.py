"""A run that thaws, with a rate a stage and its start kept, resumes to the very bits too."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from small_run import run, weights
from test_freezing import net

from striate.training import Checkpoints, Recipe, Step, Surroundings

pytestmark = pytest.mark.usefixtures("one_thread")


class CutError(Exception):
    """Where the test lets the run fall."""


def around(folder: Path, cut_at: int = 0) -> Surroundings:
    def report(step: Step) -> None:
        if step.step == cut_at and step.val is None:
            raise CutError

    return Surroundings(report, Checkpoints(folder, print), interval=-1.0)


@pytest.mark.parametrize("optimiser", ["adamw", "sgd", "muon"])
def test_wherever_it_is_cut(tmp_path: Path, optimiser: str) -> None:
    """Stages thaw after updates 3, 5 and 8 of 15; states of optimisers appear as they do."""
    recipe = Recipe(
        epochs=3, batch_size=32, optimiser=optimiser, frozen="head", thaw=0.5, layer_decay=0.7,
        keep_start=True, peak_rate=0.02, weight_decay=0.01, average=0.9,
    )  # fmt: skip
    whole = net()
    expected = run(whole, recipe, around(tmp_path / "whole"))
    for cut_at in (2, 3, 8):
        folder = tmp_path / str(cut_at)
        with pytest.raises(CutError):
            run(net(), recipe, around(folder, cut_at))
        resumed = net()
        found = run(resumed, recipe, around(folder))
        assert torch.equal(weights(resumed), weights(whole)), cut_at
        assert found.start == expected.start
        assert [(row.loss, row.val) for row in found.history] == [
            (row.loss, row.val) for row in expected.history
        ]
