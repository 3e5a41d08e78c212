"""What holds for every network of the registry; a new one is tested as soon as it has a name."""

from __future__ import annotations

import copy
import functools
import math
import time

import pytest
import torch
from zoo import ALL, FIXED_SIZE, classifiers, evaluated, inputs, marked, on_meta

from striate.anatomy import lint, summary
from striate.layers import StochasticDepth
from striate.models import Entry, create

# Coverage's tracer doubles the time of torch's passes without numbers, which are most of this file.
# What nothing else runs, as nin.py, is tested here and yet reported as not covered.
pytestmark = pytest.mark.no_cover

every = pytest.mark.parametrize("entry", [pytest.param(e, id=e.name) for e in ALL])
every_classifier = pytest.mark.parametrize("entry", marked(classifiers()))


@every_classifier
def test_logits_do_not_depend_on_the_batch(entry: Entry) -> None:
    # The deepest nets with random weights blow float32's rounding up to what a mistake would do.
    net = copy.deepcopy(evaluated(entry.name)).double()
    batch = tuple(x.double() if x.is_floating_point() else x for x in inputs(entry, 3))
    with torch.inference_mode():
        together = net(*batch)
        turned = net(*(x.flip(0) for x in batch))
        alone = net(*(x[1:2] for x in batch))
    assert together.isfinite().all()
    assert together.shape[:2] == (3, net.stages["head"].channels)
    scale = together.abs().max()
    assert (turned.flip(0) - together).abs().max() <= 1e-9 * scale
    assert (alone - together[1:2]).abs().max() <= 1e-9 * scale
    assert (together[0] - together[1]).abs().max() > 1e-6 * scale, "the input does not matter"


@pytest.mark.parametrize("entry", marked([e for e in classifiers() if e.name not in FIXED_SIZE]))
def test_an_odd_size_runs(entry: Entry) -> None:
    with torch.inference_mode():
        logits = evaluated(entry.name)(*inputs(entry, 1, more=7))
    assert logits.isfinite().all()
    assert logits.shape[1] == evaluated(entry.name).stages["head"].channels


@every_classifier
def test_features_are_the_stages(entry: Entry) -> None:
    net, batch = evaluated(entry.name), inputs(entry, 2)
    with torch.inference_mode():
        maps = net.features(*batch)
        small = {name: found.shape for name, found in maps.items()}
    assert list(net.stages)[-1] == "head"
    assert list(maps) == list(net.stages)[:-1]
    for name, shape in small.items():
        assert shape[1] == net.stages[name].channels, name
        assert (net.stages[name].stride == 0) == (len(shape) == 2), name


@pytest.mark.parametrize(
    "entry", [pytest.param(e, id=e.name) for e in classifiers() if e.name not in FIXED_SIZE]
)
def test_strides_are_exact(entry: Entry) -> None:
    """Growing the input by a multiple of the stride grows the map by that multiple.

    Both axes of an image's map; a memory's only one is the frames; the bands of a sound are fixed.
    """
    net = on_meta(functools.partial(create, entry.name)).eval()
    strides = {name: stage.stride for name, stage in net.stages.items() if stage.stride}
    strides.pop("head", None)
    growth = math.lcm(*strides.values())
    before, after = (
        net.features(*(x.to("meta") for x in inputs(entry, 1, more=more))) for more in (0, growth)
    )
    for name, stride in strides.items():
        axes = (-1,) if before[name].ndim == 3 or entry.task == "audio" else (-2, -1)
        for axis in axes:
            grown = after[name].shape[axis] - before[name].shape[axis]
            assert grown * stride == growth, (name, axis)


@every
def test_every_parameter_is_in_one_stage_and_every_buffer_in_the_state(entry: Entry) -> None:
    net = on_meta(functools.partial(create, entry.name))
    for name, _ in net.named_parameters():
        owners = [
            stage
            for stage, (parts, *_) in net.stages.items()
            if any(name == part or name.startswith(f"{part}.") for part in parts)
        ]
        assert len(owners) == 1, f"{name} is in {owners}"
    kept = net.state_dict().keys()
    assert {name for name, _ in net.named_buffers()} <= kept


