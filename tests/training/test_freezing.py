"""What is frozen stays as it is, thaws in turn, and learns at its stage's rate."""

from __future__ import annotations

import copy

import pytest
import torch
from small_run import loader
from torch import Tensor, nn

from striate.data.loader import Loader
from striate.errors import ArgumentError
from striate.layers import GlobalAveragePool
from striate.models.contract import ConvNet, Stage
from striate.training import Loss, Recipe, Surroundings, fit
from striate.training.dist import ALONE
from striate.training.freezing import freeze, stage_rates, thawed
from striate.training.optim import optimiser_for
from striate.training.state import Training
from striate.training.step import Stepper

pytestmark = pytest.mark.usefixtures("one_thread")


class Staged(ConvNet):
    """Three stages with batch norm and dropout, and a head; a stage may hold a bare container."""

    heads = ("fc",)

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(1 if k == 0 else 4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Dropout(0.5)
            )
            for k in range(3)
        )
        self.pool = GlobalAveragePool()
        self.fc = nn.Linear(4, 2)
        names = ("early", "middle", "late")
        self.stages = {name: Stage((f"blocks.{k}",), 4, 1) for k, name in enumerate(names)}
        self.stages["head"] = Stage(("fc",), 2, 0)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            for layer in block:  # no module above the layers is ever called
                x = layer(x)
        return self.fc(self.pool(x))  # type: ignore[no-any-return]


def net() -> Staged:
    torch.manual_seed(0)
    return Staged()


def of_stage(layers: Staged, stage: str) -> dict[str, Tensor]:
    start = layers.stages[stage].parts[0]
    return {n: v.clone() for n, v in layers.state_dict().items() if n.startswith(start)}


def changed(before: dict[str, Tensor], layers: Staged) -> list[str]:
    after = layers.state_dict()
    return [name for name, value in before.items() if not torch.equal(value, after[name])]


def test_a_frozen_stage_answers_as_in_prediction_whatever_train_says() -> None:
    layers = net()
    freeze(layers, "late").hooks  # noqa: B018  # the hooks hold though nobody keeps them
    layers.train()
    images = torch.randn(8, 1, 6, 6)
    seen: dict[str, Tensor] = {}
    layers.blocks[1].register_module("probe", Probe(seen))  # type: ignore[operator]
    before = of_stage(layers, "early")
    layers(images)
    assert not changed(before, layers)  # the running statistics among them
    expected = images
    for block in layers.eval().blocks[:2]:
        expected = block(expected)
    assert torch.equal(seen["map"], expected)


class Probe(nn.Module):
    def __init__(self, seen: dict[str, Tensor]) -> None:
        super().__init__()
        self.seen = seen

    def forward(self, x: Tensor) -> Tensor:
        self.seen.setdefault("map", x.detach())
        return x


def test_released_it_is_as_free_as_it_came() -> None:
    layers = net()
    layers.blocks[0][0].bias.requires_grad_(False)  # type: ignore[index,union-attr]
    frozen = freeze(layers, "head")
    learning = [name for name, p in layers.named_parameters() if p.requires_grad]
    assert learning == ["fc.weight", "fc.bias"]
    frozen.release()
    still = [name for name, p in layers.named_parameters() if not p.requires_grad]
    assert still == ["blocks.0.0.bias"]
    before = layers.state_dict()["blocks.0.1.running_mean"].clone()
    layers.train()(torch.randn(8, 1, 6, 6))
    assert not torch.equal(before, layers.state_dict()["blocks.0.1.running_mean"])


def run(layers: nn.Module, recipe: Recipe, val: Loader | None = None) -> Training:
    return fit(
        layers, loader(recipe, shuffle=True), val, recipe, loss=Loss(), classes=2,
        around=Surroundings(),
    )  # fmt: skip


def test_a_run_leaves_frozen_stages_to_the_bit_and_the_network_free() -> None:
    layers = net()
    before = [of_stage(layers, name) for name in ("early", "middle")]
    rest = of_stage(layers, "late")
    recipe = Recipe(epochs=1, batch_size=32, frozen="late", optimiser="adamw", weight_decay=0.1)
    run(layers, recipe)
    assert not any(changed(part, layers) for part in before)
    assert len(changed(rest, layers)) == len(rest)
    assert all(p.requires_grad for p in layers.parameters())


def test_stages_thaw_one_by_one_the_deepest_first() -> None:
    layers = net()
    recipe = Recipe(frozen="head", thaw=0.5)
    stepper = Stepper(layers, recipe, Loss(), 2, ALONE)
    found = []
    for progress in (0.0, 0.1, 1 / 6, 0.3, 1 / 3, 0.45, 0.5, 1.0):
        stepper.thaw(progress)
        found.append([n for n in layers.stages if of_stage_learns(layers, n)])
    alone, late = ["head"], ["late", "head"]
    middle = ["middle", *late]
    everything = ["early", *middle]
    assert found == [alone, alone, late, late, middle, middle, everything, everything]


