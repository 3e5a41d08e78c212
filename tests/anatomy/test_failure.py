"""A network that fails half way: the rows up to there, the layer at fault, and the mend."""

from __future__ import annotations

import logging

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.anatomy.trace import Failure, trace

FIRST = nn.Conv2d(3, 8, 3)  # 3x14x14 -> 8x12x12

# layer behind FIRST, its type, reason, expected, got, mend
LAYERS = {
    "linear": (nn.Linear(8, 2), "features", "8 features", "12", "nn.Flatten() before it and in_f"),
    "flattened": (
        nn.Sequential(nn.Flatten(), nn.Linear(512, 10)),
        "another number of features",
        "512 features",
        "1152",
        "Set in_features=1152",
    ),
    "not flattened": (nn.Linear(1152, 2), "features", "1152 features", "12", "nn.Flatten() before"),
    "channels": (nn.Conv2d(4, 8, 3), "number of channels", "4 channels", "8", "Set in_channels=8"),
    "transposed": (nn.ConvTranspose2d(4, 8, 3), "channels", "4 channels", "8", "in_channels=8"),
    "kernel": (nn.Conv2d(8, 8, 13), "shrunk below the kernel", "13x13", "12x12", "larger image"),
    "padded": (nn.Conv2d(8, 8, (17, 3), padding=(2, 0)), "shrunk", "13x3", "12x12", "padding"),
    "max pool": (nn.MaxPool2d(13), "shrunk below", "at least 13x13", "12x12", "pool less"),
    "average pool": (nn.AvgPool2d((13, 1)), "shrunk below", "at least 13x1", "12x12", "pool less"),
    "batch norm": (nn.BatchNorm2d(9), "channels", "9 channels", "8", "Set num_features=8"),
    "other norm": (nn.BatchNorm1d(8), "dimensions", "(batch, channels, length)", "1x8x12x12", "2d"),
    "group norm": (nn.GroupNorm(2, 6), "channels", "6 channels", "8", "Set num_channels=8"),
    "layer norm": (nn.LayerNorm(6), "last dim", "6 at the end", "1x8x12x12", "ized_shape=(12,)"),
    "line layer": (nn.Conv1d(8, 2, 3), "dimensions", "(batch, channels, length)", "12", "2d kind"),
    "flat too early": (
        nn.Sequential(nn.Flatten(), nn.Conv2d(8, 8, 3)),
        "number of dimensions",
        "(batch, channels, height, width)",
        "1x1152",
        "move nn.Flatten() behind it",
    ),
}


@pytest.mark.parametrize(
    ("layer", "reason", "expected", "got", "mend"), LAYERS.values(), ids=LAYERS.keys()
)
def test_layers_say_what_they_expected(
    layer: nn.Module, reason: str, expected: str, got: str, mend: str
) -> None:
    found = trace(nn.Sequential(FIRST, layer), (3, 14, 14))
    failure = found.failure
    assert failure is not None
    culprit = layer[-1] if isinstance(layer, nn.Sequential) else layer
    assert failure.type == type(culprit).__name__
    assert failure.name in ("1", "1.1")
    assert reason in failure.reason
    assert expected in failure.expected
    assert got in failure.got
    assert mend in failure.mend
    assert found.calls[0].module is FIRST  # what went well is kept
    assert found.parameters == sum(p.numel() for p in [*FIRST.parameters(), *layer.parameters()])
    assert found.output is None


class Net(nn.Module):
    def __init__(self, function: object) -> None:
        super().__init__()
        self.function = function
        self.a, self.b = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 5, 3, 2)
        self.c = nn.Conv2d(3, 5, 3)

    def forward(self, x: Tensor) -> object:
        return self.function(self, x)


