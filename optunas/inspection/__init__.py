"""What is written for optuna-dashboard while a study runs, and the dashboard itself."""

from optunas.inspection.artifacts import artifact_dir, delete_artifacts
from optunas.inspection.inspector import Inspector
from optunas.inspection.notes import Overview
from optunas.inspection.serve import serve

__all__ = ["Inspector", "Overview", "artifact_dir", "delete_artifacts", "serve"]
