"""The formulas against torch's own outputs, over random parameters."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from striate.anatomy.geometry import (
    Field,
    conv_macs,
    conv_parameters,
    effective_kernel,
    linear_parameters,
    local_parameters,
    output_size,
    receptive_field,
    same_padding,
    transposed_size,
)
from striate.errors import ArgumentError

sizes, kernels, strides = st.integers(1, 40), st.integers(1, 7), st.integers(1, 4)
random_cases = settings(deadline=None, max_examples=80)


@random_cases
@given(n=sizes, k=kernels, s=strides, p=st.integers(0, 4), d=st.integers(1, 3))
def test_output_size_is_a_convolutions(n: int, k: int, s: int, p: int, d: int) -> None:
    expected = output_size(n, k, s, p, d)
    conv = nn.Conv1d(1, 1, k, s, p, d, device="meta")
    if expected == 0:
        with pytest.raises(RuntimeError):
            conv(torch.empty(1, 1, n, device="meta"))
    else:
        assert conv(torch.empty(1, 1, n, device="meta")).shape[-1] == expected


@random_cases
@given(n=sizes, k=kernels, s=strides, p=st.integers(0, 3), d=st.integers(1, 3), ceil=st.booleans())
def test_output_size_is_a_poolings(n: int, k: int, s: int, p: int, d: int, ceil: bool) -> None:
    assume(p <= k // 2)  # torch refuses more
    expected = output_size(n, k, s, p, d, ceil)
    assume(expected > 0)
    pool = nn.MaxPool1d(k, s, p, d, ceil_mode=ceil)
    assert pool(torch.zeros(1, 1, n)).shape[-1] == expected


def test_the_last_window_of_a_ceil_pooling_starts_inside() -> None:
    # Windows at -1, 2, 5 and, rounded up, at 8: behind the 8 pixels there is only padding.
    assert output_size(7, 2, 3, padding=1, ceil=True) == 3
    assert nn.MaxPool1d(2, 3, 1, ceil_mode=True)(torch.zeros(1, 1, 7)).shape[-1] == 3
    assert output_size(8, 3, 2, ceil=True) == 4
    assert output_size(8, 3, 2, ceil=False) == 3


@random_cases
@given(n=sizes, k=kernels, s=strides, p=st.integers(0, 3), d=st.integers(1, 3), extra=strides)
def test_transposed_size_is_a_transposed_convolutions(
    n: int, k: int, s: int, p: int, d: int, extra: int
) -> None:
    assume(extra < max(s, d))
    expected = transposed_size(n, k, s, p, extra, d)
    assume(expected > 0)
    layer = nn.ConvTranspose1d(1, 1, k, s, p, extra, dilation=d, device="meta")
    assert layer(torch.empty(1, 1, n, device="meta")).shape[-1] == expected


def test_a_transposed_convolution_that_pads_all_away_makes_nothing() -> None:
    assert transposed_size(1, 3, padding=1) == 1
    assert transposed_size(1, 3, padding=2) == 0
    with pytest.raises(RuntimeError):
        nn.ConvTranspose1d(1, 1, 3, padding=2, device="meta")(torch.empty(1, 1, 1, device="meta"))


@random_cases
@given(n=sizes, k=kernels, d=st.integers(1, 4))
def test_same_padding_keeps_the_size(n: int, k: int, d: int) -> None:
    assume(effective_kernel(k, d) % 2)
    assert output_size(n, k, 1, same_padding(k, d), d) == n


@random_cases
@given(
    groups=st.integers(1, 3),
    cin=st.integers(1, 3),
    cout=st.integers(1, 3),
    k=st.tuples(kernels, kernels),
    bias=st.booleans(),
)
def test_parameters_are_those_of_the_layers(
    groups: int, cin: int, cout: int, k: tuple[int, int], bias: bool
) -> None:
    conv = nn.Conv2d(cin * groups, cout * groups, k, groups=groups, bias=bias, device="meta")
    count = sum(p.numel() for p in conv.parameters())
    assert conv_parameters(cin * groups, cout * groups, k, groups, bias) == count
    linear = nn.Linear(cin, cout, bias=bias, device="meta")
    assert linear_parameters(cin, cout, bias) == sum(p.numel() for p in linear.parameters())


def test_parameters_by_hand() -> None:
    assert linear_parameters(784, 100) == 78_500
    assert conv_parameters(3, 1, 5) == 75 + 1
    assert conv_parameters(1, 32, (3,)) == 3 * 32 + 32
    assert local_parameters(1, 1, 5, (24, 24)) == 14_976
    assert local_parameters(3, 5, 5, (24, 24)) == 218_880
    assert conv_macs(3, 64, 3, (224, 224)) == 27 * 64 * 224 * 224


def test_field_of_a_known_stack() -> None:
    # VGG-16's last map, layer by layer: 212 pixels, 32 apart, the first centred at 15.5.
    vgg: list[tuple[int, ...]] = []
    for count in (2, 2, 3, 3, 3):
        vgg += [(3, 1, 1)] * count + [(2, 2)]
    assert receptive_field(vgg) == Field(212, 32, 15.5)
    assert receptive_field([]) == Field(1, 1, 0)


def test_window_is_cut_at_the_border() -> None:
    field = Field().after(3, stride=2, padding=1)
    assert field == Field(3, 2, 0)
    assert [field.window(unit, 5) for unit in range(3)] == [(0, 1), (1, 3), (3, 4)]


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_field_is_the_support_of_the_gradient(data: st.DataObject) -> None:
    """A positive linear stack: a unit's gradient is positive exactly where the unit looks."""
    rows = data.draw(
        st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(0, 2)), max_size=4)
    )
    dilations = [data.draw(st.integers(1, 2)) for _ in rows]
    layers, length = [], 90
    for (k, s, p), d in zip(rows, dilations, strict=True):
        length = output_size(length, k, s, p, d)
        assume(length > 0)
        layer = nn.Conv1d(1, 1, k, s, p, d, bias=False, dtype=torch.float64)
        nn.init.constant_(layer.weight, 0.7)
        layers.append(layer)
    field = receptive_field((*row, d) for row, d in zip(rows, dilations, strict=True))
    x = torch.ones(1, 1, 90, dtype=torch.float64, requires_grad=True)
    y = nn.Sequential(*layers)(x)
    for unit in range(y.shape[-1]):
        first = field.start + unit * field.jump - (field.size - 1) / 2
        if first < 0 or first + field.size > 90:
            continue  # what reaches into the padding is cut
        (grad,) = torch.autograd.grad(y[0, 0, unit], x, retain_graph=True)
        seen = grad[0, 0].nonzero().flatten().tolist()
        assert (seen[0], seen[-1]) == field.window(unit, 90)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: output_size(5, 0), "kernel: got 0, expected a whole number of at least 1"),
        (lambda: output_size(-1, 3), "n: got -1"),
        (lambda: output_size(5, 3, stride=0), "stride: got 0"),
        (lambda: output_size(5, 3, padding=-1), "padding: got -1"),
        (lambda: transposed_size(5, 3, output_padding=-1), "output_padding: got -1"),
        (lambda: same_padding(4), "kernel: got 4, expected a kernel whose span .* is odd"),
        (lambda: conv_parameters(4, 6, 3, groups=4), "groups: got 4, expected a divisor of"),
        (lambda: linear_parameters(0, 3), "in_features: got 0"),
        (lambda: local_parameters(1, 1, 5, (24, 0)), r"output\[1\]: got 0"),
        (lambda: Field().after(3, stride=0), "stride: got 0"),
        (lambda: output_size(5, 2.5), "kernel: got 2.5, expected a whole number of at least 1"),
        (lambda: output_size(28 / 2, 3), "n: got 14.0, expected a whole number"),
        (lambda: linear_parameters("784", 10), "in_features: got '784', expected a whole number"),
    ],
)
def test_wrong_numbers_are_named(wrong, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        wrong()
