"""REINFORCE: a recurrent controller that learns which choices lead to good networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from optuna.study import StudyDirection

from optunas.samplers.arguments import Arguments, is_number
from optunas.samplers.policy.tokens import Tokens
from optunas.samplers.scalarise import Chebyshev, Scalarisation, scalarisation
from optunas.samplers.scalarise.lessons import in_order, normal_scores, worths
from optunas.samplers.space_sampler import ScalarisedSampler, View
from optunas.samplers.trials.members import Identity
from optunas.samplers.trials.seen import Feasible, Floats, Known, Seen
from optunas.space import Space

if TYPE_CHECKING:  # the module loads torch
    from optunas.samplers.policy.controller import Controller, Lessons

__all__ = ["ReinforceSampler"]

DRAWN = 16
"""Members that are drawn from the policy at a time, until one of them is new."""

TEMPERATURES = (1.0, 1.0, 2.0, 4.0, 8.0, 16.0)
"""A policy that has settled draws what has been tried; its next draws are closer to uniform."""


class _Taught(NamedTuple):
    """A controller and the trials that it learned from, in order."""

    controller: Controller
    tokens: Tokens
    trials: list[Seen]
    directions: list[StudyDirection]


class ReinforceSampler(ScalarisedSampler):
    """Draws members from an LSTM that is rewarded for good ones.

    The controller emits the parameters in the space's order, each from a softmax over its choices
    that sees the choices before it; parameters that do not count are skipped. A number with more
    than ``bins`` values is one of ``bins`` parts of its (log) range, and uniform within the part.

    Whenever ``batch_size`` more trials have ended, it takes one step along
    ``mean((reward - baseline) * grad log p(member)) + entropy_weight * grad entropy``. The rewards
    are the ranks of the trials' scores among all so far, as quantiles of a standard normal, so
    that neither units nor failed networks matter; the baseline is their exponential moving average
    before the batch. Enqueued trials and those of other samplers count as if it had drawn them.
    Pruned trials count as a bad quarter (:mod:`~optunas.samplers.scalarise.lessons`), failed ones
    not at all.

    Nothing is kept but a cache: an untaught controller (it follows from the seed, and draws
    uniformly) goes through the ended trials in the order in which they ended. A member that was
    tried, is under way or breaks a limit is drawn again.

    Zoph and Le 2017, "Neural Architecture Search with Reinforcement Learning" (arXiv:1611.01578);
    Williams 1992. Deviations: one layer; bounded logits as in ENAS (arXiv:1802.03268), Adam, one
    step a batch instead of parallel replicas, ranks as rewards, no member twice.

    Args:
        space, name, known, feasible, identity, seed: see :class:`SpaceSampler`; objectives that
            are ``known`` are learned like others.
        hidden_size: of the LSTM.
        learning_rate: of Adam; on NAS-Bench-201 0.015 was ahead of 0.03 (159 and 203 networks to
            the best one, means of 20 seeds), and 0.1 far behind.
        baseline_decay: of the moving average, a trial; 0 is the last reward, 1 the mean of all.
        entropy_weight: in standard deviations of the reward for each nat of the member's choices.
        batch_size: of trials for each step.
        bins: of numbers, from 2 on.
        scalarise: how several objectives become one, see
            :func:`~optunas.samplers.scalarise.scalarisation`; by default ``"chebyshev"``.

    Raises:
        InvalidSpecError: for arguments that cannot be.
    """

    called, otherwise = "reinforce", Chebyshev()

    def __init__(
        self,
        space: Space[Any] | None = None,
        *,
        hidden_size: int = 64,
        learning_rate: float = 0.015,
        baseline_decay: float = 0.9,
        entropy_weight: float = 0.01,
        batch_size: int = 5,
        bins: int = 10,
        scalarise: Any = None,
        name: str | None = None,
        known: Known | None = None,
        feasible: Feasible | None = None,
        identity: Identity = "digest",
        seed: int | None = None,
    ) -> None:
        super().__init__(
            space, name=name, known=known, feasible=feasible, identity=identity, seed=seed
        )
        arguments = Arguments("ReinforceSampler")
        arguments.whole("hidden_size", hidden_size, 1)
        arguments.share("baseline_decay", baseline_decay)
        arguments.whole("batch_size", batch_size, 1)
        arguments.whole("bins", bins, 2)
        for label, value, low in (
            ("learning_rate", learning_rate, "above 0"),
            ("entropy_weight", entropy_weight, "from 0 on"),
        ):
            if not is_number(value) or value < 0 or (value == 0 and low == "above 0"):
                arguments.found.append(
                    f"ReinforceSampler: {label} must be a number {low}, got {value!r}."
                )
        arguments.finish()
        self._form = scalarisation(scalarise)
        self._hidden_size, self._learning_rate = int(hidden_size), float(learning_rate)
        self._decay, self._entropy_weight = float(baseline_decay), float(entropy_weight)
        self._batch_size, self._bins = int(batch_size), int(bins)
        self._taught: _Taught | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Without the cache."""
        return self.__dict__ | {"_taught": None}

    def propose(self, view: View, rng: np.random.Generator) -> Any:
        """The first new allowed member that the policy draws; a random one when it draws none."""
        directions = view.study.directions
        form = self._form_for(directions)
        taught = self._up_to_date(view, form, directions)
        keys, members = view.keys, view.members
        for temperature in TEMPERATURES:
            for member in taught.controller.draw(taught.tokens, DRAWN, rng, temperature):
                if members.allowed(member) and members.key(member) not in keys:
                    return member
        return view.random(rng)

    def _up_to_date(
        self, view: View, form: Scalarisation, directions: list[StudyDirection]
    ) -> _Taught:
        """The controller after all whole batches of trials that have ended.

        What is cached is replaced and never changed, so that threads may share the sampler.
        """
        ended, size = in_order(view.seen), self._batch_size
        ended = ended[: len(ended) // size * size]
        taught = self._taught
        if (
            taught is None
            or taught.tokens.space is not view.space
            or taught.directions != directions
            or taught.trials != ended[: len(taught.trials)]
        ):
            taught = self._untaught(view.space, directions)
        for end in range(len(taught.trials) + size, len(ended) + 1, size):
            trials = ended[:end]
            lessons = self._lessons(taught.tokens, trials, worths(form, trials, directions))
            controller = taught.controller.taught(lessons, self._entropy_weight)
            taught = taught._replace(controller=controller, trials=trials)
        self._taught = taught
        return taught

    def _untaught(self, space: Space[Any], directions: list[StudyDirection]) -> _Taught:
        from optunas.samplers.policy.controller import Controller

        tokens = Tokens(space, self._bins)
        rng = np.random.default_rng([self._seed, *b"controller"])
        controller = Controller(tokens.counts, self._hidden_size, self._learning_rate, rng)
        return _Taught(controller, tokens, [], directions)

    def _lessons(self, tokens: Tokens, trials: list[Seen], worth: Floats) -> Lessons:
        """Of the last batch of these trials; those before it are what it is measured by."""
        from optunas.samplers.policy.controller import Lessons

        rewards, size = normal_scores(worth), self._batch_size
        rows = [tokens.row(seen.member) for seen in trials[-size:]]
        choices, counts = (np.stack(columns) for columns in zip(*rows, strict=True))
        earlier = rewards[:-size] if len(rewards) > size else rewards
        return Lessons(choices, counts, rewards[-size:] - moving_average(earlier, self._decay))


def moving_average(values: Floats, decay: float) -> float:
    """The average of values of which each weighs ``decay`` times as much as the one after it.

    >>> moving_average(np.array([0.0, 3.0]), 0.5), moving_average(np.array([0.0, 3.0]), 0.0)
    (2.0, 3.0)
    """
    weights = decay ** np.arange(len(values), dtype=float)[::-1]
    return float(np.average(values, weights=weights))
