"""Zero-cost proxies: what an untrained network and one batch say of the accuracy it will reach.

One proxy a file, with its equation and source; of all of them more is better, and a value that is
not a finite number is -inf, which ranks last. FLOPs are the baseline that a proxy has to beat, so
they stand beside every table. Names that need torch are resolved when asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from optunas.metrics.proxies.catalogue import COMBINATIONS, PROXIES, ProxyError, ProxyInfo

if TYPE_CHECKING:
    from optunas.metrics.proxies.agreement import Agreement, agreements, kendall, spearman
    from optunas.metrics.proxies.batch import Batch, noise_batch, task_batch
    from optunas.metrics.proxies.choosing import prefilter
    from optunas.metrics.proxies.combine import az_nas, rank_mean
    from optunas.metrics.proxies.computing import proxy, proxy_values
    from optunas.metrics.proxies.members import MemberProxies
    from optunas.metrics.proxies.mix import ProxyMix
    from optunas.metrics.proxies.table import ProxyTable, proxy_table

_HOME = {
    "Agreement": "agreement",
    "Batch": "batch",
    "MemberProxies": "members",
    "ProxyMix": "mix",
    "ProxyTable": "table",
    "agreements": "agreement",
    "az_nas": "combine",
    "kendall": "agreement",
    "noise_batch": "batch",
    "prefilter": "choosing",
    "proxy": "computing",
    "proxy_table": "table",
    "proxy_values": "computing",
    "rank_mean": "combine",
    "spearman": "agreement",
    "task_batch": "batch",
}

__all__ = [
    "COMBINATIONS",
    "PROXIES",
    "Agreement",
    "Batch",
    "MemberProxies",
    "ProxyError",
    "ProxyInfo",
    "ProxyMix",
    "ProxyTable",
    "agreements",
    "az_nas",
    "kendall",
    "noise_batch",
    "prefilter",
    "proxy",
    "proxy_table",
    "proxy_values",
    "rank_mean",
    "spearman",
    "task_batch",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
