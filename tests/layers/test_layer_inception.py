"""The inception joins with numbered names, and the unit they are made of."""

import pytest
import torch
from torch import Tensor, nn

from striate.errors import ArgumentError
from striate.layers import ConvNormAct, InceptionConv, NumberedInception


class Plus(nn.Module):
    """Its input plus a number: a step whose place in the order one can tell."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = number

    def forward(self, x: Tensor) -> Tensor:
        return 2 * x + self.number


def test_steps_follow_each_other_and_forks_stand_side_by_side() -> None:
    join = NumberedInception({"one": [Plus(1)], "two": [Plus(2), (Plus(3), nn.Identity())]})
    assert join(torch.tensor([[10.0]])).tolist() == [[21, 2 * 22 + 3, 22]]


def test_names_count_from_first_and_the_only_step_has_no_number() -> None:
    steps = {"a": [Plus(0)], "b": [Plus(0), Plus(0), (Plus(0), Plus(0))]}
    assert list(NumberedInception(steps)) == ["a", "b_1", "b_2", "b_3a", "b_3b"]
    assert list(NumberedInception(steps, first=0)) == ["a", "b_0", "b_1", "b_2a", "b_2b"]


def test_branches_must_exist_and_agree_in_size() -> None:
    with pytest.raises(ArgumentError, match="at least one branch"):
        NumberedInception({})
    with pytest.raises(ArgumentError, match="at least one branch"):
        NumberedInception({"a": []})
    with pytest.raises(ArgumentError, match=r"first.*at least 0"):
        NumberedInception({"a": [Plus(1)]}, first=-1)
    uneven = NumberedInception({"a": [nn.Identity()], "b": [nn.MaxPool2d(2)]})
    with pytest.raises(ArgumentError, match="maps of one size"):
        uneven(torch.zeros(1, 1, 4, 4))


def test_the_unit_is_the_general_one_with_names_and_its_own_eps() -> None:
    torch.manual_seed(0)
    unit = InceptionConv(3, 4, (1, 7))
    assert [name for name, _ in unit.named_children()] == ["conv", "bn", "relu"]
    general = ConvNormAct(3, 4, (1, 7), norm=lambda channels: nn.BatchNorm2d(channels, 1e-3))
    general.load_state_dict(
        dict(zip(general.state_dict(), unit.state_dict().values(), strict=True))
    )
    x = torch.rand(2, 3, 9, 9)
    assert torch.equal(unit.eval()(x), general.eval()(x))
    assert isinstance(unit.bn, nn.BatchNorm2d)
    assert unit.bn.eps == 1e-3
