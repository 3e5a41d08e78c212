"""The rows of the layer table that put other layers together: units, joins, gates, shortcuts."""

import layer_naive as naive
from layer_row import FOUR_MAPS, IMAGES, Row, grown, halved, kept, maps, same
from torch import nn

from striate import layers


def norm_keys(prefix: str) -> str:
    parts = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    return " ".join(f"{prefix}{part}" for part in parts)


def unit_keys(prefix: str = "") -> str:
    return f"{prefix}0.weight {norm_keys(f'{prefix}1.')}"


JOINS = (
    Row(
        "ConvNormAct",
        lambda: layers.ConvNormAct(3, 4, stride=2),
        maps(4, halved),
        naive.conv_norm_act,
        IMAGES,
        unit_keys(),
        training="batch",
    ),
    Row(
        "ConvNormAct bare",
        lambda: layers.ConvNormAct(4, 6, 2, padding=1, groups=2, norm=None, act=None),
        maps(6, lambda n: n + 1),
        lambda layer, x: naive.conv2d(layer[0], x),
        FOUR_MAPS,
        "0.weight 0.bias",
        linear=True,
    ),
    Row(
        "DenseBlock",
        lambda: layers.DenseBlock(
            {"layer1": layers.DenseLayer(4, 2, 1), "layer2": layers.DenseLayer(6, 3, 0)}
        ),
        grown(5, kept),
        naive.dense_block,
        FOUR_MAPS,
        " ".join(
            [
                "layer1.conv1.weight layer1.conv2.weight layer2.conv1.weight",
                norm_keys("layer1.norm1."),
                norm_keys("layer1.norm2."),
                norm_keys("layer2.norm1."),
            ]
        ),
        training="batch",
    ),
    Row(
        "DenseLayer",
        lambda: layers.DenseLayer(4, 2, 2),
        maps(2, kept),
        naive.dense_layer,
        FOUR_MAPS,
        f"conv1.weight conv2.weight {norm_keys('norm1.')} {norm_keys('norm2.')}",
        training="batch",
    ),
    Row(
        "DepthwiseSeparable",
        lambda: layers.DepthwiseSeparable(3, 4, stride=2),
        maps(4, halved),
        naive.depthwise_separable,
        IMAGES,
        f"{unit_keys('0.')} {unit_keys('1.')}",
        training="batch",
    ),
    Row(
        "DepthwiseSeparable bare",
        lambda: layers.DepthwiseSeparable(3, 4, 5, norm=None, act=None),
        maps(4, kept),
        naive.bare_separable,
        IMAGES,
        "0.0.weight 0.0.bias 1.0.weight 1.0.bias",
        linear=True,
    ),
    Row(
        "Inception",
        lambda: layers.Inception(
            {"1x1": layers.ConvNormAct(3, 2, 1), "3x3": layers.ConvNormAct(3, 4)}
        ),
        maps(6, kept),
        naive.inception,
        IMAGES,
        f"{unit_keys('1x1.')} {unit_keys('3x3.')}",
        training="batch",
    ),
    Row(
        "InceptionConv",
        lambda: layers.InceptionConv(3, 4, (1, 3), stride=2, padding=(0, 1)),
        maps(4, halved),
        naive.conv_norm_act,
        IMAGES,
        f"conv.weight {norm_keys('bn.')}",
        training="batch",
    ),
    Row(
        "InvertedResidual",
        lambda: layers.InvertedResidual(3, 6, 3, attention=layers.SqueezeExcite(6, 2)),
        same,
        naive.inverted_residual,
        IMAGES,
        " ".join(
            [
                *(unit_keys(f"block.{number}.") for number in (0, 1, 3)),
                "block.2.fc1.weight block.2.fc1.bias block.2.fc2.weight block.2.fc2.bias",
            ]
        ),
        training="batch",
    ),
    Row(
        "InvertedResidual strided",
        lambda: layers.InvertedResidual(3, 3, 3, 5, stride=2),
        maps(3, halved),
        lambda layer, x: naive.projection(layer.block[1], naive.conv_norm_act(layer.block[0], x)),
        IMAGES,
        f"{unit_keys('block.0.')} {unit_keys('block.1.')}",
        training="batch",
    ),
    Row(
        "NumberedInception",
        lambda: layers.NumberedInception(
            {
                "one": [layers.ConvNormAct(3, 2, 1)],
                "two": [
                    layers.ConvNormAct(3, 5, 1),
                    (layers.ConvNormAct(5, 2, (1, 3)), layers.ConvNormAct(5, 3, (3, 1))),
                ],
            }
        ),
        maps(7, kept),
        naive.numbered_inception,
        IMAGES,
        " ".join(unit_keys(f"{name}.") for name in ("one", "two_1", "two_2a", "two_2b")),
        training="batch",
    ),
    Row(
        "ProjectionShortcut",
        lambda: layers.ProjectionShortcut(3, 4, 2),
        maps(4, halved),
        naive.projection,
        IMAGES,
        unit_keys(),
        linear=True,
        training="batch",
    ),
    Row(
        "Residual",
        lambda: layers.Residual(
            layers.ConvNormAct(3, 4, stride=2), layers.ProjectionShortcut(3, 4, 2), nn.ReLU()
        ),
        maps(4, halved),
        naive.residual,
        IMAGES,
        f"{unit_keys('branch.')} {unit_keys('shortcut.')}",
        training="batch",
    ),
    Row(
        "SqueezeExcite",
        lambda: layers.SqueezeExcite(4, 2),
        same,
        naive.squeeze_excite,
        FOUR_MAPS,
        "fc1.weight fc1.bias fc2.weight fc2.bias",
    ),
    Row(
        "Dropout",
        lambda: layers.Dropout(0.5),
        same,
        naive.identity,
        (*IMAGES, (2, 4)),
        linear=True,
        training="random",
    ),
    Row(
        "StochasticDepth",
        lambda: layers.StochasticDepth(0.5),
        same,
        naive.identity,
        (*IMAGES, (2, 4)),
        linear=True,
        training="random",
    ),
    Row(
        "Transition",
        lambda: layers.Transition(4, 2),
        maps(2, lambda n: n // 2),
        naive.transition,
        FOUR_MAPS,
        f"conv.weight {norm_keys('norm.')}",
        training="batch",
    ),
    Row(
        "ZeroPadShortcut",
        lambda: layers.ZeroPadShortcut(3, 6, 2),
        maps(6, halved),
        naive.zero_pad_shortcut,
        IMAGES,
        linear=True,
    ),
)
