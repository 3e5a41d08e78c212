"""Each bad net draws its one remark and no other; no good net draws a complaint."""

import re
from pathlib import Path

import pytest
import torch
from lint_bad_nets import (
    BAD,
    Adaptive,
    Bad,
    UNet,
    autoencoder,
    conv,
    deep_without_padding,
    imagenet_stem,
)
from lint_good_nets import GOOD, Good
from lint_silent_nets import SILENT
from torch import nn

from striate.anatomy.lint import Finding, lint
from striate.anatomy.rules import RULES, plan
from striate.anatomy.trace import trace
from striate.errors import ArgumentError

LEVELS = ("error", "warning", "hint")
DOCS = Path(__file__).parents[2] / "docs" / "rules.md"


def findings(bad: Bad) -> list[Finding]:
    return lint(bad.build(), bad.input_shape, loss=bad.loss)


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_bad_net_draws_exactly_its_remark(bad):
    found = findings(bad)
    assert [(f.rule, f.level, f.layer) for f in found] == [(bad.rule, bad.level, bad.layer)]
    for number in bad.says:
        assert number in found[0].reason + found[0].mend


@pytest.mark.parametrize("good", GOOD, ids=lambda good: good.name)
def test_good_net_draws_no_complaint(good: Good):
    with torch.device("meta"):  # no time spent on a million random weights
        net = good.build()
    found = lint(net, good.input_shape)
    assert [str(f) for f in found if f.level != "hint"] == []
    assert {f.rule for f in found} == good.hints


@pytest.mark.parametrize("good", GOOD[:4], ids=lambda good: good.name)
def test_good_net_may_be_trained_with_cross_entropy(good: Good):
    assert all(
        f.level == "hint" for f in lint(good.build(), good.input_shape, loss="cross-entropy")
    )


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_a_bad_net(rule):
    assert rule in {bad.rule for bad in BAD}


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_without_its_rule_a_bad_net_draws_nothing(bad, monkeypatch):
    """So the gallery notices the loss of any rule: no other one speaks up in its place."""
    monkeypatch.delitem(RULES, bad.rule)
    assert findings(bad) == []


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_explained(rule):
    sections = re.split(r"^## ", DOCS.read_text(), flags=re.M)
    section = next((s for s in sections if s.startswith(f"{rule}\n")), "")
    assert "**Why.**" in section
    assert "**Mend.**" in section
    assert "```python" in section


def test_the_rules_page_explains_nothing_else():
    headings = re.findall(r"^## (.+)$", DOCS.read_text(), flags=re.M)
    assert set(headings) == set(RULES)


# -- the numbers in the mends are true ------------------------------------------------------------


def test_least_input_is_enough_and_one_less_is_not():
    net = deep_without_padding()
    assert "at least 34x34" in lint(net, (1, 30, 30))[0].mend
    assert "shrinks-to-nothing" in {f.rule for f in lint(net, (1, 33, 33))}
    assert "shrinks-to-nothing" not in {f.rule for f in lint(net, (1, 34, 34))}


def test_least_input_keeps_the_side_that_is_long_enough():
    assert "at least 34x50" in lint(deep_without_padding(), (1, 30, 50))[0].mend


def test_no_size_is_named_where_none_helps():
    net = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Conv2d(3, 8, 3))
    assert lint(net, (3, 32, 32))[0].mend.startswith("Pad each convolution by (k - 1)/2")


@pytest.mark.parametrize(("net", "shape"), [(UNet(), (1, 104, 104)), (autoencoder(), (1, 32, 32))])
def test_divisible_input_mends(net, shape):
    assert lint(net, shape) == []


def test_larger_input_mends():
    assert "64x64" in lint(imagenet_stem(), (3, 32, 32))[0].mend
    assert lint(imagenet_stem(), (3, 64, 64)) == []


@pytest.mark.parametrize("padding", [0, 1, 2])
def test_not_whole_counts_pixels_not_padding(padding):
    """A change in the last row must change nothing exactly when the rule says it is not seen."""
    layer = nn.Conv2d(1, 1, 11, 4, padding, bias=False)
    said = any(f.rule == "not-whole" for f in lint(nn.Sequential(layer), (1, 224, 224)))
    image = torch.zeros(1, 1, 224, 224)
    image[..., -1, :] = torch.rand(224)
    assert said == (layer(image).abs().max().item() == 0)


@pytest.mark.parametrize(("n", "kernel", "stride"), [(14, 3, 3), (224, 11, 4), (13, 3, 3)])
def test_named_padding_is_the_least_that_helps(n, kernel, stride):
    def mends(padding):
        layer = nn.Conv2d(1, 1, kernel, stride, padding)
        net = nn.Sequential(
            layer, nn.Flatten(), nn.Linear(layer(torch.ones(1, 1, n, n)).numel(), 2)
        )
        return [f.mend for f in lint(net, (1, n, n)) if f.rule == "not-whole"]

    named = int(re.search(r"padding=(\d+)", mends(0)[0])[1])
    assert mends(named) == []
    assert all(mends(less) for less in range(named))


