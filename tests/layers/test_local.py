"""Local receptive fields: equal to the naive sum, and well behaved wherever a layer has to be."""

from __future__ import annotations

import copy
import itertools
import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as some
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from striate.errors import ArgumentError
from striate.layers import LocalConv1d, LocalConv2d
from striate.layers import local as room


def naive2d(layer: LocalConv2d, x: Tensor) -> Tensor:
    """The formula of the docstring, one output number at a time."""
    (rows, columns, taps_u, taps_v, _, channels), (s, t) = layer.weight.shape, layer.stride
    p, q = layer.padding
    x = F.pad(x, (q, q, p, p))
    y = x.new_zeros(x.shape[0], channels, rows, columns)
    for b, o, h, w in itertools.product(*map(range, y.shape)):
        window = x[b, :, h * s : h * s + taps_u, w * t : w * t + taps_v]
        y[b, o, h, w] = sum(
            window[c, u, v] * layer.weight[h, w, u, v, c, o]
            for c, u, v in itertools.product(*map(range, window.shape))
        )
        if layer.bias is not None:
            y[b, o, h, w] += layer.bias[o, h, w]
    return y


def naive1d(layer: LocalConv1d, x: Tensor) -> Tensor:
    places, taps, _, channels = layer.weight.shape
    x = F.pad(x, (layer.padding, layer.padding))
    y = x.new_zeros(x.shape[0], channels, places)
    for b, o, t in itertools.product(*map(range, y.shape)):
        window = x[b, :, t * layer.stride : t * layer.stride + taps]
        y[b, o, t] = (window * layer.weight[t, :, :, o].T).sum()
        if layer.bias is not None:
            y[b, o, t] += layer.bias[o, t]
    return y


CASES: dict[str, tuple[dict[str, Any], int]] = {
    "square": ({"in_channels": 2, "out_channels": 3, "size": 5, "kernel_size": 3}, 2),
    "one of each": ({"in_channels": 1, "out_channels": 1, "size": 1, "kernel_size": 1}, 1),
    "oblong": ({"in_channels": 2, "out_channels": 1, "size": (4, 6), "kernel_size": (3, 2)}, 2),
    "strided": (
        {"in_channels": 1, "out_channels": 2, "size": (6, 7), "kernel_size": 3, "stride": (2, 3)},
        2,
    ),
    "stride over kernel": (
        {"in_channels": 2, "out_channels": 2, "size": 8, "kernel_size": 2, "stride": 3},
        1,
    ),
    "padded": (
        {"in_channels": 2, "out_channels": 2, "size": 4, "kernel_size": 3, "padding": (1, 2)},
        2,
    ),
    "whole map": ({"in_channels": 2, "out_channels": 4, "size": 4, "kernel_size": 4}, 3),
    "no bias": (
        {"in_channels": 1, "out_channels": 2, "size": 4, "kernel_size": 2, "bias": False},
        1,
    ),
}


def made(case: str) -> tuple[LocalConv2d, Tensor]:
    arguments, batch = CASES[case]
    torch.manual_seed(0)
    layer = LocalConv2d(**arguments).double()
    x = torch.randn(batch, layer.in_channels, *layer.size, dtype=torch.float64)
    return layer, x.requires_grad_()


@pytest.mark.parametrize("case", CASES)
def test_it_is_the_naive_sum(case: str) -> None:
    layer, x = made(case)
    torch.testing.assert_close(layer(x), naive2d(layer, x))


@pytest.mark.parametrize("case", CASES)
def test_its_gradients_are_right_twice(case: str) -> None:
    layer, x = made(case)

    def call(x: Tensor, *parameters: Tensor) -> Tensor:
        names = dict(zip(dict(layer.named_parameters()), parameters, strict=True))
        return torch.func.functional_call(layer, names, (x,))

    inputs = (x, *layer.parameters())
    assert torch.autograd.gradcheck(call, inputs)
    assert torch.autograd.gradgradcheck(call, inputs)


