"""Transfer: what a network learnt elsewhere, used here."""

from striate.transfer.folds import folds_of as folds_of
from striate.transfer.heads import Head as Head
from striate.transfer.heads import mlp as mlp
from striate.transfer.heads import nearest_mean as nearest_mean
from striate.transfer.logistic import solve_logistic as solve_logistic

__all__ = ["Head", "folds_of", "mlp", "nearest_mean", "solve_logistic"]
