"""Inception v3: the grid, the sizes the paper and the lectures give, the auxiliary classifier."""

import pytest
import torch
from golden_nets import assert_golden, filled, image
from torch import nn

from striate.anatomy import summary
from striate.errors import ArgumentError
from striate.models import create
from striate.models.contract import ConvNet, WithAux


@pytest.fixture(scope="module")
def net() -> ConvNet:
    with torch.device("meta"):
        return create("inception_v3", aux=False)


def test_the_grid(net: ConvNet) -> None:
    layers = {layer.name: tuple(layer.output) for layer in summary(net, (3, 299, 299)).layers}
    assert layers["Conv2d_1a_3x3.conv"] == (32, 149, 149)
    assert layers["Conv2d_2a_3x3.conv"] == (32, 147, 147)
    assert layers["Conv2d_2b_3x3.conv"] == (64, 147, 147)
    assert layers["maxpool1"] == (64, 73, 73)
    assert layers["Conv2d_3b_1x1.conv"] == (80, 73, 73)
    assert layers["Conv2d_4a_3x3.conv"] == (192, 71, 71)
    maps = net.eval().features(torch.zeros(1, 3, 299, 299, device="meta"))
    sizes = {name: tuple(found.shape[1:]) for name, found in maps.items()}
    assert sizes["mixed_5"] == (288, 35, 35)
    assert sizes["mixed_6"] == (768, 17, 17)
    assert sizes["mixed_7"] == (2048, 8, 8)


def test_five_billion_products_and_less_than_25_million_parameters(net: ConvNet) -> None:
    found = summary(net, (3, 299, 299))
    assert found.params == 23_834_568 < 25_000_000
    assert found.macs == 5_713_216_096
    with torch.device("meta"):
        assert sum(p.numel() for p in create("inception_v3").parameters()) == 27_161_264


def test_the_float32_file_of_the_lectures(net: ConvNet) -> None:
    """About 96 MB: 95.3 of parameters, 95.5 with the statistics of the norms."""
    parameters = 4 * sum(p.numel() for p in net.parameters())
    entries = [entry for entry in net.state_dict().values() if entry.is_floating_point()]
    assert parameters == 95_338_272
    assert 4 * sum(entry.numel() for entry in entries) == 95_476_000


def test_large_filters_are_factored(net: ConvNet) -> None:
    """One 5x5 is left in each of the first three blocks; 7x7 is always 1x7 and 7x1."""
    kernels = [m.kernel_size for m in net.modules() if isinstance(m, nn.Conv2d)]
    assert kernels.count((5, 5)) == 3
    assert kernels.count((1, 7)) == kernels.count((7, 1)) == 4 * 3 + 1
    assert set(kernels) == {(1, 1), (3, 3), (5, 5), (1, 7), (7, 1), (1, 3), (3, 1)}


def test_norms_and_dropout(net: ConvNet) -> None:
    assert {m.eps for m in net.modules() if isinstance(m, nn.BatchNorm2d)} == {1e-3}
    assert [m.p for m in net.modules() if isinstance(m, nn.Dropout)] == [0.5]


def test_golden_logits_at_an_odd_size() -> None:
    with torch.no_grad():
        logits = filled("inception_v3", aux=False)(image(123, 107))
    first = [0.197321412149, 0.440450064923, -0.191466599172, 0.352688319103]
    assert_golden(logits, first, 1.24532449957)


def test_golden_auxiliary_logits() -> None:
    net = filled("inception_v3")
    net.training = True
    with torch.no_grad():
        answer = net(image(299, 299))
    assert isinstance(answer, WithAux)
    first = [0.387267138499, 1.03341685243, -0.331962856004, 0.856302379284]
    assert_golden(answer.logits, first, 2.93797069192)
    (aux,) = answer.aux
    first = [-3.16025291243, 0.893069892686, -0.24598333547, -1.3381856516]
    assert_golden(aux, first, 4.64699487928)


def test_the_auxiliary_classifier_needs_the_papers_size_while_it_trains() -> None:
    with torch.device("meta"):
        net = create("inception_v3", classes=4)
        alone = create("inception_v3", classes=4, aux=False)
        x = torch.zeros(2, 3, 299, 298)
    with pytest.raises(ArgumentError, match=r"at least 299 pixels.*aux=False"):
        net(x)
    assert net.eval()(x).shape == (2, 4)
    assert alone(x[..., :107, :123]).shape == (2, 4)
