"""A task from the user's own data loaders."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from optunas.errors import UnknownNameError
from optunas.tasks.scoring import default_score

if TYPE_CHECKING:
    from optunas.tasks.streamed import LoaderTask

__all__ = ["loaders"]


def loaders(
    train: Iterable[Any],
    validation: Iterable[Any],
    test: Iterable[Any] | None = None,
    num_classes: int | None = None,
    kind: str = "classification",
    score: str | None = None,
    name: str = "loaders",
    target_mean: float = 0.0,
    target_std: float = 1.0,
) -> LoaderTask:
    """Data larger than memory: what ``torch.utils.data.DataLoader`` (or any iterable) yields.

    Batches are pairs (x, y): x floats of shape (N, C, H, W) for images or (N, features) for
    vectors, used as they come, so the loader standardises them (augmentation fills with zeros, the
    mean of standardised images); y integers of shape (N,) from 0 to ``num_classes`` - 1, or numbers
    of shape (N,) or (N, targets) for regression. The loaders are read once an epoch and never held
    in memory; their batch size is theirs, not the hyperparameter's. The first training batch is
    read at once, for the shapes. Each batch is checked when it is used: NaN, a label out of range
    or a single class in a whole pass end in a DataError.

    Shuffling follows the trial's seed when it draws from torch's global numbers or from the
    loader's own ``generator``.

    Args:
        train: training batches; iterated anew for each epoch.
        validation: validation batches.
        test: test batches; None leaves the task without a test score.
        num_classes: needed for classification.
        kind: ``classification`` or ``regression``.
        score: ``accuracy`` (the default), ``balanced_accuracy`` or ``f1``; ``r2`` (the default) or
            ``mae`` for regression, in the targets' own unit.
        name: of the task; the fingerprint goes by it and by the sizes, so name a new version of the
            data anew.
        target_mean, target_std: of the training targets (regression): what the loss sees is
            ``(y - target_mean) / target_std``.

    Raises:
        DataError: when the first batch is not such a pair.
        InvalidSpecError, UnknownNameError: for arguments that cannot be.
    """
    from optunas.tasks.streamed import LoaderTask

    if kind not in ("classification", "regression"):
        raise UnknownNameError("kind of task", kind, ("classification", "regression"))
    return LoaderTask(
        {"train": train, "validation": validation} | ({} if test is None else {"test": test}),
        name=name,
        kind=kind,
        score=default_score(kind) if score is None else score,
        num_classes=num_classes,
        target_stats=(target_mean, target_std),
    )
