"""What a network's latency is the sum of: its terms, read off its plan. No torch.

A term is one operation where it stands: its name, channels in and out, stride and the resolution it
works at. What a network runs besides (stem, sums at nodes, concatenations, classifier) are terms
too, so that two networks of different terms are two networks of different work.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from optunas.errors import InvalidArchitectureError
from optunas.metrics.predicted.work import Work
from optunas.nets.joint_parts import unpack
from optunas.nets.skeleton import Architecture, default_counts, refuse_counts, skeleton
from optunas.space.cell import Cell, Genotype
from optunas.space.joint import Joint
from optunas.space.macro import Macro
from optunas.space.stack import Stack
from optunas.space.subnet import Subnet

__all__ = ["Counted", "Term", "terms_of"]


class Term(NamedTuple):
    """One operation where it stands.

    Attributes:
        name: of the operation, such as ``nor_conv_3x3``, an own operation's, or ``add``.
        channels_in, channels_out, stride: what it is made with.
        height, width: of its input.
        work: what it computes and moves.
    """

    name: str
    channels_in: int
    channels_out: int
    stride: int
    height: int
    width: int
    work: Work

    @property
    def key(self) -> str:
        """All but the work as text, such as ``nor_conv_3x3 16>16 /1 32x32``."""
        place = f"{self.channels_in}>{self.channels_out} /{self.stride} {self.height}x{self.width}"
        return f"{self.name} {place}"


class Counted(NamedTuple):
    """How often a term stands in a network.

    Attributes:
        term: which.
        times: in the network as it is built.
        used: those of them whose output the network's output depends on; what a compiler leaves.
        origin: the part of the plan that it is built from, for a table of single operations.
    """

    term: Term
    times: int
    used: int
    origin: Any = None


def terms_of(
    architecture: Architecture | Joint,
    input_shape: tuple[int, ...],
    num_outputs: int,
    channels: int | None = None,
    num_cells: int | None = None,
) -> list[Counted]:
    """The terms of the network that ``optunas.build`` makes of these arguments; a term may recur.

    Raises:
        InvalidArchitectureError: for anything that ``optunas.build`` builds no network of.
        InvalidSpecError: for a shape or a count that cannot work.
    """
    architecture, channels, num_cells = unpack(architecture, channels, num_cells)
    if isinstance(architecture, (Macro, Subnet, Stack)):
        refuse_counts(architecture, channels, num_cells)
    if isinstance(architecture, Macro):
        from optunas.metrics.predicted.macro_terms import macro_terms

        return macro_terms(architecture, input_shape, num_outputs)
    if isinstance(architecture, Subnet):
        from optunas.metrics.predicted.subnet_terms import subnet_terms

        return subnet_terms(architecture, input_shape, num_outputs)
    if not isinstance(architecture, (Cell, Genotype, Stack)):
        raise InvalidArchitectureError(
            "The latency of a network is predicted from its layers, which are known of a Cell, "
            f"Genotype, Stack, Macro or Subnet; got a {type(architecture).__name__}. A space that "
            "builds its own networks has to have them measured."
        )
    from optunas.metrics.predicted.cell_terms import cell_terms

    plan = skeleton(architecture, input_shape, num_outputs, *default_counts(channels, num_cells))
    return cell_terms(architecture, plan)
