"""The rules of `lint`, one function each, by the name a finding carries."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from striate.anatomy.rules.finding import Finding as Finding
from striate.anatomy.rules.learning import (
    dropout_before_batchnorm,
    no_nonlinearity,
    relu_before_logits,
    softmax_before_cross_entropy,
    softmax_of_one,
    useless_bias,
)
from striate.anatomy.rules.plan import Plan as Plan
from striate.anatomy.rules.stops import (
    dead_norm,
    not_divisible,
    not_traced,
    shape_error,
    shrinks_to_nothing,
)
from striate.anatomy.rules.weights import filters_shrink, huge_first_linear, unused_module
from striate.anatomy.rules.windows import (
    even_kernel,
    field_too_large,
    field_too_small,
    large_kernel,
    not_whole,
    stride_skips,
)

Rule = Callable[[Plan], Iterator[Finding]]

RULES: dict[str, Rule] = {
    "shrinks-to-nothing": shrinks_to_nothing,
    "not-divisible": not_divisible,
    "dead-norm": dead_norm,
    "shape-error": shape_error,
    "softmax-of-one": softmax_of_one,
    "stride-skips": stride_skips,
    "field-too-large": field_too_large,
    "no-nonlinearity": no_nonlinearity,
    "filters-shrink": filters_shrink,
    "unused-module": unused_module,
    "softmax-before-cross-entropy": softmax_before_cross_entropy,
    "relu-before-logits": relu_before_logits,
    "not-whole": not_whole,
    "even-kernel": even_kernel,
    "field-too-small": field_too_small,
    "large-kernel": large_kernel,
    "useless-bias": useless_bias,
    "huge-first-linear": huge_first_linear,
    "dropout-before-batchnorm": dropout_before_batchnorm,
    "not-traced": not_traced,
}

__all__ = ["RULES", "Finding", "Plan", "Rule"]
