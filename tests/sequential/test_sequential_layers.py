"""Every layer beside its definition, weights turned into Keras' order."""

import math

import naive_keras as naive
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from striate.errors import ArgumentError, StriateError
from striate.sequential import Input, MissingError, Sequential, layers
from striate.sequential.base import Layer

pytestmark = pytest.mark.usefixtures("one_thread")


def picture(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape)


def applied(layer: Layer, x: np.ndarray) -> tuple[np.ndarray, nn.Module]:
    """What a model of this one layer predicts for one sample, and its module; biases are random."""
    torch.manual_seed(0)
    model = Sequential([Input(x.shape), layer])
    module = model._parts[0].module
    for name, parameter in module.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter)
    y = model.predict(x[np.newaxis], verbose=0)
    assert (None, *y.shape[1:]) == model.output_shape
    return y[0], module


def kernels(module: nn.Module) -> tuple[np.ndarray, np.ndarray]:
    """Filters `(kh, kw, C, filters)` and biases of the (first) convolution."""
    layer = next(m for m in module.modules() if isinstance(m, (nn.Conv1d, nn.Conv2d)))
    weight = layer.weight.detach().double()
    weight = weight.unsqueeze(-1) if weight.ndim == 3 else weight
    bias = torch.zeros(len(weight)) if layer.bias is None else layer.bias.detach()
    return weight.permute(2, 3, 1, 0).numpy(), bias.double().numpy()


@settings(deadline=None, max_examples=60)
@given(
    size=st.tuples(st.integers(6, 9), st.integers(6, 9)),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    step=st.sampled_from([(1, 1), (2, 1), (3, 1), (1, 2)]),
    groups=st.sampled_from([1, 2]),
    padding=st.sampled_from(["same", "valid"]),
)
def test_conv2d(
    size: tuple[int, int], kernel: tuple[int, int], step: tuple[int, int], groups: int, padding: str
) -> None:
    if padding == "valid" and step[1] * (max(kernel) - 1) + 1 > min(size):
        return
    x = picture(*size, 4)
    layer = layers.Conv2D(
        6, kernel, strides=step[0], padding=padding, dilation_rate=step[1], groups=groups
    )
    y, module = applied(layer, x)
    expected = naive.convolve(x, *kernels(module), step[0], step[1], groups, padding)
    np.testing.assert_allclose(y, expected, atol=1e-4)


@pytest.mark.parametrize("padding", ["same", "valid", "causal"])
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 3)])
def test_conv1d(padding: str, stride: int, dilation: int) -> None:
    x = picture(11, 3)
    layer = layers.Conv1D(5, 4, strides=stride, padding=padding, dilation_rate=dilation)
    y, module = applied(layer, x)
    weight, bias = kernels(module)
    # As an image of one column: the border beside it must stay out.
    expected = naive.convolve(x[:, None], weight, bias, stride, dilation, 1, padding)
    np.testing.assert_allclose(y, expected[:, 0], atol=1e-4)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("stride", [1, 2])
def test_depthwise_and_separable_convolutions(padding: str, stride: int) -> None:
    x = picture(7, 8, 3)
    layer = layers.DepthwiseConv2D(2, strides=stride, padding=padding, depth_multiplier=2)
    y, module = applied(layer, x)
    expected = naive.convolve(x, *kernels(module), stride, 1, 3, padding)
    np.testing.assert_allclose(y, expected, atol=1e-4)
    y, module = applied(layers.SeparableConv2D(5, 3, strides=stride, padding=padding), x)
    depth, pointwise = (m for m in module.modules() if isinstance(m, nn.Conv2d))
    assert depth.bias is None
    middle = naive.convolve(x, *kernels(depth), stride, 1, 3, padding)
    expected = naive.convolve(middle, *kernels(pointwise), 1, 1, 1, "valid")
    np.testing.assert_allclose(y, expected, atol=1e-4)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_conv2d_transpose(padding: str, kernel: int, stride: int) -> None:
    x = picture(4, 5, 3)
    layer = layers.Conv2DTranspose(2, kernel, strides=stride, padding=padding, use_bias=False)
    y, module = applied(layer, x)
    deconvolution = next(m for m in module.modules() if isinstance(m, nn.ConvTranspose2d))
    weight = deconvolution.weight.detach().double().permute(2, 3, 1, 0).numpy()
    np.testing.assert_allclose(y, naive.transposed(x, weight, stride, padding), atol=1e-4)


def test_locally_connected() -> None:
    x = picture(5, 6, 2)
    y, module = applied(layers.LocallyConnected2D(3, (2, 3), strides=(1, 2)), x)
    weight, bias = module.weight.detach().numpy(), module.bias.detach().numpy()
    for row, column in np.ndindex(*y.shape[:2]):
        patch = x[row : row + 2, 2 * column : 2 * column + 3]
        expected = np.einsum("uvc,uvco->o", patch, weight[row, column]) + bias[:, row, column]
        np.testing.assert_allclose(y[row, column], expected, atol=1e-4)


