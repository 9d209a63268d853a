"""What the peers are measured against: optunas' cost-aware sampler with its default settings."""

from __future__ import annotations

from typing import Any

import optuna
from nb201_problem import EDGES, Collector

import optunas
from optunas.samplers.cheap_aware import CheapAwareSampler


def _run(collector: Collector, seed: int) -> None:
    problem = collector.problem

    def cell_of(member: Any) -> tuple[str, ...]:
        operations = {f"edge{edge.source}-{edge.target}": edge.operation for edge in member.edges}
        return tuple(operations[edge] for edge in EDGES)

    def known(member: Any) -> dict[int, float]:
        return dict(enumerate(problem.values(cell_of(member))[1:], start=1))

    sampler = CheapAwareSampler(optunas.NB201, known=known, identity="code", seed=seed)
    directions = ["maximize" if up else "minimize" for up in problem.maximised]
    study = optuna.create_study(directions=directions, sampler=sampler)
    while not collector.done:
        trial = study.ask()
        study.tell(trial, collector.train(cell_of(optunas.suggest(trial, optunas.NB201))))


PEERS = {"optunas cheap_aware": _run}
