"""The program of any network: its steps as torch runs them, recorded without computing anything.

A pass on torch's ``meta`` device shows every operation with its inputs and outputs and holds no
data; a network that cannot run there (its path depends on values) is run once for real. Views are
the tensor that they look at. What operations put out beside their result and nobody reads (a max
pool's indices, a norm's means) counts only where a gradient needs it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from optunas.metrics.counting import in_mode, sample_input, taking
from optunas.metrics.flow.recorder import Recorder
from optunas.metrics.flow.steps import Program, Segment, Weights
from optunas.nets.operations import make
from optunas.space.operations import Operation

__all__ = ["item_bytes", "network_program", "operation_recorded"]

BATCH = 97
"""Samples of a recorded pass: a prime, so that a tensor whose sides are no multiples of it is one
for the whole batch."""

REAL_BATCH = 2
"""Where the network must really run."""


def network_program(
    network: nn.Module, input_shape: tuple[int, ...], training: bool = False
) -> Program:
    """The program of one pass of ``network``, as a single segment.

    The network's mode, weights and running statistics stay as they are, and so do torch's random
    numbers.

    Args:
        network: any, on any device.
        input_shape: of one sample, without batch.
        training: record what gradients need as well, in training mode.

    Raises:
        InvalidSpecError: when the network cannot take such an input.
    """
    shape = tuple(input_shape)
    size = math.prod(sample_input(nn.Identity(), shape).shape)
    segment = _recorded(network, shape, training)
    return Program(size, ((segment, (0,)),))


def item_bytes(network: nn.Module) -> int:
    """Bytes of one number of the network's type; float32 for one without parameters."""
    return sample_input(network, (1,)).element_size()


def operation_recorded(
    operation: Operation, place: tuple[int, int, int, int, int], training: bool
) -> Segment:
    """The segment of a user's own operation where it stands, built and recorded once.

    Raises:
        InvalidSpaceError: when its factory gives no module.
        InvalidSpecError: when its module cannot take its input.
    """
    if isinstance(operation.factory, Hashable):
        return _operation(operation.name, operation.factory, place, training)
    return _operation.__wrapped__(operation.name, operation.factory, place, training)


@lru_cache(maxsize=4096)
def _operation(
    name: str,
    factory: Callable[..., Any] | None,
    place: tuple[int, int, int, int, int],
    training: bool,
) -> Segment:
    channels_in, channels_out, stride, *size = place
    with torch.random.fork_rng(devices=[]):
        module = make(Operation(name, factory), channels_in, channels_out, stride)
    return _recorded(module, (channels_in, *size), training)


def _recorded(network: nn.Module, shape: tuple[int, ...], training: bool) -> Segment:
    like = sample_input(network, (1,)).dtype
    state = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    meta = {name: tensor.detach().to("meta") for name, tensor in state.items()}
    x = torch.empty((BATCH, *shape), dtype=like, device="meta")
    try:
        return _pass(network, meta, x, training)
    except Exception:  # whatever keeps it from running without data; the real pass will tell
        pass
    real = {name: tensor.detach().clone() for name, tensor in state.items()}
    x = sample_input(network, (REAL_BATCH, *shape))
    with taking(x):
        return _pass(network, real, x, training)


def _pass(network: nn.Module, state: dict[str, Tensor], x: Tensor, training: bool) -> Segment:
    learning = {name for name, p in network.named_parameters() if p.requires_grad}
    given = {
        name: tensor.requires_grad_(training and name in learning) for name, tensor in state.items()
    }
    own = dict(network.named_parameters())
    recorder = Recorder(x, [given[name] for name in own], list(given.values()))
    devices = [x.device] if x.device.type == "cuda" else []
    with (
        in_mode(network, training),
        torch.random.fork_rng(devices=devices),
        torch.set_grad_enabled(training),
        torch.autograd.graph.saved_tensors_hooks(recorder.save, lambda packed: packed),
        recorder,
    ):
        output = torch.func.functional_call(network, given, (x,))
    params = sum(p.numel() for p in own.values())
    buffers = [tensor for name, tensor in state.items() if name not in own]
    counters = sum(b.numel() for b in buffers if not b.is_floating_point())
    held = sum(b.numel() for b in buffers if b.is_floating_point())
    return recorder.segment(output, Weights(params, held, counters))