@settings(deadline=None, max_examples=25)
@given(data=some.data())
def test_any_geometry_in_one_dimension(data: some.DataObject) -> None:
    def draw(low: int, high: int) -> int:
        return data.draw(some.integers(low, high))

    kernel, padding = draw(1, 4), draw(0, 3)
    size = draw(max(1, kernel - 2 * padding), 9)
    layer = LocalConv1d(
        draw(1, 3), draw(1, 3), size, kernel, draw(1, 4), padding, bias=data.draw(some.booleans())
    ).double()
    x = torch.randn(draw(1, 3), layer.in_channels, size, dtype=torch.float64)
    x.requires_grad_()
    parameters = list(layer.parameters())
    ours, naive = layer(x), naive1d(layer, x)
    torch.testing.assert_close(ours, naive)
    seed = torch.randn_like(ours)
    torch.testing.assert_close(
        torch.autograd.grad(ours, [x, *parameters], seed, materialize_grads=True),
        torch.autograd.grad(naive, [x, *parameters], seed, materialize_grads=True),
    )


def test_equal_kernels_everywhere_make_a_convolution() -> None:
    conv = nn.Conv2d(4, 6, 5, stride=2, padding=2)
    layer = LocalConv2d(4, 6, (15, 13), 5, stride=2, padding=2)
    with torch.no_grad():
        layer.weight.copy_(conv.weight.permute(2, 3, 1, 0).expand_as(layer.weight))
        layer.bias.copy_(conv.bias[:, None, None].expand_as(layer.bias))
    x = torch.randn(8, 4, 15, 13)
    torch.testing.assert_close(layer(x), conv(x), rtol=1e-4, atol=1e-5)


def test_the_lectures_counts() -> None:
    def count(layer: nn.Module) -> int:
        return sum(parameter.numel() for parameter in layer.parameters())

    assert count(LocalConv2d(1, 1, 28, 5)) == 14_976
    assert count(LocalConv2d(3, 5, 28, 5)) == 218_880
    assert count(LocalConv1d(1, 1, 28, 5)) == 24 * 5 + 24


def test_the_first_weights_fill_their_range() -> None:
    layer = LocalConv2d(3, 5, 28, 5)
    bound = 1 / math.sqrt(3 * 25)
    for parameter in (layer.weight, layer.bias):
        assert 0.99 * bound < parameter.abs().max() <= bound
        assert abs(parameter.mean()) < 0.05 * bound


LAYERS = {
    "1-D": lambda: (LocalConv1d(3, 4, 12, 3, 2, 1), torch.randn(5, 3, 12)),
    "2-D": lambda: (LocalConv2d(3, 4, (9, 8), 3, 2, 1), torch.randn(5, 3, 9, 8)),
}


@pytest.fixture(params=LAYERS)
def layer_and_input(request: pytest.FixtureRequest) -> tuple[nn.Module, Tensor]:
    torch.manual_seed(0)
    return LAYERS[request.param]()


Pair = tuple[nn.Module, Tensor]


def test_meta_tensors_have_the_shape_and_no_numbers(layer_and_input: Pair) -> None:
    layer, x = layer_and_input
    expected = layer(x)
    on_meta = copy.deepcopy(layer).to("meta")(x.to("meta").requires_grad_())
    assert on_meta.device.type == "meta"
    assert (on_meta.shape, on_meta.stride()) == (expected.shape, expected.stride())
    on_meta.sum().backward()
    with FakeTensorMode(allow_non_fake_inputs=True):
        faked = layer(torch.empty(x.shape))
    assert (faked.shape, faked.stride()) == (expected.shape, expected.stride())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_is_near(layer_and_input: Pair, dtype: torch.dtype) -> None:
    layer, x = layer_and_input
    x.requires_grad_()
    expected = layer(x)
    low = copy.deepcopy(layer).to(dtype)
    x_low = x.detach().to(dtype).requires_grad_()
    y = low(x_low)
    assert y.dtype == dtype
    torch.testing.assert_close(y.float(), expected, rtol=0.05, atol=0.05)
    (expected**2).sum().backward()
    (y**2).sum().backward()
    torch.testing.assert_close(x_low.grad.float(), x.grad, rtol=0.1, atol=0.1)


def test_autocast_computes_low_and_keeps_full_weights(layer_and_input: Pair) -> None:
    layer, x = layer_and_input
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(x)
    assert y.dtype == torch.bfloat16
    y.float().sum().backward()
    assert all(p.dtype == p.grad.dtype == torch.float32 for p in layer.parameters())
    torch.testing.assert_close(y.float(), layer(x), rtol=0.05, atol=0.05)


def test_channels_last_stays_and_changes_no_number() -> None:
    layer, x = LAYERS["2-D"]()
    last = x.to(memory_format=torch.channels_last)
    y = layer.to(memory_format=torch.channels_last)(last)
    assert y.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(y, layer(x))
    assert layer(x).is_contiguous()


