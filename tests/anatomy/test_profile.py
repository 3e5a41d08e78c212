import time

import pytest
import torch
from torch import nn

from striate.anatomy.profile import profile
from striate.anatomy.timing.clock import HostClock
from striate.anatomy.timing.stopwatch import Stopwatch, hook_cost
from striate.errors import ArgumentError, StriateError


class Sleep(nn.Module):
    """A layer of known duration, forward and backward."""

    def __init__(self, forward, backward=0.0):
        super().__init__()
        self.forward_seconds, self.backward_seconds = forward, backward

    def forward(self, x):
        return _Slow.apply(x, self.forward_seconds, self.backward_seconds)


class _Slow(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, forward, backward):
        ctx.backward_seconds = backward
        time.sleep(forward)
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        time.sleep(ctx.backward_seconds)
        return gradient, None, None


class Nested(nn.Module):
    """Children, and slow work of its own between them."""

    def __init__(self, own=0.02, child=0.01):
        super().__init__()
        self.own = own
        self.stem = nn.Linear(4, 4)
        self.slow = Sleep(child)

    def forward(self, x):
        x = self.slow(self.stem(x))
        time.sleep(self.own)
        return torch.relu(x)


def about(slept):
    """A sleep may take longer on a busy machine, and never less."""
    return pytest.approx(slept * 1.5, rel=0.36)


def seconds(found, name):
    return next(layer.forward for layer in found.layers if layer.name == name)


def test_the_slow_layer_is_found_and_the_shares_sum_to_one():
    net = nn.Sequential(nn.Linear(4, 4), Sleep(0.03), nn.Linear(4, 2))
    found = profile(net, (4,), repeats=5)
    assert max(found.layers, key=lambda layer: layer.share).name == "1"
    assert found.share("Sleep") > 0.8
    assert sum(layer.share for layer in found.layers) == pytest.approx(1)
    assert sum(found.by_type().values()) == pytest.approx(1)
    assert next(iter(found.by_type())) == "Sleep"
    # Sleeping dominates, so that a busy machine moves this little.
    assert sum(layer.forward for layer in found.layers) == pytest.approx(found.forward, rel=0.2)


def test_own_time_of_nested_modules_is_counted_once():
    found = profile(nn.Sequential(Nested(), Nested()), (4,), repeats=5)
    assert seconds(found, "0.slow") == about(0.01)
    assert seconds(found, "0.(functions)") == about(0.02)
    assert seconds(found, "(functions)") < 0.005
    assert found.share("Nested") > 0.95
    assert found.share("Sleep") + found.share("(functions)") + found.share("Linear") > 0.99


def test_all_time_of_a_pass_is_in_a_layer_or_in_the_hooks():
    # One and the same pass, so this holds on a busy machine too.
    net = nn.Sequential(
        *[nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU()) for _ in range(8)]
    )
    x = torch.randn(4, 8, 64, 64)
    clock = HostClock()
    ratios = []
    with Stopwatch(net, clock, cost=hook_cost(clock)) as watch, torch.no_grad():
        for _ in range(9):
            watch.reset()
            start = time.perf_counter()
            net(x)
            whole = time.perf_counter() - start
            lap = watch.lap()
            ratios.append((sum(lap.seconds.values()) + lap.hooks) / whole)
    assert sorted(ratios)[4] == pytest.approx(1, abs=0.03)


def test_backward_time_goes_to_the_layer_whose_gradient_it_is():
    net = nn.Sequential(nn.Linear(4, 4), Sleep(0.005, backward=0.03), nn.ReLU(inplace=True))
    found = profile(net, (4,), repeats=5, backward=True)
    slow = found.layers[1]
    assert slow.forward == about(0.005)
    assert slow.backward == about(0.03)
    assert sum(layer.backward for layer in found.layers) == pytest.approx(found.backward, rel=0.2)
    assert profile(net, (4,), repeats=1).backward == 0


def test_the_backward_time_of_functions_is_the_parents_not_the_next_layers():
    class Between(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x):
            return self.second(_Slow.apply(self.first(x), 0.0, 0.03))

    found = profile(Between(), (4,), repeats=5, backward=True)
    backward = {layer.name: layer.backward for layer in found.layers}
    assert backward["(functions)"] == about(0.03)
    assert backward["second"] < 0.01
    assert backward["first"] < 0.01


def hooks_on(net):
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in net.modules())


def test_a_pass_that_fails_names_the_layer_and_takes_its_hooks_along():
    net = nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.Linear(5, 2)))
    with pytest.raises(StriateError, match=r"1x4 failed in layer 1\.0 \(Linear\)") as caught:
        profile(net, (4,))
    assert caught.value.exit_code == 2
    assert hooks_on(net) == 0


