"""Every network that torchvision or timm also has computes what theirs computes.

The files in `zoo/` hold a digest of the reference's names and shapes, its counts, and some of its
float64 logits under one deterministic fill (`golden_rule.py`, made by `make_golden.py`).
"""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from golden_rule import digest, drawn, fill, noise
from striate.anatomy import summary
from striate.models import create

ZOO = {
    path.stem: json.loads(path.read_text())
    for path in (Path(__file__).parent / "zoo").glob("*.json")
}
WITH_LOGITS = sorted(name for name, golden in ZOO.items() if "logits" in golden)
# In float64, which alone sees an epsilon: one of each family.
EXACT = [
    "alexnet", "convnext_tiny", "deeplabv3_resnet50", "densenet121", "efficientnet_b0",
    "fcn_resnet50", "googlenet", "inception_v3", "mnasnet1_0", "mobilenet_v2",
    "mobilenet_v3_small", "resnet18", "resnet50", "resnext50_32x4d", "shufflenet_v2_x1_0",
    "squeezenet1_1", "timm_darknet53", "timm_efficientnet_lite0", "timm_inception_v4",
    "timm_legacy_xception", "timm_nf_resnet50", "timm_resnetv2_50", "timm_vgg16", "vgg11",
]  # fmt: skip


def marked(names: list[str], params: float, macs: float) -> list[object]:
    """As parameters of a test: what has more weights or multiply-adds is slow."""
    light = {n for n in names if ZOO[n]["params"] < params and ZOO[n]["macs"] < macs}
    return [pytest.param(n, marks=() if n in light else pytest.mark.slow) for n in names]


def built(golden: dict[str, Any]) -> nn.Module:
    return create(golden["create"], **golden["options"]).eval()


def seeds(net: nn.Module, golden: dict[str, Any]) -> dict[str, str]:
    """Our names to the reference's: the same, or paired in order."""
    floats = [key for key, tensor in net.state_dict().items() if tensor.dtype.is_floating_point]
    return dict(zip(floats, golden.get("order", floats), strict=True))


def relative_error(net: nn.Module, golden: dict[str, Any], dtype: torch.dtype) -> float:
    """The largest difference from the reference's logits, over its largest logit."""
    with torch.inference_mode():
        answer: Tensor = net.to(dtype)(noise(golden["input"]).to(dtype))
    assert list(answer.shape) == golden["output"]
    got = answer.double().flatten()[torch.tensor(golden["positions"])]
    want = torch.tensor(golden["logits"], dtype=torch.float64)
    return float((got - want).abs().max() / golden["largest"])


def filled(golden: dict[str, Any]) -> nn.Module:
    net = built(golden)
    fill(net, golden["gain"], seeds(net, golden))
    return net


def test_the_rule_draws_what_it_drew_when_the_files_were_made() -> None:
    want = torch.tensor([0.98569009, -2.54986202, 0.80682046], dtype=torch.float64)
    got = torch.from_numpy(drawn("conv1.weight", (64, 3, 7, 7), 1.0)).flatten()[:3]
    torch.testing.assert_close(got, want * (2 / 147) ** 0.5, rtol=1e-7, atol=0)
    start = torch.tensor([0.12573022, -0.13210486, 0.64042264, 0.10490011])
    torch.testing.assert_close(noise((1, 4))[0], start)


@pytest.mark.parametrize("name", sorted(ZOO))
def test_names_shapes_and_counts(name: str) -> None:
    golden = ZOO[name]
    with torch.device("meta"):
        net = built(golden)
    state = net.state_dict()
    assert sum(parameter.numel() for parameter in net.parameters()) == golden["params"]
    if golden["match"] == "name":
        assert len(state) == golden["entries"]
        assert (
            digest([f"{k} {tuple(t.shape)}" for k, t in sorted(state.items())]) == golden["shapes"]
        )
        assert digest(list(state)) == golden["names"]


@pytest.mark.parametrize("name", marked(WITH_LOGITS, params=5e7, macs=1e10))
def test_logits_and_multiply_adds(name: str) -> None:
    golden = ZOO[name]
    net = filled(golden)
    assert relative_error(net, golden, torch.float32) <= max(2e-5, 20 * golden["noise"])
    if golden["macs"] is not None:
        assert summary(net, tuple(golden["input"][1:])).macs == golden["macs"]


@pytest.mark.parametrize("name", marked(EXACT, params=1.2e7, macs=2e9))
def test_logits_in_double_precision(name: str) -> None:
    golden = ZOO[name]
    assert relative_error(filled(golden), golden, torch.float64) <= 1e-9


def move_a_stride(net: nn.Module) -> None:
    first = net.get_submodule("layer2.0.conv1")
    second = net.get_submodule("layer3.0.conv1")
    first.stride, second.stride = (1, 1), (4, 4)
    net.get_submodule("layer2.0.downsample.0").stride = (1, 1)
    net.get_submodule("layer3.0.downsample.0").stride = (4, 4)


def another_epsilon(net: nn.Module) -> None:
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eps = 2e-5


def another_activation(net: nn.Module) -> None:
    net.relu = nn.SiLU()


def another_pooling(net: nn.Module) -> None:
    net.maxpool = nn.AvgPool2d(3, 2, 1)


@pytest.mark.parametrize(
    "mutate", [move_a_stride, another_epsilon, another_activation, another_pooling]
)
def test_a_mutation_of_equal_names_and_shapes_is_seen(mutate: Any) -> None:
    golden = ZOO["resnet18"]
    net = filled(golden)
    mutate(net)
    assert relative_error(net, golden, torch.float32) > 2e-5
