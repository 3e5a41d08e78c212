"""Faster R-CNN: Towards Real-Time Object Detection with Region Proposal Networks. Ren et al. 2015.

Ren, He, Girshick, Sun, NIPS 2015, https://arxiv.org/abs/1506.01497. The idea: one network proposes
boxes (`rcnn_proposals`) and another says what is in them (`rcnn_heads`), both on the same maps.

As torchvision's, not as the paper's: a ResNet-50 under a feature pyramid (`rcnn_trunk`; Lin et al.
2017) in place of VGG-16, RoIAlign (He et al. 2017) in place of RoI pooling, smooth L1 that turns
linear at 1/9, both halves trained together, and 2,000 proposals while training, 1,000 after.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from striate.errors import ArgumentError
from striate.layers import arguments
from striate.models.contract import ConvNet, Stage, check_classes
from striate.models.rcnn_heads import BoxPredictor, Detection, RegionHeads
from striate.models.rcnn_proposals import ProposalNet
from striate.models.rcnn_targets import Target, check_targets
from striate.models.rcnn_trunk import Batch, PyramidTrunk, batched, freeze_norms, rescaled
from striate.models.resnet import ROWS, ResNet

CHANNELS = 256
ANCHORS = ((32,), (64,), (128,), (256,), (512,))


class ResNetBody(ResNet):
    """A ResNet-50 without its classifier: maps `stem`, `layer1` ... `layer4`."""

    def __init__(self, in_channels: int) -> None:
        super().__init__(ROWS["resnet50"], in_channels=in_channels)
        del self.avgpool, self.fc, self.stages["head"]


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
        self, trunk: PyramidTrunk, classes: int, in_channels: int, min_size: int, max_size: int
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.min_size = arguments.whole("min_size", min_size, 32)
        self.max_size = arguments.whole("max_size", max_size, min_size)
        self.backbone = trunk
        self.rpn = ProposalNet(CHANNELS, ANCHORS)
        self.stages = _stages(trunk)
        strides = [self.stages[f"fpn_{name}"].stride for name in trunk.tapped]
        self.roi_heads = RegionHeads(CHANNELS, strides, _with_background(classes))
        self.stages["head"] = Stage(("rpn", "roi_heads"), classes, 0)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Normalised pictures (B, in_channels, H, W), at their size -> maps by stage."""
        return self.backbone(x)  # type: ignore[no-any-return]

    def forward(
        self, images: Tensor | Sequence[Tensor], targets: Sequence[Target] | None = None
    ) -> list[Detection] | dict[str, Tensor]:
        """B pictures -> B detections; while training, and B targets -> losses by name."""
        batch = batched(images, self.in_channels, self.min_size, self.max_size)
        pyramid = self.backbone.pyramid(self.features(batch.images))
        if self.training:
            classes = self.stages["head"].channels
            return self._losses(batch, pyramid, check_targets(targets, len(batch.sizes), classes))
        return self._detections(batch, pyramid)

    def reset_head(self, classes: int) -> None:
        """New final layers for `classes` classes, the background among them."""
        new = BoxPredictor(self.num_features, _with_background(classes))
        weight = self.roi_heads.box_predictor.cls_score.weight
        self.roi_heads.box_predictor = new.to(device=weight.device, dtype=weight.dtype)
        self.stages["head"] = self.stages["head"]._replace(channels=classes)

    def _losses(
        self, batch: Batch, pyramid: list[Tensor], targets: list[Target]
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


def _stages(trunk: PyramidTrunk) -> dict[str, Stage]:
    """The body's stages, and one for each map of the pyramid, the coarsest first as they arise."""
    stages = {
        name: one._replace(parts=tuple(f"backbone.body.{part}" for part in one.parts))
        for name, one in trunk.body.stages.items()
    }
    for level, name in reversed(list(enumerate(trunk.tapped))):
        parts = (f"backbone.fpn.inner_blocks.{level}", f"backbone.fpn.layer_blocks.{level}")
        stages[f"fpn_{name}"] = Stage(parts, CHANNELS, stages[name].stride)
    return stages


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
    """With `frozen_norm` as the published weights are, which were made with `norm_eps=0`."""
    body = ResNetBody(in_channels)
    if frozen_norm:
        freeze_norms(body, norm_eps)
    trunk = PyramidTrunk(body, ("layer1", "layer2", "layer3", "layer4"), CHANNELS)
    return FasterRCNN(trunk, classes, in_channels, min_size, max_size)


NETS = {"fasterrcnn_resnet50_fpn": fasterrcnn_resnet50_fpn}
