"""What features mode keeps of each picture, and how processes share the work."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from striate.data import Split, load_source
from striate.data.stores import MemoryStore
from striate.pipeline import Talk, solving
from striate.pipeline.job import Job, Outputs
from striate.preprocess import Preprocess
from striate.training import Recipe
from striate.training.dist import ALONE, Team

WIDTH = 12


def engine(pixels: Tensor) -> Tensor:
    """12 features and a signature of 8: rows and columns of the picture's middle."""
    middle = pixels[:, 0, 8:18, 8:18].float()
    return torch.cat([middle.mean(1), middle.amax(2)], dim=1)


@pytest.fixture(scope="module")
def job() -> Job:
    data = load_source("sample")
    part = torch.randperm(5000, generator=torch.Generator().manual_seed(3))[:101]
    record = Preprocess((28, 28), 1, (0.1,), (0.3,))
    cut = Split(part, part[:0], part[:0])
    return Job(data, cut, record, Recipe(), {}, Talk(), ALONE)


@pytest.fixture(scope="module")
def store(job: Job) -> MemoryStore:
    return MemoryStore(job.data.pictures)  # type: ignore[arg-type]


def test_signatures_are_kept_of_some_and_features_of_all(
    job: Job, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    part: Any = job.cut.train
    ids, values, whole = solving._seen(job, store, engine, WIDTH)  # type: ignore[arg-type]
    assert ids.equal(part)
    (pictures,) = (pixels for pixels, _ in store.batches([part]))
    assert values.equal(engine(pictures)[:, :WIDTH])
    assert whole.values.equal(engine(pictures)[:, WIDTH:].double())
    monkeypatch.setattr(solving, "SIGNED", 20)
    same_ids, same_values, few = solving._seen(job, store, engine, WIDTH)  # type: ignore[arg-type]
    assert same_ids.equal(ids)
    assert same_values.equal(values)
    assert len(few.ids) == 20
    assert few.values.equal(whole.of(few.ids).values)


def test_processes_that_share_the_pictures_know_all_features(job: Job, store: MemoryStore) -> None:
    """Three processes one after another, with a sum that is made when the last has spoken."""
    ids: Tensor = job.cut.train[:7]
    wanted = solving._features(job, store, engine, ids)
    for size in (2, 3, 9):  # of nine, two have no picture of their own
        parts = []
        for rank in range(size):

            class Apart(Team):
                def total(self, vector: Tensor) -> Tensor:
                    return vector

            alone = replace(job, team=Apart(rank, size))
            parts.append(solving._features(alone, store, engine, ids))
        assert sum(part.values for part in parts).equal(wanted.values)  # type: ignore[union-attr]
        assert torch.stack([part.readable for part in parts]).any(0).equal(wanted.readable)


def test_outputs_are_found_by_their_samples() -> None:
    kept = Outputs(torch.tensor([5, 2, 9]), torch.tensor([[5.0], [2.0], [9.0]]))
    found = kept.of(torch.tensor([9, 7, 5]))
    assert found.ids.tolist() == [9, 5]
    assert found.values.tolist() == [[9.0], [5.0]]
    assert len(kept.of(torch.tensor([1])).ids) == 0