@settings(deadline=None, max_examples=40)
@given(
    size=st.tuples(st.integers(4, 8), st.integers(4, 8)),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.integers(1, 4),
    padding=st.sampled_from(["same", "valid"]),
    kind=st.sampled_from(["max", "mean"]),
)
def test_poolings(
    size: tuple[int, int], kernel: tuple[int, int], stride: int, padding: str, kind: str
) -> None:
    x = picture(*size, 3) - 5  # a zero of the border would be the largest
    two, one = {
        "max": (layers.MaxPooling2D, layers.MaxPooling1D),
        "mean": (layers.AveragePooling2D, layers.AveragePooling1D),
    }[kind]
    y, _ = applied(two(kernel, strides=stride, padding=padding), x)
    np.testing.assert_allclose(y, naive.pool(x, kernel, stride, padding, kind), atol=1e-5)
    y, _ = applied(one(kernel[0], strides=stride, padding=padding), x[:, 0])
    expected = naive.pool(x[:, :1], (kernel[0], 1), stride, padding, kind)
    # With a window of one column, a stride sideways finds one place.
    np.testing.assert_allclose(y, expected[:, 0], atol=1e-5)


def test_whole_map_poolings() -> None:
    x = picture(4, 5, 3)
    for two, one, reduce in (
        (layers.GlobalAveragePooling2D, layers.GlobalAveragePooling1D, np.mean),
        (layers.GlobalMaxPooling2D, layers.GlobalMaxPooling1D, np.max),
    ):
        np.testing.assert_allclose(applied(two(), x)[0], reduce(x, (0, 1)), atol=1e-6)
        np.testing.assert_allclose(applied(one(), x[0])[0], reduce(x[0], 0), atol=1e-6)


def test_flatten_keeps_keras_order() -> None:
    x = picture(3, 4, 5)
    np.testing.assert_array_equal(applied(layers.Flatten(), x)[0], x.astype(np.float32).ravel())


@pytest.mark.parametrize("shape", [(6,), (5, 6), (3, 4, 6)])
def test_dense_works_at_every_position(shape: tuple[int, ...]) -> None:
    x = picture(*shape)
    y, module = applied(layers.Dense(7), x)
    weight = module.weight.detach().double().flatten(1).numpy()
    np.testing.assert_allclose(y, x @ weight.T + module.bias.detach().numpy(), atol=1e-5)


def test_batch_normalisation_has_keras_constants() -> None:
    x = picture(3, 4, 2)
    y, norm = applied(layers.BatchNormalization(), x)
    beta = norm.bias.detach().numpy()
    np.testing.assert_allclose(y, x / math.sqrt(1 + 1e-3) + beta, atol=1e-5)
    norm.train()
    batch = torch.randn(8, 2, 3, 3)
    norm(batch)
    torch.testing.assert_close(norm.running_mean, 0.01 * batch.mean((0, 2, 3)))
    bare = Sequential([Input((4,)), layers.BatchNormalization(center=False, scale=False)])
    assert bare.count_params() == 0
    assert bare.predict(np.ones((1, 4)), verbose=0)[0, 0] == pytest.approx(1 / math.sqrt(1.001))


def test_padding_and_upsampling() -> None:
    x = picture(2, 3, 2)
    y, _ = applied(layers.ZeroPadding2D(((1, 0), (2, 3))), x)
    np.testing.assert_allclose(y, np.pad(x, ((1, 0), (2, 3), (0, 0))), atol=1e-6)
    assert applied(layers.ZeroPadding2D(1), x)[0].shape == (4, 5, 2)
    assert applied(layers.ZeroPadding2D((1, 2)), x)[0].shape == (4, 7, 2)
    y, _ = applied(layers.UpSampling2D((2, 3)), x)
    np.testing.assert_allclose(y, x.repeat(2, 0).repeat(3, 1), atol=1e-6)
    y, _ = applied(layers.UpSampling2D(2, interpolation="bilinear"), x)
    np.testing.assert_allclose(y[0, 1], 0.75 * x[0, 0] + 0.25 * x[0, 1], atol=1e-6)


