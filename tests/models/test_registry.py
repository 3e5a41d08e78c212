import subprocess
import sys

import pytest
import torch

from striate.errors import ArgumentError
from striate.models import create, entry, list_models
from striate.models.catalogue import ENTRIES
from striate.models.papers import PAPERS


def test_names_are_sorted_and_unique() -> None:
    names = [entry.name for entry in ENTRIES]
    assert list_models() == sorted(set(names))
    assert len(names) == len(set(names))


def test_every_paper_is_somebodys_and_every_network_has_one() -> None:
    assert {entry.paper_key for entry in ENTRIES} == PAPERS.keys()


def test_families_are_files() -> None:
    assert entry("inception_resnet_v2").family == "inception"
    assert entry("inception_v3").family == "inception"
    assert entry("resnet20").family == entry("resnet50").family == "resnet"


def test_several_inputs_and_one() -> None:
    assert entry("resnet18").inputs == ((3, 224, 224),)
    assert entry("twostream").inputs == ((3, 224, 224), (20, 224, 224))


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(ArgumentError, match="Did you mean lecture_net"):
        create("lecturenet")
    with pytest.raises(ArgumentError, match="Did you mean resnet50"):
        create("ResNet-50")


def test_without_a_near_name_the_families_are_told() -> None:
    with pytest.raises(
        ArgumentError, match=r"model. Families: airbench, alexnet, .*wavenet.*`striate models`"
    ):
        create("bert")


@pytest.mark.parametrize("name", [3, None, ["resnet18"]])
def test_a_name_is_a_string(name: object) -> None:
    with pytest.raises(ArgumentError, match=r"model: got .*, expected .* such as 'resnet18'"):
        create(name)  # type: ignore[arg-type]


def test_an_unknown_option_is_told_those_that_there_are() -> None:
    takes = r"option: got '\w+', expected one that resnet50 takes: classes, in_channels, v1, small"
    with pytest.raises(ArgumentError, match=takes + r"\. Did you mean classes\?$"):
        create("resnet50", num_classes=10)
    with pytest.raises(ArgumentError, match=takes + r"\. Did you mean in_channels\?$"):
        create("resnet50", channels=1)
    with pytest.raises(ArgumentError, match=takes + "$"):
        create("resnet50", grey=True)
    with pytest.raises(ArgumentError, match=takes):
        create("resnet50", pretrained=True, num_classes=10)


@pytest.mark.parametrize("classes", [0, -1, 2.5, True])
def test_classes_are_a_whole_number(classes: object) -> None:
    with pytest.raises(ArgumentError, match=r"classes: got .*, expected a whole number"):
        create("resnet18", classes=classes)


def test_options_reach_the_network() -> None:
    net = create("lecture_net", classes=3, in_channels=3, size=32)
    assert net(torch.zeros(2, 3, 32, 32)).shape == (2, 3)


def test_listing_imports_no_torch() -> None:
    program = (
        "import sys, striate.models, striate.models.records\n"
        "assert len(striate.models.list_models()) > 90\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
