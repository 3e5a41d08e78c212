import time

import pytest
import torch
from torch import nn

from striate.anatomy.profile import profile
from striate.anatomy.timing.clock import HostClock
from striate.anatomy.timing.stopwatch import HookCost, Stopwatch, hook_cost
from striate.errors import ArgumentError, StriateError


class FakeClock:
    """Time that passes only where a test says so; and `tick` at every mark, as hooks take some."""

    def __init__(self, tick=0):
        self.now, self.tick = 0, tick

    def __deepcopy__(self, memo):
        return FakeClock(self.tick)  # the double that is traced takes nobody's time

    def mark(self):
        self.now += self.tick
        return self.now

    def settle(self):
        pass

    def seconds(self, start, end):
        return end - start


@pytest.fixture
def clock(monkeypatch):
    """The clock that `profile` then goes by."""
    clock = FakeClock()
    monkeypatch.setattr("striate.anatomy.timing.passes.clock_for", lambda device: clock)
    return clock


class Work(nn.Module):
    """A layer of known duration, forward and backward."""

    def __init__(self, clock, forward, backward=0):
        super().__init__()
        self.clock, self.times = clock, (forward, backward)

    def forward(self, x):
        return _Timed.apply(x, self.clock, *self.times)


class _Timed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, clock, forward, backward):
        ctx.clock, ctx.seconds = clock, backward
        clock.now += forward
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        ctx.clock.now += ctx.seconds
        return gradient, None, None, None


class Nested(nn.Module):
    """Children, and work of its own between them."""

    def __init__(self, clock, own, child):
        super().__init__()
        self.clock, self.own = clock, own
        self.stem = nn.Linear(4, 4)
        self.slow = Work(clock, child)

    def forward(self, x):
        x = self.slow(self.stem(x))
        self.clock.now += self.own
        return torch.relu(x)


def forward_times(found):
    return {layer.name: layer.forward for layer in found.layers}


def test_shares_are_of_the_whole_and_by_class(clock):
    net = nn.Sequential(nn.Linear(4, 4), Work(clock, 3), Work(clock, 1), nn.Linear(4, 2))
    found = profile(net, (4,), repeats=3)
    assert [layer.share for layer in found.layers] == [0, 0.75, 0.25, 0, 0]
    assert found.share("Work") == 1
    assert found.forward == 4
    assert next(iter(found.by_type().items())) == ("Work", 1)
    assert sum(found.by_type().values()) == 1


def test_times_are_medians_over_the_repeats(clock):
    class Uneven(nn.Module):
        durations = iter([90, 90, 5, 5, 1, 1, 70, 70] + [0] * 9)  # two warm-ups, then in pairs

        def forward(self, x):
            clock.now += next(self.durations)
            return x + 1

    found = profile(nn.Sequential(Uneven()), (4,), repeats=3)
    assert (found.forward, forward_times(found)["0"]) == (5, 5)


def test_own_time_of_nested_modules_is_counted_once(clock):
    found = profile(nn.Sequential(Nested(clock, 2, 1), Nested(clock, 4, 3)), (4,), repeats=1)
    assert forward_times(found) == {
        "0.stem": 0, "0.slow": 1, "0.(functions)": 2,
        "1.stem": 0, "1.slow": 3, "1.(functions)": 4, "(functions)": 0,
    }  # fmt: skip
    assert found.share("Nested") == 1
    assert found.share("Work") == 0.4
    assert found.forward == 10


@pytest.mark.parametrize("cost", [HookCost(0, 0), HookCost(2, 3)])
def test_all_time_of_a_pass_is_in_a_layer_or_in_the_hooks(cost):
    clock = FakeClock(tick=10)
    net = nn.Sequential(*[nn.Sequential(Nested(clock, 200, 100), nn.ReLU()) for _ in range(4)])
    with Stopwatch(net, clock, cost=cost) as watch, torch.no_grad():
        start = clock.now + clock.tick  # the first mark says when the first hook began
        net(torch.randn(1, 4))
        lap = watch.lap()
        # What the outermost call costs its caller is in the hooks' time, and the caller unwatched.
        assert sum(lap.seconds.values()) + lap.hooks == clock.now - start + cost.outside
    # Of the hooks' own marks, each layer sees the one that ends it, and its caller none.
    assert lap.seconds["0.0.slow"] == 100 + 10 - cost.inside
    calls = len(list(net.modules()))
    marks = 2 * clock.tick
    assert lap.hooks == calls * (marks + cost.inside + cost.outside)


def test_backward_time_goes_to_the_layer_whose_gradient_it_is(clock):
    net = nn.Sequential(nn.Linear(4, 4), Work(clock, 5, backward=30), nn.ReLU(inplace=True))
    found = profile(net, (4,), repeats=3, backward=True)
    assert [layer.forward for layer in found.layers] == [0, 5, 0, 0]
    assert [layer.backward for layer in found.layers] == [0, 30, 0, 0]
    assert (found.forward, found.backward) == (5, 30)
    assert profile(net, (4,), repeats=1).backward == 0


def test_the_backward_time_of_functions_is_the_parents_not_the_next_layers(clock):
    class Between(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x):
            return self.second(_Timed.apply(self.first(x), clock, 0, 30))

    found = profile(Between(), (4,), repeats=1, backward=True)
    backward = {layer.name: layer.backward for layer in found.layers}
    assert backward == {"first": 0, "second": 0, "(functions)": 30}


class Sleep(nn.Module):
    def forward(self, x):
        time.sleep(0.05)
        return x.clone()


def test_on_the_real_clock_the_slow_layer_is_found():
    # A sleep may take longer on a busy machine, and never less.
    found = profile(nn.Sequential(nn.Linear(4, 4), Sleep(), nn.Linear(4, 2)), (4,), repeats=3)
    slowest = max(found.layers, key=lambda layer: layer.share)
    assert slowest.name == "1"
    assert slowest.forward > 0.045  # less what the hooks are reckoned to cost
    assert found.forward >= 0.05
    assert sum(layer.share for layer in found.layers) == pytest.approx(1)


def test_the_cost_of_hooks_is_measured_on_the_host_and_nil_on_a_device():
    cost = hook_cost(HostClock())
    assert cost.inside >= 0
    assert cost.outside >= 0
    assert cost.inside + cost.outside > 0
    assert hook_cost(FakeClock(tick=10)) == HookCost(0, 0)


def hooks_on(net):
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in net.modules())


def test_a_pass_that_fails_names_the_layer_and_takes_its_hooks_along():
    net = nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.Linear(5, 2)))
    with pytest.raises(StriateError, match=r"1x4 failed in layer 1\.0 \(Linear\)") as caught:
        profile(net, (4,))
    assert caught.value.exit_code == 1
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
