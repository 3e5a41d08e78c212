"""Every number that the lectures print about filters, sizes and counts, deck by deck.

A deck's misprint is asserted too: the right value, and that the printed one differs.
"""

import numpy as np
import pytest
import torch
from torch import nn

from striate.anatomy import summary
from striate.anatomy.geometry import (
    conv_parameters,
    effective_kernel,
    linear_parameters,
    local_parameters,
    output_size,
    receptive_field,
    same_padding,
)
from striate.layers import LocalConv2d
from striate.models import create
from striate.signal import KERNELS, as_matrix, convolve, correlate, pad


def num_parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


# --- Deck 000: from fully connected layers to local fields, convolutions, and back ---


def test_deck_000_a_fully_connected_layer_on_mnist_has_78500_parameters() -> None:
    assert 28 * 28 == 784
    assert linear_parameters(784, 100) == 78_500
    assert num_parameters(nn.Linear(784, 100)) == 78_500


def test_deck_000_a_megapixel_to_a_thousand_units_needs_a_thousand_million_weights() -> None:
    assert linear_parameters(10**6, 10**3, bias=False) == 10**9


def test_deck_000_local_fields_5x5_on_28x28_make_24x24_units() -> None:
    assert output_size(28, kernel=5) == 24
    assert 28 - 5 == 23  # how far the field can move before the border stops it


def test_deck_000_one_local_field_a_pixel_has_14976_parameters() -> None:
    assert local_parameters(1, 1, 5, output=(24, 24)) == 25 * 24 * 24 + 24 * 24 == 14_976
    assert num_parameters(LocalConv2d(1, 1, size=28, kernel_size=5)) == 14_976


def test_deck_000_five_local_fields_on_colour_have_218880_parameters() -> None:
    assert local_parameters(3, 5, 5, output=(24, 24)) == 218_880
    assert num_parameters(LocalConv2d(3, 5, size=28, kernel_size=5)) == 218_880


def test_deck_000_a_stride_of_two_gives_fewer_units_and_parameters() -> None:
    assert output_size(28, kernel=5, stride=2) == 12
    assert local_parameters(1, 1, 5, output=(12, 12)) < 14_976


@pytest.mark.parametrize(("n", "f"), [(6, 3), (28, 5), (32, 5)])
def test_deck_000_without_padding_the_image_shrinks_to_n_minus_f_plus_1(n: int, f: int) -> None:
    assert output_size(n, kernel=f) == n - f + 1
    assert correlate(np.zeros((n, n)), np.ones((f, f)), padding="valid").shape == (n - f + 1,) * 2


PADDED_EXAMPLE = np.array(
    [
        [1, 2, 3, 1, 3, 5],
        [2, 2, 5, 4, 2, 5],
        [0, 6, 9, 6, 2, 2],
        [2, 0, 1, 9, 4, 0],
        [5, 5, 4, 6, 7, 6],
        [6, 1, 3, 7, 1, 5],
    ]
)


def test_deck_000_the_zero_padded_example_digit_for_digit() -> None:
    printed = np.array(
        [
            [-4, -5, -1, 3, -5, 5],
            [-10, -14, -1, 10, -1, 7],
            [-8, -11, -11, 7, 12, 8],
            [11, -7, -10, 1, 13, 13],
            [-6, 5, -16, -4, 10, 12],
            [-6, 4, -7, -1, 2, 8],
        ]
    )
    result = correlate(PADDED_EXAMPLE, [[1, 0, -1]] * 3, padding="zeros")
    misprints = {(3, 0): (11, -11), (4, 4): (10, 11)}  # place: (printed, right)
    for place, (wrong, right) in misprints.items():
        assert printed[place] == wrong
        printed[place] = right
    assert np.array_equal(result, printed)


def test_deck_000_three_maps_then_pooling() -> None:
    maps = nn.Conv2d(1, 3, kernel_size=5)(torch.zeros(1, 1, 28, 28))
    assert maps.shape == (1, 3, 24, 24)
    assert nn.MaxPool2d(2)(maps).shape == (1, 3, 12, 12)


def test_deck_000_two_3x3_convolutions_see_what_one_5x5_sees_for_less() -> None:
    assert receptive_field([(3,), (3,)]).size == receptive_field([(5,)]).size == 5
    assert 2 * conv_parameters(64, 64, 3, bias=False) < conv_parameters(64, 64, 5, bias=False)


def test_deck_000_the_keras_listing_has_34826_parameters() -> None:
    assert summary(create("lecture_net"), (1, 28, 28)).params == 34_826


