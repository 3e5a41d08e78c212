"""Training: recipe, loop and what they stand on.

Each name is imported when first used: what a run's folder says of it is read without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from striate.lazy import lazily

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
    "Checkpoints": "striate.training.checkpoint",
    "Epoch": "striate.training.log",
    "Found": "striate.training.finder",
    "Loss": "striate.training.loss",
    "Recipe": "striate.training.recipe",
    "Snapshot": "striate.training.checkpoint",
    "Step": "striate.training.log",
    "Surroundings": "striate.training.loop",
    "Team": "striate.training.dist",
    "balancing_weights": "striate.training.loss",
    "evaluate": "striate.training.loop",
    "find_rate": "striate.training.finder",
    "fit": "striate.training.loop",
    "team": "striate.training.dist",
    "write_history": "striate.training.log",
}

__all__ = list(_HOMES)

__getattr__ = lazily(__name__, _HOMES)
