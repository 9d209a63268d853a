"""Dropout before a network's classifier, put there for the time of a training epoch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn
from torch.nn import functional as F

from optunas.errors import TrainingError

__all__ = ["InputDropout"]


class InputDropout:
    """Zeroes a share of the inputs of the network's last ``nn.Linear``, scales the others up.

    As in Srivastava et al. 2014 (section 4), in the inverted form: nothing to do afterwards. The
    last one in ``network.modules()``, which is the order of construction. The network itself is
    left as it is: a hook stands there while :meth:`active`, and neither its state nor its pickle
    ever has anything of it.

    Args:
        network: any module; ``share`` 0 asks nothing of it.
        share: in [0, 1).

    Raises:
        TrainingError: when the network has no ``nn.Linear``.
    """

    def __init__(self, network: nn.Module, share: float) -> None:
        self.share, self._seen = share, False
        linear = [m for m in network.modules() if isinstance(m, nn.Linear)] if share else []
        if share and not linear:
            raise TrainingError(
                f"dropout={share:g} goes before the network's last nn.Linear, and it has none: use "
                "dropout=0, or nn.Dropout inside the network."
            )
        self._layer = linear[-1] if linear else None

    @contextmanager
    def active(self) -> Iterator[None]:
        """Inside, every pass drops inputs, with torch's global random numbers.

        Raises:
            TrainingError: on leaving, when the layer was never called.
        """
        if self._layer is None:
            yield
            return
        hook = self._layer.register_forward_pre_hook(self._drop)
        try:
            yield
        finally:
            hook.remove()
        if not self._seen:
            raise TrainingError(
                f"dropout={self.share:g} has no effect: the network's last nn.Linear is never "
                "called; use dropout=0, or nn.Dropout inside the network."
            )

    def _drop(self, layer: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        self._seen = True
        return (F.dropout(inputs[0], self.share), *inputs[1:])