def test_deck_000_a_convolution_is_a_matrix_mostly_zero_with_tied_weights() -> None:
    image, kernel = np.random.default_rng(0).normal(size=(12, 12)), np.arange(1.0, 10).reshape(3, 3)
    matrix = as_matrix(kernel, image.shape, padding="valid")
    assert matrix.shape == (100, 144)
    assert np.count_nonzero(matrix) == 100 * 9  # 6 % of it
    assert set(matrix[matrix != 0]) == set(kernel.ravel())
    np.testing.assert_allclose(
        matrix @ image.ravel(), convolve(image, kernel, padding="valid").ravel(), rtol=1e-12
    )


def test_deck_000_fully_connected_on_7x7x512_equals_a_convolution_with_f_7_and_k_4096() -> None:
    assert linear_parameters(7 * 7 * 512, 4096) == conv_parameters(512, 4096, 7)
    num_units = 16  # the equality of the values, on fewer of the 4096 units
    dense, conv = nn.Linear(7 * 7 * 512, num_units), nn.Conv2d(512, num_units, kernel_size=7)
    with torch.no_grad():
        conv.weight.copy_(dense.weight.view(num_units, 512, 7, 7))
        conv.bias.copy_(dense.bias)  # type: ignore[union-attr]
    volume = torch.randn(2, 512, 7, 7)
    assert conv(volume).shape == (2, num_units, 1, 1)
    torch.testing.assert_close(conv(volume).flatten(1), dense(volume.flatten(1)), atol=1e-5, rtol=0)


# --- Deck 001: volumes, strides, padding, sharing ---


def test_deck_001_one_fully_connected_neuron_on_cifar_has_3072_weights() -> None:
    assert linear_parameters(32 * 32 * 3, 1, bias=False) == 3072


def test_deck_001_a_200x200_image_and_400000_hidden_units() -> None:
    units = 400_000
    assert linear_parameters(200 * 200, units, bias=False) == 16_000_000_000
    assert local_parameters(1, 1, 10, output=(units,), bias=False) == 40_000_000


def test_deck_001_locating_a_feature_is_correlation() -> None:
    """Z[j1, j2] = sum over k1, k2 of W[k1, k2] X[j1 + k1, j2 + k2]."""
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(9, 8)), rng.normal(size=(3, 2))
    z = correlate(x, w, padding="valid")
    for j1, j2 in np.ndindex(z.shape):
        assert z[j1, j2] == pytest.approx((w * x[j1 : j1 + 3, j2 : j2 + 2]).sum())


def test_deck_001_a_5x5_filter_on_cifar_has_75_weights_and_1_bias() -> None:
    assert conv_parameters(3, 1, 5, bias=False) == 75
    assert conv_parameters(3, 1, 5) == 76


@pytest.mark.parametrize(("stride", "units"), [(1, 5), (2, 3)])
def test_deck_001_the_stride_figure(stride: int, units: int) -> None:
    assert output_size(5, kernel=3, stride=stride, padding=1) == units


@pytest.mark.parametrize("f", [1, 3, 5, 7, 11])
def test_deck_001_padding_of_half_f_minus_1_keeps_the_size(f: int) -> None:
    assert same_padding(f) == (f - 1) // 2
    assert output_size(32, kernel=f, padding=same_padding(f)) == 32


@pytest.mark.parametrize(
    ("w", "f", "s", "p"), [(32, 5, 1, 2), (7, 3, 2, 0), (227, 11, 4, 0), (5, 3, 2, 1)]
)
def test_deck_001_the_output_is_w_minus_f_plus_2p_over_s_plus_1(
    w: int, f: int, s: int, p: int
) -> None:
    assert (w - f + 2 * p) % s == 0
    assert output_size(w, kernel=f, stride=s, padding=p) == (w - f + 2 * p) // s + 1


def test_deck_001_alexnet_has_96_filters_of_11x11x3_each_at_55x55_places() -> None:
    assert output_size(227, kernel=11, stride=4) == 55
    assert conv_parameters(3, 96, 11, bias=False) == 96 * 11 * 11 * 3


def test_deck_001_a_convolution_has_f_f_d_k_weights_and_k_biases() -> None:
    f, d1, k = 3, 16, 32
    assert conv_parameters(d1, k, f) == f * f * d1 * k + k == num_parameters(nn.Conv2d(d1, k, f))


def test_deck_001_pooling_halves_224x224x64_and_has_no_parameters() -> None:
    assert output_size(224, kernel=2, stride=2) == (224 - 2) // 2 + 1 == 112
    pooling = nn.MaxPool2d(2)
    assert pooling(torch.zeros(1, 64, 224, 224)).shape == (1, 64, 112, 112)
    assert num_parameters(pooling) == 0


