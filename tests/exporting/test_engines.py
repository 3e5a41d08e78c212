import sys
from collections.abc import Iterator

import pytest
import torch
from small_models import RECORD, small_model
from torch import Tensor, nn

from striate.errors import ArgumentError, StriateError
from striate.exporting import engines
from striate.exporting.engines import engine_for
from striate.models import create, entry, list_models
from striate.preprocess import Preprocess

GREY = Preprocess((28, 28), 1, (0.13,), (0.3,))
SMALL = Preprocess((32, 32), 3, (0.5, 0.4, 0.6), (0.2, 0.3, 0.25))
PHOTO = Preprocess((64, 64), 3, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
NAMES = ("openvino", "onnxruntime", "torch")
NETS = {
    "efficientnet_lite0": PHOTO,
    "mobilenet_v3_small": PHOTO,
    "lecture_net": GREY,
    "resnet18": PHOTO,
    "lenet5": GREY,
    "airbench94": SMALL,
    "densenet_40_12": SMALL,
    "shufflenet_v2_x0_5": PHOTO,
    "efficientnet_b0": PHOTO,
    "resnet20": SMALL,
}


def lively(name: str) -> nn.Module:
    """A network whose BatchNorms do something."""
    torch.manual_seed(1)
    net = create(name)
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.8, 1.5)
    return net.eval()


def pictures(record: Preprocess, count: int) -> Tensor:
    rows = torch.randint(0, 256, (count, *record.size, record.channels), dtype=torch.uint8)
    return rows.permute(0, 3, 1, 2)


@pytest.mark.parametrize("name", NETS)
def test_every_engine_answers_as_the_network(name: str) -> None:
    record, net = NETS[name], lively(name)
    for count in (1, 5):
        pixels = pictures(record, count)
        with torch.inference_mode():
            wanted = net(record.normalise(pixels))
        for engine in NAMES:
            came = engine_for(net, record, name=engine)(pixels)
            assert came.dtype == torch.float32
            assert (came - wanted).abs().max() <= 1e-4 * wanted.abs().max(), engine


def test_a_small_column_beside_large_ones_is_compared_by_its_own_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Logits of 30 and a familiarity of 1, which is off by what would be nothing for a logit."""

    class Beside(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            seen = images.flatten(1).std(1, keepdim=True)
            return torch.cat([30 * seen, -30 * seen, seen.tanh()], dim=1)

    exact = engines._ENGINES["torch"]
    assert engine_for(Beside(), SMALL, name="torch").name == "torch"

    class Off:
        name = "torch"

        def __init__(self, net: nn.Module, preprocess: Preprocess) -> None:
            self.ask = exact(net, preprocess)

        def __call__(self, pixels: Tensor) -> Tensor:
            return self.ask(pixels) + torch.tensor([0, 0, 1e-3])

    monkeypatch.setitem(engines._ENGINES, "torch", Off)
    with pytest.raises(StriateError, match="differs from PyTorch by"):
        engine_for(Beside(), SMALL, name="torch")


@pytest.mark.parametrize("engine", NAMES)
def test_batches_of_any_size_may_follow_each_other(engine: str) -> None:
    net = lively("resnet20")
    ask = engine_for(net, SMALL, name=engine)
    for count in (3, 4, 4, 4, 1, 4, 7, 7, 4, 4, 2):
        pixels = pictures(SMALL, count)
        with torch.inference_mode():
            wanted = net(SMALL.normalise(pixels))
        assert (ask(pixels) - wanted).abs().max() <= 1e-4 * wanted.abs().max()


def test_auto_takes_the_first_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    net, said = lively("resnet20"), []
    assert engine_for(net, SMALL, say=said.append).name == "openvino"
    monkeypatch.setitem(sys.modules, "openvino", None)
    assert engine_for(net, SMALL, say=said.append).name == "onnxruntime"
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert engine_for(net, SMALL, say=said.append).name == "torch"
    assert said == []
    with pytest.raises(StriateError, match=r"openvino, which is not installed.*striate\[onnx\]"):
        engine_for(net, SMALL, name="openvino")


def test_an_engine_that_differs_is_passed_over_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong:
        name = "openvino"

        def __init__(self, net: nn.Module, preprocess: Preprocess) -> None:
            self.net, self.preprocess = net, preprocess

        def __call__(self, pixels: Tensor) -> Tensor:
            return self.net(self.preprocess.normalise(pixels)).detach() * 1.001

    net, said = lively("resnet20"), []
    monkeypatch.setitem(engines._ENGINES, "openvino", Wrong)
    assert engine_for(net, SMALL, say=said.append).name == "onnxruntime"
    assert len(said) == 1
    assert "openvino: differs from PyTorch by" in said[0]
    with pytest.raises(StriateError, match="differs from PyTorch") as error:
        engine_for(net, SMALL, name="openvino")
    assert error.value.exit_code == 4


class Strange(nn.Module):
    """An operation for which no form is written down."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.special.i0e(x.mean((2, 3)))


