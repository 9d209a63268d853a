"""``naswot``: into how many distinct linear regions the network puts a batch's inputs.

    log |det K|,    K_ij = number of units - Hamming distance of the codes of inputs i and j

A code says for each piecewise linear unit (ReLU, ReLU6, leaky ReLU, as a module or a function)
whether its input is above zero. Mellor et al. 2021, "Neural architecture search without training"
(arXiv:2006.04647), equation 2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from optunas.metrics.proxies.batch import Batch
from optunas.metrics.proxies.catalogue import ProxyError

__all__ = ["score"]

_LINEAR_IN_PIECES = frozenset(
    f"aten::{name}{end}"
    for name in ("relu", "hardtanh", "leaky_relu", "prelu", "_prelu_kernel", "relu6", "rrelu")
    for end in ("", "_")
)


def score(network: nn.Module, batch: Batch) -> float:
    """More is better; ``network`` is a private copy."""
    with torch.no_grad(), _Codes(len(batch.x)) as codes:
        outputs = network(batch.x)
    if isinstance(outputs, Tensor) and not bool(outputs.isfinite().all()):
        return float("nan")  # codes of what is not a number say nothing
    if codes.kernel is None:
        raise ProxyError("the network has no piecewise linear unit, ReLU or the like, to look at")
    sign, logarithm = torch.linalg.slogdet(codes.kernel)
    return float(logarithm) if float(sign) != 0 else float("-inf")


class _Codes(TorchDispatchMode):
    """Adds up the kernel (N, N) over all units that run inside.

    Attributes:
        kernel: float64; None before the first unit.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.kernel: Tensor | None = None

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        name = str(getattr(getattr(func, "_schema", None), "name", ""))
        if name in _LINEAR_IN_PIECES and args[0].ndim and len(args[0]) == self.size:
            self._add(args[0])
        return func(*args, **(kwargs or {}))

    def _add(self, x: Tensor) -> None:
        """``x``, (N, ...), is what the units are given."""
        on = (x.flatten(1) > 0).float()  # (N, units); sums of so many ones are exact
        off = 1 - on
        same = (on @ on.T + off @ off.T).double()
        self.kernel = same if self.kernel is None else self.kernel + same
