"""``suggest_cell`` in your own objective: plain Optuna, your own training loop, pruning."""

from collections.abc import Iterator

import optuna
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.nn.functional import cross_entropy

import optunas

torch.set_num_threads(1)  # 8 x 8 images: a second thread costs more than it brings
images, y = (torch.tensor(array) for array in load_digits(return_X_y=True))
x = images.float().reshape(-1, 1, 8, 8) / 16
x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=0.3, random_state=0, stratify=y)


def training_loop(net: torch.nn.Module, epochs: int = 4) -> Iterator[float]:
    """Your own loop: yields the validation accuracy after each epoch."""
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    for _ in range(epochs):
        net.train()
        for batch in torch.randperm(len(x_train)).split(64):
            optimizer.zero_grad()
            cross_entropy(net(x_train[batch]), y_train[batch]).backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            yield (net(x_val).argmax(1) == y_val).float().mean().item()


def objective(trial: optuna.Trial) -> tuple[float, float, int]:
    """Accuracy, latency and size of one cell of NAS-Bench-201's space."""
    torch.manual_seed(trial.number)
    cell = optunas.suggest_cell(trial)
    net = optunas.build(cell, input_shape=(1, 8, 8), num_classes=10, channels=8, num_cells=1)
    latency, size = optunas.metrics.latency_ms(net, (1, 1, 8, 8)), optunas.metrics.params(net)
    for epoch, accuracy in enumerate(training_loop(net)):
        optunas.report(trial, accuracy, epoch, cheap={1: latency, 2: size})
        if optunas.should_prune(trial):
            raise optuna.TrialPruned
    return accuracy, latency, size


def main(n_trials: int = 20) -> optuna.Study:
    """Search, then print the front."""
    study = optuna.create_study(
        directions=["maximize", "minimize", "minimize"],
        sampler=optuna.samplers.NSGAIISampler(population_size=8, seed=0),
        pruner=optunas.CheapAwareMedianPruner(n_startup_trials=4),
    )
    study.optimize(objective, n_trials=n_trials)
    for trial in study.best_trials:
        print(trial.number, trial.values, optunas.from_params(optunas.NB201, trial))
    return study


if __name__ == "__main__":
    main()
