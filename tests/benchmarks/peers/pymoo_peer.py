"""pymoo's NSGA-II for mixed variables, asked and told; population 50 and 20."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from nb201_problem import EDGES, Collector
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.mixed import (
    MixedVariableDuplicateElimination,
    MixedVariableMating,
    MixedVariableSampling,
)
from pymoo.core.problem import Problem as PymooProblem
from pymoo.core.variable import Choice


def _peer(population: int) -> Callable[[Collector, int], None]:
    def run(collector: Collector, seed: int) -> None:
        problem = collector.problem
        variables = {edge: Choice(options=problem.operations) for edge in EDGES}
        task = PymooProblem(vars=variables, n_obj=len(problem.objectives))
        once = MixedVariableDuplicateElimination()
        algorithm = NSGA2(
            pop_size=population,
            sampling=MixedVariableSampling(),
            mating=MixedVariableMating(eliminate_duplicates=once),
            eliminate_duplicates=once,
        )
        algorithm.setup(task, seed=seed, termination=("n_gen", 10**6), verbose=False)
        while not collector.done:
            children = algorithm.ask()
            if not len(children):
                return
            losses = [collector.losses([child.X[e] for e in EDGES]) for child in children]
            children.set("F", np.array(losses))
            for child in children:
                child.evaluated.add("F")
            algorithm.tell(infills=children)

    return run


PEERS = {"pymoo nsga2 50": _peer(50), "pymoo nsga2 20": _peer(20)}
