"""What commands print."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import typer
from optuna.trial import TrialState
from rich import box
from rich.console import Console
from rich.table import Table as Grid

from optunas.errors import without_password
from optunas.inspection.adapter import broken_limits, why_ended
from optunas.study.best import best, importances
from optunas.study.budget import LIMITS
from optunas.study.handle import StudyHandle
from optunas.study.latency import describe_latency
from optunas.study.predicting import predictor_rank
from optunas.study.rungs import rung_ranks
from optunas.study.seeding import descent
from optunas.study.spec import StudySpec

__all__ = ["as_dict", "print_front", "print_json", "print_studies", "summary"]


def print_json(body: Any) -> None:
    """Print JSON."""
    typer.echo(json.dumps(body, indent=2))


def as_dict(handle: StudyHandle) -> dict[str, Any]:
    """A study as plain data: definition, budget, outcomes with reasons, front, reference.

    With one objective also the best trial and the importances of the parameters.
    """
    seeds = descent(handle)
    return {
        "name": handle.name,
        "storage": without_password(handle.url),
        "spec": handle.spec.to_dict(),
        "used": asdict(handle.usage()),
        "budget_left": handle.spec.budget.fraction_left(handle.usage()),
        "outcomes": handle.outcomes(),
        "reasons": reasons(handle),
        "over_limits": over_limits(handle),
        "front": list(handle.front()),
        "best": best(handle),
        "importances": importances(handle),
        "predictor": [one._asdict() for one in predictor_rank(handle)],
        "rungs": [asdict(one) for one in rung_ranks(handle)],
        "reference": handle.reference,
        "seeds": seeds.to_dict() if seeds is not None else None,
    }


def reasons(handle: StudyHandle) -> dict[str, int]:
    """Why trials ended early: sentence -> number of trials, most frequent first."""
    found: dict[str, int] = {}
    for trial in handle.trials(TrialState.PRUNED, TrialState.FAIL):
        attrs = trial.user_attrs
        reason = why_ended(trial) or "no reason recorded"
        if "reused_from" in attrs:
            reason = "The same network was pruned before."
        found[reason] = found.get(reason, 0) + 1
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def over_limits(handle: StudyHandle) -> dict[str, int]:
    """How many trained networks break each limit, most often first; they are not on the front."""
    done = [t for t in handle.trials(TrialState.COMPLETE) if "reused_from" not in t.user_attrs]
    return dict(Counter(name for t in done for name in broken_limits(t)).most_common())


def summary(handle: StudyHandle) -> None:
    """Print a study for a person."""
    console = _console()
    spec, used, seeds = handle.spec, handle.usage(), descent(handle)
    aims = ", ".join(f"{m.name} ({m.direction})" for m in spec.objective_metrics)
    console.print(f"[bold]{handle.name}[/bold]  {spec.description}", highlight=False)
    lines = {
        "task": f"{spec.task} {dict(spec.task_options) or ''}",
        "objectives": aims,
        "search": f"{spec.sampler}, pruner {spec.pruner}, seed {spec.seed}",
        "constraints": _limits(spec),
        "latency": describe_latency(spec.latency),
        "budget": _budget(handle),
        "trials": ", ".join(f"{n} {word}" for word, n in handle.outcomes().items() if n) or "none",
        "seeds": "" if seeds is None else str(seeds),
        "predictor": "; ".join(str(one) for one in predictor_rank(handle)),
        "rungs": _rungs(handle),
    }
    for key, text in lines.items():
        if text.strip():
            console.print(f"  {key:<12}{text}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"  {'epochs':<12}{used.epochs}", highlight=False)
    for name, count in over_limits(handle).items():
        words = f"  {count} x Trained, but it breaks the limit on {name}."
        console.print(words, highlight=False, markup=False, soft_wrap=True)
    for reason, count in list(reasons(handle).items())[:5]:
        console.print(f"  {count} x {reason}", highlight=False, markup=False, soft_wrap=True)
    _print_best(handle, console)
    print_front(handle, console)


def _limits(spec: StudySpec) -> str:
    maximised = {m.name for m in spec.all_metrics if m.maximize}
    signs = {name: ">=" if name in maximised else "<=" for name in spec.constraints}
    return ", ".join(f"{name} {signs[name]} {_text(v)}" for name, v in spec.constraints.items())


def _rungs(handle: StudyHandle) -> str:
    ranks = rung_ranks(handle)
    if not ranks:
        return ""
    words = ", ".join(f"{rank} ({rank.trials} trials)" for rank in ranks)
    return f"rank correlation with the end of the training, of trials that went on: {words}"


def _print_best(handle: StudyHandle, console: Console) -> None:
    """Of a study with one objective: the best value, its parameters, and their importances."""
    found = best(handle)
    if found is None:
        return
    name, shares = handle.spec.objective_metrics[0].name, importances(handle)
    line = f"\nBest {name}: {_text(found['value'])} (trial {found['trial']})"
    console.print(line, highlight=False, style="bold")
    grid = Grid("parameter", "best", "importance", "", box=None, padding=(0, 2))
    grid.columns[2].justify = "right"
    rows = sorted(found["params"], key=lambda key: -shares.get(key, 0.0))
    for key in rows:
        share = shares.get(key)
        bar = "█" * round(20 * share) if share is not None else ""
        words = "" if share is None else f"{share:.3f}"
        grid.add_row(key, _text(found["params"][key]), words, bar)
    console.print(grid)
    elsewhere = [f"{key} {shares[key]:.3f}" for key in shares if key not in found["params"]]
    if elsewhere:
        console.print(f"  not in the best trial: {', '.join(elsewhere)}", highlight=False)


def _budget(handle: StudyHandle) -> str:
    budget, used = handle.spec.budget, handle.usage()
    limits = [n for n in LIMITS if getattr(budget, n) is not None]
    parts = [
        f"{getattr(used, n):,.4g} of {getattr(budget, n):,.4g} {n.replace('_', ' ')}"
        for n in limits
    ]
    return f"{budget.fraction_left(used):.0%} left ({', '.join(parts)})"


def print_front(handle: StudyHandle, console: Console | None = None) -> None:
    """Print the Pareto front: a table of figures with the reference network, then the networks.

    Where the table would be too wide, the hyperparameters stand with the networks.
    """
    console = console or _console()
    table = handle.front()
    shown = [c for c in table.columns if c not in ("architecture", "source")]
    if any(row.get("source") for row in table):
        shown.append("source")
    reference = handle.reference
    rows = [*table, *([{**reference, "trial": "ref"}] if reference is not None else [])]
    below: list[str] = []
    if _width(rows, shown) > console.width:
        searched = handle.spec.space.hyperparameter_names()
        shown, below = (
            [c for c in shown if c not in searched],
            [c for c in shown if c in searched],
        )
    several = len(handle.spec.objective_metrics) > 1
    words = f"{len(table)} network{'' if len(table) == 1 else 's'}"
    title = f"Pareto front: {words}" if several else f"Best: {words}"
    grid = Grid(*shown, title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1))
    grid.pad_edge = False
    for column in grid.columns:
        column.justify, column.no_wrap = "right", True
    for row in table:
        grid.add_row(*(_text(row.get(c)) for c in shown))
    if reference is not None:
        grid.add_section()
        grid.add_row(*(_text(rows[-1].get(c)) for c in shown), style="dim")
    console.print(grid)
    for row in table:
        settings = ", ".join(f"{c} {_text(row[c])}" for c in below if row.get(c) is not None)
        line = "  ".join(part for part in (row["architecture"], settings) if part)
        if line:
            console.print(
                f"{row['trial']:>5}  {line}", highlight=False, markup=False, soft_wrap=True
            )
    if reference is not None:
        console.print(f"  ref  {reference['name']}", highlight=False, style="dim")


def _width(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> int:
    """Characters that the rows take as a table."""
    return sum(3 + max(len(c), *(len(_text(row.get(c))) for row in rows), 0) for c in columns)


def print_studies(storage: str | None, as_json: bool) -> None:
    """Print every study of a storage: trials, budget left, objectives."""
    import optuna

    from optunas.study.budget import Budget, usage
    from optunas.study.life import stored_spec
    from optunas.study.storage import open_storage

    opened, rows = open_storage(storage, must_exist=True), []
    for name in sorted(optuna.get_all_study_names(opened)):
        study = optuna.load_study(study_name=name, storage=opened)
        body, trials = stored_spec(study), study.get_trials(deepcopy=False)
        row: dict[str, Any] = {"name": name, "trials": len(trials), "optunas": body is not None}
        if body is not None:
            left = Budget.from_dict(body["budget"]).fraction_left(usage(trials))
            names = [m if isinstance(m, str) else m["name"] for m in body["objectives"]]
            row |= {"objectives": names, "budget_left": left, "description": body["description"]}
        rows.append(row)
    if as_json:
        print_json(rows)
        return
    grid = Grid("study", "trials", "budget left", "objectives", "description", box=None)
    for row in rows:
        share = f"{row['budget_left']:.0%}" if row["optunas"] else "(not made by optunas)"
        aims = ", ".join(row.get("objectives", []))
        grid.add_row(row["name"], str(row["trials"]), share, aims, row.get("description", ""))
    Console().print(grid)


def _console() -> Console:
    """A console that does not squeeze tables when the output goes to a file or a pipe."""
    return Console() if sys.stdout.isatty() else Console(width=160)


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value)
    if isinstance(value, float):
        whole = value.is_integer() and abs(value) >= 1000
        return f"{value:,.0f}" if whole else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
