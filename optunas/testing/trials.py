"""Tests of the way into Optuna's trials and back."""

from __future__ import annotations

import itertools
import json
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FixedTrial

from optunas import codec
from optunas.errors import InvalidArchitectureError
from optunas.space import Choice, Parameter
from optunas.testing.contract import promise, require
from optunas.testing.subject import Subject

__all__ = ["TrialTests"]

NAMES = (None, "", "left")
"""Prefixes of the parameters' names."""


class TrialTests(Subject):
    """``suggest``, ``to_params``, ``from_params`` and ``distributions``."""

    def test_trial_parameters_give_the_member_back(self) -> None:
        for member in self._samples():
            for name in NAMES:
                with promise("to_params", member):
                    params = codec.to_params(self.space, member.value, name)
                    wanted = list(codec.distributions(self.space, name))
                    require(list(params) == wanted, f"names {list(params)}, wanted {wanted}")
                    stored = json.loads(json.dumps(params))
                    require(stored == params, f"gives what cannot be stored: {params}")
                with promise("from_params", member):
                    got = codec.from_params(self.space, stored, name)
                    require(got == member.value, f"of {params} gives {got!r}")
                with promise("suggest", member):
                    got = codec.suggest(FixedTrial(params), self.space, name)
                    require(got == member.value, f"with {params} fixed gives {got!r}")

    def test_every_option_can_be_suggested(self) -> None:
        for name, parameter in self.space.parameters().items():
            member = self._sampled(0)
            for value in itertools.islice(_values(parameter, member.rng), 30):
                values = {**self.space.encode(member.value), name: value}
                with promise("suggest", f"{name} = {value!r}"):
                    wanted = self.space.decode(self.space.canonical(values))
                    got = codec.suggest(FixedTrial(values), self.space, "")
                    require(got == wanted, f"gives {got!r}, wanted {wanted!r}")

    def test_each_parameter_has_its_distribution(self) -> None:
        found = codec.distributions(self.space, "")
        for name, parameter in self.space.parameters().items():
            with promise("distributions", f"{name}, {parameter!r}"):
                got = found[name]
                require(_same(got, parameter), f"gives {got}")

    def test_a_study_suggests_members(self) -> None:
        sampler = optuna.samplers.RandomSampler(seed=self.seed)
        study = optuna.create_study(sampler=sampler)
        for _ in range(min(10, self.num_samples)):
            with promise("suggest", self.space):
                trial = study.ask()
                member = codec.suggest(trial, self.space)
                self.space.validate(member)
            with promise("from_params", repr(member)):
                got = codec.from_params(self.space, trial)
                require(got == member, f"of the running trial gives {got!r}")
                study.tell(trial, 0.0)
                frozen = study.trials[-1]
                got = codec.from_params(self.space, frozen)
                require(got == member, f"of the stored trial gives {got!r}")
                got = codec.from_params(self.space, frozen.params)
                require(got == member, f"of the stored parameters gives {got!r}")
            with promise("distributions", self.space):
                wanted = frozen.distributions
                got = codec.distributions(self.space)
                require(got == wanted, f"gives {got}, the trial has {wanted}")

    def test_an_enqueued_member_comes_back(self) -> None:
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=self.seed))
        for member in self._samples(10):
            with promise("suggest", member):
                study.enqueue_trial(codec.to_params(self.space, member.value))
                trial = study.ask()
                got = codec.suggest(trial, self.space)
                require(got == member.value, f"gives {got!r} when the member is enqueued")
                study.tell(trial, 0.0)

    def test_wrong_parameters_of_a_trial_are_named_at_once(self) -> None:
        member = self._sampled(0)
        with promise("from_params", member):
            params = codec.to_params(self.space, member.value, "left")
            first = next(iter(params))
            del params[first]
            params["elsewhere"] = 1
            try:
                codec.from_params(self.space, params, "left")
            except InvalidArchitectureError as error:
                for name in (first, "elsewhere"):
                    require(repr(name) in str(error), f"does not name {name!r}: {error}")
                return
            require(False, f"takes {params}, wanted an InvalidArchitectureError")


def _values(parameter: Parameter, rng: Any) -> Any:
    """Its values; of a continuous one some."""
    if parameter.size <= 1000:
        return iter(parameter.values())
    return (parameter.sample(rng) for _ in itertools.count())


def _same(distribution: BaseDistribution, parameter: Parameter) -> bool:
    if isinstance(parameter, Choice):
        choices = getattr(distribution, "choices", None)
        return choices == parameter.options
    wanted = {
        "low": getattr(parameter, "low", None),
        "high": getattr(parameter, "top", None),
        "step": getattr(parameter, "step", None),
        "log": getattr(parameter, "log", None),
    }
    got = {field: getattr(distribution, field, None) for field in wanted}
    return got == wanted
