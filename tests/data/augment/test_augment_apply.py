"""Whole policies: the same result for a sample whatever the batch, the threads, the layout."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import scipy.stats
import torch
from augment_forced import photo
from torch import Tensor

from striate.data.augment import (
    POLICIES,
    Choose,
    Colour,
    Cutout,
    Flip,
    GaussianNoise,
    Operation,
    RandomCrop,
    Rotate,
    SaltAndPepper,
    Solarise,
    Stream,
    Translate,
    apply,
    policy,
)
from striate.data.augment import op as engine
from striate.errors import ArgumentError

EVERYTHING: tuple[Operation, ...] = (
    *POLICIES["photos"],
    *POLICIES["strong"],
    RandomCrop(margin=3),
    GaussianNoise(),
    SaltAndPepper(),
    Cutout(),
)
NAMED = {**POLICIES, "everything": EVERYTHING}


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def kinds(images: Tensor) -> dict[str, Tensor]:
    return {
        "uint8": images,
        "channels last": images.contiguous(memory_format=torch.channels_last),
        "float32": images.float() / 255,
        "float64": images.double() / 255,
    }


@pytest.mark.parametrize("kind", ["uint8", "channels last", "float32", "float64"])
@pytest.mark.parametrize("name", NAMED)
def test_a_sample_does_not_depend_on_its_batch(
    name: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = kinds(photo(37, 45, count=23))[kind]
    ids = torch.arange(23) * 977
    whole = apply(NAMED[name], images, Stream(1, 2, ids))
    assert whole.dtype == images.dtype
    assert whole.shape == images.shape
    order = torch.randperm(23, generator=torch.Generator().manual_seed(0))
    for members in (order, order[:1], order[5:16]):
        part = apply(NAMED[name], images[members], Stream(1, 2, ids[members]))
        assert torch.equal(part, whole[members])
    monkeypatch.setattr(engine, "PIECE", 1)
    assert torch.equal(apply(NAMED[name], images, Stream(1, 2, ids)), whole)


@pytest.mark.parametrize("name", NAMED)
def test_threads_change_nothing(name: str, threads: None) -> None:
    images = photo(150, 149, count=9)
    results = []
    for number in (1, 2, 5):
        torch.set_num_threads(number)
        results.append(apply(NAMED[name], images, Stream(1, 2, torch.arange(9))))
        assert torch.get_num_threads() == number
        with ThreadPoolExecutor(1) as other:  # ... and in threads that start later
            assert other.submit(torch.get_num_threads).result() == number
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])


@pytest.mark.parametrize("name", sorted(set(NAMED) - {"none"}))
def test_seed_epoch_and_id_all_matter(name: str) -> None:
    image = photo(40, 40)
    streams = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    results = [apply(NAMED[name], image, Stream(s, e, torch.tensor([i]))) for s, e, i in streams]
    for i, one in enumerate(results):
        assert not any(torch.equal(one, other) for other in results[:i])


@pytest.mark.parametrize("kind", ["uint8", "channels last", "float32", "float64"])
def test_the_input_is_left_alone(kind: str) -> None:
    images = kinds(photo(count=3))[kind]
    before = images.clone()
    for steps in NAMED.values():
        apply(steps, images, Stream(0, 0, torch.arange(3)))
    assert torch.equal(images, before)
    assert apply((), images, Stream(0, 0, torch.arange(3))).data_ptr() != images.data_ptr()


@pytest.mark.parametrize("name", POLICIES)
def test_results_stay_in_range_and_uint8_is_the_rounded_float(name: str) -> None:
    images = photo(50, 60, count=6)
    stream = Stream(3, 0, torch.arange(6))
    exact = apply(NAMED[name], images.double() / 255, stream)
    assert float(exact.min()) >= 0
    assert float(exact.max()) <= 1
    away = (apply(NAMED[name], images, stream).double() - exact * 255).abs()
    # tone steps (solarise, posterise) may fall on either side of a threshold
    assert float((away > 2.5).double().mean()) < 0.01


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7])
def test_any_number_of_channels(channels: int) -> None:
    images = photo(20, 30, channels=channels, count=4)
    for name in sorted(set(POLICIES) - ({"photos"} if channels not in (1, 3) else set())):
        assert apply(policy(name), images, Stream(0, 0, torch.arange(4))).shape == images.shape


def test_an_empty_batch_stays_empty() -> None:
    empty = torch.zeros(0, 3, 9, 9, dtype=torch.uint8)
    for steps in NAMED.values():
        assert apply(steps, empty, Stream(0, 0, torch.arange(0))).shape == empty.shape


def test_half_precision_comes_back_as_it_was() -> None:
    images = (photo(20, 20).float() / 255).half()
    assert apply(policy("standard"), images, Stream(0, 0, torch.arange(1))).dtype == torch.float16


def test_a_size_changes_on_the_way() -> None:
    images = photo(40, 50, count=2)
    steps = (RandomCrop((30, 20)), Rotate(5), Cutout())
    assert apply(steps, images, Stream(0, 0, torch.arange(2))).shape == (2, 3, 30, 20)


def test_a_choice_is_even() -> None:
    choice = Choose((Colour(0.1), Solarise(), SaltAndPepper(), Flip(), Rotate(3)), count=2)
    uniform = Stream(0, 0, torch.arange(10_000)).uniform(0, choice.draws)
    stages = choice.stages(uniform, engine.Shape(3, 8, 8))
    moved, *others = (stage.chosen.double() for stage in stages if stage.chosen is not None)
    for wanted in others:
        assert scipy.stats.binomtest(int(wanted.sum()), 10_000, 0.4).pvalue > 1e-3
    # one of the two that move pixels, or both: 1 - C(3, 2) / C(5, 2)
    assert scipy.stats.binomtest(int(moved.sum()), 10_000, 0.7).pvalue > 1e-3
    both = int(((others[0] + others[1]) == 2).sum())
    assert scipy.stats.binomtest(both, 10_000, 0.1).pvalue > 1e-3


def test_what_was_not_chosen_does_not_move_a_picture() -> None:
    images = photo(40, 40).expand(300, -1, -1, -1)
    chosen = Choose((Rotate(30), Flip(probability=1.0)), count=1)
    after = chosen(images, Stream(0, 0, torch.arange(300)))
    mirrored = int((after == images.flip(3)).flatten(1).all(1).sum())
    assert scipy.stats.binomtest(mirrored, 300, 0.5).pvalue > 1e-3


def test_a_choice_of_all_is_the_policy() -> None:
    image = photo(40, 40)
    steps = (Rotate(10), Translate(0.1, 0.1), Solarise((0.4, 0.4)))
    stream = Stream(0, 0, torch.arange(1))
    chosen = Choose(steps, count=3)
    uniform = stream.uniform(0, chosen.draws)[:, 3:]
    expected = image.clone()
    for stage in engine.Fused(engine.Shape(3, 40, 40), "reflect"), None:
        if stage is not None:
            plans = [steps[0].plan(uniform[:, :1], engine.Shape(3, 40, 40)),
                     steps[1].plan(uniform[:, 1:3], engine.Shape(3, 40, 40))]  # fmt: skip
            expected = stage.change(expected, engine.compose(*plans), 255.0)
    expected = steps[2].change(expected, torch.tensor([[0.4]]).double(), 255.0)
    assert torch.equal(chosen(image, stream), expected.round().to(torch.uint8))


def test_only_pictures_of_things_are_mirrored() -> None:
    """And from left to right only."""
    things = ("photos", "shifted", "nudged")

    def inside(steps: tuple[Operation, ...]) -> Iterator[Operation]:
        for step in steps:
            yield from inside(step.steps) if isinstance(step, Choose) else (step,)

    mirror = {name: any(isinstance(s, Flip) for s in inside(p)) for name, p in POLICIES.items()}
    assert mirror == {name: name in things for name in POLICIES}
    for name in things:
        assert not any(isinstance(s, Flip) and s.axis == "vertical" for s in inside(POLICIES[name]))


@pytest.mark.gpu
def test_a_gpu_makes_the_same_pictures() -> None:
    images = photo(50, 60, count=16)
    stream = Stream(0, 0, torch.arange(16))
    for name, steps in POLICIES.items():
        if name == "photos":
            continue  # its crop is antialiased on the CPU alone
        there = apply(steps, images.cuda(), stream).cpu()
        away = (there.int() - apply(steps, images, stream).int()).abs()
        assert float((away > 1).double().mean()) < 1e-3, name


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: policy("digit"), "Did you mean digits"),
        (lambda: apply((), torch.zeros(3, 4, 4), Stream(0, 0, torch.arange(3))), "images: got"),
        (lambda: apply((), torch.zeros(1, 1, 4, 4).int(), Stream(0, 0, torch.arange(1))), "images"),
        (lambda: apply((), torch.zeros(2, 1, 4, 4), Stream(0, 0, torch.arange(1))), "'1 ids'"),
        (lambda: Choose((Flip(),), count=2), "count: got 2"),
        (lambda: Choose((Rotate(1), Rotate(1, padding="zeros")), 1), "one padding for all"),
        (
            lambda: Choose((RandomCrop((3, 3)), Flip()), 1)(photo(), Stream(0, 0, torch.arange(1))),
            "keep the picture's size",
        ),
    ],
)
def test_wrong_use_is_named(make, match) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ArgumentError, match=match):
        make()
