import pytest
import torch
import torch.nn.functional as F

from striate.errors import ArgumentError
from striate.models import create
from striate.models.autoencoder import AutoEncoder


@pytest.mark.parametrize("size", [1, 5, 28, 30, 33])
def test_any_size_comes_back(size: int) -> None:
    net = AutoEncoder(size=size)
    pictures = torch.rand(2, 1, size, size)
    assert net.encode(pictures).shape == (2, 32)
    assert net(pictures).shape == pictures.shape


def test_forward_is_encode_then_decode() -> None:
    net = AutoEncoder(in_channels=3, code=7)
    pictures = torch.rand(2, 3, 28, 28)
    code = net.encode(pictures)
    assert code.shape == (2, 7)
    assert torch.equal(net(pictures), net.decode(code))
    assert torch.equal(net.features(pictures)["code"], code)


def test_the_decoder_knows_the_code_alone() -> None:
    net = AutoEncoder(code=1)
    pictures = torch.rand(5, 1, 28, 28)
    spread = torch.linalg.matrix_rank(net.spread(net.encode(pictures)) - net.spread.bias)
    assert spread == 1


def test_as_many_channels_come_out_as_go_in_unless_told() -> None:
    assert create("autoencoder", in_channels=3)(torch.rand(1, 3, 28, 28)).shape[1] == 3
    grey = create("autoencoder", in_channels=3, classes=1)
    assert grey(torch.rand(1, 3, 28, 28)).shape[1] == 1
    assert grey.stages["head"].channels == 1


def test_it_learns_to_give_pictures_back() -> None:
    torch.manual_seed(0)
    net = AutoEncoder(size=12, code=8)
    patches = (torch.rand(8, 1, 3, 3) > 0.5).float()
    pictures = F.interpolate(patches, scale_factor=4)
    step = torch.optim.Adam(net.parameters(), 3e-3)
    for _ in range(60):
        loss = F.binary_cross_entropy_with_logits(net(pictures), pictures)
        step.zero_grad()
        loss.backward()
        step.step()
    assert ((net(pictures).sigmoid() > 0.5) == (pictures > 0.5)).float().mean() > 0.97


def test_bad_arguments_are_named() -> None:
    for name in ("classes", "in_channels", "size", "code"):
        with pytest.raises(ArgumentError, match=f"{name}: got 0"):
            AutoEncoder(**{name: 0})
