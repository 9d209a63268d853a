"""The space of Optuna's own distributions, for samplers in a study that knows no other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from optunas.space import Choice, Float, HyperSpace, Int
from optunas.space.parameters import Parameter

__all__ = ["PlainSpace"]


class PlainSpace(HyperSpace):
    """Every distribution a parameter; a member is a dictionary as trials have it.

    Choices are kept by their place, so that any value may be one: None, booleans, numbers that are
    equal to others.

    Args:
        distributions: by name; at least one.
    """

    def __init__(self, distributions: Mapping[str, BaseDistribution]) -> None:
        self.distributions = dict(distributions)
        super().__init__({name: _parameter(d) for name, d in self.distributions.items()})

    def params_of(self, member: Mapping[str, Any]) -> dict[str, Any]:
        """The trial parameters of a member."""
        return {
            name: d.to_external_repr(int(member[name]))
            if isinstance(d, CategoricalDistribution)
            else member[name]
            for name, d in self.distributions.items()
        }

    def member_of(self, params: Mapping[str, Any]) -> Any:
        """The member of trial parameters; KeyError or ValueError for those of other trials."""
        values = {
            name: str(int(d.to_internal_repr(params[name])))
            if isinstance(d, CategoricalDistribution)
            else params[name]
            for name, d in self.distributions.items()
        }
        self.check(values)
        return self.decode(values)


def _parameter(distribution: BaseDistribution) -> Parameter:
    if isinstance(distribution, CategoricalDistribution):
        return Choice(tuple(str(at) for at in range(len(distribution.choices))))
    if isinstance(distribution, IntDistribution):
        d = distribution
        return Int(d.low, d.high, step=d.step, log=d.log)
    assert isinstance(distribution, FloatDistribution)
    f = distribution
    return Float(f.low, f.high, log=f.log, step=f.step)
