"""Grad-CAM equals its formula with torch's own whole-graph derivative, on families of the zoo."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import ArgumentError
from striate.explaining import gradcam
from striate.models import create, entry
from striate.models.contract import ConvNet

FAMILIES = [
    "lecture_net", "lecture_fcn", "lenet5", "airbench94", "alexnet", "densenet_40_12",
    "efficientnet_lite0", "mobilenet_v3_small", "nin_cifar", "plain20", "resnet18", "resnet20",
    "resnetv2_50", "shufflenet_v2_x0_5", "squeezenet1_1", "wrn_16_8",
]  # fmt: skip


@contextmanager
def spied(net: ConvNet) -> Iterator[dict[str, Tensor]]:
    """Every map of `features`, as `forward` itself uses it."""
    kept: dict[str, Tensor] = {}
    features: Any = net.features
    if isinstance(features, nn.Module):
        hook = features.register_forward_hook(lambda layer, given, maps: kept.update(maps))
        yield kept
        hook.remove()
        return

    def call(x: Tensor) -> dict[str, Tensor]:
        kept.update(features(x))
        return kept

    net.features = call
    yield kept
    del net.features


def naive(net: ConvNet, images: Tensor, classes: Tensor) -> Tensor:
    """By the paper, picture by picture and channel by channel, with the whole graph."""
    heats = []
    for image, label in zip(images, classes.tolist(), strict=True):
        with spied(net) as maps:
            score = net(image[None])[0, label]
        deepest = [one for one in maps.values() if one.ndim == 4 and one[0, 0].numel() > 1][-1]
        (gradient,) = torch.autograd.grad(score, deepest)
        heat = torch.zeros(deepest.shape[2:], dtype=image.dtype)
        for channel, derivative in zip(deepest[0].detach(), gradient[0], strict=True):
            heat += derivative.mean() * channel
        heat = heat.clamp(min=0)
        grown = F.interpolate(heat[None, None], image.shape[1:], mode="bilinear")[0, 0]
        heats.append(grown / grown.max() if grown.max() > 0 else grown)
    return torch.stack(heats)


def made(name: str) -> tuple[ConvNet, Tensor]:
    torch.manual_seed(0)
    net = create(name).eval()
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.running_mean, -0.3, 0.3)
            nn.init.uniform_(layer.running_var, 0.5, 1.5)
    shape = entry(name).inputs[0]
    side = 65 if shape[1] > 100 else shape[1]
    return net.double(), torch.randn(2, shape[0], side, side, dtype=torch.float64)


@pytest.mark.parametrize("name", FAMILIES)
def test_it_equals_the_formula(name: str) -> None:
    net, images = made(name)
    images, classes = images.repeat(3, 1, 1, 1), torch.arange(6)
    wanted = naive(net, images, classes)
    got = gradcam(net, images, classes)
    assert got.shape == (6, *images.shape[2:])
    torch.testing.assert_close(got, wanted.float(), atol=1e-5, rtol=1e-4)
    assert wanted.amax((1, 2)).count_nonzero() >= 1, "nothing was compared"


def plain_net() -> nn.Sequential:
    """A network from elsewhere: no named maps; the ReLU works in place, and is used twice."""
    torch.manual_seed(0)
    relu = nn.ReLU(inplace=True)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3), relu, nn.Conv2d(6, 8, 3, 2), relu,
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3),
    )  # fmt: skip


def test_a_plain_sequence_is_cut_at_its_last_map() -> None:
    net, images = plain_net(), torch.randn(3, 3, 20, 24)
    classes = torch.tensor([0, 1, 2])
    maps = net[:4](images).detach()
    # Of a mean pooled map the derivative is the linear layer's weight, all over the map.
    heat = torch.einsum("bc,bchw->bhw", net[6].weight[classes], maps).relu().detach()
    heat = F.interpolate(heat[:, None], (20, 24), mode="bilinear")[:, 0]
    wanted = heat / heat.amax((1, 2), keepdim=True)
    torch.testing.assert_close(gradcam(net, images, classes), wanted, atol=1e-5, rtol=1e-4)


class Rectified(nn.Module):
    """No layer follows the map, but a function that works in place on it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.fc(self.conv(x).relu_().mean((2, 3)))
        return answer


