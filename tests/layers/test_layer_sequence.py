"""Causal convolutions: nothing leaks back from the future, and pieces equal the whole."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from striate.layers import CausalConv1d, GatedResidual


@settings(deadline=None, max_examples=25)
@given(
    kernel=st.integers(1, 4),
    dilation=st.integers(1, 5),
    length=st.integers(2, 20),
    now=st.integers(0, 18),
)
def test_no_output_depends_on_a_later_input(
    kernel: int, dilation: int, length: int, now: int
) -> None:
    now = min(now, length - 2)
    conv = CausalConv1d(2, 3, kernel, dilation=dilation)
    x = torch.randn(1, 2, length, requires_grad=True)
    (seen,) = torch.autograd.grad(conv(x)[..., now].sum(), x)
    assert (seen[..., now + 1 :] == 0).all()
    assert (seen[..., : max(0, now - conv.reach)] == 0).all()
    assert (seen[..., now] != 0).all()


@settings(deadline=None, max_examples=25)
@given(
    kernel=st.integers(1, 4),
    dilation=st.integers(1, 6),
    pieces=st.lists(st.integers(1, 9), min_size=1, max_size=6),
)
def test_pieces_as_they_arrive_equal_the_whole(
    kernel: int, dilation: int, pieces: list[int]
) -> None:
    conv = CausalConv1d(2, 3, kernel, dilation=dilation).double()
    x = torch.randn(2, 2, sum(pieces), dtype=torch.float64)
    found, past = [], None
    for piece in x.split(pieces, -1):
        y, past = conv.stream(piece, past)
        assert past.shape == (2, 2, conv.reach)
        found.append(y)
    torch.testing.assert_close(torch.cat(found, -1), conv(x))


def test_a_stack_sees_exactly_the_papers_receptive_field() -> None:
    """Kernel 2, dilations 1, 2, 4 ... 512: 1,024 samples."""
    stack = nn.Sequential(*[CausalConv1d(1, 1, dilation=2**n, bias=False) for n in range(10)])
    for parameter in stack.parameters():
        nn.init.ones_(parameter)
    x = torch.zeros(1, 1, 1100, requires_grad=True)
    (seen,) = torch.autograd.grad(stack(x)[..., -1].sum(), x)
    assert int((seen != 0).sum()) == 1024
    assert (seen[..., -1024:] == 1).all()


def test_gated_unit_streams_too_and_never_leaks() -> None:
    unit = GatedResidual(3, 5, dilation=4).double()
    x = torch.randn(2, 3, 17, dtype=torch.float64)
    whole = unit(x)
    on, out, past = [], [], None
    for piece in x.split([5, 1, 1, 10], -1):
        residual, skip, past = unit.stream(piece, past)
        on.append(residual)
        out.append(skip)
    torch.testing.assert_close((torch.cat(on, -1), torch.cat(out, -1)), whole)
    changed = x.clone()
    changed[..., 9:] += 1
    for before, after in zip(whole, unit(changed), strict=True):
        assert torch.equal(before[..., :9], after[..., :9])
        assert not torch.allclose(before[..., 9:], after[..., 9:])


def test_gated_unit_with_a_closed_gate_passes_its_input_on() -> None:
    unit = GatedResidual(2, 2)
    with torch.no_grad():
        unit.residual.bias.zero_()
        unit.conv.bias[2:] = -1e4
    x = torch.randn(1, 2, 6)
    assert torch.equal(unit(x)[0], x)
