"""Transfer: what a network learnt elsewhere, used here."""

from striate.training.freezing import Frozen as Frozen
from striate.training.freezing import freeze as freeze
from striate.transfer.features import Features as Features
from striate.transfer.features import Views as Views
from striate.transfer.features import features_of as features_of
from striate.transfer.features import trunk_of as trunk_of
from striate.transfer.finetune import FINE_TUNING as FINE_TUNING
from striate.transfer.finetune import deep_stages as deep_stages
from striate.transfer.finetune import gradually as gradually
from striate.transfer.finetune import write_head as write_head
from striate.transfer.folds import folds_of as folds_of
from striate.transfer.folds import pairs_among as pairs_among
from striate.transfer.heads import Head as Head
from striate.transfer.heads import mlp as mlp
from striate.transfer.heads import nearest_mean as nearest_mean
from striate.transfer.logistic import solve_logistic as solve_logistic

__all__ = [
    "FINE_TUNING",
    "Features",
    "Frozen",
    "Head",
    "Views",
    "deep_stages",
    "features_of",
    "folds_of",
    "freeze",
    "gradually",
    "mlp",
    "nearest_mean",
    "pairs_among",
    "solve_logistic",
    "trunk_of",
    "write_head",
]
