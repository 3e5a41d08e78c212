"""Every named run: its network learns by its recipe, and its command is one."""

from __future__ import annotations

import re

import pytest
import torch
from typer.testing import CliRunner

from striate.cli.main import app
from striate.data.augment import policy
from striate.data.loader import Loader
from striate.data.order import Order
from striate.data.stores import MemoryStore
from striate.errors import StriateError
from striate.models import create
from striate.preprocess import Preprocess
from striate.recipes import RECIPES, setup
from striate.training import Loss, Surroundings, fit

_SHAPES = {"mnist": (1, 28), "fashion-mnist": (1, 28), "cifar10": (3, 32)}


@pytest.mark.parametrize("name", RECIPES)
def test_its_network_learns_by_its_recipe(name: str) -> None:
    """Two classes, dark and bright, in pictures as its data set has them."""
    named = setup(name)
    recipe = named.recipe.with_settings({"epochs": 3, "batch_size": 16, "label_smoothing": 0.0})
    channels, side = _SHAPES[named.source]
    torch.manual_seed(0)
    pictures = torch.randint(0, 100, (64, channels, side, side), dtype=torch.uint8)
    labels = torch.arange(64) % 2
    pictures[labels == 1] += 150
    preprocess = Preprocess((side, side), channels, (0.5,) * channels, (0.25,) * channels)
    train, val = (
        Loader(
            MemoryStore(pictures),
            labels,
            Order(16, 0, shuffle),
            normalise=preprocess.normalise,
            policy=policy(recipe.policy) if shuffle else (),
        )
        for shuffle in (True, False)
    )
    net = create(named.model, **named.options, classes=2, in_channels=channels)
    net.look_at(batch.images for batch in val)
    training = fit(net, train, val, recipe, loss=Loss(), classes=2, around=Surroundings())
    assert [row.epoch for row in training.history] == [1, 2, 3]
    assert training.history[-1].loss < 0.9 * training.history[0].loss


@pytest.mark.parametrize("name", RECIPES)
def test_the_docstring_has_a_command_that_is_understood(name: str) -> None:
    commands = re.findall(r"striate train [^`\n]*", RECIPES[name].__doc__ or "")
    assert commands
    for command in commands:
        assert f"--recipe {name}" in command
        words = command.split()[1:]
        assert words[1] == setup(name).source
        done = CliRunner().invoke(app, [*words[:1], "no-such-folder", *words[2:]])
        assert isinstance(done.exception, StriateError)
        assert "no-such-folder" in str(done.exception)


def test_an_unknown_recipe_is_named_with_the_nearest_one() -> None:
    with pytest.raises(StriateError, match="mnist_fats") as error:
        setup("mnist_fats")
    assert "mnist_fast" in str(error.value.remedy)