def test_a_run_thaws_as_it_goes() -> None:
    layers = net()
    before = {name: of_stage(layers, name) for name in ("early", "middle", "late")}
    run(layers, Recipe(epochs=1, batch_size=32, frozen="head", thaw=0.5))
    assert all(changed(part, layers) for part in before.values())
    layers = net()
    run(layers, Recipe(epochs=1, batch_size=32, frozen="late", thaw=1.0))
    assert not changed(before["early"], layers)  # its turn is at the very end
    assert changed(before["middle"], layers)


def of_stage_learns(layers: Staged, stage: str) -> bool:
    part = layers.get_submodule(layers.stages[stage].parts[0])
    return all(p.requires_grad for p in part.parameters())


def test_thawed_is_where_it_should_be_in_spite_of_rounding() -> None:
    layers = net()
    assert [thawed(layers, "head", k / 3) for k in range(4)] == ["head", "late", "middle", "early"]
    assert thawed(layers, "early", 1.0) == "early"


def test_rates_fall_from_the_head_down() -> None:
    layers = net()
    optimiser = optimiser_for(layers, Recipe(optimiser="sgd", layer_decay=0.5, weight_decay=0.1))
    names = {parameter: name for name, parameter in layers.named_parameters()}
    found = {
        names[p]: (group["scale"], group["weight_decay"])
        for group in optimiser.param_groups
        for p in group["params"]
    }
    assert found["fc.weight"] == (1.0, 0.1)
    assert found["fc.bias"] == (1.0, 0.0)
    assert found["blocks.2.0.weight"] == (0.5, 0.1)
    assert found["blocks.0.1.weight"] == (0.125, 0.0)
    assert len(found) == len(names)
    assert len(stage_rates(layers, 0.5)) == len(names)


@pytest.mark.parametrize("optimiser", ["sgd", "adamw", "muon"])
def test_a_stage_moves_by_its_share_of_the_rate(optimiser: str) -> None:
    """After one update from the same gradients: an eighth of the way three stages down."""

    def moved(decay: float) -> dict[str, Tensor]:
        layers = net()
        before = copy.deepcopy(layers.state_dict())
        recipe = Recipe(optimiser=optimiser, layer_decay=decay, batch_size=32)
        stepper = Stepper(layers, recipe, Loss(), 2, ALONE)
        batch = next(iter(loader(recipe, shuffle=False)))
        stepper.update(batch, 0, 0, 0.01, 32)
        return {name: value - before[name] for name, value in layers.state_dict().items()}

    plain, scaled = moved(1.0), moved(0.5)
    for name, share in (
        ("fc.weight", 1.0),
        ("blocks.2.0.weight", 0.5),
        ("blocks.0.0.weight", 0.125),
    ):
        torch.testing.assert_close(scaled[name], share * plain[name], atol=1e-6, rtol=1e-3)


def test_the_start_is_kept_where_no_epoch_is_better() -> None:
    """Taught the opposite of what validation asks, every epoch is worse."""
    layers = net()
    recipe = Recipe(epochs=2, batch_size=32, peak_rate=0.05)
    run(layers, recipe)
    before = copy.deepcopy(layers.state_dict())
    wrong = loader(recipe, shuffle=True, flipped=True)
    against = recipe.with_settings({"keep_start": True})
    val = loader(recipe, shuffle=False)
    training = fit(
        layers, wrong, val, against, loss=Loss(), classes=2, around=Surroundings()
    )  # fmt: skip
    assert training.start is not None
    assert training.start["accuracy"] > training.history[-1].val["accuracy"]
    assert not [n for n, v in layers.state_dict().items() if not torch.equal(v, before[n])]


def test_a_better_epoch_is_kept_instead_of_the_start() -> None:
    layers = net()
    recipe = Recipe(epochs=4, batch_size=32, peak_rate=0.05, keep_start=True)
    training = run(layers, recipe, loader(recipe, shuffle=False))
    assert training.start is not None
    assert max(row.val["accuracy"] for row in training.history) > training.start["accuracy"]
    best = max(training.history, key=lambda row: (row.val["accuracy"], -row.val["nll"]))
    from striate.training import evaluate

    scores = evaluate(layers, loader(recipe, shuffle=False), 2).scores()
    assert scores.accuracy == best.val["accuracy"]
    assert scores.nll == pytest.approx(best.val["nll"])


def test_unknown_stages_and_networks_without_any() -> None:
    with pytest.raises(ArgumentError, match=r"stage: got 'lat', .*Did you mean late"):
        freeze(net(), "lat")
    with pytest.raises(ArgumentError, match="stage: got 'lat'"):
        thawed(net(), "lat", 0.0)
    plain = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    for recipe in (Recipe(frozen="head"), Recipe(layer_decay=0.5), Recipe(frozen="a", thaw=0.5)):
        with pytest.raises(ArgumentError, match="expected a network in stages"):
            Stepper(plain, recipe, Loss(), 2, ALONE)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("thaw", 1.5, "a share from 0 to 1"),
        ("thaw", 0.5, "0 where nothing is frozen"),
        ("layer_decay", 0.0, "above 0, at most 1"),
        ("layer_decay", 1.5, "above 0, at most 1"),
    ],
)
def test_settings_that_mean_nothing_are_refused(name: str, value: float, expected: str) -> None:
    with pytest.raises(ArgumentError, match=expected):
        Recipe().with_settings({name: value})
