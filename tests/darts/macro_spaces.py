"""Macro spaces with a fixed skeleton for the tests of their supernet, and their networks."""

from __future__ import annotations

import torch
from torch import nn

from optunas.darts.macro_supernet import MacroSuperNetwork
from optunas.space import MacroSpace, Operation


def leaky(channels_in: int, channels_out: int, stride: int) -> nn.Module:
    """An operation of one's own: with weights, a norm and a stride."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, stride, 1), nn.BatchNorm2d(channels_out)
    )


OWN = Operation("leaky", leaky)

PLAIN = MacroSpace(
    depth=3,
    operations=("conv", "sep_conv", "dil_conv", "identity", "zero", OWN),
    filters=(4,),
    kernels=(1, 3),
    skips=False,
    dense_depth=1,
    units=(6,),
    dense_norms=("batch",),
)
HALVING = MacroSpace(
    depth=2,
    operations=("conv", "sep_conv", "max_pool", "avg_pool"),
    filters=(4,),
    kernels=(3,),
    strides=(2,),
    norms=("group",),
    activations=("gelu",),
    skips=False,
    dense_depth=0,
    readouts=("flatten",),
)
BARE = MacroSpace(
    depth=2,
    operations=("conv", "identity"),
    filters=(4,),
    activations=("relu", "silu"),
    norms=("none",),
    skips=False,
    dense_depth=0,
    readouts=("max",),
)
MACROS = (PLAIN, HALVING, BARE)
SHAPE, CLASSES = (2, 7, 6), 3


def macro_network_of(
    space: MacroSpace, seed: int = 0, checkpoint: bool = False
) -> MacroSuperNetwork:
    """A supernet in float64."""
    torch.manual_seed(seed)
    return MacroSuperNetwork(space, SHAPE, CLASSES, checkpoint).double()
