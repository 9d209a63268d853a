"""Cutting a smaller sub-network, weights included, out of a larger one's network.

Once-for-All (Cai et al. 2020, arXiv:1908.09791, section 3): a smaller network is the first blocks
of each stage, the first channels of each layer and the centre of each kernel. The kernel is cropped
as it is; there is no learned transformation of it.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from optunas.errors import InvalidArchitectureError
from optunas.nets.subnet_network import SubnetNetwork
from optunas.space.subnet import Stage, Subnet, hidden_channels, subnet_faults

__all__ = ["cut"]


def cut(network: nn.Module, subnet: Subnet) -> SubnetNetwork:
    """The stand-alone network of ``subnet``, its weights copied from the larger ``network``.

    Input and outputs, device, dtype and training mode are the larger network's. Running averages of
    the batch norms are copied too; they are those of the larger network, so refresh them on data
    before relying on them. No random number is drawn. A block's input is added to its output where
    ``subnet``'s own shapes allow it, which the larger network's may not.

    Args:
        network: what ``build`` made of a ``Subnet``; it is not changed.
        subnet: of the same stages, nowhere deeper, wider or with larger kernels.

    Raises:
        InvalidArchitectureError: when ``network`` is none of these, or does not contain ``subnet``.
    """
    if not isinstance(network, SubnetNetwork):
        raise InvalidArchitectureError(
            f"cut: network must be what build makes of a Subnet, got a {type(network).__name__}."
        )
    found = subnet_faults(subnet)
    if found:
        raise InvalidArchitectureError("\n".join(found))
    reasons = list(_reasons(network.subnet, subnet))
    if reasons:
        raise InvalidArchitectureError(
            f"cut: the network does not contain this subnet: {'; '.join(reasons)}."
        )
    with torch.device("meta"):
        small = SubnetNetwork(subnet, network.input_shape, network.classifier.out_features)
    state = network.state_dict()
    cropped = {name: _crop(state[name], like.shape) for name, like in small.state_dict().items()}
    small.load_state_dict(cropped, assign=True)
    return small.train(network.training)


def _reasons(large: Subnet, small: Subnet) -> Iterator[str]:
    """Why ``large`` does not contain ``small``; nothing when it does."""
    for name in ("stem_stride", "activation"):
        yield from _other(name, getattr(large, name), getattr(small, name))
    yield from _more("stem", large.stem, small.stem)
    for name in ("head", "features"):
        ours, theirs = getattr(large, name), getattr(small, name)
        if ours and theirs:
            yield from _more(name, ours, theirs)
        else:  # 0 leaves the layer out
            yield from _other(name, ours, theirs)
    if len(large.stages) != len(small.stages):
        yield f"it has {len(small.stages)} stages, the network {len(large.stages)}"
        return
    ends = (large.stem, small.stem)
    for number, (ours, theirs) in enumerate(zip(large.stages, small.stages, strict=True), start=1):
        yield from _stage_reasons(f"stage {number}", ours, theirs, ends)
        ends = (ours.width, theirs.width)


def _stage_reasons(place: str, large: Stage, small: Stage, ends: tuple[int, int]) -> Iterator[str]:
    """``ends`` are the channels that go into the stage, the larger network's first."""
    for name in ("stride", "activation", "squeeze_excite"):
        yield from _other(f"{place} {name}", getattr(large, name), getattr(small, name))
    yield from _more(f"{place} width", large.width, small.width)
    yield from _more(f"{place} depth", len(large.blocks), len(small.blocks))
    for number, (ours, theirs) in enumerate(zip(large.blocks, small.blocks, strict=False), start=1):
        here = f"{place} block {number}"
        yield from _more(f"{here} kernel", ours.kernel, theirs.kernel)
        if (ours.expansion == 1) != (theirs.expansion == 1):
            yield (
                f"{here} expansion is {theirs.expansion}, the network's {ours.expansion}, and "
                "an expansion of 1 has no convolution that the other has"
            )
        else:
            hidden = [
                hidden_channels(channels, block.expansion)
                for channels, block in zip(ends, (ours, theirs), strict=True)
            ]
            yield from _more(f"{here} number of hidden channels", *hidden)
        ends = (large.width, small.width)


def _other(what: str, large: object, small: object) -> Iterator[str]:
    if large != small:
        yield f"its {what} is {small!r}, the network's {large!r}"


def _more(what: str, large: int, small: int) -> Iterator[str]:
    if small > large:
        yield f"its {what} is {small}, the network's only {large}"


def _crop(weight: Tensor, shape: torch.Size) -> Tensor:
    """The first channels of ``weight``, and the centre of its window (dimensions 2 and 3)."""
    for dim, size in enumerate(shape):
        start = (weight.shape[dim] - size) // 2 if dim >= 2 else 0
        weight = weight.narrow(dim, start, size)
    return weight.detach().clone()
