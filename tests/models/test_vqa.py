import pytest
import torch
import torch.nn.functional as F

from striate.errors import ArgumentError
from striate.models import create
from striate.models.vqa import VQANet


def test_picture_and_question_meet_in_a_product() -> None:
    torch.manual_seed(0)
    net = VQANet(width=16).eval()
    pictures, questions = torch.randn(3, 3, 64, 64), torch.rand(3, 27)
    maps = net.features(pictures, questions)
    product = net.joined(maps["picture"] * maps["question"])
    torch.testing.assert_close(net(pictures, questions), net.fc(product))
    assert net(pictures, questions).shape == (3, 13)


def test_neither_input_alone_decides() -> None:
    torch.manual_seed(0)
    net = VQANet(width=16).eval()
    pictures, questions = torch.randn(2, 3, 64, 64), torch.rand(2, 27)
    answer = net(pictures, questions)
    assert not torch.allclose(net(pictures.flip(0), questions), answer, atol=1e-4)
    assert not torch.allclose(net(pictures, questions.flip(0)), answer, atol=1e-4)


def test_other_sizes() -> None:
    net = create("vqa", classes=2, in_channels=1, words=5, width=8).eval()
    assert net(torch.randn(2, 1, 37, 50), torch.rand(2, 5)).shape == (2, 2)


def test_it_learns_what_needs_both() -> None:
    """The answer is whether the half that is asked for is bright: no input tells it by itself."""
    torch.manual_seed(0)
    net = VQANet(2, 1, words=2, width=32)
    sides = torch.tensor([0, 0, 1, 1] * 4)
    asked = torch.tensor([0, 1, 0, 1] * 4)
    pictures = torch.zeros(16, 1, 16, 16)
    for picture, side in zip(pictures, sides, strict=True):
        picture[..., 8 * side : 8 * side + 8] = 1
    questions, answers = F.one_hot(asked, 2).float(), (sides == asked).long()
    step = torch.optim.Adam(net.parameters(), 3e-3)
    for _ in range(25):
        loss = F.cross_entropy(net(pictures, questions), answers)
        step.zero_grad()
        loss.backward()
        step.step()
    assert (net(pictures, questions).argmax(1) == answers).all()


def test_bad_arguments_are_named() -> None:
    for name in ("classes", "in_channels", "words", "width"):
        with pytest.raises(ArgumentError, match=f"{name}: got 0"):
            VQANet(**{name: 0})
