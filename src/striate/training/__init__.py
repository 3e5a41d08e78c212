"""Training: recipe, loop and what they stand on.

Each name is imported when first used: what a run's folder says of it is read without torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from striate.training.checkpoint import Checkpoints as Checkpoints
    from striate.training.checkpoint import Snapshot as Snapshot
    from striate.training.dist import Team as Team
    from striate.training.dist import team as team
    from striate.training.finder import Found as Found
    from striate.training.finder import find_rate as find_rate
    from striate.training.log import Epoch as Epoch
    from striate.training.log import Step as Step
    from striate.training.log import write_history as write_history
    from striate.training.loop import Surroundings as Surroundings
    from striate.training.loop import evaluate as evaluate
    from striate.training.loop import fit as fit
    from striate.training.loss import Loss as Loss
    from striate.training.loss import balancing_weights as balancing_weights
    from striate.training.recipe import Recipe as Recipe

_HOMES = {
    "Checkpoints": "checkpoint",
    "Epoch": "log",
    "Found": "finder",
    "Loss": "loss",
    "Recipe": "recipe",
    "Snapshot": "checkpoint",
    "Step": "log",
    "Surroundings": "loop",
    "Team": "dist",
    "balancing_weights": "loss",
    "evaluate": "loop",
    "find_rate": "finder",
    "fit": "loop",
    "team": "dist",
    "write_history": "log",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'striate.training' has no attribute {name!r}")
    return getattr(importlib.import_module(f"striate.training.{_HOMES[name]}"), name)
