"""The commands and their options are an interface: a change here is a change for every user."""

from __future__ import annotations

import click
import typer

from optunas.cli import app

STORAGE = {"--storage"}
TRUST = {"--trust"}
JSON = {"--json"}
NEW = {"--name", "--seed", "--device", "--trials"}
MEASURING = {
    *("FILE", "--device", "--threads", "--dtype", "--backend", "--clock", "--passes", "--within"),
    *("--seed", "--input-shape", "--outputs"),
}

FROZEN = {
    "": {"--version", "--install-completion", "--show-completion"},
    "compare": {
        *("STUDIES", "--samplers", "--seeds", "--budget", "--seed", "--processes", "--workers"),
        *("--output", "-o", "--target", "--log", "--reference", "--device"),
    }
    | STORAGE
    | TRUST
    | JSON,
    "darts": set(),
    "darts search": {
        "FILE",
        *("--output", "-o", "--variant", "--order", "--epochs", "--batch-size", "--channels"),
        *("--num-cells", "--seed", "--restarts", "--validation-epochs", "--max-params"),
        *("--max-flops", "--device", "--resume", "--no-resume"),
        *("--alpha-lr", "--beta-decay", "--halt", "--selection"),
        *("--checkpointing", "--no-checkpointing"),
    },
    "darts show": {"FILE", "--svg", "--shares"} | JSON,
    "dashboard": STORAGE | {"--host", "--port", "--artifacts"},
    "latency": set(),
    "latency calibrate": MEASURING
    | {"--output", "-o", "--networks", "--held-out", "--from", "--name", "--batch"}
    | {"--table", "--no-table", "--resume", "--no-resume"}
    | JSON,
    "latency export-plan": {"FILE", "--output", "-o", "--networks", "--held-out", "--batch"}
    | {"--dtype", "--seed", "--input-shape", "--outputs"},
    "latency measure": MEASURING | {"--networks", "--batch"} | JSON,
    "latency repeat": MEASURING | {"--processes", "--networks", "--batch"} | JSON,
    "latency show": {"MODEL"} | JSON,
    "proxy": set(),
    "proxy rank": {"FILE", "--sample", "--proxies", "--study", "--seed", "--batch-size", "--device"}
    | {"--output", "-o"}
    | JSON
    | STORAGE
    | TRUST,
    "proxy score": {"FILE", "--sample", "--proxies", "--seed", "--batch-size", "--device", "--csv"}
    | JSON,
    "space": set(),
    "space draw": {"FILE", "--params", "--architecture", "--seed", "--output", "-o", "--title"},
    "space info": {"FILE", "--sample", "--seed"} | JSON,
    "study": set(),
    "study create": {"FILE"} | NEW | STORAGE,
    "study delete": {"NAME", "--yes", "-y"} | STORAGE,
    "study front": {"NAME", "--csv"} | JSON | STORAGE | TRUST,
    "study list": STORAGE | JSON,
    "study run": {"STUDY", "--timeout", "--workers", "--dry-run"}
    | {"--warm-start", "--warm-start-storage"}
    | NEW
    | STORAGE
    | TRUST,
    "study seed": {"NAME", "FILE", "--neighbours", "--spread", "--proxy", "--of", "--keep"}
    | STORAGE
    | TRUST,
    "study show": {"NAME"} | STORAGE | JSON | TRUST,
}


def walk(command: click.Command, path: str = "") -> dict[str, set[str]]:
    """Command path -> its options and arguments (in capitals)."""
    options = {
        name
        for parameter in command.params
        for name in (
            [parameter.name.upper()]
            if parameter.param_type_name == "argument" and parameter.name
            else [*parameter.opts, *parameter.secondary_opts]
        )
    }
    found = {path: options - {"--help"}}
    for name, child in getattr(command, "commands", {}).items():
        found |= walk(child, f"{path} {name}".strip())
    return found


def test_commands_and_options_are_the_frozen_ones() -> None:
    assert walk(typer.main.get_command(app)) == FROZEN


def test_every_command_and_option_has_a_help_text() -> None:
    def check(command: click.Command, path: str) -> None:
        assert command.help, path
        for name, child in getattr(command, "commands", {}).items():
            check(child, f"{path} {name}")

    check(typer.main.get_command(app), "optunas")
