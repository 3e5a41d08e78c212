"""Training."""

from striate.train.loop import Part as Part
from striate.train.loop import Recipe as Recipe
from striate.train.loop import Step as Step
from striate.train.loop import evaluate as evaluate
from striate.train.loop import fit as fit

__all__ = ["Part", "Recipe", "Step", "evaluate", "fit"]