def test_a_callee_that_raises_inside_its_caller_is_closed():
    class Careful(nn.Module):
        def __init__(self):
            super().__init__()
            self.bad, self.good = nn.Linear(5, 2), nn.Linear(4, 2)

        def forward(self, x):
            try:
                return self.bad(x)
            except RuntimeError:
                return self.good(x)

    found = profile(Careful(), (4,), repeats=1)
    assert [layer.name for layer in found.layers] == ["good", "(functions)"]


def test_macs_and_activations_are_counted_for_the_whole_batch():
    net = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.ReLU(inplace=True), nn.Flatten())
    found = profile(net, (3, 10, 10), batch=5, repeats=1)
    conv, relu, flatten = found.layers[:3]
    assert conv.macs == 5 * 8 * 8 * 8 * 27
    assert conv.macs_per_second == pytest.approx(conv.macs / conv.forward)
    assert conv.activation_bytes == 5 * 8 * 8 * 8 * 4
    assert relu.activation_bytes == flatten.activation_bytes == 0
    assert relu.macs_per_second is None
    assert conv.memory_share == 1
    assert found.peak_bytes == conv.peak_bytes == conv.activation_bytes


def test_peak_memory_is_what_lives_at_once():
    net = nn.Sequential(*[nn.Sigmoid() for _ in range(5)])
    x = torch.randn(1, 1000)
    # Forward only, a layer's input may go when its output is there; backward needs every output.
    assert profile(net, x, repeats=1).peak_bytes == 2 * 4000
    found = profile(nn.Sequential(nn.Linear(1000, 1000), net), x, repeats=1, backward=True)
    assert next(row for row in found.layers if row.name == "1.4").peak_bytes == 6 * 4000
    assert found.peak_bytes > 4_000_000  # the gradient of the weights


def test_a_class_counts_its_derived_classes():
    class Same(nn.Conv2d):
        pass

    found = profile(nn.Sequential(Same(3, 4, 3), nn.ReLU()), (3, 8, 8), repeats=1)
    assert found.share("Conv2d") == found.share("Same") == found.by_type()["Same"]
    assert found.share("Sequential") == pytest.approx(1)


def test_several_inputs_and_token_inputs():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(10, 4)

        def forward(self, tokens, x):
            return self.words(tokens).mean(1) + x

    inputs = (torch.ones(3, 7, dtype=torch.long), torch.randn(3, 4))
    found = profile(Two(), inputs, repeats=1, backward=True)
    assert found.input_shapes == ((3, 7), (3, 4))
    assert {layer.name for layer in found.layers} == {"words", "(functions)"}


def test_several_shapes_make_several_inputs():
    found = profile(nn.Bilinear(3, 4, 2), ((3,), (4,)), batch=5, repeats=1)
    assert found.input_shapes == ((5, 3), (5, 4))


def test_a_shape_is_enough_for_a_net_of_words():
    net = nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 2))
    assert profile(net, (7,), batch=3, repeats=1).layers[1].macs == 3 * 7 * 4 * 2


def test_a_net_that_is_one_layer():
    found = profile(nn.Linear(3, 2), (3,), repeats=1)
    assert [(layer.name, layer.type) for layer in found.layers] == [("(Linear)", "Linear")]


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"input": (3, 0)}, "input: got .*expected a tensor"),
        ({"input": ()}, "input: got"),
        ({"input": ("3", 4)}, "input: got"),
        ({"input": ((3,), (0,))}, "input: got"),
        ({"input": (4,), "batch": 0}, "batch: got 0, expected at least 1"),
        ({"input": (4,), "repeats": 0}, "repeats: got 0, expected at least 1"),
    ],
)
def test_bad_arguments(keywords, message):
    with pytest.raises(ArgumentError, match=message):
        profile(nn.Linear(4, 2), **keywords)


def test_a_frozen_net_has_no_backward():
    with pytest.raises(ArgumentError, match=r"backward.*asks for a gradient"):
        profile(nn.Linear(4, 2).requires_grad_(False), (4,), backward=True)


def test_an_unknown_class_is_told_with_its_neighbours():
    found = profile(nn.Sequential(nn.Linear(4, 2), nn.ReLU()), (4,), repeats=1)
    with pytest.raises(ArgumentError, match="Did you mean Linear"):
        found.share("Liner")


def test_an_untraceable_net_has_no_macs():
    class Stubborn(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 2)

        def forward(self, x):
            return self.layer(x) * float(x.sum().item() > 0)

    assert all(layer.macs is None for layer in profile(Stubborn(), (4,), repeats=1).layers)


@pytest.mark.gpu
def test_on_a_gpu_the_time_is_the_devices():
    net = nn.Sequential(nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 64, 1)).cuda()
    found = profile(net, (64, 256, 256), batch=16, backward=True)
    assert found.device == "cuda:0"
    # The work is queued in microseconds and done in milliseconds: a host clock would miss it.
    assert max(found.layers, key=lambda layer: layer.share).name == "0"
    assert sum(layer.forward for layer in found.layers) == pytest.approx(found.forward, rel=0.2)
    assert sum(layer.backward for layer in found.layers) == pytest.approx(found.backward, rel=0.2)
