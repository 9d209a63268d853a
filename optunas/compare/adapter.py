"""What Optuna keeps private and a run that goes on needs, here and nowhere else.

Written for Optuna 5.0; ``tests/compare/test_compare_adapter.py`` pins the names. A genetic sampler
notes the parents of a generation in the study's system attributes, in the order in which later
trials take them; ``Study`` shows these only with a warning, and its setter is deprecated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import optuna

__all__ = ["set_study_notes", "study_notes"]


def study_notes(study: optuna.Study) -> dict[str, Any]:
    """The study's system attributes."""
    return study._storage.get_study_system_attrs(study._study_id)


def set_study_notes(study: optuna.Study, notes: Mapping[str, Any]) -> None:
    """Set system attributes of the study."""
    for key, value in notes.items():
        study._storage.set_study_system_attr(study._study_id, key, value)
