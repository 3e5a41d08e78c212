import pytest
import torch
from golden_nets import assert_golden, filled, image
from torch import nn

from striate.anatomy import summary
from striate.errors import ArgumentError
from striate.models import create
from striate.models.contract import ConvNet
from striate.models.densenet import ROWS

TABLE_2 = {
    "densenet_40_12": (1_019_722, 1_060_132),
    "densenet_100_12": (6_979_642, 7_084_852),
    "densenet_100_24": (27_249_082, 27_457_972),
    "densenet_bc_100_12": (769_162, 800_032),
    "densenet_bc_250_24": (15_324_406, 15_480_556),
    "densenet_bc_190_40": (25_624_430, 25_821_620),
}
"""Parameters for 10 and for 100 classes."""
TABLE_1 = {
    "densenet121": (7_978_856, 2_834_161_664),
    "densenet161": (28_681_000, 7_727_907_072),
    "densenet169": (14_149_480, 3_359_843_328),
    "densenet201": (20_013_928, 4_291_365_888),
}
# torchvision's densenet121 under the weights and the image of `golden_nets`.
FIRST = [-2.8810196288349745, 3.879378101318083, -0.8047381142805488, -1.041129298400148]
LARGEST = 5.875599595996581


def on_meta(name: str, **options: object) -> ConvNet:
    with torch.device("meta"):
        return create(name, **options)


@pytest.mark.parametrize("name", TABLE_2)
@pytest.mark.parametrize("classes", [10, 100])
def test_parameters_of_table_2(name: str, classes: int) -> None:
    net = on_meta(name, classes=classes)
    wanted = TABLE_2[name][classes == 100]
    assert sum(parameter.numel() for parameter in net.parameters()) == wanted


@pytest.mark.parametrize("name", TABLE_1)
def test_counts_of_table_1(name: str) -> None:
    found = summary(on_meta(name), (3, 224, 224))
    assert (found.params, found.macs) == TABLE_1[name]


@pytest.mark.parametrize("name", ROWS)
def test_a_name_counts_its_layers(name: str) -> None:
    layers = [m for m in on_meta(name).modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    depth = name.removeprefix("densenet").removeprefix("_bc").strip("_").split("_")[0]
    # The blocks printed for 264 make 265 layers.
    assert len(layers) == int(depth) + (name == "densenet264")


def test_every_layer_adds_k_maps_and_a_transition_halves_them() -> None:
    for name, share in (("densenet_bc_100_12", 2), ("densenet_40_12", 1)):
        net, row = on_meta(name), ROWS[name]
        channels = row.stem
        for number, depth in enumerate(row.layers, 1):
            channels += depth * row.growth
            assert net.stages[f"denseblock{number}"].channels == channels
            channels //= share


def test_the_last_map_is_normed_and_rectified() -> None:
    net = create("densenet_bc_100_12").eval()
    nn.init.normal_(net.features.norm5.bias)
    x = torch.randn(1, 3, 8, 8)
    found = net.features(x)["denseblock3"]
    assert found.min() == 0
    torch.testing.assert_close(net(x), net.classifier(found.mean((2, 3))))


def test_golden_logits() -> None:
    with torch.inference_mode():
        assert_golden(filled("densenet121")(image(224, 224)), FIRST, LARGEST)


def test_golden_logits_see_another_pooling() -> None:
    net = filled("densenet121")
    for number in (1, 2, 3):
        net.set_submodule(f"features.transition{number}.pool", nn.MaxPool2d(2))
    with torch.inference_mode():
        logits = net(image(224, 224))
    with pytest.raises(AssertionError):
        assert_golden(logits, FIRST, LARGEST)


def test_bad_classes_are_named() -> None:
    with pytest.raises(ArgumentError, match="classes: got 0"):
        create("densenet121", classes=0)
