"""The value type of macro spaces: layers in a row with skip connections, then a dense part.

Nodes are numbered: 0 is the network's input, node ``i`` the output of the i-th layer. Layer ``i``
reads node ``i - 1`` and, where it joins, the earlier nodes in ``skips``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from optunas.space.operations import Operation

__all__ = ["Dense", "Layer", "Macro"]


@dataclass(frozen=True)
class Layer:
    """One layer of feature maps.

    Attributes:
        operation: a name of ``MACRO_OPERATIONS`` or of an own operation.
        filters: output channels; None where the operation keeps its input's (pools, identity,
            zero).
        kernel: side of the window; None for identity and zero.
        stride: 1 or 2; a size becomes ``ceil(size / stride)``.
        activation: after the norm; None for pools, identity, zero and own operations.
        norm: ``batch``, ``group`` or ``none``; None as for the activation.
        join: ``sequential`` (the previous node alone), ``add`` or ``concat``.
        skips: earlier nodes that are joined to the previous one, ascending; empty when sequential.
    """

    operation: str
    filters: int | None = None
    kernel: int | None = None
    stride: int = 1
    activation: str | None = None
    norm: str | None = None
    join: str = "sequential"
    skips: tuple[int, ...] = ()


@dataclass(frozen=True)
class Dense:
    """One fully connected layer: linear, norm, activation, dropout.

    Attributes:
        units: number of outputs.
        activation: as for a :class:`Layer`.
        norm: ``batch``, ``layer`` or ``none``.
        dropout: share of the outputs set to zero while training, in [0, 1).
    """

    units: int
    activation: str = "relu"
    norm: str = "none"
    dropout: float = 0.0


@dataclass(frozen=True)
class Macro:
    """A network, without its classifier, which the task's number of outputs decides.

    Attributes:
        layers: of feature maps; empty for a multilayer perceptron.
        dense: fully connected layers after the feature maps (or the flattened input).
        readout: how feature maps become a vector: ``average`` or ``max`` over their pixels, or
            ``flatten``; without layers the input is always flattened.
        operations: a user's own operations that the layers name; not part of equality or JSON.
    """

    layers: tuple[Layer, ...] = ()
    dense: tuple[Dense, ...] = ()
    readout: str = "average"
    operations: tuple[Operation, ...] = field(default=(), compare=False, repr=False)
