"""Gradients of what was not kept: it is computed once more, in the backward pass.

``torch.utils.checkpoint`` sends every tensor that a graph would keep through a call from Python,
which doubled the time of a step; here the first pass builds no graph at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from optunas.errors import InvalidSpecError

__all__ = ["recomputed"]

Run = Callable[..., Sequence[Tensor | None]]


def recomputed(run: Run, inputs: Sequence[Tensor], module: nn.Module) -> tuple[Tensor | None, ...]:
    """``run(*inputs)``, of which only the inputs are kept.

    Not twice differentiable: a backward pass with ``create_graph=True`` raises InvalidSpecError.

    Args:
        run: gives tensors, or None; uses no tensors that need gradients but the inputs and the
            module's parameters.
        inputs: tensors.
        module: what it counts or averages is counted once; random numbers are the same again.
    """
    weights = [weight for weight in module.parameters() if weight.requires_grad]
    return _Recomputed.apply(run, module, len(inputs), *inputs, *weights)


class _Recomputed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, run: Run, module: nn.Module, count: int, *tensors: Tensor) -> Any:
        ctx.run, ctx.module, ctx.count, ctx.random = run, module, count, _random_state(tensors[0])
        ctx.save_for_backward(*tensors)
        return tuple(run(*tensors[:count]))

    @staticmethod
    def backward(ctx: Any, *towards: Any) -> Any:
        if torch.is_grad_enabled():  # what create_graph=True does
            raise InvalidSpecError(
                "What a supernet computes again in the backward pass has no second derivatives; "
                "set checkpoint=False on the supernet (checkpointing=False in the settings)."
            )
        tensors, wanted = ctx.saved_tensors, ctx.needs_input_grad[3:]
        apart = [
            x.detach().requires_grad_(needed)
            for x, needed in zip(tensors[: ctx.count], wanted, strict=False)
        ]
        with torch.enable_grad(), _spare_buffers(ctx.module), _random_as(ctx.random, tensors[0]):
            outputs = ctx.run(*apart)
        both = [
            (output, gradient)
            for output, gradient in zip(outputs, towards, strict=True)
            if output is not None and output.requires_grad and gradient is not None
        ]
        leaves = [*apart, *tensors[ctx.count :]]
        of = [leaf for leaf, needed in zip(leaves, wanted, strict=True) if needed]
        found: Sequence[Tensor | None] = [None] * len(of)
        if both:
            values, gradients = zip(*both, strict=True)
            found = torch.autograd.grad(values, of, gradients, allow_unused=True)
        each = iter(found)
        return None, None, None, *(next(each) if needed else None for needed in wanted)


@contextmanager
def _spare_buffers(module: nn.Module) -> Iterator[None]:
    """While inside, whatever the module counts or averages goes into copies that are dropped.

    The tensors themselves stay untouched: the backward pass of the repetition still refers to them.
    """
    own = [(m, name, b) for m in module.modules() for name, b in m.named_buffers(recurse=False)]
    for owner, name, buffer in own:
        setattr(owner, name, buffer.clone())
    try:
        yield
    finally:
        for owner, name, buffer in own:
            setattr(owner, name, buffer)


def _random_state(like: Tensor) -> list[Tensor]:
    """Of the CPU's generator and of the device's."""
    own = [torch.cuda.get_rng_state(like.device)] if like.is_cuda else []
    return [torch.get_rng_state(), *own]


@contextmanager
def _random_as(states: list[Tensor], like: Tensor) -> Iterator[None]:
    with torch.random.fork_rng([like.device] if like.is_cuda else []):
        torch.set_rng_state(states[0])
        if like.is_cuda:
            torch.cuda.set_rng_state(states[1], like.device)
        yield
