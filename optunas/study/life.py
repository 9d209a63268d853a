"""The life of a study: create, load, list, delete."""

from __future__ import annotations

import inspect
import json
import warnings
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage

from optunas.errors import (
    OptunasError,
    StorageError,
    StudyExistsError,
    TaskError,
    nearest,
)
from optunas.metrics.proxies.of_task import network_shape
from optunas.objective import Objective
from optunas.space import Choice, Float, Int, Space
from optunas.space.parameters import Parameter
from optunas.study.feasibility import check_feasible
from optunas.study.handle import StudyHandle
from optunas.study.knowledge import Knowledge
from optunas.study.latency import latency_source
from optunas.study.pruners import check_rungs, make_pruner
from optunas.study.references import load_file, resolve, resolver
from optunas.study.sampling import PLANNED, proxies_of, study_sampler
from optunas.study.spec import StudySpec, differences
from optunas.study.storage import open_storage, storage_errors, storage_url

__all__ = [
    "create",
    "delete",
    "load",
    "make_objective",
    "make_task",
    "names",
    "stored_spec",
]

SPEC = "optunas:spec"
"""Study attribute with the definition as JSON."""

NOT_COMPARED = ("budget", "description")
"""What may change without making another study of it."""


def create(
    spec: StudySpec | str | Path,
    storage: str | BaseStorage | None = None,
    *,
    device: str = "cpu",
    objective: Objective | None = None,
) -> StudyHandle:
    """Create a study, or open the one of the same name and definition.

    Everything is checked before anything is written. The budget and the description may differ
    from the stored ones; they are updated.

    Args:
        spec: the definition, or a study file that holds one.
        storage: a URL, an Optuna storage, or None for ``OPTUNAS_STORAGE`` or ``optunas.db``.
        device: that the task is checked for.
        objective: of this definition, where the caller has made it: what it checks is not checked
            again.

    Raises:
        InvalidSpecError, UnknownNameError, TaskError, DataError: when the definition cannot work.
        StudyExistsError: when the name is taken by another definition; says what differs.
        StorageError: when the storage cannot be used.
    """
    spec = spec if isinstance(spec, StudySpec) else load_file(spec)
    spec.to_json()  # Raises for what cannot be stored.
    made = objective or make_objective(spec, trust=["*"], device=device)
    knowledge = Knowledge(lambda: made, proxies_of(spec))
    if knowledge.proxies:
        network_shape(made.task)  # Raises for a task without networks.
    sampler = study_sampler(spec, knowledge, ("*",))
    pruner = make_pruner(spec.pruner, spec.pruner_options, spec.objective_metrics)
    url, opened = _open(storage)
    with storage_errors(url):
        if spec.name in optuna.get_all_study_names(opened):
            return _existing(spec, opened, url, knowledge)
        study = optuna.create_study(
            study_name=spec.name,
            storage=opened,
            directions=made.directions,
            sampler=sampler,
            pruner=pruner,
        )
        _describe(study, spec)
    return StudyHandle(study, spec, url, ("*",), knowledge)


def load(
    name: str, storage: str | BaseStorage | None = None, *, trust: Collection[str] = ()
) -> StudyHandle:
    """Open a stored study with its definition, sampler and pruner.

    Args:
        name: of the study.
        storage: as in :func:`create`.
        trust: packages whose code the definition may refer to, besides optunas itself.

    Raises:
        StorageError: when there is no such study, or optunas did not make it.
        TaskError: when the definition refers to code that is not trusted or not importable.
    """
    url, opened = _open(storage, must_exist=True)
    with storage_errors(url):
        known = optuna.get_all_study_names(opened)
        if name not in known:
            raise StorageError(f"There is no study {name!r} in {url!r}{nearest(name, known)}")
        study = optuna.load_study(study_name=name, storage=opened)
        attrs = study.user_attrs
    if SPEC not in attrs:
        raise StorageError(
            f"The study {name!r} in {url!r} was not made by optunas; open it with Optuna, or give "
            "the new study another name."
        )
    spec = StudySpec.from_json(attrs[SPEC], resolver(trust))
    knowledge = Knowledge(lambda: make_objective(spec, trust), proxies_of(spec))
    study.sampler = study_sampler(spec, knowledge, trust, study)
    study.pruner = make_pruner(spec.pruner, spec.pruner_options, spec.objective_metrics)
    return StudyHandle(study, spec, url, tuple(trust), knowledge)


def stored_spec(study: optuna.Study) -> dict[str, Any] | None:
    """A stored definition as plain data, nothing imported; None when optunas did not make it."""
    text = study.user_attrs.get(SPEC)
    return None if text is None else json.loads(text)


def names(storage: str | BaseStorage | None = None) -> list[str]:
    """Names of all studies in a storage."""
    url, opened = _open(storage, must_exist=True)
    with storage_errors(url):
        return sorted(optuna.get_all_study_names(opened))


def check_exists(name: str, storage: str | BaseStorage | None = None) -> int:
    """The number of a stored study's trials; raises ``StorageError`` when it is not there."""
    url, opened = _open(storage, must_exist=True)
    with storage_errors(url):
        known = optuna.get_all_study_names(opened)
        if name not in known:
            raise StorageError(f"There is no study {name!r} in {url!r}{nearest(name, known)}")
        return len(optuna.load_study(study_name=name, storage=opened).get_trials(deepcopy=False))


