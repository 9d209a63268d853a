"""Memory measured while a network really runs: CUDA's peak, or a fresh process's resident set."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from optunas.errors import DeviceError, InvalidSpecError
from optunas.metrics.counting import run_once, sample_input

__all__ = ["MeasuredMemory", "measured_memory"]


@dataclass(frozen=True)
class MeasuredMemory:
    """Bytes of one inference pass.

    Attributes:
        peak: the most beyond what the process had before the network: weights, activations and
            what the framework allocates for itself.
        device: where.
        how: what was read.
    """

    peak: int
    device: str
    how: str

    def __str__(self) -> str:
        return f"{self.peak:,} bytes on {self.device} ({self.how})"


def measured_memory(
    network: nn.Module, input_shape: tuple[int, ...], device: str = "cpu"
) -> MeasuredMemory:
    """The memory of one inference pass, as the device has it.

    On CUDA: the peak of torch's allocator around the pass of a copy of the network. On a CPU: a
    fresh process loads the network and runs it, channels-last; its largest resident set, minus that
    before loading. Beside tensors it holds the code of the kernels, 10 to 20 MB, in which small
    networks are lost; of networks above 50 MB it was 1.4 to 1.8 times what :func:`memory` says.

    Args:
        network: left as it is; for a CPU, one that can be pickled.
        input_shape: with batch, such as (8, 3, 224, 224).
        device: ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        DeviceError: where the device is not there, or the system does not tell (Linux does).
        InvalidSpecError: for an input that the network cannot take, or a network that cannot be
            pickled.
    """
    shape = tuple(input_shape)
    if any(isinstance(n, bool) or not isinstance(n, int) or n < 1 for n in shape):
        raise InvalidSpecError(f"An input's sizes must be positive integers, got {shape!r}.")
    if torch.device(device).type == "cuda":
        return _on_cuda(network, shape, device)
    if str(device) != "cpu":
        raise DeviceError(f"Memory is measured on 'cpu' and 'cuda' devices, not on {device!r}.")
    return _in_process(network, shape)


def _on_cuda(network: nn.Module, shape: tuple[int, ...], device: str) -> MeasuredMemory:
    place = torch.device(device)
    if not torch.cuda.is_available() or (place.index or 0) >= torch.cuda.device_count():
        raise DeviceError(
            f"The device {device!r} is not there: torch sees {torch.cuda.device_count()} CUDA "
            "devices here."
        )
    torch.cuda.synchronize(place)
    before = torch.cuda.memory_allocated(place)
    subject = copy.deepcopy(network).eval().to(place)
    x = sample_input(subject, shape).to(place)
    torch.cuda.reset_peak_memory_stats(place)
    with torch.inference_mode():
        run_once(subject, x)
    torch.cuda.synchronize(place)
    peak = torch.cuda.max_memory_allocated(place) - before
    return MeasuredMemory(peak, str(device), "peak of torch's allocator")


_CHILD = """
import pickle, sys
import torch
from optunas.errors import OptunasError
from optunas.metrics.counting import run_once, sample_input
from optunas.metrics.measured_use import resident

torch.set_num_threads(1)
path, shape = sys.argv[1], tuple(int(side) for side in sys.argv[2].split(","))
# The first convolution loads code; that is not the network's.
first = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8)).eval()
with torch.inference_mode():
    first(torch.ones(1, 3, 9, 9))
try:
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the largest resident set starts again from the present one
except OSError:
    pass
before = resident("VmRSS")
with open(path, "rb") as file:
    network = pickle.load(file).eval()
x = sample_input(network, shape)
if x.ndim == 4:  # as latency is measured: plain layouts are copied for the fast kernels
    network.to(memory_format=torch.channels_last)
    x = x.contiguous(memory_format=torch.channels_last)
try:
    with torch.inference_mode():
        run_once(network, x)
except OptunasError as error:
    print(error, file=sys.stderr)
    sys.exit(3)
print(resident("VmHWM") - before)
"""


def _in_process(network: nn.Module, shape: tuple[int, ...]) -> MeasuredMemory:
    resident("VmHWM")  # where the system does not tell, that is said before any work
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.pickle"
        try:
            path.write_bytes(pickle.dumps(copy.deepcopy(network).cpu()))
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise InvalidSpecError(
                f"The network cannot be pickled for a fresh process: {error}."
            ) from None
        command = [sys.executable, "-c", _CHILD, str(path), ",".join(map(str, shape))]
        # Freed tensors go back to the system at once (glibc keeps small ones for later).
        own = {**os.environ, "MALLOC_MMAP_THRESHOLD_": str(1 << 16)}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=own)
    if done.returncode == 3:
        raise InvalidSpecError(done.stderr.strip().split("\n")[-1])
    if done.returncode != 0:
        reason = (done.stderr.strip().split("\n") or [""])[-1]
        raise DeviceError(
            f"The process that measures memory ended with code {done.returncode}: {reason}"
        )
    return MeasuredMemory(int(done.stdout), "cpu", "resident set of a fresh process")


def resident(field: str) -> int:
    """Bytes that Linux tells of this process: ``VmRSS`` now, ``VmHWM`` at most.

    Raises:
        DeviceError: on other systems.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith(f"{field}:"):
            return 1024 * int(line.split()[1])
    raise DeviceError(
        "The resident set of a process is read from /proc/self/status, which this system does not "
        "have; measure on Linux, or take peak_memory_bytes."
    )
