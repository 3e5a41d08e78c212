import copy

import pytest
import torch
from torch import nn

from striate.anatomy.profile import profile
from striate.errors import ArgumentError


class Mixed(nn.Module):
    """Everything that a pass could disturb: dropout, batch norm, in-place work, a shared layer."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.block = nn.Sequential(nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Dropout(0.5))
        self.head = nn.Linear(8, 2)
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x):
        self.seen = self.seen + 1
        x = self.block(self.block(self.conv(x))).mean((2, 3))
        return {"logits": self.head(x), "others": [x]}


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_the_net_is_left_as_it_was(training, backward):
    net = Mixed().train(training)
    net.head.eval()
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)
    gradients = [parameter.grad for parameter in net.parameters()]
    before, buffer = copy.deepcopy(net.state_dict()), net.seen
    stream = torch.get_rng_state()
    profile(net, (3, 8, 8), batch=2, repeats=2, backward=backward)
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert net.seen is buffer
    assert [module.training for module in (net, net.conv, net.head)] == [training, training, False]
    assert all(p.grad is g for p, g in zip(net.parameters(), gradients, strict=True))
    assert all(bool((gradient == 1).all()) for gradient in gradients)
    assert torch.equal(stream, torch.get_rng_state())
    assert hooks_on(net) == 0


def hooks_on(net):
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in net.modules())


def test_a_lazy_net_is_refused():
    with pytest.raises(ArgumentError, match="lazy parameter weight"):
        profile(nn.LazyLinear(2), (4,))
