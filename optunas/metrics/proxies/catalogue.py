"""The zero-cost proxies by name: what each is, what it reads, where it comes from. No torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from optunas.errors import InvalidSpecError, UnknownNameError

__all__ = ["COMBINATIONS", "PROXIES", "ProxyError", "ProxyInfo", "check_names"]


class ProxyError(InvalidSpecError):
    """A network that a proxy cannot support; the sentence says which proxy, and why."""


@dataclass(frozen=True)
class ProxyInfo:
    """One proxy; of all of them more is better.

    Attributes:
        name: by which it is asked for; also that of its module, but for ``params`` and ``flops``.
        what: in a few words.
        reads: ``"nothing"`` (counts), ``"shape"`` (inputs of its own), ``"inputs"`` (a batch's
            inputs), or ``"labels"`` (inputs and targets).
        positive: its values are never negative and span orders of magnitude: features are logs.
        source: where it was proposed.
    """

    name: str
    what: str
    reads: str
    positive: bool
    source: str


PROXIES: dict[str, ProxyInfo] = {
    info.name: info
    for info in (
        ProxyInfo("params", "number of parameters", "nothing", True, ""),
        ProxyInfo("flops", "2 x multiply-accumulates; AZ-NAS's complexity", "nothing", True, ""),
        ProxyInfo("grad_norm", "norms of the gradients", "labels", True, "Abdelfattah et al. 2021"),
        ProxyInfo("snip", "|weight x gradient|", "labels", True, "Lee, Ajanthan and Torr 2019"),
        ProxyInfo("grasp", "change of the gradients' flow", "labels", False, "Wang et al. 2020"),
        ProxyInfo("fisher", "(output x gradient)^2 of channels", "labels", True, "Turner 2020"),
        ProxyInfo("synflow", "log of |weights| along all paths", "shape", False, "Tanaka 2020"),
        ProxyInfo("jacob_cov", "how little inputs' gradients correlate", "inputs", False, "Mellor"),
        ProxyInfo("naswot", "distinct linear regions of inputs", "inputs", False, "Mellor 2021"),
        ProxyInfo("zen", "sensitivity to a change of the input", "shape", False, "Lin et al. 2021"),
        ProxyInfo("zico", "mean over spread of gradients", "labels", False, "Li et al. 2023"),
        ProxyInfo("expressivity", "isotropy of features", "inputs", True, "Lee and Ham 2024"),
        ProxyInfo("progressivity", "growth of expressivity", "inputs", False, "Lee and Ham 2024"),
        ProxyInfo("trainability", "gradients kept by blocks", "inputs", False, "Lee and Ham 2024"),
    )
}

COMBINATIONS = ("az_nas", "rank_mean")
"""What several proxies say together of networks that are compared: see ``combine``."""


def check_names(names: Iterable[str] | None, also: Iterable[str] = ()) -> tuple[str, ...]:
    """The names of proxies, each once; None is all of them.

    Args:
        names: as the user gave them.
        also: further names that are allowed.

    Raises:
        UnknownNameError: with the nearest known name.
        InvalidSpecError: for a text in place of several names, or none at all.
    """
    if names is None:
        return tuple(PROXIES)
    if isinstance(names, str):
        raise InvalidSpecError(f"Proxies are named in a tuple, ({names!r},), got {names!r}.")
    chosen, known = tuple(dict.fromkeys(names)), (*PROXIES, *also)
    for name in chosen:
        if name not in known:
            raise UnknownNameError("proxy", name, known)
    if not chosen:
        raise InvalidSpecError(f"Name at least one proxy: {', '.join(known)}.")
    return chosen
