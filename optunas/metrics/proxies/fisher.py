"""``fisher``: how much the loss would feel the loss of each channel.

    sum over channels c of 1/(2N) sum over n of ( sum over positions of a_nc dL/da_nc )^2

a are the outputs of convolutions and linear layers for one labelled batch of N, L is their mean
loss. Theis et al. 2018 (arXiv:1801.05787); as a score of networks Turner et al. 2020,
"BlockSwap" (arXiv:1906.04113), and Abdelfattah et al. 2021.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from optunas.metrics.proxies.batch import Batch
from optunas.metrics.proxies.subject import gradients, owners

__all__ = ["score"]


def score(network: nn.Module, batch: Batch) -> float:
    """More is better; ``network`` is a private copy."""
    outputs: list[Tensor] = []

    def keep(module: nn.Module, given: Any, output: Any) -> Any:
        if not isinstance(output, Tensor) or output.ndim < 2:
            return output
        outputs.append(output)
        return output.clone()  # a ReLU that works in place must not change what is kept

    for module in owners(network):
        module.register_forward_hook(keep)
    found = gradients(batch.loss(network(batch.x), batch.y), outputs)
    total = 0.0
    for output, grad in zip(outputs, found, strict=True):
        felt = (output.detach() * grad).double().reshape(*output.shape[:2], -1).sum(-1)  # (N, C)
        total += float(felt.square().mean(0).sum() / 2)
    return total
