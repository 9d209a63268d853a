"""Your own operation among the candidates: a module factory and a cost in closed form."""

import optuna
import torch
from torch import nn

import optunas
from optunas.space import Cost, DenseCellSpace, Operation


def wide_depthwise(channels_in: int, channels_out: int, stride: int) -> nn.Module:
    """ReLU, one 7x7 filter per channel, a 1x1 that mixes channels, batch norm."""
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(channels_in, channels_in, 7, stride, 3, groups=channels_in, bias=False),
        nn.Conv2d(channels_in, channels_out, 1, bias=False),
        nn.BatchNorm2d(channels_out),
    )


def wide_cost(channels_in: int, channels_out: int, stride: int, height: int, width: int) -> Cost:
    """Parameters and multiply-accumulates of one image; height and width are the input's."""
    weights = 7 * 7 * channels_in + channels_in * channels_out
    return Cost(weights + 2 * channels_out, weights * -(-height // stride) * -(-width // stride))


WIDE = Operation("wide_7x7", wide_depthwise, wide_cost)
SPACE = DenseCellSpace(["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", WIDE])


def main(n_trials: int = 20) -> optuna.Study:
    """Build and cost a cell with the operation, then search the space."""
    torch.set_num_threads(1)  # 8 x 8 images: a second thread costs more than it brings
    cell = next(c for c in SPACE.enumerate() if "wide_7x7" in str(c))
    network = optunas.build(cell, input_shape=(1, 8, 8), num_classes=10, channels=8, num_cells=1)
    closed = optunas.metrics.params(cell, (1, 8, 8), 10, channels=8, num_cells=1)
    print(cell, "has", closed, "parameters, its network", optunas.metrics.params(network))

    objective = optunas.Objective(
        SPACE,
        optunas.tasks.digits(),
        ("accuracy", "flops"),
        training={"channels": 8, "num_cells": 1, "epochs": 4, "lr": 0.1},
    )
    sampler = optuna.samplers.NSGAIISampler(population_size=8, seed=0)
    pruner = optunas.CheapAwareMedianPruner()
    study = optuna.create_study(directions=objective.directions, sampler=sampler, pruner=pruner)
    study.optimize(objective, n_trials=n_trials)
    for trial in study.best_trials:
        print(f"trial {trial.number}: {trial.values}, {optunas.from_params(SPACE, trial)}")
    return study


if __name__ == "__main__":
    main()
