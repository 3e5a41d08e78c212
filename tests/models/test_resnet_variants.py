import pytest
import torch
from torch import nn

from striate.anatomy import summary
from striate.errors import ArgumentError
from striate.models import create
from striate.models.contract import ConvNet
from striate.models.resnet_variants import RELU_GAIN, StandardConv2d


def on_meta(name: str) -> ConvNet:
    with torch.device("meta"):
        return create(name)


@pytest.mark.parametrize(
    ("name", "side", "params", "macs"),
    [
        ("resnetv2_50", 224, 25_549_352, 4_089_184_256),
        ("nf_resnet50", 256, 25_557_032, 5_340_348_416),
    ],
)
def test_counts(name: str, side: int, params: int, macs: int) -> None:
    found = summary(on_meta(name), (3, side, side))
    assert (found.params, found.macs) == (params, macs)


def test_the_path_of_shortcuts_is_clean() -> None:
    """With empty branches a stage hands its first projection on, unnormed and unrectified."""
    torch.manual_seed(0)
    net = create("resnetv2_50").eval()
    blocks = net.layers[1].blocks
    for block in blocks:
        nn.init.zeros_(block.conv3.weight)
    x = torch.randn(1, 256, 8, 8)
    ready = torch.relu(blocks[0].norm1(x))
    want = blocks[0].downsample(ready)
    assert want.min() < 0
    torch.testing.assert_close(net.layers[1](x), want)


def test_a_pre_activation_block_computes_what_the_paper_says() -> None:
    torch.manual_seed(0)
    block = create("resnetv2_50").eval().layers[0].blocks[1]
    x = torch.randn(1, 256, 6, 6)
    y = block.conv1(torch.relu(block.norm1(x)))
    y = block.conv2(torch.relu(block.norm2(y)))
    y = block.conv3(torch.relu(block.norm3(y)))
    torch.testing.assert_close(block(x), x + y)


def test_the_last_layer_is_a_convolution_that_can_be_replaced() -> None:
    net = create("resnetv2_50").eval()
    assert isinstance(net.last_layer, nn.Conv2d)
    net.reset_head(3)
    assert net(torch.randn(2, 3, 64, 64)).shape == (2, 3)


def test_a_standardised_filter() -> None:
    torch.manual_seed(0)
    layer = StandardConv2d(4, 6, 3).double()
    nn.init.normal_(layer.gain)
    seen = layer(torch.eye(36, dtype=torch.float64).reshape(36, 4, 3, 3))[:, :, 1, 1]
    for filter_, gain, bias, row in zip(layer.weight, layer.gain, layer.bias, seen.T, strict=True):
        variance = filter_.var(correction=0) + 1e-5
        want = gain.item() * RELU_GAIN / 6 * (filter_ - filter_.mean()) / variance.sqrt()
        torch.testing.assert_close(row - bias, want.flatten())


def test_variances_are_those_that_the_blocks_expect() -> None:
    """On noise: 1 behind the projection's block, and alpha^2 more behind each later one."""
    torch.manual_seed(0)
    x = torch.randn(8, 64, 16, 16)
    with torch.inference_mode():
        for step, block in enumerate(create("nf_resnet50").eval().layers[0], 1):
            x = block(x)
            # The channels' own means are no variance of theirs.
            assert x.var((0, 2, 3)).mean() == pytest.approx(1 + 0.04 * step, abs=0.03)


def test_betas_start_anew_at_every_change_of_size() -> None:
    betas = [[block.beta for block in layer] for layer in on_meta("nf_resnet50").layers]
    assert betas[0] == pytest.approx([1, 1.04**-0.5, 1.08**-0.5])
    assert betas[1] == pytest.approx([1.12**-0.5, 1.04**-0.5, 1.08**-0.5, 1.12**-0.5])
    assert betas[2][0] == pytest.approx(1.16**-0.5)
    assert betas[3][0] == pytest.approx(1.24**-0.5)


def test_no_batch_is_looked_at() -> None:
    net = create("nf_resnet50").train()
    x = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(net(x)[:1], net(x[:1]), rtol=1e-4, atol=1e-5)
    assert not list(net.buffers())


def test_bad_classes_are_named() -> None:
    with pytest.raises(ArgumentError, match="classes: got 0"):
        create("nf_resnet50", classes=0)
    with pytest.raises(ArgumentError, match="classes: got 0"):
        create("resnetv2_50", classes=0)
