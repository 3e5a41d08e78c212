from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small_run import linear_net, loader, run, weights
from torch import nn

from striate.errors import ArgumentError, StriateError
from striate.recipes import RECIPES, setup
from striate.training import Checkpoints, Loss, Recipe, Step, Surroundings, evaluate, fit
from striate.training.state import Training

pytestmark = pytest.mark.usefixtures("one_thread")


def accuracy(net: nn.Module) -> float:
    return evaluate(net, loader(Recipe(), shuffle=False), 2).scores().accuracy


def steps_of(recipe: Recipe) -> list[Step]:
    steps: list[Step] = []
    run(linear_net(), recipe, Surroundings(report=steps.append))
    return steps


def test_it_learns_what_can_be_learnt() -> None:
    net = linear_net()
    before = accuracy(net)
    training = run(net, Recipe(epochs=8, batch_size=16, peak_rate=0.05))
    assert before < 0.9
    assert accuracy(net) == 1.0
    assert training.history[-1].loss < training.history[0].loss / 2


@pytest.mark.parametrize("optimiser", ["sgd", "adam", "adamw", "muon"])
def test_every_optimiser_learns(optimiser: str) -> None:
    net = linear_net()
    rate = 0.5 if optimiser == "sgd" else 0.05
    run(net, Recipe(epochs=8, batch_size=16, peak_rate=rate, optimiser=optimiser))
    assert accuracy(net) > 0.98


def test_equal_seeds_give_equal_weights_and_others_do_not() -> None:
    found = []
    for seed in (1, 1, 2):
        net = linear_net()
        run(net, Recipe(epochs=2, seed=seed))
        found.append(weights(net))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_every_step_is_reported_and_every_epoch_evaluated() -> None:
    steps = steps_of(Recipe(epochs=3, batch_size=64))
    updates = [step for step in steps if step.val is None]
    assert [step.step for step in updates] == list(range(1, 10))  # 150 samples: 64 + 64 + 22
    assert [step.epoch for step in steps if step.val] == [1, 2, 3]
    assert updates[-1].progress == 1


def test_pieces_of_a_batch_give_the_whole_batch_s_update() -> None:
    found = []
    for accumulate in (1, 4):
        net = linear_net()
        run(net, Recipe(epochs=2, batch_size=64, accumulate=accumulate))
        found.append(weights(net))
    torch.testing.assert_close(found[0], found[1], rtol=0, atol=1e-5)


def test_patience_stops_the_run_and_keeps_the_best_epoch() -> None:
    """Validated on the opposite of what it learns, a run is best after its first epoch."""
    recipe = Recipe(epochs=50, batch_size=16, patience=2, peak_rate=0.05)
    wrong = loader(recipe, shuffle=False, flipped=True)
    net, once = linear_net(), linear_net()
    loss = Loss()
    training = fit(
        net, loader(recipe, shuffle=True), wrong, recipe,
        loss=loss, classes=2, around=Surroundings(),
    )  # fmt: skip
    assert [row.epoch for row in training.history] == [1, 2, 3]
    short = recipe.with_settings({"patience": 0})
    cut = Surroundings(report=_stop_after_first_epoch)
    with pytest.raises(StopIteration):
        fit(once, loader(short, shuffle=True), wrong, short, loss=loss, classes=2, around=cut)
    assert torch.equal(weights(net), weights(once))


def _stop_after_first_epoch(step: Step) -> None:
    if step.val:
        raise StopIteration


def test_the_average_is_what_is_evaluated_and_kept() -> None:
    net, plain = linear_net(), linear_net()
    run(net, Recipe(epochs=2, average=0.9))
    run(plain, Recipe(epochs=2))
    assert not torch.equal(weights(net), weights(plain))
    path = [weights(linear_net()), weights(plain)]
    assert (weights(net) - path[0]).norm() < (path[1] - path[0]).norm()


def test_a_number_that_is_none_never_reaches_the_weights() -> None:
    net = linear_net()
    before = weights(net)
    with torch.no_grad():
        net[1].bias.fill_(float("nan"))  # type: ignore[index]
    with pytest.raises(StriateError, match=r"step 1: layer 1 gives values .* \(files .*sample"):
        run(net, Recipe(epochs=1))
    assert torch.equal(weights(net)[:32], before[:32])


def test_a_weight_that_is_no_number_is_neither_evaluated_nor_saved(tmp_path: Path) -> None:
    net, checkpoints = linear_net(), Checkpoints(tmp_path, print)

    def spoil(step: Step) -> None:
        if step.step == 6 and step.val is None:  # the last update of the second epoch
            with torch.no_grad():
                net[1].weight[0, 0] = float("inf")  # type: ignore[index]

    around = Surroundings(report=spoil, checkpoints=checkpoints)
    with pytest.raises(StriateError, match=r"step 6: 1\.weight holds values that are no numbers"):
        run(net, Recipe(epochs=3, batch_size=64), around)
    newest = checkpoints.newest()
    assert newest is not None
    assert newest.step == 3


