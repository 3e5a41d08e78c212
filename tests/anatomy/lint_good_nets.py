"""Nets that work, in the shape their papers gave them: `lint` must have no complaint.

Small in width and depth, literal in kernels, strides, padding, joins and sizes. `hints` names the
remarks that are true of the published net, all of them of the mildest level.
"""

from collections.abc import Callable
from dataclasses import dataclass

from lint_good_classics import (
    GoogLeNet,
    alexnet,
    inception_v3,
    inception_v4,
    lecture_fcn,
    lecture_net,
    lenet5,
    mlp,
    nin,
    vgg,
    xception,
    zfnet,
)
from lint_good_maps import (
    FCN,
    Attention,
    Clips,
    PaddedUNet,
    PyramidBackbone,
    Questions,
    TextCNN,
    TiedAndLowRank,
    ValidUNet,
    WaveNet,
    alphago,
    autoencoder,
    speech,
)
from lint_good_residual import (
    caffe_resnet,
    convnext,
    densenet,
    efficientnet,
    mobilenet_v1,
    mobilenet_v2,
    mobilenet_v3,
    plain34,
    resnet18,
    resnet20,
    resnext,
    squeezenet,
    wide_preactivation,
)
from torch import nn

Build = Callable[[], nn.Module]


@dataclass(frozen=True)
class Good:
    name: str
    build: Build
    input_shape: tuple
    hints: frozenset[str] = frozenset()


def good(name, build, shape, *hints):
    return Good(name, build, shape, frozenset(hints))


GOOD = (
    good("LeNet-5", lenet5, (1, 32, 32)),
    good("lecture net", lecture_net, (1, 28, 28), "not-whole"),
    good("lecture FCN", lecture_fcn, (1, 28, 28), "not-whole"),
    good("MLP with batch norm", mlp, (1, 28, 28), "useless-bias"),
    good("AlexNet, grouped", alexnet, (3, 224, 224), "huge-first-linear"),
    good("AlexNet, one tower", lambda: alexnet(1), (3, 224, 224), "huge-first-linear"),
    good("ZFNet", zfnet, (3, 224, 224), "huge-first-linear"),
    good("VGG-11", vgg, (3, 224, 224), "huge-first-linear"),
    good("VGG-11 with norm", lambda: vgg(True), (3, 224, 224), "huge-first-linear", "useless-bias"),
    good("Network in Network", nin, (3, 227, 227)),
    good("GoogLeNet", GoogLeNet, (3, 224, 224)),
    good("Inception v3", inception_v3, (3, 299, 299)),
    good("Inception v4", inception_v4, (3, 299, 299)),
    good("Xception", xception, (3, 299, 299)),
    good("ResNet-18", resnet18, (3, 224, 224)),
    good("ResNet-18 on odd sizes", resnet18, (3, 225, 187)),
    good("ResNeXt", resnext, (3, 224, 224)),
    good("first ResNet", caffe_resnet, (3, 64, 64)),
    good("ResNet-20", resnet20, (3, 32, 32)),
    good("plain-34", plain34, (3, 224, 224)),
    good("wide ResNet", wide_preactivation, (3, 32, 32)),
    good("DenseNet", densenet, (3, 224, 224)),
    good("MobileNet v1", mobilenet_v1, (3, 224, 224)),
    good("MobileNet v2", mobilenet_v2, (3, 224, 224)),
    good("MobileNet v3", mobilenet_v3, (3, 224, 224)),
    good("EfficientNet", efficientnet, (3, 224, 224)),
    good("SqueezeNet", squeezenet, (3, 224, 224), "not-whole"),
    good("ConvNeXt", convnext, (3, 224, 224)),
    good("FCN-16s", FCN, (3, 250, 187), "large-kernel"),
    good("U-Net, unpadded", ValidUNet, (1, 572, 572)),
    good("U-Net, any size", PaddedUNet, (3, 101, 75)),
    good("pyramid backbone", PyramidBackbone, (3, 400, 333)),
    good("autoencoder", autoencoder, (1, 28, 28)),
    good("AlphaGo policy", alphago, (48, 19, 19)),
    good("text CNN", TextCNN, (56,)),
    good("WaveNet", WaveNet, (1, 2000)),
    good("speech CNN", speech, (1, 98, 40), "even-kernel"),
    good("CNN and LSTM", Clips, (8, 3, 32, 32)),
    good("picture and question", Questions, ((3, 32, 32), (20,))),
    good("attention", Attention, (3, 32, 32)),
    good("tied and low-rank", TiedAndLowRank, (32,)),
)
