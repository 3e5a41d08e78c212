"""ConvNeXt: section 3's rows, the block against loops over positions, and its initialisation."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from striate.anatomy import summary
from striate.layers import StochasticDepth
from striate.models import create
from striate.models.contract import ConvNet
from striate.models.convnext import Block, Permute

COUNTS = {
    "tiny": (28_589_128, 4_455_531_264, 0.1),
    "small": (50_223_688, 8_683_712_256, 0.4),
    "base": (88_591_464, 15_354_729_472, 0.5),
    "large": (197_767_336, 34_361_433_600, 0.5),
}


def meta(name: str) -> ConvNet:
    with torch.device("meta"):
        return create(f"convnext_{name}")


@pytest.mark.parametrize("name", COUNTS)
def test_counts_and_drop_rates_are_the_published_ones(name: str) -> None:
    params, macs, drop = COUNTS[name]
    net = meta(name)
    found = summary(net, (3, 224, 224))
    assert (found.params, found.macs) == (params, macs)
    rates = [module.rate for module in net.modules() if isinstance(module, StochasticDepth)]
    assert rates == pytest.approx(np.linspace(0, drop, len(rates)))
    assert len(rates) == (18 if name == "tiny" else 36)


def test_maps() -> None:
    maps = meta("tiny").features(torch.empty(1, 3, 224, 224, device="meta"))
    assert [(name, m.shape[1], m.shape[2]) for name, m in maps.items()] == [
        ("stem", 96, 56),
        ("stage1", 96, 56),
        ("stage2", 192, 28),
        ("stage3", 384, 14),
        ("stage4", 768, 7),
    ]


def naive_block(block: Block, x: np.ndarray) -> np.ndarray:
    """One position after the other, in float64."""
    state = {key: value.double().numpy() for key, value in block.state_dict().items()}
    padded = np.pad(x, ((0, 0), (3, 3), (3, 3)))
    y = np.empty_like(x)
    for h in range(x.shape[1]):
        for w in range(x.shape[2]):
            seen = padded[:, h : h + 7, w : w + 7] * state["block.0.weight"][:, 0]
            z = seen.sum((1, 2)) + state["block.0.bias"]
            z = (z - z.mean()) / math.sqrt(((z - z.mean()) ** 2).mean() + 1e-6)
            z = z * state["block.2.weight"] + state["block.2.bias"]
            z = state["block.3.weight"] @ z + state["block.3.bias"]
            z = np.array([a * 0.5 * (1 + math.erf(a / math.sqrt(2))) for a in z])
            z = state["block.5.weight"] @ z + state["block.5.bias"]
            y[:, h, w] = x[:, h, w] + state["layer_scale"][:, 0, 0] * z
    return y


def test_a_block_equals_loops_over_positions() -> None:
    torch.manual_seed(0)
    block = Block(5, 0.3).double().eval()
    for name, parameter in block.named_parameters():  # filters so small that the epsilon shows
        nn.init.normal_(parameter, std=0.02 if name.startswith("block.0") else 1)
    x = torch.randn(2, 5, 4, 6, dtype=torch.float64)
    expected = np.stack([naive_block(block, sample.numpy()) for sample in x])
    torch.testing.assert_close(block(x), torch.from_numpy(expected), rtol=1e-11, atol=1e-11)


def test_a_block_is_dropped_for_whole_samples() -> None:
    torch.manual_seed(0)
    block = Block(4, 0.5).train()
    nn.init.ones_(block.layer_scale)
    x = torch.randn(64, 4, 3, 3)
    untouched = (block(x) == x).flatten(1).all(1)
    assert 16 < int(untouched.sum()) < 48


def test_initialisation_is_the_papers() -> None:
    torch.manual_seed(0)
    net = create("convnext_tiny", classes=10)
    for name, parameter in net.named_parameters():
        if name.endswith("layer_scale"):
            assert bool((parameter == 1e-6).all()), name
        elif name.endswith("bias"):
            assert not parameter.any(), name
        elif parameter.ndim > 1:
            assert parameter.std().item() == pytest.approx(0.02, rel=0.15), name
        else:
            assert bool((parameter == 1).all()), name


def test_maps_stay_in_channels_last_order() -> None:
    """The order in which neither norms nor linear layers copy; whatever order comes in."""
    net = create("convnext_tiny", classes=3).eval()
    with torch.inference_mode():
        for found in net.features(torch.randn(2, 3, 64, 64)).values():
            assert found.is_contiguous(memory_format=torch.channels_last)


def test_other_classes_channels_and_sizes() -> None:
    net = create("convnext_tiny", classes=5, in_channels=1).eval()
    assert net(torch.randn(2, 1, 75, 90)).shape == (2, 5)


def test_permute_says_its_axes() -> None:
    assert str(Permute(0, 2, 3, 1)) == "Permute(0, 2, 3, 1)"
