from collections.abc import Callable

import numpy as np
import pytest
import torch
from golden_nets import assert_golden, filled, image
from torch import nn

from striate.anatomy import summary
from striate.errors import ArgumentError
from striate.models import create

PHOTO = (3, 224, 224)
TABLE_1 = {
    "resnet18": (11_689_512, 1_814_073_344, 1_814_073_344),
    "resnet34": (21_797_672, 3_663_761_408, 3_663_761_408),
    "resnet50": (25_557_032, 4_089_184_256, 3_857_973_248),
    "resnet101": (44_549_160, 7_801_405_440, 7_570_194_432),
    "resnet152": (60_192_808, 11_513_626_624, 11_282_415_616),
}
"""Parameters; multiply-adds with the stride in the 3x3, and with the paper's, in the first 1x1."""


def on_meta(name: str, **options: object) -> nn.Module:
    with torch.device("meta"):
        return create(name, **options)


@pytest.mark.parametrize("name", TABLE_1)
def test_the_table_of_the_paper(name: str) -> None:
    params, later, earlier = TABLE_1[name]
    for v1, macs in ((False, later), (True, earlier)):
        found = summary(on_meta(name, v1=v1), PHOTO)
        assert (found.params, found.macs) == (params, macs)


@pytest.mark.parametrize("name", [*TABLE_1, "plain34"])
def test_a_name_counts_its_layers_with_weights(name: str) -> None:
    trunk = [
        layer
        for key, layer in on_meta(name).named_modules()
        if isinstance(layer, (nn.Conv2d, nn.Linear)) and "downsample" not in key
    ]
    assert f"{len(trunk)}" == name.lstrip("resntplai")


def test_plain_34_is_resnet_34_without_its_shortcuts() -> None:
    residual, plain = on_meta("resnet34").state_dict(), on_meta("plain34").state_dict()
    assert list(plain) == [key for key in residual if "downsample" not in key]
    projections = sum(
        p.numel() for k, p in on_meta("resnet34").named_parameters() if "downsample" in k
    )
    assert summary(on_meta("plain34"), PHOTO).params == 21_797_672 - projections
    # Nothing else reaches the next block when a block's last norm answers zero.
    net = create("plain34").eval()
    torch.nn.init.zeros_(net.layer1[0].bn2.weight)
    assert not net.layer1[0](torch.randn(1, 64, 4, 4)).any()


def test_the_kept_numbers_of_squeeze_and_excitation() -> None:
    net = on_meta("seresnet50")
    for block in (net.layer1[0], net.layer2[0], net.layer3[0], net.layer4[0]):
        channels = block.conv3.out_channels
        assert block.se.fc1.weight.shape == (channels // 16, channels, 1, 1)
    names = [name for name, _ in net.layer1[0].named_children()]
    assert names.index("bn3") < names.index("se") < names.index("downsample")
    assert summary(net, PHOTO).params == 28_088_024
    assert summary(net, PHOTO).macs == 4_091_699_200


def test_squeeze_and_excitation_against_another_implementation() -> None:
    """timm's seresnet50: its largest activation under the same weights, and the same two images."""
    both = np.random.Generator(np.random.PCG64(0)).standard_normal((2, 3, 224, 224))
    with torch.inference_mode():
        maps = filled("seresnet50").float().features(torch.from_numpy(both[1:]).float())
    assert maps["layer4"].max().item() == pytest.approx(228.44566345, rel=1e-5)


def test_a_small_stem_keeps_the_size() -> None:
    net = create("resnet18", small=True, classes=10).eval()
    maps = net.features(torch.randn(1, 3, 32, 32))
    assert [tuple(found.shape[1:]) for found in maps.values()] == [
        (64, 32, 32),
        (64, 32, 32),
        (128, 16, 16),
        (256, 8, 8),
        (512, 4, 4),
    ]
    assert [stage.stride for stage in net.stages.values()] == [1, 1, 2, 4, 8, 0]
    assert net.conv1.weight.shape == (64, 3, 3, 3)
    assert net(torch.randn(2, 3, 32, 32)).shape == (2, 10)


def no_change(net: nn.Module) -> None:
    pass


def move_a_stride(net: nn.Module) -> None:
    net.layer3[0].conv1.stride, net.layer3[0].conv2.stride = (1, 1), (2, 2)


def another_epsilon(net: nn.Module) -> None:
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eps = 2e-5


def average_instead(net: nn.Module) -> None:
    net.maxpool = nn.AvgPool2d(3, 2, 1)


@pytest.mark.parametrize(
    ("mutate", "seen"),
    [(no_change, False), (move_a_stride, True), (another_epsilon, True), (average_instead, True)],
)
def test_golden_logits_see_what_names_and_shapes_do_not(
    mutate: Callable[[nn.Module], None], seen: bool
) -> None:
    """torchvision's resnet18 under the same weights and image."""
    net = filled("resnet18")
    mutate(net)
    first = [24.757504704741294, -14.271861359911354, 35.403916737638454, -34.488939841197656]
    with torch.inference_mode():
        logits = net(image(224, 224))
    if seen:
        with pytest.raises(AssertionError):
            assert_golden(logits, first, 82.4690533154763)
    else:
        assert_golden(logits, first, 82.4690533154763)


def test_bad_classes_are_named() -> None:
    with pytest.raises(ArgumentError, match="classes: got 0"):
        create("resnet18", classes=0)
