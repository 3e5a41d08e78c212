"""Filters before learning: padding, convolution, kernels, template matching, the matrix view."""

from striate.signal.convolve import convolve as convolve
from striate.signal.convolve import correlate as correlate
from striate.signal.convolve import separable as separable
from striate.signal.pad import pad as pad

__all__ = ["convolve", "correlate", "pad", "separable"]
