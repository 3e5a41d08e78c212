"""Training: recipe, loop and what they stand on."""

from striate.training.checkpoint import Checkpoints as Checkpoints
from striate.training.checkpoint import Snapshot as Snapshot
from striate.training.dist import Team as Team
from striate.training.dist import team as team
from striate.training.log import Epoch as Epoch
from striate.training.log import Step as Step
from striate.training.log import write_history as write_history
from striate.training.loop import Surroundings as Surroundings
from striate.training.loop import evaluate as evaluate
from striate.training.loop import fit as fit
from striate.training.loss import Loss as Loss
from striate.training.loss import balancing_weights as balancing_weights
from striate.training.recipe import Recipe as Recipe

__all__ = [
    "Checkpoints",
    "Epoch",
    "Loss",
    "Recipe",
    "Snapshot",
    "Step",
    "Surroundings",
    "Team",
    "balancing_weights",
    "evaluate",
    "fit",
    "team",
    "write_history",
]
