"""Faster R-CNN: Towards Real-Time Object Detection with Region Proposal Networks. Ren et al. 2015.

Ren, He, Girshick, Sun, NIPS 2015, https://arxiv.org/abs/1506.01497. The idea: one network proposes
boxes (`rcnn_proposals`) and another says what is in them (`rcnn_heads`), both on the same maps.

As torchvision's, not as the paper's: a ResNet-50 under a feature pyramid (`rcnn_trunk`; Lin et al.
2017) in place of VGG-16, RoIAlign (He et al. 2017) in place of RoI pooling, smooth L1 that turns
linear at 1/9, both halves trained together, and 2,000 proposals while training, 1,000 after. Or a
large MobileNetV3 (Howard et al. 2019) in place of the ResNet.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import ArgumentError
from striate.layers import FrozenBatchNorm2d, arguments, init
from striate.models.contract import ConvNet, Stage, check_classes
from striate.models.rcnn_heads import BoxPredictor, Detection, RegionHeads
from striate.models.rcnn_proposals import ProposalNet
from striate.models.rcnn_targets import Target, check_targets
from striate.models.rcnn_trunk import (
    Batch,
    MobileNetBody,
    PyramidTrunk,
    batched,
    renorm,
    rescaled,
)
from striate.models.resnet import ROWS, ResNetTrunk

CHANNELS = 256


class FasterRCNN(ConvNet):
    """Pictures to the objects on them; while training, pictures and targets to four losses.

    Pictures are a list of (in_channels, H, W) of any sizes, or a batch (B, in_channels, H, W),
    with values in [0, 1]: they are normalised, resized (`min_size`, `max_size`) and padded inside,
    and boxes are in pixels of the picture that came. Pictures of one size are detected alike alone
    and in a batch. Beside larger ones a picture is padded further, which its edges can see.

    `forward` answers no logits, as other networks do: detections have no fixed number. Stages are
    the body's, then the pyramid's maps; the head is all that comes after. `classes` counts the
    background, class 0.
    """

    heads = ("roi_heads.box_predictor.cls_score", "roi_heads.box_predictor.bbox_pred")

    def __init__(
        self,
        trunk: PyramidTrunk,
        proposals: ProposalNet,
        classes: int,
        in_channels: int,
        min_size: int,
        max_size: int,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.min_size = arguments.whole("min_size", min_size, 32)
        self.max_size = arguments.whole("max_size", max_size, min_size)
        self.backbone = trunk
        self.rpn = proposals
        self.stages = {
            name: one._replace(parts=tuple(f"backbone.{part}" for part in one.parts))
            for name, one in trunk.stages.items()
        }
        strides = sorted({self.stages[name].stride for name in trunk.tapped})
        self.roi_heads = RegionHeads(CHANNELS, strides, _with_background(classes))
        self.stages["head"] = Stage(("rpn", "roi_heads"), classes, 0)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Normalised pictures (B, in_channels, H, W), at their size -> maps by stage."""
        return self.backbone(x)  # type: ignore[no-any-return]

    def forward(
        self, images: Tensor | Sequence[Tensor], targets: Sequence[Target] | None = None
    ) -> list[Detection] | dict[str, Tensor]:
        """B pictures -> B detections; while training, and B targets -> losses by name."""
        if self.training:
            targets = check_targets(targets, len(images), self.stages["head"].channels)
        batch = batched(images, self.in_channels, self.min_size, self.max_size)
        pyramid = self.backbone.pyramid(self.features(batch.images))
        if self.training:
            assert targets is not None  # checked above
            return self._losses(batch, pyramid, targets)
        return self._detections(batch, pyramid)

    def reset_head(self, classes: int) -> None:
        """New final layers for `classes` classes, the background among them."""
        new = BoxPredictor(self.num_features, _with_background(classes))
        weight = self.roi_heads.box_predictor.cls_score.weight
        self.roi_heads.box_predictor = new.to(device=weight.device, dtype=weight.dtype)
        self.stages["head"] = self.stages["head"]._replace(channels=classes)

    def _losses(
        self, batch: Batch, pyramid: list[Tensor], targets: Sequence[Target]
    ) -> dict[str, Tensor]:
        fitted = [
            Target(rescaled(one.boxes, given, size), one.labels)
            for one, given, size in zip(targets, batch.given, batch.sizes, strict=True)
        ]
        said = self.rpn(_with_coarsest(pyramid), batch.images.shape[2:])
        objectness, proposal_box = self.rpn.losses(said, fitted)
        drawn = self.roi_heads.draw(self.rpn.propose(said, batch.sizes), fitted)
        classifier, box = self.roi_heads.losses(self.roi_heads(pyramid, drawn.boxes), drawn)
        return {
            "loss_classifier": classifier,
            "loss_box_reg": box,
            "loss_objectness": objectness,
            "loss_rpn_box_reg": proposal_box,
        }

    def _detections(self, batch: Batch, pyramid: list[Tensor]) -> list[Detection]:
        said = self.rpn(_with_coarsest(pyramid), batch.images.shape[2:])
        proposals = self.rpn.propose(said, batch.sizes)
        answers = self.roi_heads(pyramid, list(proposals.boxes))
        found = self.roi_heads.detect(answers, proposals, batch.sizes)
        return [
            one._replace(boxes=rescaled(one.boxes, size, given))
            for one, size, given in zip(found, batch.sizes, batch.given, strict=True)
        ]


