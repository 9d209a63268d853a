"""A study's definition and life: create, load, run, resume, workers."""

from optunas.study.budget import Budget, Usage
from optunas.study.handle import StudyHandle, Table
from optunas.study.life import create, delete, load, names
from optunas.study.predicting import predict
from optunas.study.references import load_file
from optunas.study.running import run
from optunas.study.seeding import seed
from optunas.study.spec import StudySpec
from optunas.study.starting_warm import warm_start

__all__ = [
    "Budget",
    "StudyHandle",
    "StudySpec",
    "Table",
    "Usage",
    "create",
    "delete",
    "load",
    "load_file",
    "names",
    "predict",
    "run",
    "seed",
    "warm_start",
]
