"""Batches do not depend on the store, its workers, or where a run was interrupted."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from striate.data import opening
from striate.data.augment import Cutout, Flip, Policy, Rotate, Stream, apply
from striate.data.dataset import Files
from striate.data.loader import Batch, Loader
from striate.data.opening import open_store
from striate.data.order import Order
from striate.data.pixels import pixels_of
from striate.data.stores import MappedStore, MemoryStore, Store, StreamingStore
from striate.errors import ArgumentError, StriateError
from striate.preprocess import Preprocess

COUNT, BROKEN = 23, 5
PREPROCESS = Preprocess((12, 16), 3, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4))
POLICY: Policy = (Rotate(20), Flip(), Cutout())
LABELS = torch.arange(COUNT) % 4


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Photographs of noise in several formats, and one file that is cut off."""
    root = tmp_path_factory.mktemp("photos")
    names = []
    for index in range(COUNT):
        rng = np.random.default_rng(index)
        size = rng.integers(10, 40, 2)
        pixels = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        names.append(f"{index:02d}.{('jpg', 'png', 'webp')[index % 3]}")
        Image.fromarray(pixels).save(root / names[-1])
    broken = root / names[BROKEN]
    broken.write_bytes(broken.read_bytes()[:60])
    return Files(root, tuple(names))


@pytest.fixture(autouse=True)
def cache_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def quiet(*words: object) -> None:
    """For progress and talk."""


def store_of(files: Files, **options: int) -> Store:
    return open_store(files, PREPROCESS, workers=options.get("workers", 0), report=quiet, say=quiet)


def memory(files: Files, monkeypatch: pytest.MonkeyPatch) -> Store:
    return store_of(files)