def _with_coarsest(pyramid: list[Tensor]) -> list[Tensor]:
    """For the largest anchors: every second position of the coarsest map."""
    return [*pyramid, F.max_pool2d(pyramid[-1], 1, 2)]


def _with_background(classes: int) -> int:
    if check_classes(classes) < 2:
        raise ArgumentError("classes", classes, "at least 2: the background is one")
    return classes


def fasterrcnn_resnet50_fpn(
    classes: int = 91,
    in_channels: int = 3,
    *,
    frozen_norm: bool = False,
    norm_eps: float = 1e-5,
    min_size: int = 800,
    max_size: int = 1333,
) -> FasterRCNN:
    """On ResNet-50. The published weights are for `frozen_norm=True, norm_eps=0.0`."""
    body = init.he_fan_out(ResNetTrunk(ROWS["resnet50"], in_channels))
    renorm(body, partial(FrozenBatchNorm2d if frozen_norm else nn.BatchNorm2d, eps=norm_eps))
    trunk = PyramidTrunk(body, ("layer1", "layer2", "layer3", "layer4"), CHANNELS)
    proposals = ProposalNet(CHANNELS, ((32,), (64,), (128,), (256,), (512,)))
    return FasterRCNN(trunk, proposals, classes, in_channels, min_size, max_size)


def fasterrcnn_mobilenet_v3_large_fpn(
    classes: int = 91,
    in_channels: int = 3,
    *,
    frozen_norm: bool = False,
    norm_eps: float = 1e-5,
    min_size: int = 800,
    max_size: int = 1333,
) -> FasterRCNN:
    """On the large MobileNetV3; the published weights are for `frozen_norm=True`.

    Its pyramid has two maps, both of stride 32, each with anchors of all five sizes; regions read
    the first. Proposals need a score of 0.05.
    """
    body = MobileNetBody(in_channels)
    renorm(body, partial(FrozenBatchNorm2d if frozen_norm else nn.BatchNorm2d, eps=norm_eps))
    trunk = PyramidTrunk(body, ("stage6", "top"), CHANNELS)
    proposals = ProposalNet(CHANNELS, ((32, 64, 128, 256, 512),) * 3, least=0.05)
    return FasterRCNN(trunk, proposals, classes, in_channels, min_size, max_size)


NETS = {
    "fasterrcnn_resnet50_fpn": fasterrcnn_resnet50_fpn,
    "fasterrcnn_mobilenet_v3_large_fpn": fasterrcnn_mobilenet_v3_large_fpn,
}
