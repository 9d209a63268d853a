"""On what a latency was measured: enough to tell that it was another machine. No torch."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["Fingerprint", "fingerprint"]

ELSEWHERE = ("machine", "processor", "accelerator", "torch", "runtime")
"""What makes it another device."""


@dataclass(frozen=True)
class Fingerprint:
    """A device, and how networks ran on it.

    Attributes:
        name: how the user calls it.
        here: False where the numbers came from a file: then nothing else says what it was.
        machine, processor, cores, system: of the computer.
        accelerator: name of the GPU; empty on the CPU.
        device, threads, dtype, backend, batch, clock: how it was measured.
        torch, runtime: versions of torch, and of ONNX Runtime where it was the back end.
    """

    name: str
    here: bool = True
    machine: str = ""
    processor: str = ""
    cores: int = 0
    system: str = ""
    accelerator: str = ""
    device: str = "cpu"
    threads: int = 1
    dtype: str = "float32"
    backend: str = "eager"
    batch: int = 1
    clock: str = "wall"
    torch: str = ""
    runtime: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Fingerprint:
        """What :meth:`to_dict` gave; fields of a later version are left out."""
        known = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in body.items() if key in known})

    def elsewhere(self, accelerator: str | None = None) -> list[str]:
        """What is different where this runs, one phrase each; empty on the same device.

        Args:
            accelerator: name of the GPU here; None leaves the comparison out.
        """
        if not self.here:
            return []
        now = fingerprint(self.name, self.device, backend=self.backend, accelerator=accelerator)
        found = []
        for key in ELSEWHERE:
            then, today = getattr(self, key), getattr(now, key)
            if key == "accelerator" and accelerator is None:
                continue
            if then != today:
                found.append(f"{key} {then or 'none'}, here {today or 'none'}")
        return found

    def __str__(self) -> str:
        if not self.here:
            return f"{self.name} (measured elsewhere, batch {self.batch})"
        what = self.accelerator or self.processor or self.machine
        threads = f"{self.threads} thread{'s' if self.threads != 1 else ''}"
        return (
            f"{self.name} ({what}, {threads}, {self.dtype}, {self.backend}, batch {self.batch}, "
            f"torch {self.torch})"
        )


def fingerprint(
    name: str,
    device: str = "cpu",
    threads: int = 1,
    dtype: str = "float32",
    backend: str = "eager",
    batch: int = 1,
    clock: str = "wall",
    accelerator: str | None = None,
) -> Fingerprint:
    """Of this machine, measured so."""
    return Fingerprint(
        name,
        True,
        platform.machine(),
        _processor(),
        os.cpu_count() or 0,
        platform.system(),
        accelerator or "",
        device,
        threads,
        dtype,
        backend,
        batch,
        clock,
        _version("torch"),
        _version("onnxruntime") if backend == "onnxruntime" else "",
    )


def _processor() -> str:
    """The processor's model, as the system calls it."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor()
    found = re.search(r"^(?:model name|Model|Hardware)\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.processor()


def _version(package: str) -> str:
    try:
        return version(package).partition("+")[0]
    except PackageNotFoundError:
        return ""
