"""Faster R-CNN: detections whatever the batch, the four losses, and both nets' facts."""

import functools
import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from striate.anatomy import summary
from striate.errors import ArgumentError
from striate.layers import FrozenBatchNorm2d, boxes
from striate.models import create, entry
from striate.models.rcnn import FasterRCNN
from striate.models.rcnn_heads import Detection
from striate.models.rcnn_targets import Sampling, Target

NAMES = ("fasterrcnn_resnet50_fpn", "fasterrcnn_mobilenet_v3_large_fpn")
LOSSES = {"loss_classifier", "loss_box_reg", "loss_objectness", "loss_rpn_box_reg"}


def pictures(*sizes: tuple[int, int], seed: int = 0) -> list[Tensor]:
    draw = torch.Generator().manual_seed(seed)
    return [torch.rand(3, *size, generator=draw, dtype=torch.float64) for size in sizes]


def built(name: str, classes: int = 5, in_channels: int = 3, **options: object) -> FasterRCNN:
    net = create(
        name, classes=classes, in_channels=in_channels, min_size=96, max_size=160, **options
    )
    assert isinstance(net, FasterRCNN)
    net.rpn.most = net.rpn.most_training = 200  # of 1,000 and 2,000: quick
    net.roi_heads.sampling = Sampling(64, 0.25)
    return net


def on_meta(name: str, **options: object) -> FasterRCNN:
    with torch.device("meta"):
        net = create(name, **options)
    assert isinstance(net, FasterRCNN)
    return net


@pytest.fixture(scope="module")
def net() -> Iterator[FasterRCNN]:
    """Random weights, but norms that know their maps, and heads with opinions."""
    torch.manual_seed(0)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    made = built(NAMES[0])
    for layer in made.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0
    with torch.no_grad():
        made.train().features(torch.randn(2, 3, 160, 160))
        made.rpn.head.cls_logits.weight *= 30
        made.rpn.head.bbox_pred.weight *= 10
        made.roi_heads.box_predictor.cls_score.weight *= 8
        made.roi_heads.box_predictor.bbox_pred.weight *= 10
    yield made.eval().double()  # or rounding decides between boxes that score alike
    torch.set_num_threads(threads)


def assert_alike(got: Detection, wanted: Detection) -> None:
    torch.testing.assert_close(got.boxes, wanted.boxes, rtol=0, atol=1e-6)
    torch.testing.assert_close(got.scores, wanted.scores, rtol=0, atol=1e-8)
    assert torch.equal(got.labels, wanted.labels)


@torch.inference_mode()
def test_detections_do_not_depend_on_the_batch(net: FasterRCNN) -> None:
    some = pictures((80, 100), (80, 100))
    together = net(torch.stack(some))
    assert len(together) == 2
    assert all(20 < len(one.boxes) <= 100 for one in together)
    assert not torch.equal(together[0].boxes, together[1].boxes), "the picture does not matter"
    for one, other in zip(net(some[::-1]), together[::-1], strict=True):
        assert_alike(one, other)
    assert_alike(net([some[1]])[0], together[1])


@torch.inference_mode()
def test_detections_are_inside_their_pictures_and_in_order(net: FasterRCNN) -> None:
    some = pictures((90, 100), (150, 120))
    for picture, found in zip(some, net(some), strict=True):
        height, width = picture.shape[1:]
        assert len(found.boxes) > 0
        assert (found.boxes >= 0).all()
        assert (found.boxes <= torch.tensor([width, height, width, height]) + 1e-3).all()
        assert (found.boxes[:, 2:] > found.boxes[:, :2]).all()
        assert ((found.labels >= 1) & (found.labels < 5)).all()
        assert (found.scores > 0.05).all()
        assert torch.equal(found.scores, found.scores.sort(descending=True).values)
        overlap = boxes.iou(found.boxes, found.boxes).triu(1) > 0.5 + 1e-3
        assert not (overlap & (found.labels[:, None] == found.labels)).any()


@torch.inference_mode()
def test_boxes_are_in_the_pixels_of_the_picture_that_came(net: FasterRCNN) -> None:
    """A picture of half the size is read as the same one: its boxes have half the size."""
    (small,) = pictures((48, 80))
    fitted = nn.functional.interpolate(small[None], size=(96, 160), mode="bilinear")[0]
    found, large = net([small])[0], net([fitted])[0]
    assert_alike(found._replace(boxes=2 * found.boxes), large)


@torch.inference_mode()
def test_beside_a_picture_of_its_padded_size_nothing_changes(net: FasterRCNN) -> None:
    """96 x 160 needs no padding, and 96 x 96 beside 96 x 96 none either."""
    small, wide = pictures((96, 96), (96, 160))
    alone = net([wide])[0]
    assert_alike(net([wide, small])[0], alone)


