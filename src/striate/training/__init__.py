"""Training: recipe, loop and schedule."""

from striate.training.loop import Part as Part
from striate.training.loop import Recipe as Recipe
from striate.training.loop import Step as Step
from striate.training.loop import evaluate as evaluate
from striate.training.loop import fit as fit

__all__ = ["Part", "Recipe", "Step", "evaluate", "fit"]
