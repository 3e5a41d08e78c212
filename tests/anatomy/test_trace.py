"""Whole networks: totals worked out by hand or printed by a lecture, and nothing touched."""

from __future__ import annotations

import copy
import hashlib
import resource
import sys
import time
import warnings
from collections import OrderedDict
from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils import parametrizations
from torch.utils.flop_counter import FlopCounterMode

from striate.anatomy import diagram, lint, summary
from striate.anatomy.geometry import Field
from striate.anatomy.trace import Call, Trace, trace
from striate.errors import ArgumentError, StriateError
from striate.layers.local import LocalConv2d


def named(found: Trace) -> dict[str, Call]:
    return {call.name: call for call in found.calls}


def conv(cin: int, cout: int, k: int, stride: int = 1, padding: int = 0) -> nn.Conv2d:
    return nn.Conv2d(cin, cout, k, stride, padding, bias=False)


# --- nets that are counted by hand ---


def test_lenet_by_hand() -> None:
    net = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.Linear(120, 84),
        nn.Linear(84, 10),
    )
    found = trace(net, (1, 28, 28))
    assert found.failure is None
    assert found.output == (1, 10)
    assert [call.parameters for call in found.calls if call.parameters] == [
        6 * 25 + 6,
        16 * 6 * 25 + 16,
        400 * 120 + 120,
        120 * 84 + 84,
        84 * 10 + 10,
    ]
    assert found.parameters == 61_706
    macs = [28 * 28 * 6 * 25, 10 * 10 * 16 * 150, 48_000, 10_080, 840]
    assert [call.macs for call in found.calls if call.macs] == macs
    assert found.macs == sum(macs) == 416_520
    floats = 2 * 6 * 784 + 6 * 196 + 2 * 1600 + 400 + 120 + 84 + 10  # the flattened map is a view
    assert found.activation_bytes == 4 * floats
    assert [call.sources for call in found.calls] == [(index - 1,) for index in range(10)]


def test_the_lectures_keras_net_has_34826_parameters() -> None:
    net = nn.Sequential(
        *(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Dropout(0.5), nn.Linear(1600, 10)),
    )
    found = trace(net, (1, 28, 28))
    assert found.parameters == sum(call.parameters for call in found.calls) == 34_826
    assert found.macs == 26 * 26 * 32 * 9 + 11 * 11 * 64 * 288 + 16_000


