"""Parameters and FLOPs counted on a network; the slow and general way."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from optunas.errors import InvalidSpecError
from optunas.nets.operations import make
from optunas.space.operations import Cost, Operation

__all__ = [
    "count_flops",
    "count_params",
    "counted_cost",
    "in_mode",
    "run_once",
    "sample_input",
    "taking",
]


def count_params(network: nn.Module) -> int:
    """Number of parameters, shared ones once, frozen ones too; buffers do not count."""
    return sum(parameter.numel() for parameter in network.parameters())


def count_flops(network: nn.Module, input_shape: tuple[int, ...]) -> int:
    """FLOPs (2 x multiply-accumulates) of one input of ``input_shape``, without batch.

    Counted by ``torch.utils.flop_counter`` on a batch of one in evaluation mode: convolutions and
    matrix products; biases, norms, pools and sums count nothing. The network's modes are restored.

    Raises:
        InvalidSpecError: when the network cannot take such an input.
    """
    with in_mode(network, False), torch.no_grad(), FlopCounterMode(display=False) as counter:
        run_once(network, sample_input(network, (1, *input_shape)))
    return counter.get_total_flops()


def sample_input(network: nn.Module, shape: tuple[int, ...]) -> torch.Tensor:
    """Normal noise of ``shape`` with the network's own dtype and device; no global seed is used.

    Raises:
        InvalidSpecError: when ``shape`` is not made of positive integers.
    """
    if any(isinstance(n, bool) or not isinstance(n, int) or n < 1 for n in shape):
        raise InvalidSpecError(f"An input's sizes must be positive integers, got {shape!r}.")
    like = next((p for p in network.parameters() if p.is_floating_point()), torch.empty(0))
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    return noise.to(device=like.device, dtype=like.dtype)


def run_once(network: nn.Module, x: torch.Tensor) -> Any:
    """``network(x)``.

    Raises:
        InvalidSpecError: when the network cannot take an input of this shape.
    """
    with taking(x):
        return network(x)


@contextmanager
def taking(x: torch.Tensor) -> Iterator[None]:
    """Tells what a network says of an input that it cannot take; memory that runs out stays.

    Raises:
        InvalidSpecError: with the input's shape.
    """
    try:
        yield
    except (RuntimeError, ValueError) as error:
        if "out of memory" in str(error) or "allocate memory" in str(error):
            raise
        reason = str(error).strip().split("\n")[0]
        raise InvalidSpecError(
            f"The network cannot take an input of shape {tuple(x.shape)} (batch first): {reason}"
        ) from error


@contextmanager
def in_mode(network: nn.Module, training: bool) -> Iterator[None]:
    """Evaluation or training mode inside; every module's own mode afterwards."""
    modes = [(module, module.training) for module in network.modules()]
    network.train(training)
    try:
        yield
    finally:
        for module, own in modes:
            module.training = own


def counted_cost(
    operation: Operation, channels_in: int, channels_out: int, stride: int, height: int, width: int
) -> Cost:
    """Cost of a user's own operation that states none: built and counted where it stands.

    The global seed is left as it was.
    """
    place = (channels_in, channels_out, stride, height, width)
    if isinstance(operation.factory, Hashable):
        return _counted_cost(operation.name, operation.factory, *place)
    return _counted_cost.__wrapped__(operation.name, operation.factory, *place)


@lru_cache(maxsize=4096)
def _counted_cost(
    name: str,
    factory: Callable[..., Any] | None,
    channels_in: int,
    channels_out: int,
    stride: int,
    height: int,
    width: int,
) -> Cost:
    with torch.random.fork_rng(devices=[]):
        module = make(Operation(name, factory), channels_in, channels_out, stride)
    flops = count_flops(module, (channels_in, height, width))
    return Cost(count_params(module), flops // 2)