def delete(name: str, storage: str | BaseStorage | None = None) -> None:
    """Delete a study with its trials and artifacts.

    Raises:
        StorageError: when there is no such study.
    """
    from optunas.inspection import artifact_dir, delete_artifacts

    check_exists(name, storage)
    url, opened = _open(storage, must_exist=True)
    with storage_errors(url):
        study = optuna.load_study(study_name=name, storage=opened)
        delete_artifacts(study, artifact_dir(url))
        optuna.delete_study(study_name=name, storage=opened)


def make_task(spec: StudySpec, trust: Collection[str] = ()) -> Any:
    """Import and build a definition's task.

    Raises:
        TaskError: when it cannot be imported or called with the definition's options.
        DataError: when its data cannot be used.
    """
    assert isinstance(spec.task, str)
    factory = resolve(spec.task, trust)
    options = dict(spec.task_options)
    if spec.task.partition(".")[0] == "optunas" and "resolve" in _parameters(factory):
        # References among its options are code too, and ask for trust in the same way.
        options["resolve"] = resolver(trust)
    try:
        task = factory(**options)
    except OptunasError:
        raise
    except Exception as error:
        raise TaskError(
            f"The task {spec.task!r} with the options {dict(spec.task_options)} cannot be made: "
            f"{type(error).__name__}: {error}."
        ) from error
    lacks = [n for n in ("score_name", "direction", "scores", "check") if not hasattr(task, n)]
    if lacks:
        raise TaskError(
            f"What {spec.task!r} returns is not a task: it has no {', '.join(lacks)}; see "
            "optunas.tasks.Task."
        )
    return task


def _parameters(factory: Any) -> Collection[str]:
    try:
        return inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return ()


def make_objective(spec: StudySpec, trust: Collection[str] = (), device: str = "cpu") -> Objective:
    """The objective of a definition, checked on a random candidate and on its extremes.

    Raises:
        OptunasError: when the definition cannot work.
    """
    task = make_task(spec, trust)
    objective = Objective(
        spec.space,
        task,
        spec.objective_metrics,
        spec.metrics,
        training=spec.training,
        constraints=spec.constraints,
        seed=spec.seed,
        device=device,
        latency=latency_source(spec.latency, spec.space, task, spec.training),
        score=spec.score,
        reuse=spec.reuse,
        repeats=spec.repeats,
    )
    candidates = list(_extremes(spec.space, spec.seed))
    for candidate in candidates:
        objective.sample_check(candidate)
    epochs = [
        objective.planned_epochs({**spec.training, **spec.space.parts(c)[1]}) for c in candidates
    ]
    check_rungs(spec.pruner, spec.pruner_options, epochs, getattr(task, "step_name", "epoch"))
    objective.rehearse(candidates[0])
    check_feasible(objective, spec.seed)
    return objective


def _extremes(space: Space, seed: int) -> Iterator[Any]:
    """A random member, then it with each single parameter at both ends, or at each option."""
    member = space.sample(np.random.default_rng(seed))
    yield member
    if space.hyperparameter_names():
        values = space.encode(member)
        conditions = space.conditions()
        for name, parameter in space.parameters().items():
            needed, at = {}, name
            while at in conditions:  # what must hold for this parameter to count
                needed[conditions[at].parent] = conditions[at].values[0]
                at = conditions[at].parent
            for end in _ends(parameter):
                yield space.decode(space.canonical({**values, **needed, name: end}))


def _ends(parameter: Parameter) -> Sequence[Any]:
    if isinstance(parameter, Choice):
        return parameter.options
    return (parameter.low, parameter.top) if isinstance(parameter, (Int, Float)) else ()


def _open(storage: str | BaseStorage | None, must_exist: bool = False) -> tuple[str, BaseStorage]:
    if isinstance(storage, BaseStorage):
        return "", storage
    url = storage_url(storage)
    return url, open_storage(url, must_exist=must_exist)


def _describe(study: optuna.Study, spec: StudySpec) -> None:
    """Store what makes a bare study ours; the definition last, as the sign that all is there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        study.set_metric_names([m.name for m in spec.objective_metrics])
    study.set_user_attr(PLANNED, spec.budget.trials)
    study.set_user_attr(SPEC, spec.to_json())


def _existing(spec: StudySpec, storage: BaseStorage, url: str, knowledge: Knowledge) -> StudyHandle:
    study = optuna.load_study(study_name=spec.name, storage=storage)
    stored = stored_spec(study)
    empty = not study.get_trials(deepcopy=False)
    directions = [d.name.lower() for d in study.directions]
    ours = [m.direction for m in spec.objective_metrics]
    if stored is None and not (empty and directions == ours):
        raise StudyExistsError(
            f"A study {spec.name!r} that optunas did not make exists in {url!r}; choose another "
            "name."
        )
    if stored is not None:
        both = (stored, spec.to_dict())
        compared = [{k: v for k, v in d.items() if k not in NOT_COMPARED} for d in both]
        different = differences(*compared)
        if different:
            raise StudyExistsError(
                f"A study {spec.name!r} with another definition exists in {url!r}; it differs in "
                f"{'; '.join(different)}. Choose another name with --name, or delete it with "
                f"'optunas study delete {spec.name}'."
            )
        if [stored[k] for k in NOT_COMPARED] != [asdict(spec.budget), spec.description]:
            study.set_user_attr(SPEC, spec.to_json())
    else:
        # A creation that was killed half way: finish it.
        _describe(study, spec)
    study.sampler = study_sampler(spec, knowledge, ("*",), study)
    study.pruner = make_pruner(spec.pruner, spec.pruner_options, spec.objective_metrics)
    return StudyHandle(study, replace(spec), url, ("*",), knowledge)
