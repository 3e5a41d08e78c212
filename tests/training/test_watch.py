"""What is no number is traced to where it began."""

import pytest
import torch
from torch import nn

from striate.training.watch import NonFiniteError, check_finite


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))


def images() -> torch.Tensor:
    return torch.rand(3, 1, 4, 4)


def fails(layers: nn.Module, some: torch.Tensor, norm: float = 1.0) -> NonFiniteError:
    with pytest.raises(NonFiniteError) as caught:
        check_finite(layers, float("nan"), torch.tensor(norm), some)
    return caught.value


def test_finite_numbers_pass() -> None:
    check_finite(net(), 0.5, torch.tensor(2.0), images())


def test_a_spoilt_picture_is_the_one_that_is_named() -> None:
    some = images()
    some[1, 0, 0, 0] = float("inf")
    found = fails(net(), some)
    assert found.samples == [1]
    assert "pictures" in found.what


def test_the_first_spoilt_layer_is_named() -> None:
    layers = net()
    with torch.no_grad():
        layers[0].weight[0] = float("nan")
    assert fails(layers, images()).what == "layer 0 gives values that are no numbers"


def test_a_layer_that_overflows_for_one_picture_names_it() -> None:
    layers, some = net(), torch.zeros(3, 1, 4, 4)
    some[2] = 1e30
    with torch.no_grad():
        layers[0].weight.fill_(1e30)
    found = fails(layers, some)
    assert found.samples == [2]
    assert "layer 0" in found.what


def test_a_gradient_that_is_not_finite_is_named() -> None:
    layers = net()
    for parameter in layers.parameters():
        parameter.grad = torch.zeros_like(parameter)
    layers[3].weight.grad[0, 0] = float("inf")
    with pytest.raises(NonFiniteError, match=r"the gradient of 3\.weight is not finite"):
        check_finite(layers, 0.5, torch.tensor(float("inf")), images())
