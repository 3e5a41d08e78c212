import pytest
import torch
from torch import Tensor, nn

from striate.errors import ArgumentError, StriateError
from striate.training import Part, Recipe, Step, evaluate, fit
from striate.training.loop import predict_logits

NUM_SAMPLES = 150


def as_floats(batch: Tensor) -> Tensor:
    return batch.float() / 255


def stripes() -> Part:
    """Two classes a linear net can tell apart: bright top, bright bottom; with noise."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 100, (NUM_SAMPLES, 1, 4, 4), generator=generator, dtype=torch.uint8)
    labels = torch.arange(NUM_SAMPLES) % 2
    for index, label in enumerate(labels):
        images[index, 0, 2 * int(label) : 2 * int(label) + 2] += 100
    return Part(images, labels, as_floats)


def linear_net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 2))


def trained(recipe: Recipe) -> tuple[nn.Module, list[Step]]:
    net, steps = linear_net(), []
    fit(net, stripes(), stripes(), recipe, steps.append)
    return net, steps


def test_it_learns_what_can_be_learnt() -> None:
    before = evaluate(linear_net(), stripes())
    net, _ = trained(Recipe(epochs=8, batch_size=16, peak_rate=0.05))
    after = evaluate(net, stripes())
    assert before.accuracy < 0.9
    assert after.accuracy == 1.0
    assert after.nll < before.nll / 2


def test_equal_seeds_give_equal_weights_and_others_do_not() -> None:
    one, again, other = (
        torch.cat([p.flatten() for p in trained(Recipe(epochs=2, seed=seed))[0].parameters()])
        for seed in (1, 1, 2)
    )
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_every_step_is_reported_and_every_epoch_evaluated() -> None:
    _, steps = trained(Recipe(epochs=3, batch_size=64))
    assert [step.step for step in steps] == list(range(1, 10))  # 150 samples: 64 + 64 + 22
    assert [step.epoch for step in steps if step.val] == [1, 2, 3]
    assert {step.steps for step in steps} == {9}


def test_evaluation_does_not_depend_on_the_batch_it_came_in() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(16, 16), nn.BatchNorm1d(16), nn.Linear(16, 2))
    many = Part(stripes().images.repeat(5, 1, 1, 1), stripes().labels.repeat(5), as_floats)
    logits = predict_logits(net, many)
    torch.testing.assert_close(logits[:NUM_SAMPLES], logits[-NUM_SAMPLES:])
    assert net.training is False


def test_a_loss_that_is_not_a_number_stops_the_run() -> None:
    net = linear_net()
    with torch.no_grad():
        net[1].weight.fill_(float("nan"))  # type: ignore[index]
    with pytest.raises(StriateError, match="loss became nan at step 1"):
        fit(net, stripes(), stripes(), Recipe(epochs=1), lambda step: None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs: got 0"),
        ({"batch_size": 0}, "batch_size: got 0"),
        ({"seed": -1}, "seed: got -1"),
        ({"seed": 2**31}, "from 0 to 2,147,483,647"),
        ({"peak_rate": 0.0}, "peak_rate: got 0.0"),
        ({"peak_rate": float("nan")}, "peak_rate: got nan"),
    ],
)
def test_bad_recipes_are_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Recipe(**change)  # type: ignore[arg-type]