def test_embedding_looks_up() -> None:
    x = np.array([4, 0, 4])
    y, module = applied(layers.Embedding(5, 3), x)
    np.testing.assert_array_equal(y, module.weight.detach().numpy()[x])


ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "softmax": lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "softplus": lambda x: np.log1p(np.exp(x)),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "gelu": lambda x: x / 2 * (1 + np.vectorize(math.erf)(x / math.sqrt(2))),
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "linear": lambda x: x,
}


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("last", [True, False])
def test_activations(name: str, last: bool) -> None:
    """Last, where the model takes it off again, and in the middle."""
    x = picture(3, 4, 5)
    after = [] if last else [layers.Activation("tanh")]
    model = Sequential([Input(x.shape), layers.Activation(name), *after])
    y = ACTIVATIONS[name](x)
    expected = y if last else np.tanh(y)
    np.testing.assert_allclose(model.predict(x[None], verbose=0)[0], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "deviation"),
    [
        ("glorot_uniform", math.sqrt(2 / (9 * 40 + 9 * 60))),
        ("glorot_normal", math.sqrt(2 / (9 * 40 + 9 * 60))),
        ("he_normal", math.sqrt(2 / (9 * 40))),
        ("he_uniform", math.sqrt(2 / (9 * 40))),
        ("lecun_normal", math.sqrt(1 / (9 * 40))),
        ("lecun_uniform", math.sqrt(1 / (9 * 40))),
    ],
)
def test_initial_weights_have_keras_spread(name: str, deviation: float) -> None:
    torch.manual_seed(0)
    layer = layers.Conv2D(60, 3, kernel_initializer=name)
    convolution = layer.build((40, 9, 9))
    weight = convolution.weight.detach()
    assert weight.std().item() == pytest.approx(deviation, rel=0.02)
    limit = math.sqrt(3) if name.endswith("uniform") else 2 / 0.8796
    assert weight.abs().max().item() == pytest.approx(limit * deviation, rel=0.02)
    assert convolution.bias.count_nonzero() == 0


def test_glorot_is_the_default_everywhere() -> None:
    for layer, fans in (
        (layers.Conv2D(60, 3), 9 * 100),
        (layers.Dense(60), 100),
        (layers.DepthwiseConv2D(3), 9 * 41),
        (layers.Conv2DTranspose(60, 3), 9 * 100),
        (layers.LocallyConnected2D(60, 3), 9 * 100),
    ):
        bound = math.sqrt(6 / fans)
        largest = layer.build((40, 9, 9)).weight.abs().max().item()
        assert 0.98 * bound < largest <= bound


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.LSTM(4), r"Keras' layers\.LSTM is not part of this front"),
        (lambda: layers.Conv2d(4), r"Keras' layers\.Conv2d .* Did you mean Conv2D"),
        (
            lambda: layers.Conv2D(4, 3, kernel_regularizer="l2"),
            r"Conv2D\(kernel_regularizer=\.\.\.\)",
        ),
        (lambda: layers.Conv2D(4, 3, data_format="channels_first"), "data_format"),
        (lambda: layers.Dense(4, activation=max), r"Dense\(activation=\.\.\.\) as a function"),
        (lambda: layers.GlobalAveragePooling2D(keepdims=True), "keepdims=True"),
        (lambda: Input((3,), batch_size=2), "batch_size"),
    ],
)
def test_what_is_not_there_says_so(make: object, message: str) -> None:
    with pytest.raises(MissingError, match=message):
        make()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.Dense(0), "units: got 0"),
        (lambda: layers.Dense(4, activation="rellu"), "activation: .* Did you mean relu"),
        (lambda: layers.Conv2D(4, 0), "kernel_size: got 0"),
        (lambda: layers.Conv2D(4, (3, 3, 3)), r"kernel_size: got \(3, 3, 3\)"),
        (lambda: layers.Conv2D(4, 3, padding="full"), "padding: got 'full'"),
        (lambda: layers.Conv2D(4, 3, padding="causal"), "padding: got 'causal'"),
        (lambda: layers.Conv2D(4, 3, groups=3).build((4, 9, 9)), "groups: got 3"),
        (lambda: layers.Conv2D(4, 3).build((4, 9)), r"Conv2D's input: got \(9, 4\)"),
        (lambda: layers.Conv2D(4, 3, kernel_initializer="he").build((4, 9, 9)), "initializer"),
        (lambda: layers.Conv2D(4, 3, kernel_initializer=3).build((4, 9, 9)), "initializer: got 3"),
        (lambda: layers.Dropout(1), "rate: got 1"),
        (lambda: layers.BatchNormalization(axis=1), "axis: got 1"),
        (lambda: layers.UpSampling2D(2, interpolation="cubic"), "interpolation: got 'cubic'"),
        (lambda: Input((None, None, 3)), r"shape: .* open \(None\) are not part"),
        (lambda: Input(()), r"shape: got \(\)"),
    ],
)
def test_wrong_arguments_are_named(make: object, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()  # type: ignore[operator]


def test_a_layer_that_does_not_fit_says_where() -> None:
    with pytest.raises(StriateError, match=r"conv2d_1 \(Conv2D\): does not fit its input: .*5x5"):
        Sequential([Input((6, 6, 1)), layers.Conv2D(2, 3), layers.Conv2D(2, 5)])
    for name in ("dilation_rate", "groups"):
        for kind in (layers.Conv2DTranspose, layers.LocallyConnected2D):
            with pytest.raises(MissingError, match=kind.__name__):
                kind(4, 3, **{name: 2}).build((4, 9, 9))
