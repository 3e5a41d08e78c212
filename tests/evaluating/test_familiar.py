"""Noise and blank pictures are like no class, however sure the softmax is of them."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from striate.data import load_source
from striate.errors import ArgumentError
from striate.evaluating import Familiar, Known, fit_familiar, signature, with_signature
from striate.models import create
from striate.models.contract import ConvNet


def normalised(pixels: Tensor) -> Tensor:
    return (pixels.float() / 255 - 0.13) / 0.31


@pytest.fixture(scope="module")
def digits() -> tuple[Tensor, Tensor]:
    data = load_source("sample")
    assert isinstance(data.pictures, Tensor)
    chosen = torch.randperm(len(data), generator=torch.Generator().manual_seed(0))[:3500]
    return data.pictures[chosen], data.labels[chosen]


@pytest.fixture(scope="module")
def net(digits: tuple[Tensor, Tensor]) -> ConvNet:
    """LeNet, trained on 2,500 digits until it is right on nine of ten others."""
    torch.manual_seed(0)
    made, (pictures, labels) = create("lenet5_modern"), digits
    optimiser = torch.optim.Adam(made.parameters(), 2e-3)
    for chosen in torch.cat([torch.randperm(2500) for _ in range(3)]).split(50):
        loss = F.cross_entropy(made(normalised(pictures[chosen])), labels[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return made.eval()


@torch.no_grad()
def signed(net: ConvNet, pixels: Tensor) -> Tensor:
    return signature(net.features(normalised(pixels)))


def strange() -> dict[str, Tensor]:
    """Pictures of nothing: 300 of each kind, uint8."""
    draw = torch.Generator().manual_seed(1)
    shape = (300, 1, 28, 28)
    noise = torch.rand(shape, generator=draw)
    blobs = F.interpolate(torch.rand(300, 1, 6, 6, generator=draw), (28, 28), mode="bilinear")
    kinds = {
        "noise": noise,
        "Gaussian noise": 0.5 + 0.25 * torch.randn(shape, generator=draw),
        "black and white": (noise > 0.5).float(),
        "blank": torch.rand(300, 1, 1, 1, generator=draw).expand(shape),
        "blobs": blobs,
    }
    return {name: (255 * one.clamp(0, 1)).to(torch.uint8) for name, one in kinds.items()}


def test_overconfident_on_noise_and_yet_unknown(
    net: ConvNet, digits: tuple[Tensor, Tensor]
) -> None:
    pictures, labels = digits
    with torch.no_grad():
        right = net(normalised(pictures[3000:])).argmax(1) == labels[3000:]
        sure = net(normalised(strange()["black and white"])).softmax(1).amax(1)
    assert right.float().mean() > 0.85
    assert sure.mean() > 0.7, "the softmax is not fooled, so this test shows nothing"
    familiar = fit_familiar(
        signed(net, pictures[:2500]), labels[:2500], 10, signed(net, pictures[2500:3000])
    )
    kept = familiar.score(signed(net, pictures[3000:])) >= familiar.floor
    assert kept.float().mean() > 0.95
    for name, pixels in strange().items():
        taken = familiar.score(signed(net, pixels)) >= familiar.floor
        assert taken.float().mean() < 0.02, name


def test_without_held_out_pictures_each_is_left_out_of_its_means() -> None:
    draw = torch.Generator().manual_seed(0)
    labels = torch.tensor([0, 0, 0, 1, 1, 1, 2, -1])
    rows = torch.rand(8, 5, generator=draw)
    scores = []
    for index in range(7):
        others = [i for i in range(7) if i != index]
        means = [rows[[i for i in others if labels[i] == c]] for c in range(3)]
        cosines = [F.cosine_similarity(rows[index], m.mean(0), dim=0) for m in means if len(m)]
        scores.append(torch.stack(cosines).max().item())
    assert fit_familiar(rows, labels, 4).floor == pytest.approx(min(scores) - 1e-4, abs=1e-6)
    whole = fit_familiar(rows, labels, 4, keep=0.5)  # the fourth of seven
    assert whole.floor == pytest.approx(sorted(scores)[3] - 1e-4, abs=1e-6)
    assert whole.directions.shape == (3, 5)


def test_a_signature_is_the_means_of_each_stage_at_length_one() -> None:
    maps = {"a": torch.rand(2, 3, 4, 5), "b": torch.rand(2, 6)}
    rows = signature(maps)
    assert rows.shape == (2, 9)
    first = maps["a"].mean((2, 3))
    torch.testing.assert_close(rows[:, :3], first / first.norm(dim=1, keepdim=True))
    torch.testing.assert_close(rows[:, 3:].norm(dim=1), torch.ones(2))


def test_it_survives_a_model_file_to_the_bit() -> None:
    rows = torch.randn(20, 7)
    familiar = fit_familiar(rows, torch.arange(20) % 3, 3)
    back = Familiar.from_dict(json.loads(json.dumps(familiar.to_dict())))
    assert back.floor == familiar.floor
    assert back.directions.equal(familiar.directions)
    assert back.score(rows).equal(familiar.score(rows))


def test_the_network_says_both_in_one_output(net: ConvNet, digits: tuple[Tensor, Tensor]) -> None:
    pictures, labels = digits
    rows = signed(net, pictures[:100])
    familiar = fit_familiar(rows, labels[:100], 10)
    with torch.no_grad():
        answer = Known(net, familiar)(normalised(pictures[:100]))
        torch.testing.assert_close(answer[:, :10], net(normalised(pictures[:100])))
    torch.testing.assert_close(answer[:, 10], familiar.score(rows))


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(ArgumentError, match=r"signatures and labels: .* expected \(N, F\)"):
        fit_familiar(torch.rand(3, 2), torch.zeros(2, dtype=torch.int64), 2)
    with pytest.raises(ArgumentError, match="at least one picture with a label"):
        fit_familiar(torch.rand(3, 2), torch.full((3,), -1), 2)
    good = fit_familiar(torch.rand(3, 2), torch.zeros(3, dtype=torch.int64), 2).to_dict()
    for wrong in ({"shape": [2, 2]}, {"directions": "no base64!"}, {"floor": None}):
        with pytest.raises(
            ArgumentError, match=r"familiar: .* expected floor, shape and directions"
        ):
            Familiar.from_dict({**good, **wrong})
    with pytest.raises(ArgumentError, match="familiar"):
        Familiar.from_dict({})


@pytest.mark.parametrize("name", ["lecture_net", "lenet5_modern", "resnet20", "efficientnet_lite0"])
def test_answer_and_signature_come_from_one_pass(name: str) -> None:
    torch.manual_seed(0)
    made = create(name, in_channels=3).eval()
    side = {"lecture_net": 28, "efficientnet_lite0": 64}.get(name, 32)
    images, calls = torch.randn(2, 3, side, side), 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    first = next(layer for layer in made.modules() if isinstance(layer, torch.nn.Conv2d))
    first.register_forward_hook(count)
    with torch.no_grad():
        answer, patterns = with_signature(made, images)
        assert calls == 1
        assert torch.equal(answer, made(images))
        assert torch.equal(patterns, signature(made.features(images)))
    assert "features" not in vars(made)


def test_several_threads_listen_to_one_network() -> None:
    torch.manual_seed(0)
    made = create("resnet20").eval()
    pictures = [torch.randn(1, 3, 32, 32) for _ in range(8)]

    @torch.no_grad()
    def asked(images: Tensor) -> Tensor:
        return with_signature(made, images)[1]

    wanted = [asked(images) for images in pictures]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(asked, pictures * 6))
    for place, came in enumerate(found):
        assert torch.allclose(came, wanted[place % 8], atol=1e-5)


def test_a_network_that_fails_stays_as_it_was() -> None:
    made = create("resnet20").eval()
    with pytest.raises(RuntimeError):
        with_signature(made, torch.randn(1, 5, 32, 32))
    assert "features" not in vars(made)


def test_few_held_out_pictures_do_not_make_the_rest_unknown(
    net: ConvNet, digits: tuple[Tensor, Tensor]
) -> None:
    pictures, labels = digits
    seen = signed(net, pictures)
    new = seen[2500:3500]
    lost = []
    for start in range(0, 60, 3):
        held = seen[2500 + start : 2503 + start]
        familiar = fit_familiar(seen[:42], labels[:42], 10, held)
        lost.append((familiar.score(new) < familiar.floor).float().mean().item())
    assert sum(lost) / len(lost) < 0.1
