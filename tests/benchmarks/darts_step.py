"""One step of a differentiable search, against the paper's supernet written plainly.

Run with ``python tests/benchmarks/darts_step.py [digits] [small] [cifar]``; digits and small take
two minutes, cifar ten. The reference is the oracle of the tests: every operation a module, Python's
sum over them, full backward passes in both phases, channels first as torch has them. Everything
runs on one thread, in turns in one process, and processor time counts, so that a loaded machine
disturbs both alike; ratios are medians of the ratios within a turn. The reference's seconds stand
beside those of another plain implementation on a quiet machine of the same kind, so that a slow
oracle cannot flatter. Peak memory is that of a fresh process over what its imports took, and beside
it the share of what a batch of two does not take already, for kernels, weights and the libraries'
own pages; only Linux tells it.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "darts"))

import oracle
import torch
from torch.nn import functional as F

from optunas.darts.bilevel import Bilevel
from optunas.darts.settings import SearchSettings
from optunas.darts.supernet import SuperNetwork, edges_of
from optunas.darts.variants import make_variant
from optunas.space import CellSpace

SPACE = CellSpace(
    (
        "none",
        "max_pool_3x3",
        "avg_pool_3x3",
        "skip_connect",
        "sep_conv_3x3",
        "sep_conv_5x5",
        "dil_conv_3x3",
        "dil_conv_5x5",
    )
)
"""The paper's."""


class Setting(NamedTuple):
    """Sizes of a search, and the reference's seconds on a quiet machine."""

    shape: tuple[int, int, int]
    channels: int
    num_cells: int
    batch: int
    quiet: str
    target: float


SETTINGS = {
    "digits": Setting((1, 8, 8), 8, 5, 64, "1.25-1.45", 4.0),
    "small": Setting((3, 32, 32), 8, 5, 32, "4.3-5.0", 4.0),
    "cifar": Setting((3, 32, 32), 16, 8, 64, "27-31", 4.5),
}

WAYS: dict[str, dict[str, object]] = {
    "first order": {},
    "checkpointed": {"checkpointing": True},
    "second order": {"order": 2},
    "GDAS": {"variant": "gdas"},
    "PC-DARTS": {"variant": "pc_darts"},
}
TARGETS = {"second order": 1.0, "GDAS": 0.15}
FEWEST = 2
"""Images in a batch that has everything but memory for images."""

Step = Callable[[], object]


def plain_step(setting: Setting) -> Step:
    """The reference's first-order step."""
    torch.manual_seed(0)
    fast = SuperNetwork(SPACE, setting.shape, 10, setting.channels, setting.num_cells)
    network = oracle.PlainNetwork(fast)
    alphas = {kind: (1e-3 * torch.randn(fast.shape)).requires_grad_() for kind in fast.kinds}
    del fast
    weights = torch.optim.SGD(network.parameters(), 0.025, 0.9, weight_decay=3e-4)
    adam = torch.optim.Adam(list(alphas.values()), 3e-4, (0.5, 0.999), weight_decay=1e-3)
    batches = _batches(setting)
    return lambda: oracle.step(network, alphas, weights, adam, *batches)


def fast_step(setting: Setting, way: str) -> Step:
    """A step of the search itself."""
    torch.manual_seed(0)
    settings = SearchSettings(**WAYS[way])  # type: ignore[arg-type]
    variant = make_variant(settings, edges_of(SPACE))
    network = SuperNetwork(
        SPACE,
        setting.shape,
        10,
        setting.channels,
        setting.num_cells,
        checkpoint=settings.checkpointing,
        partial=variant.partial,
    ).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    generator = torch.Generator().manual_seed(0)
    alphas = variant.alphas(network.kinds, network.shape, generator)
    bilevel = Bilevel(network, alphas, variant, F.cross_entropy, settings, 1000)
    batches = _batches(setting)
    return lambda: bilevel.step(*batches, 0.025, generator)