def mapped(files: Files, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(opening, "FEW", 0)
    return store_of(files)


def streaming(files: Files, monkeypatch: pytest.MonkeyPatch, workers: int = 0) -> Store:
    monkeypatch.setattr(opening, "FEW", 0)
    monkeypatch.setattr(opening, "_free_memory", lambda: 0)
    monkeypatch.setenv("STRIATE_CACHE_GB", "0")
    return store_of(files, workers=workers)


Opener = Callable[[Files, pytest.MonkeyPatch], Store]
KINDS = {memory: MemoryStore, mapped: MappedStore, streaming: StreamingStore}


def loader(store: Store, order: Order = Order(5, seed=3), policy: Policy = POLICY) -> Loader:  # noqa: B008
    return Loader(store, LABELS, order, normalise=PREPROCESS.normalise, policy=policy)


def digests(batches: Iterable[Batch]) -> list[str]:
    return [digest(batch) for batch in batches]


def digest(batch: Batch) -> str:
    tensors = (batch.images, batch.labels, batch.mask, batch.ids)
    return hashlib.sha256(b"".join(t.contiguous().numpy().tobytes() for t in tensors)).hexdigest()


def reference(files: Files) -> list[str]:
    """Two epochs from a tensor made picture by picture."""
    shape = (3, *PREPROCESS.size)
    pixels = torch.stack(
        [
            torch.zeros(shape, dtype=torch.uint8)
            if index == BROKEN
            else pixels_of(files.path(index), PREPROCESS)
            for index in range(COUNT)
        ]
    )
    whole = loader(MemoryStore(pixels, {BROKEN: opening.excluded(files, opening.Bad(5, "", ""))}))
    return digests(itertools.chain(whole, whole))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_store_gives_the_same_batches(
    files: Files, kind: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = kind(files, monkeypatch)
    assert isinstance(store, KINDS[kind])
    ours = loader(store)
    two_epochs = digests(itertools.chain(ours, ours))
    assert two_epochs == reference(files)
    assert len(set(two_epochs)) == 2 * len(ours) == 10
    (bad,) = store.excluded
    assert (bad.path, bad.kind) == (files.names[BROKEN], "truncated")


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_the_number_of_workers_changes_nothing(
    files: Files, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = loader(streaming(files, monkeypatch, workers))
    assert digests(itertools.chain(ours, ours)) == reference(files)


@pytest.mark.parametrize("kind", KINDS)
def test_from_every_batch_a_resumed_loader_goes_on_exactly(
    files: Files, kind: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, expected = kind(files, monkeypatch), reference(files)
    for done in range(len(expected)):
        first = loader(store)
        before = digests(itertools.islice(itertools.chain(first, first), done))
        second = loader(store)
        second.load_state(first.state())
        after = digests(itertools.chain(second, second, second))
        assert before == expected[:done]
        assert after[: len(expected) - done] == expected[done:]


def test_another_batch_size_resumes_with_the_samples_that_are_left(files: Files) -> None:
    first, second = loader(store_of(files)), loader(store_of(files), Order(4, seed=3))
    seen = [batch.ids for batch in itertools.islice(first, 2)]
    second.load_state(first.state())
    rest = [batch.ids[places_that_fill(batch)] for batch in second]
    order = torch.cat([*seen, *rest])
    assert torch.equal(order.sort().values, torch.arange(COUNT))


def places_that_fill(batch: Batch) -> torch.Tensor:
    """The samples themselves: without the copies at the end, with the unreadable."""
    return torch.tensor(
        [
            place
            for place, id_ in enumerate(batch.ids.tolist())
            if id_ not in batch.ids[:place].tolist()
        ]
    )


def test_two_ranks_see_every_readable_sample_once(files: Files) -> None:
    ranks = [loader(store_of(files), Order(4, seed=1, rank=rank, ranks=2)) for rank in (0, 1)]
    batches = [batch for rank in ranks for batch in rank]
    counted = sorted(torch.cat([batch.ids[batch.mask] for batch in batches]).tolist())
    assert counted == [index for index in range(COUNT) if index != BROKEN]
    assert len(ranks[0]) == len(ranks[1]) == len(batches) // 2


def test_a_batch_is_what_it_says(files: Files) -> None:
    ours = loader(store_of(files), Order(5, shuffle=False), policy=())
    for number, batch in enumerate(ours):
        assert batch.images.dtype == torch.float32
        assert batch.images.shape == (5, 3, 12, 16)
        assert batch.images.is_contiguous(memory_format=torch.channels_last)
        assert torch.equal(batch.labels, LABELS[batch.ids])
        for image, index in zip(batch.images, batch.ids.tolist(), strict=True):
            if index != BROKEN:
                pixels = pixels_of(files.path(index), PREPROCESS)
                assert torch.equal(image, PREPROCESS.normalise(pixels[None])[0])
        own = torch.arange(5 * number, 5 * number + 5) < COUNT  # the last batch is filled up
        assert torch.equal(batch.mask, own & (batch.ids != BROKEN))


def test_every_epoch_is_augmented_anew_by_its_own_stream(files: Files) -> None:
    store = store_of(files)
    ours = loader(store, Order(5, seed=3, shuffle=False))
    epochs = [list(ours), list(ours)]
    for epoch, batches in enumerate(epochs):
        for batch in batches:
            pixels, _ = next(store.batches([batch.ids]))
            augmented = apply(POLICY, pixels, Stream(3, epoch, batch.ids))
            assert torch.equal(batch.images, PREPROCESS.normalise(augmented))
    assert not torch.equal(epochs[0][0].images, epochs[1][0].images)


def test_a_part_keeps_the_ids_of_the_whole(files: Files) -> None:
    part = torch.tensor([3, 11, 4])
    ours = Loader(
        store_of(files),
        LABELS,
        Order(2, shuffle=False),
        normalise=PREPROCESS.normalise,
        part=part,
    )
    ids = torch.cat([batch.ids[batch.mask] for batch in ours])
    assert torch.equal(ids, part)
    assert len(ours) == 2


def test_a_tensor_of_pictures_is_its_own_store() -> None:
    pixels = torch.randint(0, 256, (4, 1, 6, 7), dtype=torch.uint8)
    same = Preprocess((6, 7), 1, (0.5,), (0.5,))
    store = open_store(pixels, same, workers=0, report=quiet, say=quiet)
    assert torch.equal(next(store.batches([torch.arange(4)]))[0], pixels)
    larger = Preprocess((12, 14), 3, (0.5,) * 3, (0.5,) * 3)
    store = open_store(pixels, larger, workers=0, report=quiet, say=quiet)
    assert next(store.batches([torch.arange(4)]))[0].shape == (4, 3, 12, 14)


def test_two_batches_are_decoded_ahead(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def wanted() -> Iterator[torch.Tensor]:
        for number in range(6):
            asked.append(number)
            yield torch.arange(70) % COUNT

    batches = streaming(files, monkeypatch, workers=1).batches(wanted())
    next(batches)
    assert asked == [0, 1, 2]
    batches.close()  # type: ignore[attr-defined]
    assert list(streaming(files, monkeypatch).batches([])) == []


def test_why_the_cache_is_not_used_is_said(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(opening, "FEW", 0)
    monkeypatch.setenv("STRIATE_CACHE_GB", "0")
    store = open_store(files, PREPROCESS, workers=0, report=quiet, say=said.append)
    assert isinstance(store, MemoryStore)
    monkeypatch.setattr(opening, "_free_memory", lambda: 0)
    store = open_store(files, PREPROCESS, workers=0, report=quiet, say=said.append)
    assert isinstance(store, StreamingStore)
    assert said == [
        "the cache of pixels is turned off. The pictures are kept in memory, for this run",
        "the cache of pixels is turned off. The pictures are decoded anew in every epoch",
    ]


def test_progress_counts_every_picture(files: Files) -> None:
    seen: list[tuple[int, int]] = []
    open_store(files, PREPROCESS, workers=0, report=lambda *done: seen.append(done), say=quiet)
    assert seen == [(index + 1, COUNT) for index in range(COUNT)]


def test_an_abandoned_pass_leaves_no_thread_behind(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    for store in (mapped(files, monkeypatch), streaming(files, monkeypatch, workers=1)):
        passing = iter(loader(store, policy=()))
        next(passing)
        passing.close()  # type: ignore[attr-defined]
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if name.startswith("striate")]


def test_labels_must_be_as_many_as_pictures(files: Files) -> None:
    with pytest.raises(ArgumentError, match="labels: got 22, expected 23, one a picture"):
        Loader(store_of(files), LABELS[1:], Order(4), normalise=PREPROCESS.normalise)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"seed": 4}, "seed: got 4, expected 3"), ({"samples": 9}, "samples: got 9, expected 23")],
)
def test_the_state_of_another_run_is_refused(
    files: Files, change: dict[str, int], message: str
) -> None:
    ours = loader(store_of(files))
    with pytest.raises(StriateError, match=message):
        ours.load_state(ours.state() | change)