def losses_of(net: FasterRCNN, targets: list[Target]) -> dict[str, Tensor]:
    torch.manual_seed(3)
    return net([one.float() for one in pictures((96, 96), (80, 112))], targets)


def two_targets() -> list[Target]:
    first = Target(torch.tensor([[8.0, 10, 60, 70], [50, 50, 90, 80]]), torch.tensor([1, 4]))
    return [first, Target(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))]


@pytest.mark.parametrize("name", NAMES)
def test_four_losses_and_a_gradient_for_every_parameter(name: str) -> None:
    torch.manual_seed(0)
    net = built(name).train()
    losses = losses_of(net, two_targets())
    assert set(losses) == LOSSES
    assert all(loss.isfinite() and loss > 0 for loss in losses.values())
    assert losses["loss_objectness"].item() == pytest.approx(math.log(2), abs=0.05)
    assert losses["loss_classifier"].item() == pytest.approx(math.log(5), abs=0.6)
    torch.stack(list(losses.values())).sum().backward()
    without = [key for key, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert not without
    again = losses_of(net, two_targets())
    for key, loss in losses.items():
        torch.testing.assert_close(again[key], loss)


def test_pictures_without_objects_have_no_box_losses() -> None:
    torch.manual_seed(0)
    losses = losses_of(built(NAMES[1]).train(), [two_targets()[1]] * 2)
    assert losses["loss_box_reg"] == losses["loss_rpn_box_reg"] == 0
    assert all(loss.isfinite() for loss in losses.values())


def test_targets_grow_with_their_picture() -> None:
    """The same picture at half the size has the same losses: it is read at one size."""
    torch.manual_seed(0)
    net = built(NAMES[1]).train()
    small = torch.rand(3, 48, 48)
    fitted = nn.functional.interpolate(small[None], size=(96, 96), mode="bilinear")[0]
    found = torch.tensor([[4.0, 8, 40, 30]])
    answers = []
    for picture, scale in ((small, 1), (fitted, 2)):
        torch.manual_seed(1)
        answers.append(net([picture], [Target(scale * found, torch.tensor([2]))]))
    for key, loss in answers[0].items():
        torch.testing.assert_close(answers[1][key], loss, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_it_learns_where_the_square_is() -> None:
    """Four pictures of one bright square each: after a minute it finds them all."""
    torch.manual_seed(0)
    net = built(NAMES[0], classes=2).train()
    corners = [(10, 20), (40, 44), (50, 8), (24, 60)]
    scenes, targets = [], []
    for x, y in corners:
        scene = 0.2 * torch.rand(3, 96, 96)
        scene[:, y : y + 32, x : x + 32] = 1
        scenes.append(scene)
        box = torch.tensor([[x, y, x + 32, y + 32]], dtype=torch.float32)
        targets.append(Target(box, torch.tensor([1])))
    optimiser = torch.optim.SGD(net.parameters(), 0.005, momentum=0.9)
    for _ in range(90):
        optimiser.zero_grad()
        torch.stack(list(net(scenes, targets).values())).sum().backward()
        optimiser.step()
    net.eval()
    with torch.inference_mode():
        for found, target in zip(net(scenes), targets, strict=True):
            assert boxes.iou(found.boxes[:1], target.boxes).item() > 0.6
            assert found.scores[0] > 0.6


# Torchvision's published counts for these weights; the mobile net's own with plain norms.
@pytest.mark.parametrize(
    ("name", "frozen", "params", "entries"),
    [
        (NAMES[0], False, 41_808_406, 348),
        (NAMES[0], True, 41_755_286, 295),
        (NAMES[1], False, 19_410_754, 330),
        (NAMES[1], True, 19_386_354, 284),
    ],
)
def test_parameters_and_state(name: str, frozen: bool, params: int, entries: int) -> None:
    net = on_meta(name, frozen_norm=frozen, norm_eps=0.0)
    assert sum(p.numel() for p in net.parameters()) == params
    assert len(net.state_dict()) == entries
    kind = FrozenBatchNorm2d if frozen else nn.BatchNorm2d
    norms = [layer for layer in net.modules() if isinstance(layer, kind)]
    assert norms
    assert {layer.eps for layer in norms} == {0.0}


@pytest.mark.parametrize("name", NAMES)
def test_multiply_adds_with_a_thousand_regions(name: str) -> None:
    """ResNet-50: 134.38 billion, as published. How many it finds is not foreseen: 100 places."""
    found = summary(on_meta(name), (3, 800, 800))
    assert (found.params, found.macs) == (entry(name).params, entry(name).macs)
    assert found.failure is None
    assert found.output == (((100, 4), (100,), (100,)),)
    assert found.uncalled == 0


@pytest.mark.parametrize("name", NAMES)
def test_features_are_the_stages_and_grow_by_their_stride(name: str) -> None:
    net = on_meta(name)
    small, large = (
        net.features(torch.empty(1, 3, 231 + more, 250 + more, device="meta")) for more in (0, 64)
    )
    assert list(small) == list(net.stages)[:-1]
    for key, found in small.items():
        assert found.shape[1] == net.stages[key].channels
        grown = torch.tensor(large[key].shape[2:]) - torch.tensor(found.shape[2:])
        assert (grown * net.stages[key].stride == 64).all(), key


def test_another_head_and_another_input() -> None:
    net = built(NAMES[1], in_channels=1)
    before = net.state_dict()["roi_heads.box_head.fc6.weight"].clone()
    net.reset_head(3)
    assert net.num_features == 1024
    assert net.get_submodule(net.heads[0]).weight.shape == (3, 1024)
    assert net.get_submodule(net.heads[1]).weight.shape == (12, 1024)
    assert net.stages["head"].channels == 3
    assert torch.equal(net.roi_heads.box_head.fc6.weight, before)
    with torch.inference_mode():
        assert len(net.eval()(torch.rand(2, 1, 64, 64))) == 2


@torch.inference_mode()
def test_the_state_makes_the_round_trip(net: FasterRCNN) -> None:
    copy = on_meta(NAMES[0], classes=5, min_size=96, max_size=160).eval()
    copy.rpn.most = net.rpn.most
    copy.load_state_dict(net.state_dict(), assign=True)
    (picture,) = pictures((96, 96))
    assert_alike(copy([picture])[0], net([picture])[0])


@pytest.mark.slow
def test_the_exported_program_finds_the_same(net: FasterRCNN) -> None:
    batch = torch.stack(pictures((96, 128)))
    program = torch.export.export(net, (batch,))
    other = torch.stack(pictures((96, 128), seed=1))
    with torch.no_grad():
        assert_alike(program.module()(other)[0], net(other)[0])


GOOD = Target(torch.tensor([[1.0, 1, 9, 9]]), torch.tensor([1]))


@pytest.mark.parametrize(
    ("images", "targets", "told"),
    [
        ([], [], "images: got .*expected at least one picture"),
        ([torch.rand(1, 8, 8)], [GOOD], r"images: got \(1, 8, 8\), expected pictures \(3, H, W\)"),
        ([torch.rand(3, 0, 8)], [GOOD], r"images: got \(3, 0, 8\)"),
        (
            torch.zeros(1, 3, 8, 8, dtype=torch.uint8),
            [GOOD],
            "images: got torch.uint8, expected fl",
        ),
        (torch.rand(1, 3, 8, 8), None, "targets: got None, expected a Target for each of the 1"),
        (torch.rand(1, 3, 8, 8), [GOOD, GOOD], "expected a Target for each of the 1 pictures"),
        (torch.rand(1, 3, 8, 8), [GOOD._replace(boxes=torch.ones(1, 5))], r"boxes \(G, 4\)"),
        (torch.rand(1, 3, 8, 8), [GOOD._replace(labels=torch.ones(2))], "one label for each of th"),
        (torch.rand(1, 3, 8, 8), [GOOD._replace(boxes=torch.ones(1, 4))], "boxes with x1 < x2"),
        (torch.rand(1, 3, 8, 8), [GOOD._replace(labels=torch.tensor([5]))], "labels from 1 to 4"),
        (torch.rand(1, 3, 8, 8), [GOOD._replace(labels=torch.tensor([0]))], "labels from 1 to 4"),
    ],
)
def test_what_does_not_fit_is_named(images: object, targets: object, told: str) -> None:
    with pytest.raises(ArgumentError, match=told):
        small_on_meta()(images, targets)


@functools.cache
def small_on_meta() -> FasterRCNN:
    """Stops at its arguments, so that it needs no weights."""
    return on_meta(NAMES[1], classes=5).train()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"classes": 1}, "classes: got 1, expected at least 2: the background is one"),
        ({"classes": 0}, "classes: got 0"),
        ({"min_size": 16}, "min_size: got 16"),
        ({"min_size": 200, "max_size": 100}, "max_size: got 100"),
    ],
)
def test_options_that_do_not_fit_are_named(options: dict[str, int], told: str) -> None:
    with pytest.raises(ArgumentError, match=told):
        on_meta(NAMES[1], **options)
    if "classes" in options:
        with pytest.raises(ArgumentError, match=told):
            on_meta(NAMES[1]).reset_head(options["classes"])
