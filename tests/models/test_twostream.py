import pytest
import torch

from striate.anatomy import summary
from striate.errors import ArgumentError
from striate.layers import LocalResponseNorm
from striate.models import create
from striate.models.twostream import CNNM2048, TwoStream, log_mean

SHAPES = ((3, 224, 224), (20, 224, 224))


def _meta(**options: object) -> TwoStream:
    with torch.device("meta"):
        return create("twostream", **options)  # type: ignore[return-value]


def test_the_streams_are_the_papers_cnn_m_2048() -> None:
    """Figure 1, layer by layer: maps, filter, stride."""
    convolutions = [(96, 7, 2), (256, 5, 2), (512, 3, 1), (512, 3, 1), (512, 3, 1)]
    for name, channels in (("spatial", 3), ("temporal", 20)):
        stream = _meta().streams[name]
        found = [m for m in stream.modules() if isinstance(m, torch.nn.Conv2d)]
        assert [(m.out_channels, m.kernel_size[0], m.stride[0]) for m in found] == convolutions
        assert found[0].in_channels == channels
        full = [m for m in stream.modules() if isinstance(m, torch.nn.Linear)]
        assert [m.out_features for m in full] == [4096, 2048, 101]


def test_the_temporal_stream_has_no_second_normalisation() -> None:
    norms = {
        name: sum(isinstance(m, LocalResponseNorm) for m in stream.modules())
        for name, stream in _meta().streams.items()
    }
    assert norms == {"spatial": 2, "temporal": 1}


def test_late_fusion_averages_probabilities() -> None:
    scores = [torch.randn(3, 7, dtype=torch.float64) * 9 for _ in range(2)]
    mean = (scores[0].softmax(1) + scores[1].softmax(1)) / 2
    torch.testing.assert_close(log_mean(scores).exp(), mean)
    torch.testing.assert_close(log_mean(scores).softmax(1), mean)
    sure = [torch.tensor([[900.0, 0.0]]), torch.tensor([[0.0, 900.0]])]
    torch.testing.assert_close(log_mean(sure).softmax(1), torch.tensor([[0.5, 0.5]]))


@pytest.fixture(scope="module")
def late() -> TwoStream:
    torch.manual_seed(0)
    return TwoStream(4, flow_channels=2).eval()


@torch.no_grad()
def test_each_stream_sees_its_own_input(late: TwoStream) -> None:
    pictures, flow = torch.randn(2, 3, 75, 91), torch.randn(2, 2, 75, 91)
    scores = [late.streams["spatial"](pictures), late.streams["temporal"](flow)]
    torch.testing.assert_close(late(pictures, flow), log_mean(scores))
    maps = late.features(pictures, flow)
    assert list(maps) == list(late.stages)[:-1]
    torch.testing.assert_close(
        maps["temporal_conv5"], late.features(pictures + 1, flow)["temporal_conv5"]
    )


def test_both_heads_are_reset(late: TwoStream) -> None:
    late.reset_head(9)
    assert [late.get_submodule(name).out_features for name in late.heads] == [9, 9]


def test_early_fusion_is_one_network_over_both() -> None:
    net = _meta(fusion="early")
    assert net.heads == ("streams.joint.fc",)
    assert net.streams["joint"].conv1[0].in_channels == 23
    table = summary(net, SHAPES)
    assert table.output == (1, 101)
    assert table.params < summary(_meta(), SHAPES).params


def test_early_fusion_stacks_the_inputs() -> None:
    net = _meta(fusion="early", flow_channels=1)
    maps = net.features(*(torch.empty(2, c, 224, 224, device="meta") for c in (3, 1)))
    assert list(maps) == list(net.stages)[:-1]
    assert {name: m.shape[1] for name, m in maps.items()} == {
        name: stage.channels for name, stage in net.stages.items() if name != "head"
    }


def test_at_224_the_average_before_full6_changes_nothing() -> None:
    with torch.device("meta"):
        net = CNNM2048(10, 3, second_norm=True)
        assert net.features(torch.empty(1, 3, 224, 224))["conv5"].shape == (1, 512, 6, 6)


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ArgumentError, match=r"fusion: got 'lat'.*Did you mean late"):
        create("twostream", fusion="lat")
    with pytest.raises(ArgumentError, match="flow_channels: got 0"):
        TwoStream(flow_channels=0)
    with pytest.raises(ArgumentError, match="in_channels: got 0"):
        TwoStream(in_channels=0)
