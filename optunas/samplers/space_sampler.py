"""What all samplers that know the space share: members in, members out, nothing kept but caches."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.search_space import IntersectionSearchSpace
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from optunas import codec
from optunas.samplers.arguments import Arguments
from optunas.samplers.scalarise import Scalarisation, scalarisation_for
from optunas.samplers.trials.adapter import set_system_attr
from optunas.samplers.trials.members import IDENTITIES, Identity, Members
from optunas.samplers.trials.plain_space import PlainSpace
from optunas.samplers.trials.seen import PROPOSED, Feasible, History, Known, Seen
from optunas.space import Space

__all__ = ["ScalarisedSampler", "SpaceSampler", "View"]


@dataclass(frozen=True)
class View:
    """The study as it stands when a trial asks.

    Attributes:
        study: itself; its ``directions`` count.
        number: of the trial that asks.
        space: that is searched.
        members: what may be proposed: drawing, keys, limits.
        seen: all other trials whose member is known, by number, running and waiting ones too.
        silent: running trials of smaller numbers that have not said yet what they will try. Where
            all workers would reason to the same best candidate, leave the best ones to these.
        known: see :class:`SpaceSampler`.
    """

    study: Study
    number: int
    space: Space[Any]
    members: Members
    seen: Sequence[Seen]
    silent: int
    known: Known | None

    @property
    def keys(self) -> set[Any]:
        """Of all members seen: what need not be tried again."""
        by_code = self.members.identity == "code"
        return {s.member if by_code else s.digest for s in self.seen}

    @property
    def complete(self) -> list[Seen]:
        """The trials that have values."""
        return [s for s in self.seen if s.values is not None]

    @property
    def under_way(self) -> list[Seen]:
        """The trials that run or wait."""
        return [s for s in self.seen if not s.state.is_finished()]

    def random(self, rng: np.random.Generator) -> Any:
        """A new allowed member; when all have been tried any allowed one, else any at all."""
        for seen in (self.keys, ()):
            member = self.members.random(seen, rng)
            if member is not None:
                return member
        return self.space.sample(rng)


class SpaceSampler(BaseSampler):
    """Proposes members of a space; all that it learns from is in the study.

    A trial's proposal depends on the seed, its number and the other trials alone, so that runs can
    be resumed and workers share one seed. Without a space it takes the parameters that all trials
    share, as Optuna's samplers do; the first trial is then drawn at random.

    Args:
        space: whose members ``optunas.suggest`` will ask for; None for Optuna's distributions.
        name: prefix of the parameters, as for ``optunas.suggest``.
        known: ``known(member) -> {objective index: value}``, objectives that need no training.
        feasible: ``feasible(member) -> bool``, limits that need no training.
        identity: members are the same when their networks are (``digest``), or only when their
            codes are (``code``, for tables that hold one row for each code).
        seed: from 0 on; None draws one.

    Raises:
        InvalidSpecError: for arguments that cannot be.
    """

    def __init__(
        self,
        space: Space[Any] | None = None,
        *,
        name: str | None = None,
        known: Known | None = None,
        feasible: Feasible | None = None,
        identity: Identity = "digest",
        seed: int | None = None,
    ) -> None:
        arguments = Arguments(type(self).__name__)
        arguments.kind("space", space, Space, "a Space such as optunas.NB201")
        arguments.kind("name", name, str, "a string")
        arguments.function("known", known)
        arguments.function("feasible", feasible)
        arguments.one_of("identity", identity, IDENTITIES)
        arguments.whole("seed", seed, 0, none=True)
        arguments.finish()
        self._space, self._name, self._known = space, name, known
        self._feasible, self._identity = feasible, identity
        self._seed = int(np.random.SeedSequence(seed).generate_state(1)[0])
        self._shared = IntersectionSearchSpace()
        self._caches: tuple[Space[Any], Members, History] | None = None

    def reseed_rng(self) -> None:
        """Optuna asks for this in each thread; every trial has numbers of its own anyway."""

    def check(self, directions: Sequence[StudyDirection]) -> None:
        """Refuse objectives that the arguments do not fit; a study asks before its first trial.

        Args:
            directions: of the objectives, in the study's order.

        Raises:
            InvalidSpecError: with every reason.
        """

    @abstractmethod
    def propose(self, view: View, rng: np.random.Generator) -> Any:
        """The member to try next; ``view.random(rng)`` where nothing can be said yet."""

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """The space's parameters; without one those that all finished trials share."""
        if self._space is not None:
            found = codec.distributions(self._space, self._name)
        else:
            found = self._shared.calculate(study)
        return {name: d for name, d in found.items() if not d.single()}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The proposal's parameters, noted in the trial before it has them."""
        if not search_space:
            return {}
        space, members, history = self._for(search_space)
        seen, silent = history.read(study, but=trial.number)
        view = View(study, trial.number, space, members, seen, silent, self._known)
        member = self.propose(view, self._rng(trial.number))
        if isinstance(space, PlainSpace):
            params = space.params_of(member)
        else:
            params = codec.to_params(space, member, self._name)
        self._note(study, trial, params)
        return {name: value for name, value in params.items() if name in search_space}

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """A parameter outside of the space: uniformly at random."""
        seed = int(self._rng(trial.number, param_name).integers(2**31))
        return RandomSampler(seed).sample_independent(study, trial, param_name, param_distribution)

    def _rng(self, number: int, what: str = "") -> np.random.Generator:
        return np.random.default_rng([self._seed, number, *what.encode()])

    def _for(self, search_space: dict[str, BaseDistribution]) -> tuple[Any, Members, History]:
        if self._caches is None or (
            self._space is None and self._caches[0].distributions != search_space  # type: ignore[attr-defined]
        ):
            space = self._space if self._space is not None else PlainSpace(search_space)
            members = Members(space, self._feasible, self._identity)
            self._caches = space, members, History(space, self._name)
        return self._caches

    def _note(self, study: Study, trial: FrozenTrial, params: dict[str, Any]) -> None:
        if trial.state == TrialState.RUNNING:
            set_system_attr(study, trial, PROPOSED, params)


class ScalarisedSampler(SpaceSampler):
    """One that compares trials by a :class:`~optunas.samplers.scalarise.Scalarisation`.

    Attributes:
        called: the sampler's name, for errors.
        otherwise: the form for several objectives where the user stated none.
    """

    called: ClassVar[str]
    otherwise: ClassVar[Scalarisation]
    _form: Scalarisation | None

    def check(self, directions: Sequence[StudyDirection]) -> None:
        """See :class:`SpaceSampler`."""
        self._form_for(directions)

    def _form_for(self, directions: Sequence[StudyDirection]) -> Scalarisation:
        return scalarisation_for(self._form, directions, self.called, self.otherwise)
