"""Named runs: which network, on which data, trained how. Data only."""

from striate.recipes.table import RECIPES as RECIPES
from striate.recipes.table import Setup as Setup
from striate.recipes.table import setup as setup

__all__ = ["RECIPES", "Setup", "setup"]
