"""Successive halving and Hyperband for several objectives, asynchronous and without a memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from optuna import Study
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial, TrialState

from optunas.pruning.ladder import Ladder
from optunas.pruning.lineage import Candidate, candidates, root_of
from optunas.pruning.standing import Losses, Standing

__all__ = ["ParetoHalvingPruner", "ParetoHyperbandPruner"]


class ParetoHyperbandPruner(BasePruner):
    """Trains all trials a little, the best of them longer, and the best of these to the end.

    After ``min_epochs * eta ** k`` epochs (a *rung*) a trial goes on when it is in the first
    ``1 / eta`` of all trials that came there so far. They are ranked by non-dominated sorting, and
    inside a front so that the first ones are spread over it
    (:func:`~optunas.pruning.ranking.pareto_order`): by the reported objective as it was at the
    rung, and by the cheap objectives, which are known exactly. Trials that break a constraint come
    after all others. With one objective this is ASHA (Li et al. 2020, A system for massively
    parallel hyperparameter tuning).

    Early rungs may deceive: Hyperband (Li et al. 2018) divides the trials, here by their numbers,
    among ``brackets``, each with its first rung ``eta`` times later than the one before, and ranks
    each bracket for itself. One bracket alone is :class:`ParetoHalvingPruner`.

    A trial that was pruned can be among the first later, when others have come to its rung:
    :meth:`promotable` names it, and studies of optunas then go on with it in a new trial, which has
    the user attribute ``resumes_from``. In a bare Optuna study what is pruned stays so.

    Everything is read from the study's trials, so any number of workers on any storage agree.
    Steps are epochs, counted from 0, and need not be reported one by one: the first report at or
    after a rung is the one that counts. A trial whose value there is NaN is pruned.

    Args:
        min_epochs: trained by every trial of the first bracket.
        eta: one in so many goes on at each rung.
        brackets: 1 compares all trials with one another.

    Raises:
        InvalidSpecError: for ``eta`` below 2, another argument below 1, or no whole number.

    Reference:
        Schmucker et al. 2021, Multi-objective asynchronous successive halving (arXiv:2106.12639);
        with cheap objectives that are exact from the first epoch on, and ranks as distances.
    """

    def __init__(self, min_epochs: int = 1, eta: int = 3, brackets: int = 2) -> None:
        self.ladder = Ladder(min_epochs, eta, brackets)

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether ``trial`` has come to a rung and is not among the first there."""
        trials = [t for t in study.get_trials(deepcopy=False) if t.number != trial.number]
        everyone = candidates([*trials, trial])
        own = next((c for c in everyone if c.last.number == trial.number), None)
        rung = None if own is None else self._reached(own)
        if own is None or rung is None:
            return False
        bracket = self.ladder.bracket(own.root)
        standing = self._standing(Losses(study), everyone, bracket, rung)
        return own.root not in {one.root for one in standing.first(self.ladder.eta)}

    def promotable(self, study: Study) -> list[int]:
        """Numbers of the pruned trials that are among the first of their rung by now.

        Those of the highest rung come first, and at a rung those of the highest rank.

        Args:
            study: as a pruner sees it; :func:`optunas.pruning.view.view_of` where it has several
                objectives.
        """
        found: list[tuple[int, int, int]] = []
        for rung, standing in self._standings(study):
            for place, one in enumerate(standing.first(self.ladder.eta)):
                if one.waiting and self._rung(one) == rung:
                    found.append((-rung, place, one.last.number))
        return [number for *_, number in sorted(found)]

    def hopeless(self, study: Study, trials_left: float) -> list[int]:
        """Numbers of the pruned trials that can no longer be promoted.

        What dominates a trial stays ahead of it, and of the trials at a rung, even if all that may
        still come are worse, only one in ``eta`` goes on.

        Args:
            study: as for :meth:`promotable`.
            trials_left: new ones that may still come; ``math.inf`` where no limit is known.
        """
        trials = {trial.number: trial for trial in study.get_trials(deepcopy=False)}
        losses, everyone = Losses(study), candidates(trials.values())
        # Also those that have reported nothing yet, and are no candidates.
        running = [t for t in trials.values() if t.state == TrialState.RUNNING]
        roots = [root_of(trial, trials) for trial in running]
        hopeful: set[int] = set()
        for bracket in range(self.ladder.brackets):
            own = [c for c in everyone if self.ladder.bracket(c.root) == bracket]
            coming = trials_left + sum(self.ladder.bracket(root) == bracket for root in roots)
            for rung in self.ladder.rungs(bracket, max((c.epochs for c in own), default=0)):
                able = losses.standing(own, rung).able(self.ladder.eta, coming)
                these = [c for c in able if c.waiting and self._rung(c) == rung]
                hopeful |= {c.root for c in these}
                coming += len(these)
        return [c.last.number for c in everyone if c.waiting and c.root not in hopeful]

    def _standings(self, study: Study) -> Iterator[tuple[int, Standing]]:
        """Every rung of every bracket that somebody came to."""
        losses, everyone = Losses(study), candidates(study.get_trials(deepcopy=False))
        longest = max((c.epochs for c in everyone), default=0)
        for bracket in range(self.ladder.brackets):
            for rung in self.ladder.rungs(bracket, longest):
                yield rung, self._standing(losses, everyone, bracket, rung)

    def _standing(
        self, losses: Losses, everyone: Sequence[Candidate], bracket: int, rung: int
    ) -> Standing:
        own = [c for c in everyone if self.ladder.bracket(c.root) == bracket]
        return losses.standing(own, rung)

    def _reached(self, own: Candidate) -> int | None:
        """The rung that the last report came to; None where it came to none."""
        steps = sorted(own.last.intermediate_values)
        if not steps:
            return None
        # What a resumed trial has behind it was judged before.
        before = max(own.begun, steps[-2] + 1 if len(steps) > 1 else 0)
        rungs = self.ladder.rungs(self.ladder.bracket(own.root), steps[-1] + 1)
        return rungs[-1] if rungs and rungs[-1] > before else None

    def _rung(self, one: Candidate) -> int | None:
        """The last rung that a candidate came to."""
        rungs = self.ladder.rungs(self.ladder.bracket(one.root), one.epochs)
        return rungs[-1] if rungs else None


class ParetoHalvingPruner(ParetoHyperbandPruner):
    """:class:`ParetoHyperbandPruner` with one bracket: all trials are compared with one another.

    Args:
        min_epochs: trained by every trial.
        eta: one in so many goes on at each rung.

    Raises:
        InvalidSpecError: for ``eta`` below 2, ``min_epochs`` below 1, or no whole number.
    """

    def __init__(self, min_epochs: int = 1, eta: int = 3) -> None:
        super().__init__(min_epochs, eta, brackets=1)
