"""What a proxy works on: a copy of the network that it may spoil, and what all ask of it."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from optunas.metrics.proxies.batch import Batch
from optunas.metrics.proxies.catalogue import ProxyError
from optunas.train.random_state import RandomState

__all__ = ["NORMS", "gradients", "owners", "private_copy", "redraw", "surroundings", "weights"]

NORMS = (
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.BatchNorm3d,
    nn.SyncBatchNorm,
    nn.GroupNorm,
    nn.LayerNorm,
    nn.InstanceNorm1d,
    nn.InstanceNorm2d,
    nn.InstanceNorm3d,
)

_DROPOUTS = (
    nn.Dropout,
    nn.Dropout1d,
    nn.Dropout2d,
    nn.Dropout3d,
    nn.AlphaDropout,
    nn.FeatureAlphaDropout,
)

SMALL_INPUT = 16 * 16
"""Pixels or features up to which a second thread costs more than it brings."""


def private_copy(network: nn.Module, device: torch.device) -> nn.Module:
    """A copy on ``device`` as a proxy sees networks.

    In training mode, so that batch norms use the batch, but with dropouts off; every parameter
    free, none with a gradient; half precision as float32.

    Raises:
        ProxyError: when the network cannot be copied, or has parameters without a shape.
    """
    lazy = [name for name, p in network.named_parameters() if is_lazy(p)]
    if lazy:
        raise ProxyError(
            f"No proxy can read {', '.join(lazy)}, which get their shapes from the first input: "
            "run the network once before."
        )
    try:
        mine = copy.deepcopy(network)
    except Exception as error:  # whatever the user's modules raise
        raise ProxyError(
            f"A proxy works on a copy of the network, and this {type(network).__name__} cannot be "
            f"copied: {type(error).__name__}: {error}"
        ) from error
    mine.to(device).train()
    if any(p.dtype in (torch.float16, torch.bfloat16) for p in mine.parameters()):
        mine.float()
    for parameter in mine.parameters():
        parameter.grad = None
        if parameter.is_floating_point():
            parameter.requires_grad_(True)
    for module in mine.modules():
        if isinstance(module, _DROPOUTS):
            module.eval()
    return mine


@contextmanager
def surroundings(batch: Batch, device: torch.device) -> Iterator[None]:
    """Own random numbers, gradients on, mixed precision off, one thread for small inputs.

    All is as before afterwards.
    """
    threads = torch.get_num_threads()
    small = math.prod(batch.input_shape[1:] or batch.input_shape) <= SMALL_INPUT
    random = RandomState(batch.seed, device)
    try:
        if small and threads > 1:
            torch.set_num_threads(1)
        with (
            random.active(),
            torch.inference_mode(False),
            torch.enable_grad(),
            torch.autocast(device.type, enabled=False),
        ):
            yield
    finally:
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)


def weights(network: nn.Module) -> list[nn.Parameter]:
    """Parameters of two or more dimensions: of convolutions and linear layers, no biases or norms.

    Raises:
        ProxyError: when there are none.
    """
    found = [p for p in network.parameters() if p.ndim >= 2 and p.is_floating_point()]
    if not found:
        raise ProxyError("the network has no weights of convolutions or linear layers")
    return found


def owners(network: nn.Module) -> list[nn.Module]:
    """The modules that hold :func:`weights` themselves.

    Raises:
        ProxyError: when there are none.
    """
    wanted = {id(p) for p in weights(network)}
    return [
        module
        for module in network.modules()
        if any(id(p) in wanted for p in module.parameters(recurse=False))
    ]


def gradients(value: Tensor, inputs: Sequence[Tensor]) -> list[Tensor]:
    """d value / d inputs; zeros where ``value`` does not depend on one of them."""
    if not value.requires_grad:
        return [torch.zeros_like(x) for x in inputs]
    found = torch.autograd.grad(value, inputs, allow_unused=True)
    return [
        torch.zeros_like(x) if grad is None else grad for x, grad in zip(inputs, found, strict=True)
    ]


def redraw(network: nn.Module, batch: Batch, scaled: bool) -> None:
    """New normal weights, norms at one and zero, biases zero, in place.

    Args:
        network: a private copy.
        batch: whose seed decides the weights; the same ones on every device.
        scaled: standard deviation sqrt(2 / fan in) (He et al. 2015), else 1.
    """
    draw = batch.generator()
    norms = {id(p): m for m in network.modules() if isinstance(m, NORMS) for p in m.parameters()}
    with torch.no_grad():
        for name, p in network.named_parameters():
            if not p.is_floating_point():
                continue
            if id(p) in norms:
                p.fill_(1.0 if p is norms[id(p)].weight else 0.0)
            elif p.ndim >= 2:
                noise = torch.randn(p.shape, generator=draw)
                p.copy_(noise * math.sqrt(2 / p[0].numel()) if scaled else noise)
            elif name.rpartition(".")[2] == "bias":
                p.zero_()
