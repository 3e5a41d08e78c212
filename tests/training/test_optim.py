"""Who decays, and what Muon does to filters."""

import pytest
import torch
from torch import nn

from striate.training import Recipe
from striate.training.optim import optimiser_for, orthogonal


def net() -> nn.Module:
    torch.manual_seed(0)
    layers = (nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8, 4))
    return nn.Sequential(*layers)


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw", "muon"])
def test_only_filters_and_matrices_decay(name: str) -> None:
    layers = net()
    layers[0].bias.requires_grad_(False)  # type: ignore[index]
    optimiser = optimiser_for(layers, Recipe(optimiser=name, weight_decay=0.1))
    decays = {
        parameter: group["weight_decay"]
        for group in optimiser.param_groups
        for parameter in group["params"]
    }
    learning = [p for p in layers.parameters() if p.requires_grad]
    assert decays.keys() == set(learning)
    assert {decays[p] for p in learning if p.ndim > 1} == {0.1}
    assert {decays[p] for p in learning if p.ndim == 1} == {0.0}


@pytest.mark.parametrize("shape", [(8, 27), (64, 288), (288, 64), (10, 10)])
def test_the_nearest_orthogonal_matrix(shape: tuple[int, int]) -> None:
    draw = torch.Generator().manual_seed(1)
    matrix = torch.randn(shape, generator=draw, dtype=torch.float64)
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    found = orthogonal(matrix)
    spread = torch.linalg.svdvals(found)
    assert spread.min() > 0.6
    assert spread.max() < 1.3
    # It keeps the directions: in the bases of the matrix it is nearly diagonal.
    inner = u.T @ found @ v.T
    assert (inner - inner.diagonal().diag()).abs().max() < 1e-6


def test_muon_moves_every_direction_of_a_filter_bank_alike() -> None:
    """One direction of the gradient is a thousand times larger; the update's are not."""
    bank = nn.Conv2d(2, 4, 3, bias=False)
    u, _, v = torch.linalg.svd(torch.randn(4, 18), full_matrices=False)
    bank.weight.grad = (u @ torch.diag(torch.tensor([1000.0, 1.0, 1.0, 1.0])) @ v).view(4, 2, 3, 3)
    before = bank.weight.detach().clone()
    optimiser_for(bank, Recipe(optimiser="muon", peak_rate=0.1)).step()
    update = (bank.weight.detach() - before).flatten(1)
    spread = torch.linalg.svdvals(update)
    assert spread.max() / spread.min() < 40
    assert update.square().mean().sqrt() < 0.1 * 0.2 * 1.3
    assert ((u.T @ update @ v.T).diagonal() < 0).all()


def test_muon_gives_linear_layers_adam_s_update() -> None:
    torch.manual_seed(0)
    one, other = nn.Linear(5, 3), nn.Linear(5, 3)
    other.load_state_dict(one.state_dict())
    muon = optimiser_for(one, Recipe(optimiser="muon", peak_rate=0.01))
    adam = torch.optim.Adam(other.parameters(), 0.01, betas=(0.9, 0.95))
    for step in range(5):
        for layer, optimiser in ((one, muon), (other, adam)):
            optimiser.zero_grad()
            layer(torch.full((2, 5), float(step))).square().sum().backward()
            optimiser.step()
    torch.testing.assert_close(one.weight, other.weight)
