"""How near the analytic peak memory is to what a process (or a GPU) really takes.

Networks of every kind, large enough to be seen in a resident set; printed: the analytic bytes, the
measured ones and their ratio, with and without CUDA. What a framework needs beside the network's
own tensors (workspaces, copies for its kernels, inputs that calling functions still name) is what a
ratio above 1 shows. Nothing is asserted.

    python tests/benchmarks/memory.py [--device cpu] [--size 224] [--batch 8]
"""

from __future__ import annotations

import argparse

import numpy as np
import torch

import optunas
from optunas.metrics import measured_memory, memory
from optunas.space import ElasticSpace, MacroSpace

SPACES = {
    "NB201": optunas.NB201,
    "DARTS": optunas.DARTS,
    "macro": MacroSpace((3, 5), ("conv", "sep_conv", "max_pool"), filters=(32, 64), kernels=(3, 5)),
    "elastic": ElasticSpace((24, 40, 80), (2, 3), (3, 5), (3, 6), stem=32, stem_stride=2),
}


def main() -> None:
    """Print a row for two members of each space."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--members", type=int, default=2)
    given = parser.parse_args()
    torch.manual_seed(0)
    shape = (3, given.size, given.size)
    print(f"batch {given.batch} of {given.size} x {given.size} on {given.device}, MB")
    print(f"{'space':8} {'weights':>8} {'analytic':>9} {'measured':>9} {'ratio':>6}")
    rng = np.random.default_rng(0)
    for name, space in SPACES.items():
        counts = {"num_cells": 3} if name in ("NB201", "DARTS") else {}
        for _ in range(given.members):
            member = space.sample(rng)
            told = memory(member, shape, 10, batch=given.batch, **counts)
            network = optunas.build(member, shape, 10, **counts)
            seen = measured_memory(network, (given.batch, *shape), given.device).peak
            ratio = seen / told.total
            row = (
                f"{told.weights / 1e6:8.1f} {told.total / 1e6:9.1f} {seen / 1e6:9.1f} {ratio:6.2f}"
            )
            print(f"{name:8} {row}")


if __name__ == "__main__":
    main()