def _batches(setting: Setting) -> list[tuple[torch.Tensor, torch.Tensor]]:
    def batch() -> tuple[torch.Tensor, torch.Tensor]:
        return torch.randn(setting.batch, *setting.shape), torch.randint(10, (setting.batch,))

    return [batch(), batch()]


def seconds(step: Step) -> float:
    """Processor seconds of one step."""
    started = time.process_time()
    step()
    return time.process_time() - started


def compare(name: str, repeats: int) -> None:
    """Print what each way costs in one setting."""
    setting = SETTINGS[name]
    steps = {"reference": plain_step(setting)}
    steps |= {way: fast_step(setting, way) for way in WAYS}
    for step in steps.values():
        step()  # kernels are chosen in the first
    turns = [{way: seconds(step) for way, step in steps.items()} for _ in range(repeats)]
    middle = {way: statistics.median(turn[way] for turn in turns) for way in steps}
    print(
        f"{name}: {setting.channels} channels, {setting.num_cells} cells, batch {setting.batch}, "
        f"{'x'.join(map(str, setting.shape))}; medians of {repeats} turns"
    )
    print(f"  reference      {middle['reference']:7.3f} s (elsewhere {setting.quiet} s)")
    for way in WAYS:
        share = statistics.median(turn[way] / turn["reference"] for turn in turns)
        note = f"target <= {TARGETS[way]}" if way in TARGETS else ""
        if way == "first order":
            note = f"target >= {setting.target}x"
        elif way in ("checkpointed", "PC-DARTS"):
            most = 1.6 if way == "checkpointed" else 1.0
            note = f"{middle[way] / middle['first order']:.2f} of the first order's, <= {most}"
        print(f"  {way:14} {middle[way]:7.3f} s {1 / share:6.2f}x  {share:.3f}  {note}", flush=True)


def peaks(name: str) -> None:
    """Print the peak memory of the reference and of each way."""
    found = {way: _peak_of_process(name, way) for way in ("reference", *WAYS)}
    least = _peak_of_process(name, "reference", FEWEST)
    print(f"{name}: peak memory; the reference's with {FEWEST} images {least:.0f} MB")
    for way, peak in found.items():
        note = {"first order": "target <= 0.6", "checkpointed": "target <= 0.25"}.get(way, "")
        shares = [peak / found["reference"], (peak - least) / (found["reference"] - least)]
        print(
            f"  {way:14} {peak:7.0f} MB  {shares[0]:.2f}  above {shares[1]:.2f}  {note}", flush=True
        )


def _peak_of_process(name: str, way: str, batch: int | None = None) -> float:
    command = [sys.executable, __file__, name, "--peak", way]
    command += [] if batch is None else ["--batch", str(batch)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def peak(setting: Setting, way: str) -> float:
    """Megabytes that two steps take, over what was taken before, in this process."""
    before = _highest()
    step = plain_step(setting) if way == "reference" else fast_step(setting, way)
    step()
    step()
    return _highest() - before


def _highest() -> float:
    """Megabytes that this process has had at most; ``ru_maxrss`` would count its parent's too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("settings", nargs="*", help=f"of {', '.join(SETTINGS)}; default all")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--no-memory", action="store_true", help="leave the memory out")
    parser.add_argument("--peak", choices=["reference", *WAYS], help=argparse.SUPPRESS)
    parser.add_argument("--batch", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    names = arguments.settings or list(SETTINGS)
    if unknown := [name for name in names if name not in SETTINGS]:
        parser.error(f"unknown settings {', '.join(unknown)}; there are {', '.join(SETTINGS)}")
    if arguments.peak:
        setting = SETTINGS[names[0]]
        print(peak(setting._replace(batch=arguments.batch or setting.batch), arguments.peak))
        return
    for name in names:
        compare(name, arguments.repeats)
        if not arguments.no_memory:
            peaks(name)


if __name__ == "__main__":
    main()