def test_strange_strides_change_no_number(layer_and_input: Pair) -> None:
    layer, x = layer_and_input
    turned = x.transpose(0, -1).contiguous().transpose(0, -1)
    assert not turned.is_contiguous()
    torch.testing.assert_close(layer(turned), layer(x))


def test_an_empty_batch_comes_out_empty(layer_and_input: Pair) -> None:
    layer, x = layer_and_input
    y = layer(x[:0].requires_grad_())
    assert y.shape == (0, *layer(x).shape[1:])
    y.sum().backward()
    assert all((parameter.grad == 0).all() for parameter in layer.parameters())


def test_the_state_makes_the_round_trip(layer_and_input: Pair) -> None:
    layer, x = layer_and_input
    other = copy.deepcopy(layer)
    other.reset_parameters()
    assert not torch.equal(other(x), layer(x))
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other(x), layer(x))
    assert torch.equal(layer.eval()(x), layer.train()(x))


@pytest.mark.parametrize(
    ("layer", "x"),
    [
        (LocalConv1d(8, 8, 16, 5), torch.randn(4, 8, 16, requires_grad=True)),
        (LocalConv2d(8, 8, 16, 5), torch.randn(4, 8, 16, 16, requires_grad=True)),
    ],
    ids=["1-D", "2-D"],
)
def test_the_input_is_all_that_is_kept_for_the_backward_pass(
    layer: LocalConv1d | LocalConv2d, x: Tensor
) -> None:
    """Memory: neither an unfolded nor a padded copy outlives the forward pass."""
    kept: list[Tensor] = []

    def note(tensor: Tensor) -> Tensor:
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        layer(x)
    assert {tensor.data_ptr() for tensor in kept} == {x.data_ptr(), layer.weight.data_ptr()}


@pytest.mark.parametrize("stride", [[1, 1], [2, 1]])
def test_torch_finds_no_fault_in_the_operators(stride: list[int]) -> None:
    rows = 5 if stride[0] == 1 else 3
    x = torch.randn(2, 3, 7, 6, requires_grad=True)
    weight = torch.randn(rows, 4, 3, 3, 3, 5, requires_grad=True)
    grad = torch.randn(2, 5, rows, 4, requires_grad=True)
    torch.library.opcheck(room.local_product, (x, weight, stride))
    torch.library.opcheck(room.local_grad_input, (grad, weight, stride, 7, 6))
    torch.library.opcheck(room.local_grad_weight, (grad, x, stride, [3, 3]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"in_channels": 0}, "in_channels: got 0, expected a whole number of at least 1"),
        ({"out_channels": 1.5}, "out_channels: got 1.5"),
        ({"kernel_size": 9}, r"kernel_size: got 9, expected at most the padded size 8 \+ 2\*0"),
        ({"stride": 0}, "stride: got 0"),
        ({"padding": -1}, "padding: got -1, expected a whole number of at least 0"),
        ({"size": 0}, "size: got 0"),
    ],
)
@pytest.mark.parametrize("kind", [LocalConv1d, LocalConv2d])
def test_bad_arguments_are_named(
    kind: type[nn.Module], arguments: dict[str, float], message: str
) -> None:
    good = {"in_channels": 2, "out_channels": 3, "size": 8, "kernel_size": 3}
    with pytest.raises(ArgumentError, match=message):
        kind(**(good | arguments))


def test_another_input_size_is_refused_with_the_right_one(layer_and_input: Pair) -> None:
    layer, x = layer_and_input
    for wrong in (x[..., 1:], x[:, 1:], x[0]):
        with pytest.raises(ArgumentError, match=r"x: got .* expected \(batch, 3, "):
            layer(wrong)


def test_it_prints_its_arguments() -> None:
    shown = "size=(9, 8), kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), bias=True"
    assert shown in repr(LAYERS["2-D"]()[0])
    assert "LocalConv1d(3, 4, size=12, kernel_size=3" in repr(LAYERS["1-D"]()[0])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # torch's compiler's own
def test_compiled_whole_it_gives_the_same(layer_and_input: Pair) -> None:
    layer, x = layer_and_input
    x.requires_grad_()
    layer(x).square().sum().backward()
    expected = [x.grad, *(p.grad for p in layer.parameters())]
    x.grad = None
    layer.zero_grad()
    compiled = torch.compile(layer, fullgraph=True)
    torch.testing.assert_close(compiled(x), layer(x))
    compiled(x).square().sum().backward()
    torch.testing.assert_close([x.grad, *(p.grad for p in layer.parameters())], expected)
