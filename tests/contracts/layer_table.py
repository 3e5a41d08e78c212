"""The table that the layer contract is generated from: one row per layer and kind of use."""

from collections.abc import Callable
from typing import Any

import layer_naive as naive
import layer_naive_cells as cells
import torch
from layer_joins import JOINS
from layer_row import FOUR_MAPS, IMAGES, SIGNALS, Row, halved, kept, maps, same, window
from torch import nn

from striate import layers

TABLE = ((0, 1), (1, 2), (2, 0), (0, 1, 2))
CONV = "weight bias"


def padded(**options: Any) -> Callable[[], nn.Module]:
    return lambda: layers.PaddedConv2d(3, 4, **options)


ROWS = (
    *JOINS,
    Row(
        "CCell",
        lambda: layers.CCell(3, stride=2, padding=1),
        maps(3, lambda n: window(n, 3, 2, 1)),
        cells.c_cell,
        IMAGES,
        "d",
        positive=True,
        tolerance=1e-6,
    ),
    Row(
        "CausalConv1d",
        lambda: layers.CausalConv1d(3, 4, 3, dilation=2),
        maps(4, kept),
        cells.causal_conv1d,
        SIGNALS,
        CONV,
        linear=True,
    ),
    Row(
        "EuclideanRBF",
        lambda: layers.EuclideanRBF(torch.randn(3, 5)),
        lambda shape: (shape[0], 3),
        cells.euclidean_rbf,
        ((2, 5), (1, 5), (7, 5)),
        "centres",
    ),
    Row(
        "FrozenBatchNorm2d",
        lambda: layers.FrozenBatchNorm2d(4),
        same,
        naive.frozen_batch_norm,
        FOUR_MAPS,
        "weight bias running_mean running_var",
        linear=True,
    ),
    Row(
        "GatedResidual",
        lambda: layers.GatedResidual(3, 2, dilation=2),
        lambda shape: (shape, (shape[0], 2, shape[2])),
        cells.gated_residual,
        SIGNALS,
        "conv.weight conv.bias residual.weight residual.bias skip.weight skip.bias",
    ),
    Row(
        "GlobalAveragePool",
        layers.GlobalAveragePool,
        lambda shape: shape[:2],
        naive.global_average,
        (*IMAGES, (2, 3, 5), (2, 3, 2, 3, 4)),
        linear=True,
    ),
    Row(
        "GlobalMaxPool",
        layers.GlobalMaxPool,
        lambda shape: shape[:2],
        naive.global_max,
        (*IMAGES, (2, 3, 5), (2, 3, 2, 3, 4)),
    ),
    Row("LayerNorm2d", lambda: layers.LayerNorm2d(4), same, naive.layer_norm_2d, FOUR_MAPS, CONV),
    Row(
        "LocalConv1d",
        lambda: layers.LocalConv1d(3, 2, 7, 3, 2, 1),
        maps(2, lambda n: window(n, 3, 2, 1)),
        cells.local_conv1d,
        ((2, 3, 7), (5, 3, 7)),
        CONV,
        linear=True,
    ),
    Row(
        "LocalConv2d",
        lambda: layers.LocalConv2d(3, 2, (5, 6), 3, stride=2, padding=1),
        maps(2, lambda n: window(n, 3, 2, 1)),
        cells.local_conv2d,
        ((2, 3, 5, 6), (5, 3, 5, 6)),
        CONV,
        linear=True,
    ),
    Row(
        "LocalResponseNorm",
        lambda: layers.LocalResponseNorm(3, alpha=0.5, k=1.0),
        same,
        naive.local_response_norm,
        (*FOUR_MAPS, (2, 9, 3, 3), (2, 4, 7), (3, 6)),
    ),
    Row(
        "PaddedConv2d zeros",
        padded(stride=2),
        maps(4, halved),
        naive.padded_conv2d,
        IMAGES,
        CONV,
        linear=True,
    ),
    Row(
        "PaddedConv2d replicate",
        padded(mode="replicate", kernel_size=(5, 3), dilation=(1, 2), bias=False),
        maps(4, kept),
        naive.padded_conv2d,
        IMAGES,
        "weight",
        linear=True,
    ),
    Row(
        "PaddedConv2d wrap",
        padded(mode="wrap", kernel_size=(3, 1), stride=(1, 2)),
        lambda shape: (shape[0], 4, shape[2], halved(shape[3])),
        naive.padded_conv2d,
        IMAGES,
        CONV,
        linear=True,
    ),
    Row(
        "PaddedConv2d wrap twice round",
        padded(mode="wrap", dilation=9),
        maps(4, kept),
        naive.padded_conv2d,
        IMAGES[:2],
        CONV,
        linear=True,
    ),
    Row(
        "PaddedConv2d reflect",
        lambda: layers.PaddedConv2d(4, 6, mode="reflect", dilation=2, groups=2),
        maps(6, kept),
        naive.padded_conv2d,
        FOUR_MAPS,
        CONV,
        linear=True,
    ),
    Row(
        "SamePadConv2d",
        lambda: layers.SamePadConv2d(3, 4, stride=2),
        maps(4, halved),
        naive.same_pad_conv2d,
        IMAGES,
        CONV,
        linear=True,
    ),
    Row(
        "SamePadConv2d shorter than its stride",
        lambda: layers.SamePadConv2d(
            4, 6, (1, 4), stride=(2, 1), dilation=(1, 2), groups=2, bias=False
        ),
        lambda shape: (shape[0], 6, halved(shape[2]), shape[3]),
        naive.same_pad_conv2d,
        FOUR_MAPS,
        "weight",
        linear=True,
    ),
    Row(
        "SCell",
        lambda: layers.SCell(3, 4, 3, padding=1, r=2.0),
        maps(4, kept),
        cells.s_cell,
        IMAGES,
        "a b c",
        positive=True,
        tolerance=1e-6,
    ),
    Row("ScaledTanh", layers.ScaledTanh, same, naive.scaled_tanh, (*IMAGES, (2, 7), (3,))),
    Row(
        "Subsampling2d",
        lambda: layers.Subsampling2d(3),
        maps(3, lambda n: n // 2),
        cells.subsampling,
        IMAGES,
        "coefficient bias",
        linear=True,
    ),
    Row(
        "SumPool1d",
        lambda: layers.SumPool1d(3, 2, 1),
        maps(3, lambda n: window(n, 3, 2, 1)),
        naive.sum_pool_1d,
        SIGNALS,
        linear=True,
    ),
    Row(
        "SumPool2d",
        lambda: layers.SumPool2d((3, 2), (2, 1), (1, 0)),
        lambda shape: (*shape[:2], window(shape[2], 3, 2, 1), window(shape[3], 2)),
        naive.sum_pool,
        IMAGES,
        linear=True,
    ),
    Row(
        "TableConv2d",
        lambda: layers.TableConv2d(3, TABLE, 2),
        maps(4, lambda n: n - 1),
        cells.table_conv2d,
        IMAGES,
        "weight bias places",
        linear=True,
    ),
)
