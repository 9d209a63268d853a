"""``jacob_cov``: how little the network's responses to different inputs resemble each other.

    - sum over eigenvalues v of C of log(v + k) + 1 / (v + k),    k = 1e-5

C is the correlation matrix (N, N) of the gradients of the summed outputs with respect to each of N
inputs. Mellor et al. 2020, "Neural architecture search without training", first version
(arXiv:2006.04647v1).
"""

from __future__ import annotations

import torch
from torch import nn

from optunas.metrics.proxies.batch import Batch
from optunas.metrics.proxies.subject import gradients

__all__ = ["score"]

K = 1e-5


def score(network: nn.Module, batch: Batch) -> float:
    """More is better; ``network`` is a private copy."""
    x = batch.x.clone().requires_grad_(True)
    (grad,) = gradients(network(x).sum(), [x])
    correlation = torch.corrcoef(grad.double().flatten(1))  # (N, N); NaN for a constant row
    if not bool(correlation.isfinite().all()):
        return float("nan")
    values = torch.linalg.eigvalsh(correlation).clamp(min=0.0) + K
    return -float((values.log() + 1 / values).sum())
