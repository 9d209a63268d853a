"""The spaces that the literature measures on."""

from __future__ import annotations

from optunas.space.dense import NB201_OPERATIONS, DenseCellSpace
from optunas.space.elastic import ElasticSpace
from optunas.space.two_input import DARTS_OPERATIONS, CellSpace

__all__ = ["DARTS", "NB201", "OFA_MOBILENET_V3"]

NB201 = DenseCellSpace(NB201_OPERATIONS, num_nodes=4)
"""NAS-Bench-201 (Dong and Yang 2020, arXiv:2001.00326): 15,625 cells."""

DARTS = CellSpace(DARTS_OPERATIONS, num_nodes=4)
"""DARTS (Liu et al. 2019, arXiv:1806.09055): 1,037,664,180 cells, squared for a genotype."""

OFA_MOBILENET_V3 = ElasticSpace(
    widths=(16, 24, 40, 80, 112, 160),
    depths=((1,), *[(2, 3, 4)] * 5),
    kernels=((3,), *[(3, 5, 7)] * 5),
    expansions=((1,), *[(3, 4, 6)] * 5),
    strides=(1, 2, 2, 2, 1, 2),
    activation=("relu", "relu", "relu", "hardswish", "hardswish", "hardswish"),
    squeeze_excite=(False, False, True, False, True, True),
    stem=16,
    head=960,
    features=1280,
    stem_stride=2,
)
"""Once-for-All's MobileNetV3 space (Cai et al. 2020, arXiv:1908.09791, section 4.1): 7,371^5.

The widths, strides, activations and squeeze-and-excitation of the authors' ``OFAMobileNetV3`` at
width 1.0. Its first stage is the fixed block of 16 channels, so the five that are searched are
``stage2`` to ``stage6``. Parameters and multiply-accumulates are those of the authors' networks
(7,664,760 and 566,170,656 for the largest at 224 x 224 with 1,000 classes). Deviations: the
resolution is the task's and no parameter, there is no dropout before the classifier, and a smaller
kernel is the larger one's centre, without the learned transformation of section 3.
"""