# --- Deck 002: convolution as signal processing ---

ROW = np.array([5, 4, 2, 3, 7])


def test_deck_002_the_result_has_m_minus_m_plus_1_rows_and_n_minus_n_plus_1_columns() -> None:
    assert convolve(np.zeros((9, 7)), np.ones((4, 3)), padding="valid").shape == (
        9 - 4 + 1,
        7 - 3 + 1,
    )


@pytest.mark.parametrize(
    ("mode", "printed"),
    [
        ("zeros", [0, 5, 4, 2, 3, 7, 0]),
        ("extended", [5, 5, 4, 2, 3, 7, 7]),
        ("cyclic", [7, 5, 4, 2, 3, 7, 5]),
    ],
)
def test_deck_002_padding_of_5_4_2_3_7(mode: str, printed: list[int]) -> None:
    # The deck's zero and extended rows print "... 4 3 2 7": a slip, its own input reads 4 2 3 7.
    assert pad(ROW, 1, mode, axes=(0,)).tolist() == printed


def test_deck_002_undefined_padding_leaves_the_border_out() -> None:
    assert len(convolve(ROW, [1, 1, 1], padding="undefined")) == len(ROW) - 2


def test_deck_002_convolution_flips_and_correlation_does_not() -> None:
    """(I*k)[x] = sum I[x - i] k[i] and (I o k)[x] = sum I[x + i] k[i], i = -1..1."""
    kernel = np.array([1.0, 2.0, 4.0])
    signal = np.random.default_rng(0).normal(size=9)
    for x in range(1, 8):
        assert convolve(signal, kernel)[x] == pytest.approx(
            sum(signal[x - i] * kernel[i + 1] for i in (-1, 0, 1))
        )
        assert correlate(signal, kernel)[x] == pytest.approx(
            sum(signal[x + i] * kernel[i + 1] for i in (-1, 0, 1))
        )


def test_deck_002_both_are_linear_and_shift_invariant() -> None:
    rng = np.random.default_rng(1)
    f, g, kernel = rng.normal(size=(3, 12, 12))
    kernel = kernel[:3, :3]
    for operation in (convolve, correlate):
        np.testing.assert_allclose(
            operation(2 * f + 3 * g, kernel), 2 * operation(f, kernel) + 3 * operation(g, kernel)
        )
        np.testing.assert_allclose(
            operation(np.roll(f, (2, 5), (0, 1)), kernel, padding="cyclic"),
            np.roll(operation(f, kernel, padding="cyclic"), (2, 5), (0, 1)),
        )


def test_deck_002_convolution_commutes_and_associates_and_correlation_does_not() -> None:
    a, b, c = np.random.default_rng(2).normal(size=(3, 4, 4))

    def full(operation, x, y):  # type: ignore[no-untyped-def]
        return operation(x, y, padding="full")

    np.testing.assert_allclose(full(convolve, a, b), full(convolve, b, a))
    np.testing.assert_allclose(
        full(convolve, full(convolve, a, b), c), full(convolve, a, full(convolve, b, c))
    )
    assert not np.allclose(full(correlate, a, b), full(correlate, b, a))
    assert not np.allclose(
        full(correlate, full(correlate, a, b), c), full(correlate, a, full(correlate, b, c))
    )


def test_deck_002_symmetric_filters_make_no_difference() -> None:
    image = np.random.default_rng(3).normal(size=(9, 9))
    symmetric = KERNELS["gaussian"](sigma=1.0)
    np.testing.assert_allclose(convolve(image, symmetric), correlate(image, symmetric))


def test_deck_002_laplacian_of_gaussian_to_the_printed_rounding() -> None:
    gaussian = np.zeros((5, 5))
    gaussian[1:4, 1:4] = [[0.01, 0.08, 0.01], [0.08, 0.62, 0.08], [0.01, 0.08, 0.01]]
    laplacian = [[0.17, 0.67, 0.17], [0.67, -3.33, 0.67], [0.17, 0.67, 0.17]]
    printed = np.array(
        [
            [0.00, 0.02, 0.06, 0.02, 0.00],
            [0.02, 0.17, 0.18, 0.17, 0.02],
            [0.06, 0.18, -1.8, 0.18, 0.06],
            [0.02, 0.17, 0.18, 0.17, 0.02],
            [0.00, 0.02, 0.06, 0.02, 0.00],
        ]
    )
    # The deck rounded the factors as well: one unit of the last printed digit.
    tolerance = np.full((5, 5), 0.01)
    tolerance[2, 2] = 0.1
    assert (np.abs(convolve(gaussian, laplacian) - printed) <= tolerance).all()


