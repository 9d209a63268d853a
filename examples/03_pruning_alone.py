"""Pruning in a study of two objectives, and nothing else of optunas.

The user's own objective: a linear digit classifier, its accuracy and how many pixels it reads.
The pixels are known before training, so they come with the reports as a cheap objective.
"""

from __future__ import annotations

import numpy as np
import optuna
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split

import optunas

EPOCHS = 20


def load() -> tuple[np.ndarray, ...]:
    """Training and validation images with their most telling pixels first, and the labels."""
    x, y = load_digits(return_X_y=True)
    x = x[:, np.argsort(-x.std(axis=0))] / 16.0
    return train_test_split(x, y, test_size=0.3, random_state=0, stratify=y)


def main(n_trials: int = 40) -> optuna.Study:
    """Run the study and print its front."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    x, x_val, y, y_val = load()

    def objective(trial: optuna.Trial) -> tuple[float, float]:
        pixels = trial.suggest_int("pixels", 4, 64, log=True)
        rate = trial.suggest_float("rate", 1e-4, 1.0, log=True)
        model = SGDClassifier("log_loss", learning_rate="constant", eta0=rate, random_state=0)
        accuracy = 0.0
        for epoch in range(EPOCHS):
            model.partial_fit(x[:, :pixels], y, classes=np.arange(10))
            accuracy = model.score(x_val[:, :pixels], y_val)
            optunas.report(trial, accuracy, epoch, cheap={1: pixels})
            if optunas.should_prune(trial):
                raise optuna.TrialPruned
        return accuracy, pixels

    study = optuna.create_study(
        directions=["maximize", "minimize"],
        sampler=optuna.samplers.NSGAIISampler(population_size=20, seed=0),
        pruner=optunas.CheapAwareMedianPruner(),  # any pruner of Optuna's works as well
    )
    study.optimize(objective, n_trials=n_trials)
    pruned = sum(t.state == optuna.trial.TrialState.PRUNED for t in study.trials)
    print(f"{n_trials} trials, {pruned} pruned; the front:")
    for pixels, accuracy in sorted({(t.values[1], t.values[0]) for t in study.best_trials}):
        print(f"  {pixels:3.0f} pixels  accuracy {accuracy:.3f}")
    return study


if __name__ == "__main__":
    main()
