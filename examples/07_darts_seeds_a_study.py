"""A search by gradient finds where a study starts: its networks are the study's first trials."""

import optunas
from optunas import Budget, CellSpace, StudyHandle, StudySpec
from optunas.darts import SearchSettings, ranked, search

# A normal and a reduction cell of two nodes each.
space = CellSpace(["skip_connect", "max_pool_3x3", "sep_conv_3x3", "dil_conv_3x3"], num_nodes=2)
network = {"channels": 4, "num_cells": 3}

study = StudySpec(
    name="darts-seeds",
    space=space,
    task="optunas.tasks:digits",
    objectives=("accuracy", "params"),
    training={**network, "epochs": 3, "lr": 0.1},
    budget=Budget(trials=12),
    reference=False,
)


def main(n_trials: int = 12) -> StudyHandle:
    """Search, choose under a limit, and let the study go on from there."""
    task = optunas.tasks.digits()
    # The supernet holds every operation on every edge; 8 epochs take some seconds.
    found = search(space, task, SearchSettings(epochs=8, **network))
    last = found.records[-1]
    print(f"validation loss {last.validation_loss:.2f}, weights moved by {last.moved}")
    # The best network by the alphas of all with at most 2,200 parameters, and two more: exact.
    best = ranked(
        space,
        found.weights,
        alternatives=2,
        limits={"params": 2200},
        input_shape=task.input_shape,
        num_outputs=task.num_outputs,
        **network,
    )
    for one in best:
        print(f"log-likelihood {one.score:.2f}, {one.costs['params']:,} parameters")
    handle = optunas.create(study)
    count = optunas.seed(handle, [one.architecture for one in best], source="darts")
    print(f"{count} seeds")
    return optunas.run(handle, trials=n_trials)


if __name__ == "__main__":
    print(main().front())
