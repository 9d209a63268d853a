"""The REINFORCE sampler: it learns, and what from."""

from __future__ import annotations

from typing import Any

import numpy as np
import optuna
import pytest
from optuna.samplers import RandomSampler
from optuna.trial import TrialState
from sampler_cases import HYPER, go_on, members, new_study

from optunas import codec
from optunas.errors import InvalidSpecError
from optunas.samplers import reinforce
from optunas.samplers.reinforce import ReinforceSampler, moving_average
from optunas.samplers.trials.seen import History
from optunas.space import Choice, HyperSpace

EDGES = HyperSpace(
    {f"edge{at}": Choice(("none", "skip", "one", "three", "pool")) for at in range(6)}
)
"""NAS-Bench-201's codes: 15,625."""


def score(member: Any) -> float:
    """Two good operations, one bad one, and a pair of edges that must agree."""
    worth = {"none": -1.0, "skip": 0.3, "one": 0.6, "three": 1.0, "pool": 0.0}
    operations = list(member.values())
    return sum(worth[o] for o in operations) + 1.5 * (operations[0] == operations[5])


def searched(sampler: Any, trials: int) -> list[float]:
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for _ in range(trials):
        trial = study.ask()
        study.tell(trial, score(codec.suggest(trial, EDGES)))
    return [t.values[0] for t in study.trials]


def entropy_of(sampler: ReinforceSampler) -> float:
    taught = sampler._taught
    assert taught is not None
    choices = np.zeros((1, len(taught.tokens)), dtype=np.int64)
    return taught.controller.chances(choices, choices == 0)[1][0].item()


def test_it_learns() -> None:
    late, final, at_random = [], [], []
    for seed in range(3):
        sampler = ReinforceSampler(EDGES, hidden_size=16, seed=seed)
        found = searched(sampler, 160)
        late.append(np.mean(found[120:]))
        final.append(entropy_of(sampler))
        at_random += searched(RandomSampler(seed=seed), 60)
    deviation = np.std(at_random)
    assert np.mean(late) > np.mean(at_random) + deviation
    assert max(final) < 6 * np.log(5) - 1.0  # where it began


def test_more_entropy_weight_keeps_it_searching() -> None:
    found = []
    for weight in (0.0, 1.0):
        sampler = ReinforceSampler(EDGES, hidden_size=8, entropy_weight=weight, seed=1)
        searched(sampler, 60)
        found.append(entropy_of(sampler))
    assert found[0] < found[1]


def test_it_learns_in_batches_and_from_each_trial_once(monkeypatch: pytest.MonkeyPatch) -> None:
    lessons = []
    plain = ReinforceSampler._lessons

    def counted(self: Any, tokens: Any, trials: Any, worth: Any) -> Any:
        lessons.append([seen.number for seen in trials[-self._batch_size :]])
        return plain(self, tokens, trials, worth)

    monkeypatch.setattr(ReinforceSampler, "_lessons", counted)
    searched(ReinforceSampler(EDGES, hidden_size=4, batch_size=4, seed=1), 15)
    assert lessons == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]


def test_a_trial_that_ends_late_is_learned_late() -> None:
    """By completion: the slow trial 0 does not make the controller forget and begin again."""
    study = new_study(ReinforceSampler(HYPER, hidden_size=4, batch_size=2, seed=1))
    slow = study.ask()
    codec.suggest(slow, HYPER)
    go_on(study, HYPER, 5)
    study.tell(slow, 1.0)
    go_on(study, HYPER, 1)
    taught = study.sampler._taught  # type: ignore[attr-defined]
    assert [seen.number for seen in taught.trials] == [1, 2, 3, 4, 5, 0]
    again = new_study(ReinforceSampler(HYPER, hidden_size=4, batch_size=2, seed=1))
    again.add_trials(study.trials[:-1])
    assert members(study, HYPER)[-1] == codec.suggest(again.ask(), HYPER)


def test_history_that_changed_is_learned_anew() -> None:
    """As when a trial of another worker turns up that ended before some that were learned."""
    study = new_study(ReinforceSampler(HYPER, hidden_size=4, batch_size=2, seed=1))
    go_on(study, HYPER, 6)
    trials = study.trials
    changed = new_study(study.sampler)
    changed.add_trials([*trials[1:5], trials[0], trials[5]])
    fresh = new_study(ReinforceSampler(HYPER, hidden_size=4, batch_size=2, seed=1))
    fresh.add_trials([*trials[1:5], trials[0], trials[5]])
    found = [codec.suggest(s.ask(), HYPER) for s in (changed, fresh)]
    assert found[0] == found[1]


