"""From a network or an architecture to the values of its proxies."""

from __future__ import annotations

import math
from collections.abc import Iterable
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from optunas.errors import InvalidSpecError, OptunasError
from optunas.metrics.costs import flops, params
from optunas.metrics.proxies.batch import BATCH_SIZE, Batch, as_batch, noise_batch
from optunas.metrics.proxies.catalogue import COMBINATIONS, ProxyError, check_names
from optunas.metrics.proxies.subject import private_copy, surroundings
from optunas.nets.build import build
from optunas.nets.skeleton import Architecture
from optunas.space.joint import Joint
from optunas.train import resolve_device
from optunas.train.random_state import seeded

__all__ = ["WORST", "proxy", "proxy_values"]

WORST = -math.inf
"""The value of a network for which a proxy is not a finite number: it ranks last."""

Pair = tuple[Tensor, Tensor]


def proxy(
    x: nn.Module | Architecture | Joint,
    name: str,
    batch: Batch | Pair | None = None,
    *,
    input_shape: tuple[int, ...] | None = None,
    num_classes: int | None = None,
    channels: int | None = None,
    num_cells: int | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
) -> float:
    """One zero-cost proxy of one network; more is better, always.

    The network is left exactly as it was, and so are torch's global random numbers; on one device
    the same seed gives the same value. Batch norms use the batch's statistics, dropout is off.

    >>> import optunas
    >>> cell = optunas.NB201.sample(__import__("numpy").random.default_rng(0))
    >>> value = proxy(cell, "synflow", input_shape=(3, 32, 32), num_classes=10, channels=4)

    Args:
        x: a network, taken with the weights it has; or an architecture, built here with initial
            weights from ``seed`` (then the next arguments are those of ``optunas.build``).
        name: one of ``optunas.metrics.PROXIES``.
        batch: inputs (N, *input_shape) and targets: whole numbers (N,) are classes, others targets
            of a squared error; :func:`~optunas.metrics.proxies.task_batch` takes one from a task.
            None is a batch of normal noise with random targets.
        input_shape: without batch; needed without a batch.
        num_classes: number of outputs; needed for an architecture.
        channels: of the first stage or cell, for architectures of cells.
        num_cells: per stage or in all, for architectures of cells.
        seed: of initial weights, noise and what a proxy draws.
        device: ``cpu``, ``cuda``, ``cuda:1``.

    Returns:
        A finite number; ``-inf`` where the proxy is not one, never NaN.

    Raises:
        UnknownNameError: for another name, with the nearest.
        ProxyError: (an InvalidSpecError) for a network that the proxy cannot support, saying why.
        InvalidSpecError: for a missing or wrong argument.
        DeviceError: when the device is not there.
    """
    if name in COMBINATIONS:
        raise InvalidSpecError(
            f"{name!r} compares networks with one another, and a single one has no rank: give "
            "several to optunas.metrics.proxy_table."
        )
    check_names((name,))
    values = proxy_values(
        x,
        (name,),
        batch,
        input_shape=input_shape,
        num_classes=num_classes,
        channels=channels,
        num_cells=num_cells,
        seed=seed,
        device=device,
    )
    return values[name]


def proxy_values(
    x: nn.Module | Architecture | Joint,
    names: Iterable[str] | None = None,
    batch: Batch | Pair | None = None,
    *,
    input_shape: tuple[int, ...] | None = None,
    num_classes: int | None = None,
    channels: int | None = None,
    num_cells: int | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
    refused: dict[str, str] | None = None,
) -> dict[str, float]:
    """Several proxies of one network by name; None is all of them. Else as :func:`proxy`.

    Args:
        refused: where given, a proxy that the network cannot support does not raise: its value is
            ``-inf``, and its sentence is put in here by its name.
    """
    chosen, target = check_names(names), resolve_device(device)
    given = None if batch is None else as_batch(batch, seed)
    shape = given.input_shape if given is not None else input_shape
    if shape is None:
        raise InvalidSpecError(
            f"The proxy {chosen[0]!r} needs a batch, or input_shape to make one of noise, such as "
            "input_shape=(3, 32, 32)."
        )
    if isinstance(x, nn.Module):
        network = x
    else:
        if num_classes is None:
            raise InvalidSpecError(
                f"The proxy {chosen[0]!r} of an architecture needs num_classes to build its "
                "network, such as num_classes=10."
            )
        with seeded(seed):
            network = build(x, shape, num_classes, channels, num_cells)
    if given is None:
        given = noise_batch(shape, num_classes or _outputs(network, shape), BATCH_SIZE, seed)
    found: dict[str, float] = {}
    for name in chosen:
        try:
            found[name] = _value(network, name, given, target)
        except ProxyError as error:
            if refused is None:
                raise
            found[name], refused[name] = WORST, str(error)
    return found


def _value(network: nn.Module, name: str, batch: Batch, device: torch.device) -> float:
    if name == "params":
        return float(params(network))
    if name == "flops":
        return float(flops(network, batch.input_shape))
    module: Any = import_module(f"optunas.metrics.proxies.{name}")
    with surroundings(batch, device):
        subject = private_copy(network, device)
        like = next((p for p in subject.parameters() if p.is_floating_point()), None)
        own = batch.to(device, batch.x.dtype if like is None else like.dtype)
        try:
            value = module.score(subject, own)
        except ProxyError as error:
            raise ProxyError(f"The proxy {name!r} cannot be had: {error}.") from error
        except OptunasError:
            raise
        except Exception as error:  # whatever the user's modules raise
            if _memory(error):
                raise
            reason = str(error).strip().split("\n")[0]
            raise ProxyError(
                f"The proxy {name!r} fails on this {type(network).__name__} with inputs of shape "
                f"{tuple(own.x.shape)} (batch first): {type(error).__name__}: {reason}"
            ) from error
    return float(value) if math.isfinite(value) else WORST


def _memory(error: Exception) -> bool:
    text = str(error)
    return (
        isinstance(error, (MemoryError, torch.OutOfMemoryError))
        or "out of memory" in text
        or "allocate memory" in text
    )


def _outputs(network: nn.Module, shape: tuple[int, ...]) -> int:
    """How many outputs the network has for one input."""
    noise = noise_batch(shape, 1, 2)
    device = torch.device("cpu")
    with surroundings(noise, device), torch.no_grad():
        mine = private_copy(network, device)
        like = next((p for p in mine.parameters() if p.is_floating_point()), noise.x)
        try:
            output = mine(noise.x.to(like.dtype))
        except (RuntimeError, ValueError) as error:
            if _memory(error):
                raise
            reason = str(error).strip().split("\n")[0]
            raise InvalidSpecError(
                f"The network cannot take an input of shape {tuple(noise.x.shape)} (batch first): "
                f"{reason}"
            ) from error
    if not isinstance(output, Tensor) or output.ndim != 2:
        raise ProxyError(
            "A proxy reads a network with outputs of shape (N, outputs); this one gives "
            f"{tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__}."
        )
    return output.shape[1]
