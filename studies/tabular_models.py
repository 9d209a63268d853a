"""Which kind of model tells benign from malignant tumours best for its fit time and its size?

Real measurements (scikit-learn's breast cancer data, 569 rows of 30 numbers, no download), six
kinds of models with their own hyperparameters and preprocessing, five folds a trial, a minute on
two cores, without torch: ``optunas study run studies/tabular_models.py``.
"""

from optunas import Budget, StudySpec
from optunas.tasks import tabular_space

study = StudySpec(
    name="tabular-models",
    description="Linear model, SVM, forest, boosting, k-NN or MLP on breast cancer data",
    # Each model's ranges are in optunas/tasks/tabular_models.py, with where they come from.
    space=tabular_space(("linear", "svm", "forest", "boosting", "knn", "mlp")),
    task="optunas.tasks:tabular",
    task_options={
        # Or "wine", "iris", "digits", "diabetes", or the path of a .csv file with target="...".
        "data": "breast_cancer",
        # 91 rows a fold: the mean of five has a standard error of about one point near 96 %.
        "folds": 5,
        # 114 rows that the search never sees, for the one model that is chosen in the end.
        "test": 0.2,
    },
    # Only accuracy is a share; the other two are known when a model is fitted, not before.
    objectives=("accuracy", "fit_seconds", "model_bytes"),
    # A model that is quick to fit can be slow to ask (k-NN is).
    metrics=("predict_ms", "f1"),
    # The worst quarter ends, after its first fold as a rule. What a model costs is not known before
    # it is fitted, so no pruner can spare the small and quick ones here: with two seeds this took
    # 60 % of all folds for nine tenths of the front's volume, the median 47 % for eight tenths.
    pruner="percentile",
    pruner_options={"percentile": 75.0},
    # Twelve a model, in five generations: the later ones are of the models that are good.
    budget=Budget(trials=72),
    seed=0,
)