class Block(nn.Module):
    """ResNet's basic block, one ReLU for both uses."""

    def __init__(self, cin: int, cout: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv(cin, cout, 3, stride, 1), nn.BatchNorm2d(cout)
        self.conv2, self.bn2 = conv(cout, cout, 3, 1, 1), nn.BatchNorm2d(cout)
        self.relu, self.down = nn.ReLU(inplace=True), nn.Sequential()
        if stride > 1 or cin != cout:
            self.down = nn.Sequential(conv(cin, cout, 1, stride), nn.BatchNorm2d(cout))

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(y + self.down(x))


def test_residual_block_by_hand() -> None:
    found = trace(Block(4, 8, 2), (4, 10, 10))
    calls = named(found)
    assert found.parameters == 8 * 36 + 8 * 72 + 8 * 4 + 3 * 16
    assert found.macs == 25 * (8 * 36 + 8 * 72 + 8 * 4)
    assert calls["(add)"].sources == (calls["bn2"].index, calls["down.1"].index)
    assert calls["down.0"].sources == (-1,)
    relus = [call for call in found.calls if call.name == "relu"]
    assert [call.shared for call in relus] == [False, True]
    assert [call.bytes for call in relus] == [0, 0]  # in place
    assert calls["conv1"].bytes == 4 * 8 * 25


def test_an_identity_shortcut_does_not_take_over_its_input() -> None:
    class Skip(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.same, self.b = nn.Conv2d(1, 1, 1), nn.Identity(), nn.Conv2d(1, 1, 1)

        def forward(self, x: Tensor) -> Tensor:
            x = self.a(x)
            kept = self.same(x)
            return self.b(x) + kept

    calls = named(trace(Skip(), (1, 4, 4)))
    assert calls["b"].sources == (calls["a"].index,)
    assert calls["(add)"].sources == (calls["b"].index, calls["same"].index)


class Inception(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.three = conv(6, 4, 1), nn.Sequential(conv(6, 2, 1), conv(2, 5, 3, 1, 1))
        self.pooled = nn.Sequential(nn.MaxPool2d(3, 1, 1), conv(6, 3, 1))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        joined = torch.cat([self.one(x), self.three(x), self.pooled(x)], 1)
        return {"map": joined, "mean": joined.mean((2, 3))}


def test_inception_block_with_a_dict_for_output() -> None:
    found = trace(Inception(), (6, 8, 8))
    assert found.output == {"map": (1, 12, 8, 8), "mean": (1, 12)}
    assert found.parameters == 24 + 12 + 90 + 18
    assert found.macs == 64 * found.parameters
    calls = named(found)
    tips = ("one", "three.1", "pooled.1")
    assert calls["(cat)"].sources == tuple(calls[tip].index for tip in tips)
    assert calls["(cat)"].bytes == 4 * 12 * 64
    assert calls["(cat)"].fields is not None
    assert [field.size for field in calls["(cat)"].fields] == [3, 3]


def test_a_shared_module_counts_parameters_once_and_work_each_time() -> None:
    layer = nn.Conv2d(3, 3, 3, padding=1)
    found = trace(nn.Sequential(layer, nn.ReLU(), layer), (3, 8, 8))
    assert [call.parameters for call in found.calls] == [84, 0, 0]
    assert [call.shared for call in found.calls] == [False, False, True]
    assert found.parameters == 84
    assert found.macs == 2 * 81 * 64


def test_tied_weights_count_once() -> None:
    class Words(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.read, self.write = nn.Embedding(50, 8), nn.Linear(8, 50, bias=False)
            self.write.weight = self.read.weight

        def forward(self, x: Tensor) -> Tensor:
            return self.write(self.read(x))

    found = trace(Words(), (7,))  # the input is words, which nobody had to say
    assert found.output == (1, 7, 50)
    assert found.parameters == 400
    assert [call.parameters for call in found.calls] == [400, 0]
    assert found.macs == 7 * 400


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_recurrent_layers(kind: type[nn.RNNBase], bidirectional: bool) -> None:
    net = kind(4, 6, num_layers=2, batch_first=True, bidirectional=bidirectional)
    found = trace(net, (5, 4))
    gates, ways = {nn.LSTM: 4, nn.GRU: 3, nn.RNN: 1}[kind], 1 + bidirectional
    weights = ways * gates * 6 * ((4 + 6) + (ways * 6 + 6))
    assert found.macs == 5 * weights
    assert found.parameters == weights + ways * gates * 6 * 4  # two biases in each of two layers
    assert found.output[0] == (1, 5, 6 * ways)
    assert len(found.calls) == 1


@pytest.mark.parametrize("shape", [(5, 4), (5, 1)])
def test_recurrent_shapes_are_those_of_a_real_run(shape: tuple[int, int]) -> None:
    class Unbatched(nn.Module):
        def __init__(self, **options: bool) -> None:
            super().__init__()
            self.gru = nn.GRU(shape[1], 6, 2, **options)

        def forward(self, x: Tensor) -> object:
            return self.gru(x), self.gru(x[0], torch.zeros(2, 6)), self.gru(x.double().float())

    for net in (Unbatched(), Unbatched(batch_first=True)):
        (y, h), (flat, last), _ = net(torch.zeros(1, *shape))
        found = trace(net, shape)
        assert found.failure is None
        assert found.output[0] == (tuple(y.shape), tuple(h.shape))
        assert found.output[1] == (tuple(flat.shape), tuple(last.shape))


def test_a_thousand_steps_cost_no_more_than_one() -> None:
    start = time.process_time()
    found = trace(nn.GRU(40, 64, 2, batch_first=True), (20_000, 40))
    assert time.process_time() - start < 10  # 40,000 cells one by one take a minute
    assert found.macs == 20_000 * 3 * 64 * (40 + 64 + 64 + 64)
    assert found.calls[0].outputs == ((1, 20_000, 64), (2, 1, 64))
    assert found.calls[0].bytes == 4 * 64 * 20_002


def test_transposed_grouped_and_dilated_convolutions() -> None:
    net = nn.Sequential(
        nn.Conv2d(4, 8, 3, groups=4, dilation=2, bias=False),
        nn.ConvTranspose2d(8, 6, 3, stride=2, padding=1, output_padding=1, groups=2, bias=False),
    )
    found = trace(net, (4, 9, 9))
    assert found.output == (1, 6, 10, 10)
    assert [call.macs for call in found.calls] == [25 * 8 * 9, 25 * 8 * 3 * 9]


class Functional(nn.Module):
    """No layer but its own parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.ones(4, 3, 3, 3))
        self.matrix = nn.Parameter(torch.ones(10, 4 * 9))

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(F.conv2d(x, self.kernel)), 2)
        return F.linear(x.flatten(1), self.matrix)


def test_functional_calls_count_and_own_their_parameters() -> None:
    found = trace(Functional(), (3, 8, 8))
    assert [call.type for call in found.calls] == ["conv", "relu", "max_pool2d", "linear"]
    assert [call.name for call in found.calls] == [f"({call.type})" for call in found.calls]
    assert [call.parameters for call in found.calls] == [108, 0, 0, 360]
    assert [call.macs for call in found.calls] == [36 * 108, 0, 0, 360]
    assert [call.sources for call in found.calls] == [(-1,), (0,), (1,), (2,)]


def test_a_transformer_layer_counts_its_attention() -> None:
    net = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    found = trace(net, (5, 16))
    assert found.failure is None
    assert found.macs == 5 * 4 * 16 * 16 + 2 * 5 * 5 * 16 + 2 * 5 * 16 * 32
    calls = named(found)
    assert calls["self_attn"].parameters == 4 * 16 * 16 + 4 * 16
    assert found.parameters == sum(call.parameters for call in found.calls)


def test_lists_of_modules_parameters_of_parents_and_buffers() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList([conv(2, 2, 1), conv(2, 2, 1)])
            self.scale = nn.Parameter(torch.ones(2, 1, 1), requires_grad=False)
            self.register_buffer("mean", torch.zeros(2, 1, 1))
            self.spare = nn.Linear(3, 3)

        def forward(self, x: Tensor) -> Tensor:
            for layer in self.layers:
                x = layer(x - self.mean)
            return x * self.scale

    found = trace(Scaled(), (2, 4, 4))
    assert [call.name for call in found.calls] == [
        *("(sub)", "layers.0", "(sub)", "layers.1", "(mul)")
    ]
    assert found.parameters == 4 + 4 + 2 + 12
    assert sum(call.parameters for call in found.calls) == 10  # `spare` was not called
    assert found.trainable == 20
    assert found.buffers == 2
    assert found.weight_bytes == 4 * 24


def test_lazy_layers_learn_their_sizes() -> None:
    net = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(10))
    found = trace(net, (3, 6, 6))
    assert found.failure is None
    assert found.parameters == 4 * 27 + 4 + 8 + 64 * 10 + 10
    assert isinstance(net[0].weight, nn.UninitializedParameter)
    assert [call.type for call in found.calls] == ["Conv2d", "BatchNorm2d", "Flatten", "Linear"]


def test_local_receptive_fields_use_each_weight_once() -> None:
    layer = LocalConv2d(3, 5, size=28, kernel_size=5)
    found = trace(nn.Sequential(layer, nn.ReLU()), (3, 28, 28))
    assert found.parameters == 218_880
    assert found.macs == 218_880 - 5 * 24 * 24  # all but the biases
    assert found.calls[0].fields == (Field(5, 1, 2),) * 2
    strided = LocalConv2d(1, 1, size=9, kernel_size=3, stride=2, padding=1)
    assert trace(strided, (1, 9, 9)).calls[-1].fields == (Field(3, 2, 0),) * 2


def test_weight_norm_is_part_of_its_layer() -> None:
    net = nn.Sequential(parametrizations.weight_norm(nn.Conv2d(3, 4, 3)), nn.ReLU())
    found = trace(net, (3, 8, 8))
    assert [(call.name, call.type) for call in found.calls] == [("0", "Conv2d"), ("1", "ReLU")]
    assert found.parameters == found.calls[0].parameters == 108 + 4 + 4
    assert found.macs == 36 * 108


def test_a_bag_of_words() -> None:
    found = trace(nn.EmbeddingBag(10, 4), (6,))
    assert found.output == (1, 4)


def test_several_inputs() -> None:
    found = trace(nn.Bilinear(3, 4, 5), ((3,), (4,)))
    assert found.input_shape == ((3,), (4,))
    assert found.output == (1, 5)
    assert found.parameters == 65


def test_ordered_tuple_and_dataclass_outputs() -> None:
    class Both(nn.Module):
        def forward(self, x: Tensor) -> object:
            return OrderedDict(a=x, b=[x.sum(1), {"c": (x, None)}])

    assert trace(Both(), (2, 3)).output == {
        "a": (1, 2, 3),
        "b": ((1, 3), {"c": ((1, 2, 3), None)}),
    }


def test_dataclasses_are_looked_into_and_their_classes_are_not() -> None:
    @dataclass
    class Found:
        map: Tensor

    class Both(nn.Module):
        def forward(self, x: Tensor) -> object:
            return Found(x), Found

    assert trace(Both(), (2, 3)).output == ({"map": (1, 2, 3)}, None)


def test_tensors_that_a_network_keeps_in_nests_have_doubles_too() -> None:
    @dataclass
    class Node:
        table: Tensor
        parent: Node | None = None
        child: Node | None = None

    class Keeper(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            root = Node(torch.zeros(1, 3))
            root.child = Node(torch.zeros(1, 3), parent=root)  # a ring
            self.tree = {"kind": Node, "roots": [root]}

        def forward(self, x: Tensor) -> Tensor:
            [root] = self.tree["roots"]
            root.child.table += 1
            return x + root.child.table

    net = Keeper()
    assert trace(net, (3,)).output == (1, 3)
    assert net.tree["roots"][0].child.table.sum() == 0


# --- the large ones ---


def vgg16() -> nn.Sequential:
    layers: list[nn.Module] = []
    channels = 3
    for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
            channels = width
        layers.append(nn.MaxPool2d(2))
    head = [nn.Linear(25_088, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), *head, nn.Dropout(), nn.Linear(4096, 1000))


def resnet18() -> nn.Module:
    stem = [conv(3, 64, 7, 2, 3), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    stages: list[nn.Module] = []
    for cin, cout, stride in ((64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)):
        stages += [Block(cin, cout, stride), Block(cout, cout)]
    return nn.Sequential(
        *stem, *stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000)
    )


def resident() -> int:
    """Bytes of memory this process holds; 0 where the system does not tell."""
    if sys.platform != "linux":
        return 0
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def test_vgg16_takes_no_time_and_no_memory() -> None:
    with torch.device("meta"):
        net = vgg16()
    trace(nn.ReLU(), (1, 2))  # torch's own start-up
    before, start = resident(), time.process_time()
    found = trace(net, (3, 224, 224))
    # Really run, a picture of this size takes 100 GB for one map, and minutes.
    trace(net[:-8], (3, 20_000, 20_000))
    assert time.process_time() - start < 10
    assert resident() - before < 100e6  # the weights alone are 553 MB
    assert found.parameters == 138_357_544
    assert found.macs == 15_470_264_320
    assert found.weight_bytes == 4 * 138_357_544
    last_map = [call for call in found.calls if call.type == "MaxPool2d"][-1]
    assert [field.size for field in last_map.fields or ()] == [212, 212]


def test_resnet18() -> None:
    with torch.device("meta"):
        found = trace(resnet18(), (3, 224, 224))
    assert found.parameters == 11_689_512
    assert found.macs == 1_814_073_344
    last_map = next(call for call in found.calls if call.name == "11.(add)")
    assert [field.size for field in last_map.fields or ()] == [435, 435]


# --- against torch's own counter, over random nets ---


@st.composite
def random_nets(draw: st.DrawFn) -> nn.Module:
    channels, layers = 4, [nn.Conv2d(4, 4, 1)]
    for _ in range(draw(st.integers(1, 5))):
        wide = draw(st.sampled_from([4, 8, 12]))
        k, s = draw(st.sampled_from([1, 3, 5])), draw(st.integers(1, 2))
        groups = draw(st.sampled_from([1, 2, 4]))
        kind = draw(st.sampled_from([nn.Conv2d, nn.ConvTranspose2d, Block, nn.Upsample]))
        if kind is Block:
            layers.append(Block(channels, wide, s))
        elif kind is nn.Upsample:
            layers.append(nn.Upsample(scale_factor=2))
            continue
        else:
            layers.append(kind(channels, wide, k, s, k // 2, groups=groups))
        channels = wide
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(channels * 4, 7))


@settings(deadline=None, max_examples=25)
@given(net=random_nets(), size=st.integers(8, 20))
def test_macs_are_half_of_torchs_flops(net: nn.Module, size: int) -> None:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net.eval()(torch.zeros(1, 4, size, size))
    found = trace(net, (4, size, size))
    assert found.macs * 2 == counter.get_total_flops()
    assert found.parameters == sum(p.numel() for p in net.parameters())
    assert sum(call.parameters for call in found.calls) == found.parameters


def test_attention_macs_are_half_of_torchs_flops() -> None:
    net = nn.MultiheadAttention(8, 2, batch_first=True)

    class Self(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return F.scaled_dot_product_attention(x, x, x)

    assert trace(Self(), (2, 7, 8)).macs == 2 * 2 * 7 * 7 * 8
    assert trace(Self(), (2, 7, 8)).calls[0].type == "attention"
    assert trace(net, ((7, 8), (5, 8), (5, 8))).macs == 2 * 7 * 64 + 2 * 5 * 64 + 2 * 7 * 5 * 8


# --- nothing is touched ---


class Busy(nn.Module):
    """Keeps books while it runs, as many a network does."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn, self.drop = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout()
        self.lstm = nn.LSTM(4, 3)
        self.register_buffer("runs", torch.zeros((), dtype=torch.int64))
        self.cache: list[Tensor] = [torch.ones(3)]
        self.last: Tensor | None = None
        self.count = 0

    def forward(self, x: Tensor) -> Tensor:
        self.count += 1
        self.runs += 1
        self.last = self.drop(self.bn(self.conv(x)))
        self.cache.append(self.last)
        noise = torch.rand_like(self.last)
        return self.lstm((self.last + noise).flatten(2).squeeze(0).mT)[0]


def state(net: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in net.state_dict().items():
        digest.update(name.encode() + tensor.numpy().tobytes())
    return digest.hexdigest()


def test_the_network_never_notices() -> None:
    net = Busy().train()
    net.bn.eval()
    net.conv.weight.grad = torch.ones_like(net.conv.weight)
    grads = net.conv.weight.grad
    before, random = state(net), torch.get_rng_state()
    pointers = [p.data_ptr() for p in net.parameters()]
    hooks = copy.copy([len(m._forward_hooks) + len(m._forward_pre_hooks) for m in net.modules()])
    assert trace(net, (3, 9, 9)).failure is None
    assert state(net) == before
    assert torch.equal(torch.get_rng_state(), random)
    assert [m.training for m in net.modules()] == [True, True, False, True, True]
    assert [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in net.modules()] == hooks
    assert [p.data_ptr() for p in net.parameters()] == pointers
    assert net.conv.weight.grad is grads
    assert net.count == 0
    assert net.last is None
    assert len(net.cache) == 1
    assert net(torch.rand(1, 3, 9, 9)).shape == (49, 3)


def test_the_same_under_no_grad_inference_and_float64() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).double()
    once = trace(net, (3, 9, 9))
    assert once.calls[0].bytes == 8 * 4 * 49
    with torch.inference_mode():
        assert trace(net, (3, 9, 9)).macs == once.macs
    assert trace(net, (3, 9, 9), dtype=torch.float32).failure is not None


def test_meta_networks_and_real_ones_agree() -> None:
    with torch.device("meta"):
        meta = resnet18()
    real = trace(resnet18(), (3, 64, 64))
    ghostly = trace(meta, (3, 64, 64))
    assert [(c.name, c.outputs, c.macs, c.fields) for c in real.calls] == [
        (c.name, c.outputs, c.macs, c.fields) for c in ghostly.calls
    ]
    assert [call.module for call in ghostly.calls if call.name == "0"] == [meta[0]]


def test_it_agrees_with_a_real_run() -> None:
    net = resnet18().eval()
    shapes = []
    for module in net.modules():
        if not list(module.children()) and list(module.parameters()):
            module.register_forward_hook(lambda m, x, y: shapes.append(tuple(y.shape)))
    with torch.no_grad():
        net(torch.zeros(1, 3, 65, 70))
    expected = shapes.copy()
    found = trace(net, (3, 65, 70))
    assert [call.outputs[0] for call in found.calls if call.parameters] == expected


@pytest.mark.parametrize(
    "shape", ["3,2,2", 3, (), (3, 0), (3, -1), (3, 2.0), (True, 2), None, ((3, 2), "x"), ((3,), ())]
)
def test_wrong_shapes_are_refused(shape: object) -> None:
    with pytest.raises(ArgumentError, match=r"input_shape: got .*, expected the shape of one"):
        trace(nn.ReLU(), shape)  # type: ignore[arg-type]


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"net: got .*expected a torch.nn.Module. Call it if"):
        trace(nn.ReLU, (1, 2))  # type: ignore[arg-type]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is on its way out
        script = torch.jit.script(nn.ReLU())
    with pytest.raises(ArgumentError, match=r"layers that can be watched.* Give the Python module"):
        trace(nn.Sequential(script), (1, 2))
    net = nn.ReLU()
    net.log = (line for line in ())  # type: ignore[assignment]
    with pytest.raises(StriateError, match=r"net: the network can't be copied .*generators"):
        trace(net, (1, 2))


@pytest.mark.parametrize("look", [summary, lint, diagram])
def test_without_a_size_the_error_says_what_to_pass(look):
    line = (
        r"input_shape: got \(\), .* such as \(3, 224, 224\)\. .*"
        r"striate\.models\.entry\('resnet18'\)\.input"
    )
    with pytest.raises(ArgumentError, match=line):
        look(nn.Conv2d(3, 4, 3))


@pytest.mark.parametrize("look", [summary, lint, diagram])
def test_a_name_is_no_network_yet(look):
    with pytest.raises(ArgumentError, match=r"net: got 'lenet5'.*striate\.create\('lenet5'\)"):
        look("lenet5")