class Mixing(nn.Module):
    """Every answer depends on the other pictures, so that a batch cannot be free."""

    def forward(self, x: Tensor) -> Tensor:
        means = x.mean((2, 3))
        return means.t().reshape(-1, 2).sum(1, keepdim=True).view(3, 1) + means.t()[:, :1]


def test_a_network_that_only_pytorch_runs_is_left_to_it() -> None:
    said: list[str] = []
    engine = engine_for(Strange(), SMALL, say=said.append)
    assert engine.name == "torch"
    assert len(said) == 2
    assert "i0e" in said[0]
    assert engine(pictures(SMALL, 2)).shape == (2, 3)
    with pytest.raises(StriateError, match="onnxruntime: cannot run this network"):
        engine_for(Strange(), SMALL, name="onnxruntime")


def test_an_unknown_engine_is_named() -> None:
    with pytest.raises(ArgumentError, match="Did you mean openvino"):
        engine_for(Strange(), SMALL, name="openvion")


def test_the_network_itself_is_neither_changed_nor_bound() -> None:
    net = lively("resnet20").train()
    before = {name: one.clone() for name, one in net.state_dict().items()}
    pixels = pictures(SMALL, 3)
    made = [engine_for(net, SMALL, name=name) for name in NAMES]
    answers = [engine(pixels) for engine in made]
    assert all(layer.training for layer in net.modules())
    assert all(torch.equal(one, before[name]) for name, one in net.state_dict().items())
    with torch.no_grad():
        for weight in net.parameters():
            weight.zero_()
    assert all(torch.equal(engine(pixels), one) for engine, one in zip(made, answers, strict=True))


def test_a_trunk_of_features_runs_too() -> None:
    net = lively("mobilenet_v3_small")
    net.set_submodule(net.heads[0], nn.Identity())  # type: ignore[union-attr,index]
    pixels = pictures(PHOTO, 4)
    with torch.inference_mode():
        wanted = net(PHOTO.normalise(pixels))
    for name in NAMES:
        assert (engine_for(net, PHOTO, name=name)(pixels) - wanted).abs().max() < 1e-4, name


def test_the_sides_of_a_picture_are_not_exchanged() -> None:
    model = small_model()
    pixels = pictures(RECORD, 3)
    with torch.inference_mode():
        wanted = model.net(RECORD.normalise(pixels))
    for name in NAMES:
        assert (engine_for(model.net, RECORD, name=name)(pixels) - wanted).abs().max() < 1e-4


SIZES = {"googlenet_2014": 224, "neocognitron": 19}


@pytest.mark.slow
@pytest.mark.parametrize("name", list_models())
def test_every_classifier_of_the_zoo_has_a_form_that_agrees(name: str) -> None:
    if entry(name).task != "classification" or weight_of(name) > 100e6:
        return
    net = lively(name)
    record = next(record for record in candidates(name) if takes(net, record))
    pixels = pictures(record, 3)
    with torch.inference_mode():
        wanted = net(record.normalise(pixels))
    for engine in ("openvino", "onnxruntime"):
        came = engine_for(net, record, name=engine)(pixels)
        assert (came - wanted).abs().max() <= 1e-4 * wanted.abs().max(), engine


def weight_of(name: str) -> int:
    with torch.device("meta"):
        return sum(weight.numel() for weight in create(name).parameters())


def candidates(name: str) -> Iterator[Preprocess]:
    sides = (SIZES[name],) if name in SIZES else (32, 28, 224)  # the smallest it takes: quick
    for side in sides:
        for bands in (3, 1):
            yield Preprocess((side, side), bands, (0.5,) * bands, (0.25,) * bands)


def takes(net: nn.Module, record: Preprocess) -> bool:
    try:
        with torch.inference_mode():
            net(record.normalise(pictures(record, 2)))
    except (RuntimeError, ValueError):
        return False
    return True
