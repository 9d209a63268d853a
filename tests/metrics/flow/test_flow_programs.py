"""The steps read off a plan are those that the built network runs, for every kind of network."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from members import SHAPE, SPACES, counts
from torch import nn

import optunas
from optunas.errors import InvalidSpecError
from optunas.metrics import cost, estimate_latency_ms
from optunas.metrics.flow.live import peak_inference, peak_segment, peak_training
from optunas.metrics.flow.planned import program_of
from optunas.metrics.flow.recorded import network_program
from optunas.metrics.flow.steps import Segment, flatten


def naive_peak(segment: Segment) -> int:
    """The rule of liveness word for word, for each step over all tensors."""
    spans = []
    for tensor in range(len(segment.sizes)):
        written = [at for at, step in enumerate(segment.steps) if step.writes == tensor]
        needed = [at for at, step in enumerate(segment.steps) if tensor in step.reads] + written
        needed += [len(segment.steps)] if tensor == segment.output else []
        if needed:
            spans.append((0 if tensor == 0 else written[0], max(needed), segment.sizes[tensor]))
    return max(
        sum(size for first, last, size in spans if first <= now <= last)
        for now in range(len(segment.steps))
    )


@pytest.mark.parametrize("name", SPACES)
def test_the_plans_steps_are_the_networks(name: str) -> None:
    rng = np.random.default_rng(7)
    for _ in range(4):
        member = SPACES[name].sample(rng)
        network = optunas.build(member, SHAPE, 5, **counts(name))
        planned = program_of(member, SHAPE, 5, **counts(name))
        seen = network_program(network, SHAPE)
        assert planned.weights == seen.weights, member
        assert (planned.weights.params, planned.macs) == cost(member, SHAPE, 5, **counts(name))
        assert planned.macs == seen.macs, member
        assert peak_inference(planned) == peak_inference(seen), member
        learning = program_of(member, SHAPE, 5, **counts(name), training=True)
        trained = network_program(network, SHAPE, training=True)
        assert peak_training(learning) == peak_training(trained), member


@pytest.mark.parametrize("name", SPACES)
def test_the_peak_by_segments_is_that_of_the_rule(name: str) -> None:
    rng = np.random.default_rng(3)
    for _ in range(6):
        program = program_of(SPACES[name].sample(rng), SHAPE, 5, **counts(name))
        whole = flatten(program)
        assert peak_segment(whole) == naive_peak(whole) > 0
        if not any(step.in_training for step in whole.steps):
            assert peak_inference(program) == naive_peak(whole)


class Growing(nn.Module):
    """A path that depends on values cannot be recorded without them."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.layer(x)
        return y * 2 if bool((y > 1e9).any()) else torch.cat([y, y, y], dim=1)


def test_a_network_whose_path_depends_on_values_is_run() -> None:
    network = Growing().train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    program = network_program(network, (6,))
    assert program.macs == 36
    # At the concatenation: its three readings are one tensor of 6, its output has 18. The
    # comparison's booleans (a byte each) are gone by then.
    assert peak_inference(program) == 24
    assert network.training
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_recording_changes_nothing() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.Flatten())
    network[2].eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    torch.manual_seed(3)
    wanted = torch.rand(1)
    torch.manual_seed(3)
    network_program(network, SHAPE, training=True)
    assert torch.equal(torch.rand(1), wanted)
    assert [m.training for m in network] == [True, True, False, True]
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in network.parameters())


def test_a_wrong_input_is_a_sentence() -> None:
    with pytest.raises(InvalidSpecError, match="cannot take an input of shape"):
        network_program(nn.Linear(4, 2), (5,))
    with pytest.raises(InvalidSpecError, match="must be positive integers"):
        network_program(nn.Linear(4, 2), (0,))


def test_what_gradients_keep_is_what_autograd_keeps() -> None:
    """Against torch itself: all tensors saved in a real forward pass, each storage once."""
    member = SPACES["dense"].sample(np.random.default_rng(1))
    network = optunas.build(member, SHAPE, 5, channels=4, num_cells=1).train()
    own = {p.untyped_storage().data_ptr() for p in [*network.parameters(), *network.buffers()]}
    kept: dict[int, torch.UntypedStorage] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage
        return tensor

    batch = 11
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        output = network(torch.randn(batch, *SHAPE))
    program = flatten(program_of(member, SHAPE, 5, channels=4, num_cells=1, training=True))
    learns = set()
    for step in program.steps:
        if step.weights or not learns.isdisjoint(step.reads):
            learns.add(step.writes)
    live = [step for step in program.steps if step.writes in learns]
    saved = {tensor for step in live for tensor in step.saves}
    told = 4 * batch * sum(program.sizes[tensor] for tensor in saved)
    told += batch * sum(step.saved_bytes for step in live)
    told += 4 * sum(step.saved_stats for step in live)
    assert told == sum(storage.nbytes() for storage in kept.values())
    assert output.shape == (batch, 5)


def test_plans_need_no_torch() -> None:
    code = """
import sys, numpy, optunas
from optunas.metrics import estimate_latency_ms, peak_memory_bytes, profiles
for space in (optunas.NB201, optunas.DARTS):
    member = space.sample(numpy.random.default_rng(0))
    assert peak_memory_bytes(member, (3, 8, 8), 10) > 0 < estimate_latency_ms(member, (3, 8, 8), 10)
assert len(profiles()) > 5 and "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", SPACES)
def test_every_kind_of_network_has_an_estimated_latency(name: str) -> None:
    rng = np.random.default_rng(11)
    for _ in range(3):
        member = SPACES[name].sample(rng)
        given = {"profile": "t4", **counts(name)}
        one = estimate_latency_ms(member, SHAPE, 5, **given)
        many = estimate_latency_ms(member, SHAPE, 5, **given, batch=64)
        assert 0 < one < many < 64 * one