def test_what_follows_the_map_may_work_in_place() -> None:
    torch.manual_seed(0)
    net, image = Rectified(), torch.randn(1, 3, 8, 8)
    (maps,) = net.conv(image).detach()
    weights = net.fc.weight[1].detach() * (maps > 0).float().mean((1, 2))
    heat = torch.einsum("c,chw->hw", weights, maps).relu()
    wanted = F.interpolate(heat[None, None], (8, 8), mode="bilinear")[0]
    torch.testing.assert_close(gradcam(net, image, torch.tensor([1])), wanted / wanted.max())


def test_it_finds_the_place_that_makes_the_class() -> None:
    """A net that answers by how much red there is sees the red corner."""
    net = plain_net()
    for parameter in net.parameters():
        nn.init.zeros_(parameter)
    with torch.no_grad():
        net[0].weight[0, 0] = net[2].weight[0, 0] = 1
        net[6].weight[1, 0] = 1
    images = torch.zeros(1, 3, 32, 32)
    images[0, 0, 20:, 2:10] = 1
    images[0, 1] = torch.rand(32, 32)
    (heat,) = gradcam(net, images, torch.tensor([1]))
    assert heat[22:30, 3:9].min() > 0.5
    assert heat[:14].max() < 0.02
    assert heat[:, 18:].max() < 0.02
    assert gradcam(net, images, torch.tensor([0])).max() == 0, "nothing speaks for this class"


def test_pictures_do_not_depend_on_their_batch() -> None:
    net, images = made("resnet20")
    both = gradcam(net, images, torch.tensor([3, 5]))
    torch.testing.assert_close(gradcam(net, images[1:], torch.tensor([5]))[0], both[1])


def test_the_net_stays_as_it_was() -> None:
    net, images = made("mobilenet_v3_small")
    net.train()
    net.features[0].eval()  # as a frozen stage would be
    for parameter in net.features[0].parameters():
        parameter.requires_grad_(False)
    net.classifier[0].weight.grad = torch.ones_like(net.classifier[0].weight)
    before = copy.deepcopy(net)
    gradcam(net, images, torch.tensor([0, 1]))
    assert [m.training for m in net.modules()] == [m.training for m in before.modules()]
    for (name, now), then in zip(net.named_parameters(), before.parameters(), strict=True):
        assert now.requires_grad == then.requires_grad, name
        assert now.equal(then), name
        assert (now.grad is None) == (name != "classifier.0.weight"), name
    for now, then in zip(net.buffers(), before.buffers(), strict=True):
        assert now.equal(then)
    assert not any(m._forward_hooks for m in net.modules())
    assert torch.is_grad_enabled()


def test_no_derivative_is_taken_below_the_map() -> None:
    """The layers below work without a graph; those above have one."""
    net, images = made("resnet20")
    graphs: dict[str, bool] = {}
    for name in ("layer1", "layer3", "fc"):
        net.get_submodule(name).register_forward_hook(
            lambda layer, given, output, name=name: graphs.update({name: output.requires_grad})
        )
    gradcam(net, images, torch.tensor([0, 0]))
    assert graphs == {"layer1": False, "layer3": False, "fc": True}


def test_it_works_where_gradients_are_off() -> None:
    net, images = made("lecture_net")
    wanted = gradcam(net, images, torch.tensor([0, 0]))
    with torch.inference_mode():
        assert gradcam(net, images, torch.tensor([0, 0])).equal(wanted)
    with torch.no_grad():
        assert gradcam(net, images, torch.tensor([0, 0])).equal(wanted)
        assert not torch.is_grad_enabled()


def test_what_it_cannot_explain_is_told() -> None:
    net, images = plain_net(), torch.zeros(2, 3, 20, 20)
    one = torch.tensor([0, 1])
    with pytest.raises(ArgumentError, match=r"images: got \(3, 20, 20\), expected \(B, C, H, W\)"):
        gradcam(net, images[0], one)
    with pytest.raises(
        ArgumentError, match=r"classes: got 'torch.int64 \(1,\)', expected .* \(2,\)"
    ):
        gradcam(net, images, one[:1])
    with pytest.raises(ArgumentError, match=r"classes: got \[0, 3\], expected indices from 0 to 2"):
        gradcam(net, images, torch.tensor([0, 3]))
    with pytest.raises(ArgumentError, match="net: got 'Sequential', expected a layer whose map"):
        gradcam(nn.Sequential(nn.Flatten(), nn.Linear(1200, 2)), images, one)
    with pytest.raises(ArgumentError, match=r"expected a classifier: logits \(B, classes\)"):
        gradcam(net[:4], images, one)
