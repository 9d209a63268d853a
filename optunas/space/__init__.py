"""Search spaces and the values they hold; standard library and NumPy only."""

from __future__ import annotations

from optunas.space.base import Space
from optunas.space.cell import Cell, Edge, Genotype
from optunas.space.conditions import Condition, When, group
from optunas.space.definition import space_from_definition
from optunas.space.dense import DenseCellSpace
from optunas.space.elastic import ElasticSpace
from optunas.space.hyper import Hyperparameters, HyperSpace
from optunas.space.joint import Joint, JointSpace
from optunas.space.macro import Dense, Layer, Macro
from optunas.space.macro_operations import MACRO_OPERATIONS
from optunas.space.macro_space import MacroSpace
from optunas.space.operations import VOCABULARY, Cost, Operation
from optunas.space.parameters import Choice, Parameter
from optunas.space.presets import DARTS, NB201, OFA_MOBILENET_V3
from optunas.space.ranges import Float, Int
from optunas.space.references import reference_to
from optunas.space.stack import Stack
from optunas.space.stack_space import StackSpace
from optunas.space.subnet import Block, Stage, Subnet
from optunas.space.training import TRAINING_PARAMETERS, training_space
from optunas.space.two_input import CellSpace

__all__ = [
    "DARTS",
    "MACRO_OPERATIONS",
    "NB201",
    "OFA_MOBILENET_V3",
    "TRAINING_PARAMETERS",
    "VOCABULARY",
    "Block",
    "Cell",
    "CellSpace",
    "Choice",
    "Condition",
    "Cost",
    "Dense",
    "DenseCellSpace",
    "Edge",
    "ElasticSpace",
    "Float",
    "Genotype",
    "HyperSpace",
    "Hyperparameters",
    "Int",
    "Joint",
    "JointSpace",
    "Layer",
    "Macro",
    "MacroSpace",
    "Operation",
    "Parameter",
    "Space",
    "Stack",
    "StackSpace",
    "Stage",
    "Subnet",
    "When",
    "group",
    "reference_to",
    "space_from_definition",
    "training_space",
]