@pytest.mark.parametrize("seed", range(30))
def test_windows_agree_with_the_gradient(seed):
    """Unseen pixels and live taps, reckoned, against those that a real layer's gradient reaches."""
    draw = torch.Generator().manual_seed(seed)
    n, k, s, p, d = (
        int(torch.randint(*span, (1,), generator=draw))
        for span in ((4, 24), (1, 6), (1, 5), (0, 4), (1, 4))
    )
    if n + 2 * p < d * (k - 1) + 1:
        n += d * (k - 1)
    layer = nn.Conv1d(1, 1, k, s, p, d, bias=False)
    layer.weight.data.fill_(1)
    x = torch.ones(1, 1, n, requires_grad=True)
    layer(x).sum().backward()
    rules = {f.rule for f in lint(nn.Sequential(layer), (1, n))}
    unseen = (x.grad[0, 0] == 0).nonzero().flatten().tolist()
    dead = (layer.weight.grad == 0).any().item()
    out = layer(x).shape[-1]
    covered = (out - 1) * s - p + d * (k - 1)
    assert ("field-too-large" in rules) == (dead and s == 1)
    if k > 1 and s <= d * (k - 1) + 1:
        assert ("not-whole" in rules) == any(pixel > covered for pixel in unseen)
    gaps = [pixel for pixel in unseen if d * k <= pixel <= covered - d * k]
    if gaps and k > 1:
        assert "stride-skips" in rules


@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_the_floor_under_a_doubled_softmax(classes):
    net = nn.Sequential(nn.Linear(4, classes), nn.Softmax(dim=1))
    told = lint(net, (4,), loss="cross-entropy")[0].reason
    best = nn.functional.cross_entropy(torch.eye(classes)[:1], torch.zeros(1, dtype=torch.long))
    assert f"below {best.item():.2f} " in told


# -- what must stay silent ------------------------------------------------------------------------


@pytest.mark.parametrize("name", SILENT)
def test_silent(name):
    build, shape = SILENT[name]
    assert lint(build(), shape, loss="cross-entropy") == []


# -- the function itself --------------------------------------------------------------------------


def test_gravest_first_and_as_a_dict():
    net = nn.Sequential(
        nn.Conv2d(3, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2),
        conv(64, 16, 1), nn.Flatten(), nn.Linear(16, 10), nn.Linear(10, 10),
        nn.Linear(4, 4),
    )  # fmt: skip
    found = lint(net, (3, 2, 2))
    assert [f.level for f in found] == sorted((f.level for f in found), key=LEVELS.index)
    assert [f.rule for f in found] == [
        "shape-error", "no-nonlinearity", "useless-bias",
    ]  # fmt: skip
    told = found[0].to_dict()
    assert list(told) == ["rule", "level", "layer", "reason", "mend", "docs"]
    assert told["docs"] == "rules.md#shape-error"
    assert str(found[0]).startswith("error shape-error at 8: Linear:")


def test_the_net_is_left_as_it_was():
    net = nn.Sequential(conv(3, 8), nn.BatchNorm2d(8), nn.Dropout(), nn.Flatten()).train()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    seed = torch.get_rng_state()
    lint(net, (3, 8, 8))
    assert net.training
    assert torch.equal(seed, torch.get_rng_state())
    assert all(torch.equal(before[key], value) for key, value in net.state_dict().items())
    assert not net[1]._forward_hooks


def test_several_rules_ask_for_one_real_run():
    runs = []

    class Counted(Adaptive):
        def forward(self, x):
            runs.append(type(x))
            return super().forward(x)

    assert [f.rule for f in lint(Counted(), (3, 8, 8))] == ["not-traced"]
    assert runs.count(torch.Tensor) == 1


def test_no_size_is_traced_twice(monkeypatch):
    traced = []
    monkeypatch.setattr(plan, "trace", lambda net, shape: traced.append(shape) or trace(net, shape))
    assert [f.rule for f in lint(deep_without_padding(), (1, 30, 30))] == ["shrinks-to-nothing"]
    assert len(traced) == len(set(traced)) > 10


def test_modules_that_only_training_calls_are_used():
    class Aux(nn.Module):
        def __init__(self):
            super().__init__()
            self.main, self.aux = nn.Linear(4, 2), nn.Linear(4, 2)

        def forward(self, x):
            return (self.main(x), self.aux(x)) if self.training else self.main(x)

    assert lint(Aux(), (4,)) == []


def test_unused_beside_an_embedding():
    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.out, self.spare = nn.Embedding(9, 4), nn.Linear(4, 2), nn.Linear(2, 2)

        def forward(self, x):
            return self.out(self.words(x).mean(1))

    assert [(f.rule, f.layer) for f in lint(Reader(), (5,))] == [("unused-module", "spare")]


def test_unknown_loss():
    with pytest.raises(ArgumentError, match=r"cross_entropy.*Did you mean cross-entropy"):
        lint(nn.Linear(2, 2), (2,), loss="cross_entropy")