def test_a_rate_that_blows_up_is_stopped_before_the_update() -> None:
    net = linear_net()
    recipe = Recipe(epochs=20, peak_rate=1e38, optimiser="sgd", schedule="constant", warmup=0)
    with pytest.raises(StriateError, match="Lower peak_rate"):
        run(net, recipe)
    assert weights(net).isfinite().all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs: got 0"),
        ({"batch_size": 0}, "batch_size: got 0"),
        ({"accumulate": 3}, "accumulate: got 3, expected a divisor of batch_size"),
        ({"seed": -1}, "seed: got -1"),
        ({"seed": 2**31}, "from 0 to 2,147,483,647"),
        ({"peak_rate": 0.0}, "peak_rate: got 0.0"),
        ({"peak_rate": float("nan")}, "peak_rate: got nan"),
        ({"warmup": 1.0}, "warmup: got 1.0"),
        ({"budget": float("inf")}, "budget: got inf"),
        ({"optimiser": "adamx"}, "Did you mean adam"),
        ({"schedule": "cosinus"}, "Did you mean cosine"),
    ],
)
def test_bad_recipes_are_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Recipe(**change)  # type: ignore[arg-type]


def test_settings_are_read_by_the_type_of_what_they_change() -> None:
    recipe = Recipe().changed(["epochs=3", "peak_rate=1", "balanced=True", "policy=light"])
    assert (recipe.epochs, recipe.peak_rate, recipe.balanced) == (3, 1.0, True)
    assert recipe.policy == "light"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("batch_size=2.5", "batch_size: got '2.5', expected a whole number"),
        ("balanced=1", "balanced: got '1', expected true or false"),
        ("epoch=3", "Did you mean epochs"),
        ("epochs", "expected name=value"),
        ("peak_rate=fast", "expected a number"),
    ],
)
def test_bad_settings_are_refused(setting: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Recipe().changed([setting])


@pytest.mark.parametrize("name", RECIPES)
def test_named_recipes_take_part_of_an_epoch(name: str) -> None:
    """The type of a setting is the recipe's, not that of the value it has just now."""
    recipe = setup(name).recipe.changed(["epochs=0.5", "average=0", "peak_rate=1"])
    assert (recipe.epochs, recipe.average, recipe.peak_rate) == (0.5, 0.0, 1.0)


def without_validation(recipe: Recipe, around: Surroundings) -> Training:
    return fit(
        linear_net(),
        loader(recipe, shuffle=True),
        None,
        recipe,
        loss=Loss(),
        classes=2,
        around=around,
    )


def test_a_run_without_validation_keeps_the_epoch_of_the_smallest_loss() -> None:
    steps: list[Step] = []
    recipe = Recipe(epochs=6, batch_size=16, peak_rate=0.05, patience=2)
    training = without_validation(recipe, Surroundings(report=steps.append))
    assert all(step.val is None for step in steps)
    assert [epoch.val for epoch in training.history] == [{}] * 6
    losses = [epoch.loss for epoch in training.history]
    assert losses == sorted(losses, reverse=True)
    assert torch.equal(
        weights(training.stepper.net),
        torch.cat([value.double().flatten() for value in training.best.values()]),
    )


def test_the_rates_and_the_end_can_be_steered() -> None:
    paces = {1: 1.0, 2: 0.5, 3: 0.0}
    around = Surroundings(steer=lambda history: paces[len(history)])
    recipe = Recipe(epochs=9, batch_size=64, peak_rate=0.1, schedule="constant", warmup=0.0)
    training = without_validation(recipe, around)
    assert [epoch.rate for epoch in training.history] == [0.1, 0.1, 0.05]


def test_a_resumed_run_keeps_its_pace(tmp_path: Path) -> None:
    def around() -> Surroundings:
        checkpoints = Checkpoints(tmp_path, print)
        return Surroundings(checkpoints=checkpoints, steer=lambda history: 0.5 ** len(history))

    recipe = Recipe(epochs=1, batch_size=64, peak_rate=0.1, schedule="constant", warmup=0.0)
    without_validation(recipe, around())
    longer = without_validation(replace(recipe, epochs=3), around())
    assert [epoch.rate for epoch in longer.history] == [0.1, 0.05, 0.025]


def test_adam_takes_its_epsilon_from_the_recipe() -> None:
    rates = []
    for epsilon in (1e-8, 1e6):
        net = linear_net()
        before = weights(net)
        run(net, Recipe(epochs=1, epsilon=epsilon))
        rates.append((weights(net) - before).norm().item())
    assert rates[1] < 1e-4 * rates[0]
    with pytest.raises(ArgumentError, match="epsilon: got 0, expected a positive number"):
        Recipe(epsilon=0)
