"""Foreign state dicts, made of our own by hand-written names, come back as they were."""

import re

import pytest
import torch
from torch import Tensor

from striate.errors import ArgumentError
from striate.models import adapters, create
from striate.models.adapters import efficientnet_lite_from_package, efficientnet_lite_from_timm

NETS = ("efficientnet_lite0", "efficientnet_lite4")
LEAVES = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
# The first and the second block of Lite0 in full, and the ends: package, timm, ours.
PAIRS = (
    ("_conv_stem", "conv_stem", "features.0.0"),
    ("_bn0", "bn1", "features.0.1"),
    ("_blocks.0._depthwise_conv", "blocks.0.0.conv_dw", "features.1.0.block.0.0"),
    ("_blocks.0._bn1", "blocks.0.0.bn1", "features.1.0.block.0.1"),
    ("_blocks.0._project_conv", "blocks.0.0.conv_pw", "features.1.0.block.1.0"),
    ("_blocks.0._bn2", "blocks.0.0.bn2", "features.1.0.block.1.1"),
    ("_blocks.1._expand_conv", "blocks.1.0.conv_pw", "features.2.0.block.0.0"),
    ("_blocks.1._bn0", "blocks.1.0.bn1", "features.2.0.block.0.1"),
    ("_blocks.1._depthwise_conv", "blocks.1.0.conv_dw", "features.2.0.block.1.0"),
    ("_blocks.1._bn1", "blocks.1.0.bn2", "features.2.0.block.1.1"),
    ("_blocks.1._project_conv", "blocks.1.0.conv_pwl", "features.2.0.block.2.0"),
    ("_blocks.1._bn2", "blocks.1.0.bn3", "features.2.0.block.2.1"),
    ("_blocks.2._bn0", "blocks.1.1.bn1", "features.2.1.block.0.1"),
    ("_blocks.15._bn2", "blocks.6.0.bn3", "features.7.0.block.2.1"),
    ("_conv_head", "conv_head", "features.8.0"),
    ("_bn1", "bn2", "features.8.1"),
    ("_fc", "classifier", "classifier.1"),
)


def ours(name: str) -> dict[str, Tensor]:
    with torch.device("meta"):
        return create(name).state_dict()


def package_names(state: dict[str, Tensor]) -> dict[str, str]:
    """Ours -> the package's, from our numbers alone."""
    blocks = list(dict.fromkeys(re.findall(r"features\.\d\.\d+\.block", " ".join(state))))
    names = {}
    for key in state:
        found = re.match(r"(features\.\d\.\d+\.block)\.(\d)\.(\d)\.(\w+)", key)
        if found:
            block, step, part, leaf = found.groups()
            place = int(step) + (0 if f"{block}.2.0.weight" in state else 1)
            module = f"_bn{place}" if part == "1" else STEPS[place]
            names[key] = f"_blocks.{blocks.index(block)}.{module}.{leaf}"
        else:
            module, _, leaf = key.rpartition(".")
            names[key] = f"{ENDS[module][0]}.{leaf}"
    return names


def timm_names(state: dict[str, Tensor]) -> dict[str, str]:
    names = {}
    for key in state:
        found = re.match(r"features\.(\d)\.(\d+)\.block\.(\d)\.(\d)\.(\w+)", key)
        if found:
            stage, place, step, part, leaf = found.groups()
            full = f"features.{stage}.{place}.block.2.0.weight" in state
            steps = ("conv_pw", "conv_dw", "conv_pwl") if full else ("conv_dw", "conv_pw")
            module = f"bn{int(step) + 1}" if part == "1" else steps[int(step)]
            names[key] = f"blocks.{int(stage) - 1}.{place}.{module}.{leaf}"
        else:
            module, _, leaf = key.rpartition(".")
            names[key] = f"{ENDS[module][1]}.{leaf}"
    return names


STEPS = ("_expand_conv", "_depthwise_conv", "_project_conv")
ENDS = {own: (package, timm) for package, timm, own in PAIRS if "block" not in own}
KINDS = {
    "package": (efficientnet_lite_from_package, package_names, 0),
    "timm": (efficientnet_lite_from_timm, timm_names, 1),
}


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_tensor_comes_back_under_our_name(kind: str, name: str) -> None:
    adapter, naming, _ = KINDS[kind]
    state = ours(name)
    names = naming(state)
    back = adapter({names[key]: tensor for key, tensor in reversed(state.items())})
    assert set(back) == set(state)
    assert all(back[key] is tensor for key, tensor in state.items())


@pytest.mark.parametrize("kind", KINDS)
def test_names_written_by_hand(kind: str) -> None:
    _, naming, column = KINDS[kind]
    state = ours("efficientnet_lite0")
    names = naming(state)
    for pair in PAIRS:
        leaves = [leaf for leaf in LEAVES if f"{pair[2]}.{leaf}" in state]
        assert leaves
        for leaf in leaves:
            assert names[f"{pair[2]}.{leaf}"] == f"{pair[column]}.{leaf}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stranger", ["module.fc.weight", "_blocks.99._bn1.weight", "loose"])
def test_a_stranger_is_named(kind: str, stranger: str) -> None:
    adapter, naming, _ = KINDS[kind]
    state = ours("efficientnet_lite0")
    names = naming(state)
    foreign = {names[key]: tensor for key, tensor in state.items()}
    with pytest.raises(ArgumentError, match=f"state: got '{re.escape(stranger)}', expected only"):
        adapter({**foreign, stranger: torch.zeros(1)})


def test_the_published_detectors_names() -> None:
    old = {
        "backbone.fpn.inner_blocks.0.weight": "backbone.fpn.inner_blocks.0.0.weight",
        "backbone.fpn.layer_blocks.3.bias": "backbone.fpn.layer_blocks.3.0.bias",
        "rpn.head.conv.weight": "rpn.head.conv.0.0.weight",
        "rpn.head.cls_logits.weight": "rpn.head.cls_logits.weight",
        "backbone.body.conv1.weight": "backbone.body.conv1.weight",
    }
    state = {name: torch.zeros(1) for name in old}
    assert list(adapters.fasterrcnn_from_2019(state)) == list(old.values())
    with torch.device("meta"):
        known = create("fasterrcnn_resnet50_fpn", frozen_norm=True).state_dict()
    assert set(old.values()) <= known.keys()


def test_the_published_densenets_names() -> None:
    with torch.device("meta"):
        known = create("densenet121").state_dict()
    published = {
        re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", name): tensor
        for name, tensor in known.items()
    }
    assert published.keys() != known.keys()
    assert adapters.densenet_from_2017(published).keys() == known.keys()