FUNCTIONS = {
    "add": (
        lambda net, x: net.a(x) + net.b(x),
        ("(add)", "branches have different shapes", "1x4x12x12", "1x5x6x6", "same stride"),
    ),
    "add channels": (
        lambda net, x: net.a(x) * net.c(x),
        ("(mul)", "branches have", "1x4x12x12", "1x5x12x12", "a 1x1 convolution 5 -> 4"),
    ),
    "cat": (
        lambda net, x: torch.cat([net.a(x), net.b(x)], 1),
        ("(cat)", "another axis than 1", "1x4x12x12 but for axis 1", "1x5x6x6", "same stride"),
    ),
    "view": (
        lambda net, x: net.a(x).view(-1, 7),
        ("", "576 numbers do not fill the new shape", "-1x7", "1x4x12x12", "flatten(1)"),
    ),
    "conv": (
        lambda net, x: F.conv2d(x, torch.ones(1, 4, 3, 3)),
        ("(conv)", "number of channels", "4 channels", "3", "must read 3 channels"),
    ),
    "linear": (
        lambda net, x: F.linear(x.flatten(1), torch.ones(3, 7)),
        ("(linear)", "number of features", "7 features", "588", "must read 588 features"),
    ),
    "pool": (
        lambda net, x: F.max_pool2d(x, 15),
        ("(max_pool2d)", "shrunk below the kernel", "15x15", "14x14", "larger image"),
    ),
    "embedding": (
        lambda net, x: F.embedding(net.a(x), torch.ones(3, 3)),
        ("(embedding)", "whole numbers", "int64", "float32", "dtype=torch.int64"),
    ),
    "item": (
        lambda net, x: x * x.mean().item(),
        ("(item)", "depends on the numbers", "shapes alone", "item", "Take .item(), bool()"),
    ),
    "branch": (
        lambda net, x: net.a(x) if x.sum() > 0 else net.b(x),
        ("(item)", "depends on the numbers", "shapes alone", "item", "Take .item(), bool()"),
    ),
    "mask": (
        lambda net, x: x[x > 0],
        ("(index)", "depends on the numbers", "shapes alone", "mask", "masks out of forward"),
    ),
}


@pytest.mark.parametrize(("function", "story"), FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_functions_say_what_they_expected(function: object, story: tuple[str, ...]) -> None:
    failure = trace(Net(function), (3, 14, 14)).failure
    assert failure is not None
    name, reason, expected, got, mend = story
    assert failure.name == name
    assert reason in failure.reason
    assert expected in failure.expected
    assert got in failure.got
    assert mend in failure.mend


def test_a_bug_in_forward_is_told_in_its_own_words() -> None:
    failure = trace(Net(lambda net, x: net.missing(x)), (3, 14, 14)).failure
    assert str(failure) == "Net: AttributeError: 'Net' object has no attribute 'missing'"
    silent = trace(Net(lambda net, x: (_ for _ in ()).throw(KeyError())), (3, 14, 14)).failure
    assert silent is not None
    assert silent.reason == "KeyError"


def test_the_failing_layer_is_the_innermost() -> None:
    inner = nn.Sequential(nn.ReLU(), nn.Linear(5, 5))
    found = trace(nn.Sequential(FIRST, nn.Sequential(inner)), (3, 14, 14))
    assert found.failure is not None
    assert found.failure.name == "1.0.1"
    assert found.failure.inputs == ((1, 8, 12, 12),)
    assert [call.name for call in found.calls] == ["0", "1.0.0"]


@pytest.mark.parametrize("shape", [(1, 3, 14, 14), (14, 14), (14,)])
def test_a_shape_with_a_batch_axis_is_told(shape: tuple[int, ...]) -> None:
    failure = trace(FIRST, shape).failure
    assert failure is not None
    assert failure.mend == "Give input_shape as (channels, height, width), without a batch axis"


def test_a_sequence_the_wrong_way_round() -> None:
    failure = trace(nn.LSTM(4, 5, batch_first=True), (4, 7)).failure
    assert failure is not None
    assert "transpose(1, 2)" in failure.mend
    failure = trace(nn.GRU(4, 5, batch_first=True), (3, 7)).failure
    assert failure is not None
    assert failure.mend == "Set input_size=7"


def test_a_missing_input_is_told() -> None:
    failure = trace(nn.Bilinear(3, 4, 5), (3,)).failure
    assert failure is not None
    assert "missing 1 required positional argument" in failure.reason
    assert "one shape per argument" in failure.mend


def test_a_failure_the_network_catches_is_none() -> None:
    def tries(net: Net, x: Tensor) -> Tensor:
        try:
            return net.a(x.flatten(1))
        except RuntimeError:
            return net.a(x)

    found = trace(Net(tries), (3, 14, 14))
    assert found.failure is None
    assert [call.name for call in found.calls] == ["a"]


def test_torch_adds_no_traceback_of_its_own() -> None:
    log, records = logging.getLogger("torch._subclasses.fake_tensor"), []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    log.addHandler(handler)
    assert trace(nn.Sequential(FIRST, nn.Linear(8, 2)), (3, 14, 14)).failure is not None
    log.removeHandler(handler)
    assert not records
    assert not log.disabled


def test_one_line_says_it_all() -> None:
    net = nn.Sequential(FIRST, nn.Flatten(), nn.Linear(512, 10))
    assert str(trace(net, (3, 14, 14)).failure) == (
        "2 (Linear): the input has another number of features: "
        "expected 512 features, got 1152. Set in_features=1152"
    )
    assert str(Failure("", "Net", (), "broke")) == "Net: broke"
    assert str(Failure("a.(add)", "add", (), "broke", "1", "2", "Mend it")) == (
        "a.(add): broke: expected 1, got 2. Mend it"
    )
