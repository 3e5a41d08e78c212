"""The cells of 1980 and the parts of LeNet-5, by what their papers say of them."""

import math

import pytest
import torch
from torch import Tensor

from striate.layers import CCell, EuclideanRBF, ScaledTanh, SCell, Subsampling2d, TableConv2d

# LeNet-5, table I: which of the six S2 maps each of the sixteen C3 maps sees.
C3 = (
    *[tuple((first + step) % 6 for step in range(3)) for first in range(6)],
    *[tuple((first + step) % 6 for step in range(4)) for first in range(6)],
    (0, 1, 3, 4),
    (1, 2, 4, 5),
    (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)


def trained_on(pattern: Tensor, r: float) -> SCell:
    """A cell that has seen one pattern: a = q c u, b = q v at the pattern's own place."""
    cell = SCell(1, 1, 5, r=r)
    learned = 1e4 * cell.c * pattern
    strength = 1e4 * (cell.c * pattern.square()).sum().sqrt()
    cell.load_state_dict({"a": learned, "b": strength[None], "c": cell.c})
    return cell


def test_a_trained_cell_answers_its_pattern_whatever_the_contrast() -> None:
    """With a and b strong, u_S = r * relu((1 + r) / r * similarity - 1): contrast cancels."""
    pattern = (torch.rand(1, 1, 5, 5) > 0.6).float()
    cell = trained_on(pattern, r=4.0)
    for contrast in (0.1, 1.0, 10.0):
        assert cell(contrast * pattern).item() == pytest.approx(1.0, rel=0.02)


def test_inhibition_keeps_a_cell_silent_for_another_pattern() -> None:
    upright, lying = torch.zeros(1, 1, 5, 5), torch.zeros(1, 1, 5, 5)
    upright[..., 2], lying[..., 2, :] = 1, 1
    assert trained_on(upright, r=4.0)(upright).item() > 0.9
    assert trained_on(upright, r=4.0)(lying).item() == 0
    assert trained_on(upright, r=4.0)(upright + lying).item() == 0  # too much is also wrong


def test_a_larger_r_is_more_selective() -> None:
    pattern = torch.zeros(1, 1, 5, 5)
    pattern[..., 2] = 1
    spoiled = pattern.clone()
    spoiled[..., 0, 2] = 0
    spoiled[..., 0, 3] = 1
    assert trained_on(pattern, r=1.0)(spoiled).item() > trained_on(pattern, r=4.0)(spoiled).item()


def test_s_cell_gradients_are_finite_where_nothing_is_seen() -> None:
    cell = SCell(1, 2, 3, padding=1)
    torch.nn.init.constant_(cell.b, 0.5)
    x = torch.zeros(1, 1, 6, 6, requires_grad=True)
    (cell(x) + 1).square().sum().backward()
    for gradient in (x.grad, cell.a.grad, cell.b.grad):
        assert gradient is not None
        assert gradient.isfinite().all()


def test_the_fixed_weights_of_the_cells() -> None:
    c, d = SCell(3, 4, 5).c, CCell(5).d
    assert c.sum().item() == pytest.approx(1)
    assert d[0, 0, 2, 2].item() == 1
    assert d[0, 0, 2, 3].item() == pytest.approx(0.9)
    assert d[0, 0, 0, 0].item() == pytest.approx(0.9 ** math.hypot(2, 2))
    torch.testing.assert_close(c[0, 1] / c[0, 1].max(), d[0, 0])


def test_neocognitrons_sizes() -> None:
    """16 -> 16 -> 10 -> 8 -> 6 -> 2 -> 1, 24 planes each."""
    x = torch.rand(1, 1, 16, 16)
    sizes = []
    for cell in [
        SCell(1, 24, 5, padding=2),
        CCell(5, stride=2, padding=4),
        SCell(24, 24, 5, padding=1),
        CCell(5, padding=1),
        SCell(24, 24, 5),
        CCell(2),
    ]:
        x = cell(x)
        assert x.shape[1] == 24
        sizes.append(x.shape[2])
    assert sizes == [16, 10, 8, 6, 2, 1]


def test_c_cell_tolerates_a_shift_and_silences_the_average_plane() -> None:
    here, shifted = torch.zeros(1, 4, 5, 5), torch.zeros(1, 4, 5, 5)
    here[:, 0, 2, 2], shifted[:, 0, 2, 3] = 1, 1
    cell = CCell(5)
    assert cell(shifted)[0, 0].item() == pytest.approx(cell(here)[0, 0].item(), rel=0.1)
    assert (cell(here)[0, 1:] == 0).all()
    assert (cell(torch.ones(1, 4, 5, 5)) == 0).all()  # all planes alike: none stands out
    assert cell(1e6 * here).max().item() < 1  # saturates


def test_lenets_layers_have_the_papers_parameters() -> None:
    def count(layer: torch.nn.Module) -> int:
        return sum(p.numel() for p in layer.parameters())

    assert sum(len(row) for row in C3) == 60
    assert count(TableConv2d(6, C3, 5)) == 1_516
    assert count(Subsampling2d(6)) == 12
    assert count(Subsampling2d(16)) == 32
    assert count(EuclideanRBF(torch.ones(10, 84))) == 0


def test_an_output_map_ignores_the_maps_outside_its_row() -> None:
    conv = TableConv2d(6, C3, 5)
    x = torch.randn(1, 6, 14, 14, requires_grad=True)
    for o, row in enumerate(C3):
        (seen,) = torch.autograd.grad(conv(x)[:, o].sum(), x)
        assert {i for i in range(6) if seen[0, i].abs().sum() > 0} == set(row)


def test_a_table_of_everything_is_an_ordinary_convolution() -> None:
    conv = TableConv2d(3, [range(3)] * 4, 5)
    x = torch.randn(2, 3, 9, 9)
    full = conv.weight.view(4, 3, 5, 5)
    torch.testing.assert_close(conv(x), torch.nn.functional.conv2d(x, full, conv.bias))


def test_each_map_of_a_table_starts_within_its_own_fan_in() -> None:
    conv = TableConv2d(6, [(0,), range(6)], 50)
    assert conv.fan_in.tolist() == [2500, 15000]
    assert conv.weight[0].abs().max().item() == pytest.approx(2500**-0.5, rel=0.01)
    assert conv.weight[1:].abs().max().item() == pytest.approx(15000**-0.5, rel=0.01)


def test_the_nearest_centre_wins() -> None:
    centres = torch.randn(10, 84).sign()
    distances = EuclideanRBF(centres)(centres + 0.3 * torch.randn(10, 84))
    assert distances.argmin(1).tolist() == list(range(10))
    assert EuclideanRBF(centres)(centres).diagonal().abs().max().item() == 0


def test_scaled_tanh_sends_one_to_one() -> None:
    tanh = ScaledTanh()
    assert tanh(torch.tensor([-1.0, 0.0, 1.0])).tolist() == pytest.approx([-1, 0, 1], abs=1e-4)
    assert tanh(torch.tensor(100.0)).item() == pytest.approx(1.7159)


def test_say_their_arguments() -> None:
    said = [
        (SCell(2, 3, 5, padding=1), "SCell(2, 3, 5, padding=1, r=4)"),
        (CCell(3, stride=2), "CCell(3, stride=2, padding=0, alpha=0.5)"),
        (TableConv2d(6, C3, 5), "TableConv2d(6, 16, 5, connections=60)"),
        (Subsampling2d(6), "Subsampling2d(6, size=2)"),
        (ScaledTanh(), "ScaledTanh(amplitude=1.7159, slope=0.666667)"),
        (EuclideanRBF(torch.ones(10, 84)), "EuclideanRBF(84, 10)"),
    ]
    for layer, text in said:
        assert str(layer) == text


def test_a_cells_fixed_weights_can_be_loaded_as_they_were_built() -> None:
    """A buffer that repeats one memory cell could be read, and never written."""
    for build in (lambda: SCell(3, 4), lambda: CCell(3)):
        fresh = build()
        fresh.load_state_dict(build().state_dict())
