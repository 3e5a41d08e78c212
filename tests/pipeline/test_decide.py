"""What is decided for which pictures: mode, network, preprocessing, recipe; and why."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from striate.data import Dataset, Provenance, Split
from striate.data.split import split
from striate.errors import ArgumentError
from striate.pipeline.choose import Look
from striate.pipeline.decide import Decision, Wish, decide
from striate.pipeline.plan import without_validation
from striate.preprocess import Preprocess
from striate.training import Recipe

GREY = Look(Preprocess((28, 28), 1, (0.1,), (0.3,)), long=False)
TINY = Look(Preprocess((32, 32), 3, (0.5,) * 3, (0.2,) * 3), long=False)
PHOTOS = Look(Preprocess((224, 224), 3, (0.5,) * 3, (0.2,) * 3), long=False)
LONG = Look(Preprocess((224, 224), 3, (0.5,) * 3, (0.2,) * 3, "pad"), long=True)


@pytest.fixture
def no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without any published weights."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)


def data_of(*counts: int) -> Dataset:
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    pictures = torch.zeros(len(labels), 1, 1, 1, dtype=torch.uint8)
    classes = tuple(f"class {k}" for k in range(len(counts)))
    return Dataset("made", pictures, labels, classes, Provenance("made", "made"))


def decided(look: Look, *counts: int, **wish: object) -> Decision:
    data = data_of(*counts)
    return decide(data, split(data), look, Wish(**wish))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("look", "counts", "mode", "model"),
    [
        (GREY, (500,) * 10, "scratch", "lecture_net"),
        (GREY, (6_000,) * 10, "scratch", "lecture_net"),
        (TINY, (5_000,) * 10, "scratch", "airbench94"),
        (TINY, (100, 100), "features", "efficientnet_lite0"),
        (PHOTOS, (33, 4, 3), "features", "efficientnet_lite0"),
        (PHOTOS, (1_000, 900), "features", "efficientnet_lite0"),
        (PHOTOS, (25_000, 25_000), "features", "efficientnet_lite0"),
    ],
)
def test_the_pictures_and_their_number_decide(
    look: Look, counts: tuple[int, ...], mode: str, model: str
) -> None:
    found = decided(look, *counts)
    assert (found.mode, found.model) == (mode, model)
    assert found.why
    assert (found.weights != "") == (mode == "features")


def test_many_photos_are_tuned_on_where_the_budget_allows_it() -> None:
    found = decided(PHOTOS, 25_000, 25_000)
    assert "hours here; --mode finetune does it all the same" in found.why[0]
    found = decided(PHOTOS, 25_000, 25_000, settings={"budget": 36_000.0, "epochs": 1e6})
    assert found.mode == "finetune"
    assert found.recipe.budget == 36_000.0


@pytest.mark.usefixtures("no_weights")
def test_without_weights_it_is_from_scratch_and_says_so() -> None:
    found = decided(PHOTOS, 100, 100)
    assert (found.mode, found.model) == ("scratch", "mobilenet_v3_small")
    assert found.why[0].startswith("from scratch: no published weights are on this machine; pip")
    with pytest.raises(ArgumentError, match="no published weights are on this machine"):
        decided(PHOTOS, 100, 100, mode="features")


def test_what_is_asked_for_is_done() -> None:
    assert decided(PHOTOS, 100, 100, mode="scratch").mode == "scratch"
    assert decided(GREY, 100, 100, mode="features").mode == "features"
    assert decided(PHOTOS, 100, 100, mode="finetune").mode == "finetune"
    assert decided(PHOTOS, 100, 100, settings={"epochs": 3.0}).mode == "finetune"
    assert decided(PHOTOS, 100, 100, model="lecture_fcn").mode == "scratch"
    named = decided(PHOTOS, 100, 100, recipe=Recipe(epochs=7), model="resnet18")
    assert (named.mode, named.model, named.recipe.epochs) == ("scratch", "resnet18", 7)
    with pytest.raises(ArgumentError, match=r"mode: got 'feature'.*Did you mean features"):
        decided(PHOTOS, 100, 100, mode="feature")


def test_nothing_is_cut_off_and_nothing_bent_out_of_shape() -> None:
    squashed, padded = decided(PHOTOS, 100, 100), decided(LONG, 100, 100)
    assert (squashed.preprocess.fit, padded.preprocess.fit) == ("squash", "pad")
    # The rest is the weights' own.
    assert squashed.preprocess.mean == pytest.approx((127 / 255,) * 3)
    assert squashed.preprocess.interpolation == "bicubic"


def test_rare_classes_are_weighed_and_even_ones_are_not() -> None:
    found = decided(PHOTOS, 330, 40, 30)
    assert found.recipe.balanced
    assert any("classes weigh alike, for the largest has 11 times" in line for line in found.why)
    assert not decided(PHOTOS, 100, 90, 80).recipe.balanced
    assert not decided(PHOTOS, 330, 30, settings={"balanced": False}).recipe.balanced


def test_few_pictures_are_seen_more_often() -> None:
    few = decided(GREY, 20, 20).recipe
    assert few.epochs * -(-28 // few.batch_size) >= 199
    assert decided(GREY, *[500] * 10).recipe == Recipe()


def test_what_takes_long_is_told_before() -> None:
    slow = decided(PHOTOS, 500, 500, mode="scratch", model="resnet50")
    assert "hours; with --budget 10m it ends in time" in slow.why[-1]
    bounded = decided(
        PHOTOS, 500, 500, mode="scratch", model="resnet50", settings={"budget": 600.0}
    )
    assert "takes about" not in bounded.why[-1]
    assert "takes about" not in decided(GREY, *[500] * 10).why[-1]


def test_features_need_one_process_alone() -> None:
    data = data_of(100, 100)
    with pytest.raises(ArgumentError, match="nproc: got 2, expected 1 in features mode"):
        decide(data, split(data), PHOTOS, Wish(mode="features"), 2)
    assert decide(data, split(data), PHOTOS, Wish(), 2).mode == "finetune"


def test_what_a_solved_head_has_no_use_for_is_named() -> None:
    found = decided(
        PHOTOS, 100, 100, mode="features", settings={"epochs": 30.0, "batch_size": 7, "seed": 3}
    )
    assert found.why[-1].endswith("not trained: batch_size, epochs")
    assert found.recipe.seed == 3
    assert found.recipe.batch_size != 7
    with pytest.raises(ArgumentError, match="expected scratch, which named recipes are for"):
        decided(PHOTOS, 100, 100, mode="finetune", recipe=Recipe(), model="resnet18")


def test_a_network_whose_head_cannot_be_solved_learns_from_scratch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("striate.pipeline.decide.at_hand", lambda record: True)
    assert decided(PHOTOS, 100, 100, model="squeezenet1_1").mode == "scratch"
    assert decided(PHOTOS, 100, 100, model="resnet18").mode == "features"


def test_where_cross_validation_judges_no_picture_is_set_aside() -> None:
    data = data_of(50, 50)
    cut = without_validation(data, split(data))
    assert (len(cut.train), len(cut.val), len(cut.test)) == (80, 0, 20)
    assert not set(cut.train.tolist()) & set(cut.test.tolist())


def test_an_official_validation_part_judges_where_there_is_no_test() -> None:
    plain = data_of(50, 50)
    val = torch.arange(40, 60)
    train = torch.cat((torch.arange(40), torch.arange(60, 100)))
    data = Dataset(
        "parts", plain.pictures, plain.labels, plain.classes, plain.provenance,
        {"train": train, "val": val},
    )  # fmt: skip
    cut = without_validation(data, split(data))
    assert cut.test.tolist() == val.tolist()
    assert cut.train.tolist() == train.tolist()
    assert isinstance(cut, Split)