def test_deck_002_filtering_twice_equals_the_pre_convolved_kernel() -> None:
    """L * (G * I) = (L * G) * I."""
    image = np.random.default_rng(4).normal(size=(20, 20))
    g, laplacian = KERNELS["gaussian"](sigma=0.7), KERNELS["laplacian"]()
    twice = convolve(convolve(image, g, padding="valid"), laplacian, padding="valid")
    once = convolve(image, convolve(g, laplacian, padding="full"), padding="valid")
    np.testing.assert_allclose(once, twice, atol=1e-12)


def test_deck_002_dilated_convolution_takes_every_second_sample() -> None:
    """w[0] x[0] + w[1] x[2] + w[2] x[4]."""
    x, w = np.random.default_rng(5).normal(size=9), np.array([1.0, 10.0, 100.0])
    result = correlate(x, w, dilation=2, padding="valid")
    assert result[0] == pytest.approx(w[0] * x[0] + w[1] * x[2] + w[2] * x[4])
    assert effective_kernel(3, dilation=2) == 5


# --- Deck 003: what a filter does to a picture ---


def test_deck_003_the_binary_image_digit_for_digit() -> None:
    image = [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]]
    kernel = [[1, 0, 1], [0, 1, 0], [1, 0, 1]]
    result = correlate(np.array(image), kernel, padding="valid")
    assert result.tolist() == [[4, 3, 4], [2, 4, 3], [2, 3, 4]]


def test_deck_003_the_sharpening_filter() -> None:
    assert KERNELS["sharpen"]().tolist() == [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]


# --- Deck 004: sizes of the famous networks ---


@pytest.mark.parametrize(("n", "k", "p", "s"), [(28, 5, 0, 1), (28, 3, 1, 2), (224, 7, 3, 2)])
def test_deck_004_the_output_is_the_floor_plus_1(n: int, k: int, p: int, s: int) -> None:
    expected = int(np.floor((n + 2 * p - k) / s)) + 1
    assert output_size(n, kernel=k, padding=p, stride=s) == expected
    assert nn.Conv1d(1, 1, k, s, p)(torch.zeros(1, 1, n)).shape[-1] == expected


def test_deck_004_filter2d_with_a_flipped_kernel_is_convolution() -> None:
    kernel = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]])
    image = np.random.default_rng(0).normal(size=(8, 8))
    np.testing.assert_allclose(convolve(image, kernel), correlate(image, np.flip(kernel)))


def test_deck_004_alphago_pads_19_to_23_then_21_and_always_keeps_19() -> None:
    assert 19 + 2 * same_padding(5) == 23
    assert 19 + 2 * same_padding(3) == 21
    assert output_size(23, kernel=5) == output_size(21, kernel=3) == 19
    assert output_size(19, kernel=1) == 19
    assert conv_parameters(48, 192, 5, bias=False) == 5 * 5 * 48 * 192


VGG_DENSE = [(7 * 7 * 512, 4096), (4096, 4096), (4096, 1000)]


def vgg_bytes(blocks: list[tuple[int, int]]) -> int:
    """Bytes of a VGG in float32, from its (convolutions, filters) blocks."""
    total, channels = sum(linear_parameters(*dense) for dense in VGG_DENSE), 3
    for num_convs, filters in blocks:
        for _ in range(num_convs):
            total += conv_parameters(channels, filters, 3)
            channels = filters
    return 4 * total


def test_deck_004_vgg_file_sizes() -> None:
    vgg16 = vgg_bytes([(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)])
    vgg19 = vgg_bytes([(2, 64), (2, 128), (4, 256), (4, 512), (4, 512)])
    assert vgg16 == 4 * 138_357_544
    assert vgg19 == 4 * 143_667_240
    assert vgg19 // 10**6 == 574
    assert vgg16 // 10**6 == 553  # the deck prints 533: a misprint for 553


def test_deck_004_alphagos_last_layer_has_one_filter_and_a_bias_for_each_position() -> None:
    """A 1x1 convolution without bias, then a bias for each of the 361 points, then softmax."""
    points, filters = 19 * 19, 192
    last = nn.Sequential(
        nn.Conv2d(filters, 1, kernel_size=1, bias=False), nn.Flatten(), nn.Softmax(dim=1)
    )
    position_bias = nn.Parameter(torch.randn(points))
    assert num_parameters(last) + position_bias.numel() == filters + points
    logits = last[1](last[0](torch.randn(2, filters, 19, 19))) + position_bias
    torch.testing.assert_close(last[2](logits).sum(dim=1), torch.ones(2))
