"""Filters before learning: padding, convolution, kernels, template matching, the matrix view."""

from striate.signal import kernels as kernels
from striate.signal.convolve import convolve as convolve
from striate.signal.convolve import correlate as correlate
from striate.signal.convolve import separable as separable
from striate.signal.kernels import KERNELS as KERNELS
from striate.signal.kernels import kernel as kernel
from striate.signal.match import Match as Match
from striate.signal.match import match as match
from striate.signal.pad import pad as pad
from striate.signal.toeplitz import MatrixFacts as MatrixFacts
from striate.signal.toeplitz import as_matrix as as_matrix
from striate.signal.toeplitz import as_sparse as as_sparse
from striate.signal.toeplitz import matrix_facts as matrix_facts

__all__ = [
    "KERNELS",
    "Match",
    "MatrixFacts",
    "as_matrix",
    "as_sparse",
    "convolve",
    "correlate",
    "kernel",
    "kernels",
    "match",
    "matrix_facts",
    "pad",
    "separable",
]
