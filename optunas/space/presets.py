"""The spaces that the literature measures on."""

from __future__ import annotations

from optunas.space.dense import NB201_OPERATIONS, DenseCellSpace
from optunas.space.two_input import DARTS_OPERATIONS, CellSpace

__all__ = ["DARTS", "NB201"]

NB201 = DenseCellSpace(NB201_OPERATIONS, num_nodes=4)
"""NAS-Bench-201 (Dong and Yang 2020, arXiv:2001.00326): 15,625 cells."""

DARTS = CellSpace(DARTS_OPERATIONS, num_nodes=4)
"""DARTS (Liu et al. 2019, arXiv:1806.09055): 1,037,664,180 cells, squared for a genotype."""
