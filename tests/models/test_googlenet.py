"""GoogLeNet: the paper's table 1, and the edition of the published weights."""

import pytest
import torch
from golden_nets import assert_golden, filled, image
from torch import nn

from striate.anatomy import summary
from striate.errors import ArgumentError
from striate.models import create
from striate.models.contract import ConvNet, WithAux
from striate.models.googlenet import ROWS

TABLE = {
    "conv1": ((64, 112, 112), 9_408, 118.0),
    "conv2 conv3": ((192, 56, 56), 114_688, 359.7),
    "inception3a": ((256, 28, 28), 163_328, 128.0),
    "inception3b": ((480, 28, 28), 388_096, 304.3),
    "inception4a": ((512, 14, 14), 375_552, 73.6),
    "inception4b": ((512, 14, 14), 448_512, 87.9),
    "inception4c": ((512, 14, 14), 509_440, 99.9),
    "inception4d": ((528, 14, 14), 604_672, 118.5),
    "inception4e": ((832, 14, 14), 867_328, 170.0),
    "inception5a": ((832, 7, 7), 1_042_432, 51.1),
    "inception5b": ((1024, 7, 7), 1_442_816, 70.7),
    "fc": ((1000,), 1_024_000, 1.0),
}
"""Output, weights without biases, and millions of multiply-adds."""


def weights(net: nn.Module) -> int:
    layers = (layer for layer in net.modules() if isinstance(layer, (nn.Conv2d, nn.Linear)))
    return sum(layer.weight.numel() for layer in layers)


def count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


@pytest.fixture(scope="module")
def paper() -> ConvNet:
    with torch.device("meta"):
        return create("googlenet_2014")


def with_aux(net: ConvNet, x: torch.Tensor) -> WithAux:
    """Its answer with auxiliary logits, dropout and norms as in evaluation."""
    net.eval().training = True
    answer = net(x)
    assert isinstance(answer, WithAux)
    return answer


@pytest.mark.parametrize("row", TABLE)
def test_the_papers_table(row: str, paper: ConvNet) -> None:
    output, expected, macs = TABLE[row]
    parts = row.split()
    assert sum(weights(paper.get_submodule(part)) for part in parts) == expected
    layers = summary(paper, (3, 224, 224)).layers
    of_row = [layer for layer in layers if layer.name.split(".")[0] in parts]
    assert round(sum(layer.macs for layer in of_row) / 1e6, 1) == macs
    sizes = {tuple(layer.output)[1:] for layer in of_row}
    assert sizes == {output[1:]}
    assert output[0] == (ROWS[row].channels if row in ROWS else of_row[-1].output[0])


def test_the_papers_totals(paper: ConvNet) -> None:
    assert count(paper) == 13_378_280
    assert count(paper.get_submodule("aux1")) == 3_188_840
    assert count(paper.get_submodule("aux2")) == 3_190_888
    with torch.device("meta"):
        alone = create("googlenet_2014", aux=False)
    assert count(alone) == 6_998_552
    assert summary(alone, (3, 224, 224)).macs == 1_582_671_872


def test_twenty_two_layers_with_parameters_on_the_way(paper: ConvNet) -> None:
    """conv1, conv2 and its reduction, two in each of nine modules, the linear layer."""
    for name in ROWS:
        branches = paper.get_submodule(name).children()
        depths = [sum(isinstance(m, nn.Conv2d) for m in branch.modules()) for branch in branches]
        assert depths == [1, 2, 2, 1]
    assert 3 + 2 * len(ROWS) + 1 == 22


def test_the_papers_edition_has_biases_lrn_and_real_5x5_filters(paper: ConvNet) -> None:
    kinds = [type(layer).__name__ for layer in paper.modules()]
    assert kinds.count("LocalResponseNorm") == 2
    assert "BatchNorm2d" not in kinds
    convolutions = [layer for layer in paper.modules() if isinstance(layer, nn.Conv2d)]
    assert all(layer.bias is not None for layer in convolutions)
    assert sum(layer.kernel_size == (5, 5) for layer in convolutions) == 9
    rates = [layer.p for layer in paper.modules() if isinstance(layer, nn.Dropout)]
    assert sorted(rates) == [0.4, 0.7, 0.7]