def test_pruned_trials_make_their_members_rarer() -> None:
    """Only pruned trials have momentum: after them it is drawn less."""

    def share(pruned: bool) -> float:
        sampler = ReinforceSampler(HYPER, hidden_size=8, learning_rate=0.1, seed=2)
        study = new_study(sampler)
        rng = np.random.default_rng(0)
        for _ in range(60):
            member = HYPER.sample(rng)
            study.enqueue_trial(codec.to_params(HYPER, member))
            trial = study.ask()
            codec.suggest(trial, HYPER)
            if member["optimizer"] == "sgd":
                study.tell(trial, state=TrialState.PRUNED if pruned else TrialState.FAIL)
            else:
                study.tell(trial, float(rng.random()))
        study.sampler.sample_relative(
            study, study.ask()._get_latest_trial(), codec.distributions(HYPER)
        )
        taught = sampler._taught
        assert taught is not None
        drawn = taught.controller.draw(taught.tokens, 200, np.random.default_rng(1))
        return float(np.mean([member["optimizer"] == "sgd" for member in drawn]))

    assert share(pruned=True) < share(pruned=False)


def test_a_settled_policy_still_finds_something_new(monkeypatch: pytest.MonkeyPatch) -> None:
    heats = []

    def settled(self: Any, tokens: Any, count: int, rng: Any, temperature: float) -> list[Any]:
        heats.append(temperature)
        return [EDGES.decode(dict.fromkeys(EDGES.parameters(), "skip"))] * count

    monkeypatch.setattr("optunas.samplers.policy.controller.Controller.draw", settled)
    study = optuna.create_study(sampler=ReinforceSampler(EDGES, hidden_size=4, seed=1))
    go_on(study, EDGES, 2)
    assert heats == [1.0, *reinforce.TEMPERATURES]
    assert len(set(members(study, EDGES))) == 2


@pytest.mark.parametrize("decay", [0.0, 0.5, 1.0])
def test_the_moving_average_is_the_recursive_one(decay: float) -> None:
    values = np.random.default_rng(0).random(9)
    weights, total = 0.0, 0.0
    for value in values:
        weights, total = decay * weights + 1, decay * total + value
    assert moving_average(values, decay) == pytest.approx(total / weights)


def test_unpickled_it_has_no_cache() -> None:
    study = new_study(ReinforceSampler(HYPER, hidden_size=4, seed=1))
    go_on(study, HYPER, 7)
    assert study.sampler.__getstate__()["_taught"] is None  # type: ignore[attr-defined]
    assert History(HYPER, None).read(study)[1] == 0


@pytest.mark.parametrize(
    ("argument", "value", "wanted"),
    [
        ("hidden_size", 0, r"an integer from 1 on, got 0"),
        ("hidden_size", 2.5, r"an integer from 1 on, got 2.5"),
        ("learning_rate", 0.0, r"a number above 0, got 0.0"),
        ("learning_rate", float("nan"), r"a number above 0, got nan"),
        ("learning_rate", "fast", r"a number above 0, got 'fast'"),
        ("baseline_decay", 1.5, r"a number in \[0, 1\], got 1.5"),
        ("entropy_weight", -0.1, r"a number from 0 on, got -0.1"),
        ("batch_size", 0, r"an integer from 1 on, got 0"),
        ("batch_size", True, r"an integer from 1 on, got True"),
        ("bins", 1, r"an integer from 2 on, got 1"),
    ],
)
def test_bad_arguments_are_refused(argument: str, value: Any, wanted: str) -> None:
    with pytest.raises(InvalidSpecError, match=rf"ReinforceSampler: {argument} must be {wanted}"):
        ReinforceSampler(EDGES, **{argument: value})


def test_all_bad_arguments_are_named_at_once() -> None:
    with pytest.raises(InvalidSpecError, match="hidden_size") as caught:
        ReinforceSampler(EDGES, hidden_size=0, learning_rate=-1, bins=0)
    lines = str(caught.value).splitlines()
    assert [line.split()[1] for line in lines] == ["hidden_size", "bins", "learning_rate"]
