"""The contract of every layer, generated from the table in `layer_table.py`."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from layer_row import Row
from layer_table import ROWS
from torch import Tensor, nn

from striate import layers

every_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
image_rows = pytest.mark.parametrize(
    "row", [row for row in ROWS if len(row.shapes[0]) == 4], ids=lambda row: row.name
)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """The tensors are tiny: threads would only wait for each other, long on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def made(row: Row, seed: int = 0, dtype: torch.dtype = torch.float64) -> nn.Module:
    """The layer in evaluation, with no parameter or running statistic at its starting value."""
    torch.manual_seed(seed)
    layer = row.build()
    for parameter in layer.parameters():
        nn.init.uniform_(parameter, 0.1, 0.9)
        if not row.positive:
            parameter.data.mul_(torch.randn_like(parameter).sign())
    for name, buffer in layer.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            nn.init.uniform_(buffer, 0.5, 1.5)
    return layer.to(dtype).eval()


def given(row: Row, shape: tuple[int, ...], seed: int = 1) -> Tensor:
    x = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return x.abs() if row.positive else x


def outputs(layer: nn.Module, x: Tensor) -> tuple[Tensor, ...]:
    y = layer(x)
    return y if isinstance(y, tuple) else (y,)


def assert_equal(
    got: tuple[Tensor, ...], wanted: tuple[Tensor, ...], tolerance: float = 1e-10
) -> None:
    assert len(got) == len(wanted)
    for one, other in zip(got, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)


def test_every_public_layer_has_a_row() -> None:
    public = {name for name in layers.__all__ if isinstance(getattr(layers, name), type)}
    assert {row.layer for row in ROWS} == public


@every_row
def test_the_row_makes_the_layer_it_names(row: Row) -> None:
    assert type(row.build()) is getattr(layers, row.layer)


@every_row
def test_shape_law(row: Row) -> None:
    layer = made(row)
    for shape in row.shapes:
        law = row.law(shape)
        wanted = law if isinstance(law[0], tuple) else (law,)
        assert tuple(tuple(y.shape) for y in outputs(layer, given(row, shape))) == wanted, shape


@every_row
def test_equals_the_naive_loops(row: Row) -> None:
    layer = made(row)
    for shape in row.shapes[:2]:
        x = given(row, shape)
        wanted = row.naive(layer, x.numpy())
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        assert_equal(outputs(layer, x), tuple(map(torch.from_numpy, wanted)), row.tolerance)


@every_row
def test_gradients_equal_differences(row: Row) -> None:
    layer = made(row)
    names = [name for name, _ in layer.named_parameters()]
    values = [p.detach().requires_grad_() for p in layer.parameters()]

    def run(x: Tensor, *parameters: Tensor) -> Any:
        return torch.func.functional_call(layer, dict(zip(names, parameters, strict=True)), (x,))

    shape = (1, *row.shapes[0][1:])
    inputs = (given(row, shape).requires_grad_(), *values)
    # Fast mode compares one random direction per pair of input and output, in place of each entry.
    assert torch.autograd.gradcheck(run, inputs, fast_mode=True)


@every_row
def test_every_parameter_gets_a_gradient(row: Row) -> None:
    layer = made(row)
    total = sum((y * torch.rand_like(y)).sum() for y in outputs(layer, given(row, row.shapes[0])))
    if not any(True for _ in layer.parameters()):
        return
    assert isinstance(total, Tensor)
    total.backward()
    for name, parameter in layer.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@every_row
def test_linear_exactly_where_the_table_says_so(row: Row) -> None:
    layer = made(row)
    x, y = given(row, row.shapes[0]), given(row, row.shapes[0], seed=2)
    zero = outputs(layer, torch.zeros_like(x))
    of_sum = outputs(layer, 2 * x + 3 * y)
    for out, one, other, origin in zip(
        of_sum, outputs(layer, x), outputs(layer, y), zero, strict=True
    ):
        sums = 2 * (one - origin) + 3 * (other - origin)
        assert torch.allclose(out - origin, sums, atol=1e-8) == row.linear


@every_row
def test_training_and_evaluation(row: Row) -> None:
    layer = made(row)
    x = given(row, row.shapes[0])
    evaluated = outputs(layer, x)
    assert_equal(outputs(layer, x), evaluated)
    layer.train()
    torch.manual_seed(3)
    first = outputs(layer, x)
    same = all(torch.allclose(a, b) for a, b in zip(first, evaluated, strict=True))
    assert same == (row.training == "same")
    if row.training == "random":
        draws = {tuple(outputs(layer, x)[0].flatten().tolist()) for _ in range(20)}
        assert len(draws) > 1


@every_row
def test_state_makes_the_round_trip(row: Row) -> None:
    saved, fresh = made(row, seed=0), made(row, seed=5)
    x = given(row, row.shapes[0])
    state = saved.state_dict()
    assert sorted(state) == sorted(row.keys.split())
    fresh.load_state_dict({name: value.clone() for name, value in state.items()}, strict=True)
    assert_equal(outputs(fresh, x), outputs(saved, x), 0)


@every_row
def test_state_of_the_layer_as_built_makes_the_round_trip(row: Row) -> None:
    torch.manual_seed(0)
    saved = row.build().eval()
    torch.manual_seed(5)
    fresh = row.build().eval()
    fresh.load_state_dict({name: value.clone() for name, value in saved.state_dict().items()})
    for name, value in fresh.state_dict().items():
        assert torch.equal(value, saved.state_dict()[name]), name
    x = given(row, row.shapes[0]).float()
    assert_equal(outputs(fresh, x), outputs(saved, x), 0)


@every_row
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_dtype_is_kept(row: Row, dtype: torch.dtype) -> None:
    x = given(row, row.shapes[0])
    exact = outputs(made(row), x)
    tolerance = {torch.float64: 1e-12, torch.float32: 1e-4, torch.bfloat16: 0.15}[dtype]
    for y, wanted in zip(outputs(made(row, dtype=dtype), x.to(dtype)), exact, strict=True):
        assert y.dtype == dtype
        scale = float(wanted.detach().abs().max()) + 1
        torch.testing.assert_close(y.double(), wanted, rtol=tolerance, atol=tolerance * scale)


@image_rows
def test_channels_last_makes_no_difference(row: Row) -> None:
    layer = made(row)
    x = given(row, row.shapes[2] if len(row.shapes) > 2 else row.shapes[0])
    wanted = outputs(layer, x)
    layer = layer.to(memory_format=torch.channels_last)
    assert_equal(outputs(layer, x.to(memory_format=torch.channels_last)), wanted)


@every_row
def test_samples_do_not_see_each_other(row: Row) -> None:
    layer = made(row)
    x = given(row, (4, *row.shapes[0][1:]))
    together = outputs(layer, x)
    order = torch.tensor([2, 0, 3, 1])
    assert_equal(outputs(layer, x[order]), tuple(y[order] for y in together))
    assert_equal(outputs(layer, x[2:3]), tuple(y[2:3] for y in together))


@every_row
def test_one_seed_makes_one_layer(row: Row) -> None:
    torch.manual_seed(7)
    first = row.build().state_dict()
    torch.manual_seed(7)
    second = row.build().state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.slow
@every_row
@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")
def test_compiled_equals_eager(row: Row) -> None:
    torch._dynamo.reset()
    layer = made(row, dtype=torch.float32)
    x = given(row, row.shapes[0]).float()
    compiled: Callable[[Tensor], Any] = torch.compile(layer, fullgraph=True)
    found = compiled(x)
    assert_equal(found if isinstance(found, tuple) else (found,), outputs(layer, x), 1e-4)