@every
def test_built_without_memory_in_a_second(entry: Entry) -> None:
    on_meta(functools.partial(create, entry.name))  # imports are not construction
    start = time.process_time()
    net = on_meta(functools.partial(create, entry.name))
    assert time.process_time() - start < 1
    assert all(parameter.is_meta for parameter in net.parameters())
    assert sum(parameter.numel() for parameter in net.parameters()) == entry.params


@every
def test_the_summary_counts_what_the_catalogue_says(entry: Entry) -> None:
    found = summary(on_meta(functools.partial(create, entry.name)), entry.input)
    assert found.failure is None
    assert (found.params, found.macs) == (entry.params, entry.macs)


@pytest.mark.parametrize("entry", marked(ALL))
def test_lint_finds_no_error(entry: Entry) -> None:
    findings = lint(on_meta(functools.partial(create, entry.name)), entry.input)
    assert [finding for finding in findings if finding.level == "error"] == []


@pytest.mark.parametrize("entry", marked(ALL))
def test_the_same_seed_builds_the_same_network(entry: Entry) -> None:
    states = []
    for _ in range(2):
        torch.manual_seed(7)
        states.append(create(entry.name).state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@every_classifier
def test_a_state_goes_round_by_way_of_an_empty_network(entry: Entry) -> None:
    net = evaluated(entry.name)
    twin = on_meta(functools.partial(create, entry.name)).eval()
    twin.load_state_dict(net.state_dict(), assign=True)
    batch = inputs(entry, 1)
    with torch.inference_mode():
        assert torch.equal(net(*batch), twin(*batch))


@every_classifier
def test_a_new_head_answers_for_its_classes(entry: Entry) -> None:
    torch.manual_seed(0)
    net = create(entry.name).eval()
    features = net.num_features
    batch, classes = other_classes(entry)
    net.reset_head(classes)
    assert net.num_features == features
    assert net.stages["head"].channels == classes
    with torch.inference_mode():
        assert net(*batch).shape[1] == classes


@pytest.mark.parametrize("entry", [pytest.param(e, id=e.name) for e in classifiers()])
def test_new_heads_are_as_the_old_ones_and_all_answer_in_training(entry: Entry) -> None:
    """On their device and in their type; so do the auxiliary ones."""
    net = on_meta(functools.partial(create, entry.name)).double()
    batch, classes = other_classes(entry)
    net.reset_head(classes)
    assert {(p.device.type, p.dtype) for p in net.parameters()} == {("meta", torch.float64)}
    numbers = (x.double() if x.is_floating_point() else x for x in batch)
    answer = net.train()(*(x.to("meta") for x in numbers))
    answers = (answer,) if isinstance(answer, torch.Tensor) else (answer.logits, *answer.aux)
    assert {(y.shape[1], y.dtype) for y in answers} == {(classes, torch.float64)}


def other_classes(entry: Entry) -> tuple[tuple[torch.Tensor, ...], int]:
    """Two inputs and a number of classes: 7, or a policy's, which are the points of its board."""
    batch = inputs(entry, 2)
    if entry.task == "policy":
        return tuple(board[..., :9, :9] for board in batch), 81
    return batch, 7


@every_classifier
def test_every_parameter_gets_a_gradient(entry: Entry) -> None:
    torch.manual_seed(0)
    net = create(entry.name).train()
    for layer in net.modules():
        if isinstance(layer, StochasticDepth):
            layer.eval()  # it may drop a branch for the whole of a small batch
    answer = net(*inputs(entry, 2))
    answers = (answer,) if isinstance(answer, torch.Tensor) else (answer.logits, *answer.aux)
    sum(logits.square().mean() for logits in answers).backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The tensor attributes self.lstm")  # torch on its own LSTM
@pytest.mark.parametrize("entry", [pytest.param(e, id=e.name) for e in classifiers()])
def test_torch_export_succeeds_and_agrees(entry: Entry) -> None:
    net, batch = evaluated(entry.name), inputs(entry, 1)
    exported = torch.export.export(net, batch).module()
    with torch.inference_mode():
        want = net(*batch)
        assert (exported(*batch) - want).abs().max() <= 1e-4 * want.abs().max()
