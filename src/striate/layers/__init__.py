"""Parts of convolutional networks: only what `torch.nn` lacks, each a plain `nn.Module`."""

from striate.layers import boxes as boxes
from striate.layers import init as init
from striate.layers.act import ScaledTanh as ScaledTanh
from striate.layers.attention import SqueezeExcite as SqueezeExcite
from striate.layers.classic import CCell as CCell
from striate.layers.classic import EuclideanRBF as EuclideanRBF
from striate.layers.classic import SCell as SCell
from striate.layers.classic import Subsampling2d as Subsampling2d
from striate.layers.classic import TableConv2d as TableConv2d
from striate.layers.conv import ConvNormAct as ConvNormAct
from striate.layers.conv import DepthwiseSeparable as DepthwiseSeparable
from striate.layers.dense import DenseBlock as DenseBlock
from striate.layers.dense import DenseLayer as DenseLayer
from striate.layers.dense import Transition as Transition
from striate.layers.drop import Dropout as Dropout
from striate.layers.drop import StochasticDepth as StochasticDepth
from striate.layers.inception import Inception as Inception
from striate.layers.inception import InceptionConv as InceptionConv
from striate.layers.inception import NumberedInception as NumberedInception
from striate.layers.local import LocalConv1d as LocalConv1d
from striate.layers.local import LocalConv2d as LocalConv2d
from striate.layers.norm import FrozenBatchNorm2d as FrozenBatchNorm2d
from striate.layers.norm import LayerNorm2d as LayerNorm2d
from striate.layers.norm import LocalResponseNorm as LocalResponseNorm
from striate.layers.pad import PaddedConv2d as PaddedConv2d
from striate.layers.pad import SamePadConv2d as SamePadConv2d
from striate.layers.pool import GlobalAveragePool as GlobalAveragePool
from striate.layers.pool import GlobalMaxPool as GlobalMaxPool
from striate.layers.pool import SumPool1d as SumPool1d
from striate.layers.pool import SumPool2d as SumPool2d
from striate.layers.residual import InvertedResidual as InvertedResidual
from striate.layers.residual import ProjectionShortcut as ProjectionShortcut
from striate.layers.residual import Residual as Residual
from striate.layers.residual import ZeroPadShortcut as ZeroPadShortcut
from striate.layers.roi_align import roi_align as roi_align
from striate.layers.sequence import CausalConv1d as CausalConv1d
from striate.layers.sequence import GatedResidual as GatedResidual

__all__ = [
    "CCell",
    "CausalConv1d",
    "ConvNormAct",
    "DenseBlock",
    "DenseLayer",
    "DepthwiseSeparable",
    "Dropout",
    "EuclideanRBF",
    "FrozenBatchNorm2d",
    "GatedResidual",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "Inception",
    "InceptionConv",
    "InvertedResidual",
    "LayerNorm2d",
    "LocalConv1d",
    "LocalConv2d",
    "LocalResponseNorm",
    "NumberedInception",
    "PaddedConv2d",
    "ProjectionShortcut",
    "Residual",
    "SCell",
    "SamePadConv2d",
    "ScaledTanh",
    "SqueezeExcite",
    "StochasticDepth",
    "Subsampling2d",
    "SumPool1d",
    "SumPool2d",
    "TableConv2d",
    "Transition",
    "ZeroPadShortcut",
    "boxes",
    "init",
    "roi_align",
]