def test_the_published_edition_has_norms_and_3x3_in_their_place() -> None:
    with torch.device("meta"):
        net = create("googlenet")
        alone = create("googlenet", aux=False)
    assert (count(net), count(alone)) == (13_004_888, 6_624_904)
    assert {m.eps for m in net.modules() if isinstance(m, nn.BatchNorm2d)} == {1e-3}
    assert not any(m.kernel_size == (5, 5) for m in net.modules() if isinstance(m, nn.Conv2d))
    rates = [layer.p for layer in net.modules() if isinstance(layer, nn.Dropout)]
    assert sorted(rates) == [0.2, 0.7, 0.7]


def test_poolings_round_up() -> None:
    for name, sizes in (("googlenet", (62, 31, 15, 8)), ("googlenet_2014", (62, 31, 15, 7))):
        with torch.device("meta"):
            net = create(name).eval()
            maps = net.features(torch.zeros(1, 3, 250, 250))
        assert tuple(found.shape[2] for found in maps.values()) == sizes


def test_golden_logits_at_an_odd_size() -> None:
    with torch.no_grad():
        logits = filled("googlenet", aux=False)(image(250, 231))
    first = [1.28530209863, -4.20564213035, 2.29780347629, 1.99934958559]
    assert_golden(logits, first, 8.69199173686)


def test_golden_auxiliary_logits_the_shallow_one_first() -> None:
    with torch.no_grad():
        answer = with_aux(filled("googlenet"), image(224, 224))
    first = [1.38115877285, -4.269988617, 2.32212677955, 2.08286552491]
    assert_golden(answer.logits, first, 8.61238628443)
    shallow, deep = answer.aux
    first = [-3.84213236119, -2.4026184973, 0.162136539891, 0.80206223935]
    assert_golden(shallow, first, 7.723914496)
    first = [-3.3522135675, 5.55160152362, 1.00817766271, 0.389993660479]
    assert_golden(deep, first, 13.4290666634)


@pytest.mark.parametrize("name", ["googlenet", "googlenet_2014"])
def test_auxiliary_classifiers_answer_in_training_only(name: str) -> None:
    with torch.device("meta"):
        net = create(name, classes=5, in_channels=1)
        alone = create(name, classes=5, in_channels=1, aux=False)
        x = torch.zeros(2, 1, 96, 80)
    answer = net(x)
    assert [tuple(found.shape) for found in (answer.logits, *answer.aux)] == [(2, 5)] * 3
    assert net.eval()(x).shape == (2, 5)
    assert alone.heads == ("fc",)
    assert alone(x).shape == (2, 5)


def test_the_first_auxiliary_classifier_sees_4a_and_the_second_4d() -> None:
    net = create("googlenet")
    shallow, deep = with_aux(net, torch.randn(2, 3, 64, 64)).aux
    (seen,) = torch.autograd.grad(
        deep.sum(), net.get_parameter("inception4d.branch1.conv.weight"), retain_graph=True
    )
    assert seen.abs().max() > 0
    unseen = ("inception4b.branch1.conv.weight", "inception4e.branch1.conv.weight")
    for found, name in zip((shallow, deep), unseen, strict=True):
        with pytest.raises(RuntimeError, match="not have been used"):
            torch.autograd.grad(found.sum(), net.get_parameter(name), retain_graph=True)


def test_the_papers_auxiliary_pooling_is_5x5_at_224(paper: ConvNet) -> None:
    """The adaptive pooling behind it, for other sizes, changes nothing there."""
    pool = paper.get_submodule("aux1.pool")
    assert isinstance(pool, nn.Sequential)
    x = torch.randn(2, 3, 14, 14)
    assert torch.equal(pool(x), nn.functional.avg_pool2d(x, 5, 3))


def test_classes_must_be_at_least_one() -> None:
    with pytest.raises(ArgumentError, match=r"classes.*at least 1"):
        create("googlenet", classes=0)
