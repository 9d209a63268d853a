"""From a name to an object: references ``module:attribute``, and study files.

A reference in a storage is code that somebody else may have written, so only references into
optunas itself and into packages that the user names are imported.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Collection
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from optunas.errors import InvalidSpecError, OptunasError, TaskError, nearest
from optunas.space.references import reference_to

if TYPE_CHECKING:
    from optunas.study.spec import StudySpec

__all__ = ["load_file", "make_importable", "resolve", "resolver", "task_reference"]


def task_reference(factory: Any) -> str:
    """The reference of a task's factory; one of the running script or notebook is allowed.

    Raises:
        InvalidSpaceError: for a lambda or a local function, which cannot be imported.
    """
    if getattr(factory, "__module__", None) == "__main__" and factory.__qualname__.isidentifier():
        return f"__main__:{factory.__qualname__}"
    return reference_to(factory, "The task")


def resolver(trust: Collection[str]) -> Callable[[str], Any]:
    """A ``resolve`` that knows which packages to trust; see :func:`resolve`."""
    return lambda reference: resolve(reference, trust)


def resolve(reference: str, trust: Collection[str] = ()) -> Any:
    """Import what ``module:attribute`` names.

    Args:
        reference: for instance ``"optunas.tasks:digits"``.
        trust: top-level packages to import besides optunas; ``"*"`` trusts all of them.

    Raises:
        TaskError: when it is not of that form, not trusted, not importable or not there.
    """
    module_name, _, attribute = reference.partition(":")
    if not module_name or not attribute:
        raise TaskError(
            f"Expected a reference 'package.module:function', got {reference!r}; "
            "the digits task for instance is 'optunas.tasks:digits'."
        )
    root = module_name.partition(".")[0]
    if root != "optunas" and root not in trust and module_name not in trust and "*" not in trust:
        raise TaskError(
            f"{reference!r} is code from outside optunas; if you trust it, add --trust {root} "
            f"(in Python trust=[{root!r}])."
        )
    here = str(Path.cwd())
    if root != "optunas" and here not in sys.path:
        # The folder of the command, as "python" has it; last, so that it takes nothing's place.
        sys.path.append(here)
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise TaskError(
            f"Cannot import {module_name!r} for {reference!r}: {error}. Install it, or run from "
            "the folder that holds it."
        ) from error
    except Exception as error:
        raise TaskError(
            f"Importing {module_name!r} for {reference!r} failed with "
            f"{type(error).__name__}: {error}."
        ) from error
    target = module
    for part in attribute.split("."):
        if not hasattr(target, part):
            known = [n for n in getattr(module, "__all__", dir(module)) if not n.startswith("_")]
            raise TaskError(f"{module_name!r} has no {attribute!r}{nearest(attribute, known)}")
        target = getattr(target, part)
    return target


def make_importable(folder: Path | str) -> None:
    """Put ``folder`` on the module search path, once, as a script's folder is."""
    text = str(Path(folder).resolve())
    if text not in sys.path:
        sys.path.insert(0, text)


def load_file(path: str | Path) -> StudySpec:
    """Run a study file and return its ``study``.

    The file's own folder becomes importable, and the file a module under its stem, so that what it
    defines can be found again by worker processes.

    Raises:
        InvalidSpecError: when the file is missing, breaks, or has no ``study`` of the right type.
    """
    from optunas.study.spec import StudySpec

    path = Path(path)
    if not path.is_file():
        raise InvalidSpecError(f"There is no study file {str(path)!r}.")
    make_importable(path.parent)
    module_spec = importlib.util.spec_from_file_location(path.stem, path)
    if module_spec is None or module_spec.loader is None:
        raise InvalidSpecError(f"{str(path)!r} is not a Python file; a study file ends in '.py'.")
    module = importlib.util.module_from_spec(module_spec)
    before = sys.modules.get(path.stem)
    if before is not None and not isinstance(getattr(before, "study", None), StudySpec):
        raise InvalidSpecError(
            f"The study file {str(path)!r} has the name of the module {path.stem!r}; rename it."
        )
    sys.modules[path.stem] = module
    try:
        module_spec.loader.exec_module(module)
        return _study_of(module, path)
    except (Exception, SystemExit) as error:
        if before is None:
            del sys.modules[path.stem]
        else:
            sys.modules[path.stem] = before
        if isinstance(error, OptunasError):
            raise
        where = _last_line(error, path)
        raise InvalidSpecError(
            f"The study file {str(path)!r} is broken{where}: {type(error).__name__}: {error}."
        ) from error


def _study_of(module: ModuleType, path: Path) -> StudySpec:
    from optunas.study.spec import StudySpec

    study = getattr(module, "study", None)
    if not isinstance(study, StudySpec):
        has = "no 'study'" if study is None else f"a 'study' of type {type(study).__name__}"
        raise InvalidSpecError(
            f"The study file {str(path)!r} has {has}; it must define study = StudySpec(...)."
        )
    return study


def _last_line(error: BaseException, path: Path) -> str:
    if isinstance(error, SyntaxError):
        return f" in line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f.lineno for f in frames if Path(f.filename).resolve() == path.resolve()]
    return f" in line {lines[-1]}" if lines else ""
