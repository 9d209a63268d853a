"""Sets of networks, measured in passes."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest
import torch
from torch import nn

from optunas.errors import InvalidSpecError
from optunas.metrics import latencies
from optunas.metrics.timing import Effort, How, many
from optunas.metrics.timing.many import Block, blocks, order_of
from optunas.metrics.timing.result import Readings, of_passes
from optunas.metrics.timing.subjects import Subject


def subject(ms: float, log: list[float]) -> Subject:
    def once() -> tuple[float, float, float]:
        log.append(ms)
        return ms, ms, ms

    return Subject(once, nullcontext, "wall", 1)


def test_every_pass_reads_every_network_in_another_order() -> None:
    log: list[float] = []
    subjects = [subject(float(n), log) for n in range(1, 8)]
    found = list(blocks(subjects, 7, 4, Effort(repeats=5, warmup=1), seed=3))
    assert [block.number for block in found] == [n for n in range(4) for _ in range(7)]
    orders = [[b.network for b in found if b.number == number] for number in range(4)]
    assert all(sorted(order) == list(range(7)) for order in orders)
    assert len({tuple(order) for order in orders}) == 4
    assert orders == [order_of(7, number, 3) for number in range(4)]
    assert len(log) == 4 * 7 * 6
    assert all(block.readings.ms == (block.network + 1.0,) * 5 for block in found)


def test_what_is_done_is_not_read_again() -> None:
    log: list[float] = []
    made: list[int] = []

    def make(index: int) -> Subject:
        made.append(index)
        return subject(1.0, log)

    done = frozenset({(0, 0), (0, 1), (0, 2), (1, 1)})
    found = list(blocks(make, 3, 2, Effort(repeats=5), done=done))
    assert {(b.number, b.network) for b in found} == {(1, 0), (1, 2)}
    assert sorted(made) == [0, 2]


def test_the_value_is_the_median_of_the_passes_medians() -> None:
    passes = [Readings((1.0, 2.0, 90.0)), Readings((4.0, 5.0, 6.0)), Readings((3.0, 3.0, 3.0), 0.5)]
    found = of_passes(passes, How(threads=2), "wall", 4, 0.95, 0.02)
    assert (found.median_ms, found.low_ms, found.high_ms, found.min_ms) == (3.0, 2.0, 5.0, 1.0)
    assert (found.passes, found.repeats, found.batch, found.threads) == (3, 9, 4, 2)
    assert found.margin == pytest.approx(0.5)
    assert not found.settled
    assert found.busy == 0.5


def test_real_networks_and_who_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    networks = [nn.Conv2d(3, 2, 3), nn.Conv2d(3, 4, 3)]
    found = latencies(
        networks,
        (2, 3, 6, 6),
        passes=2,
        repeats=5,
        warmup=1,
        watch=lambda done, total: told.append((done, total)),
    )
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert [one.repeats for one in found] == [10, 10]
    assert all(one.batch == 2 and one.median_ms > 0 and one.passes == 2 for one in found)
    assert latencies([], (1, 3, 6, 6)) == []


def test_the_readings_belong_to_their_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    def fake(subjects, count, passes, effort, seed):
        for number in range(passes):
            for at in reversed(range(count)):
                yield Block(number, at, Readings((10.0 * at + number,)))

    monkeypatch.setattr(many, "blocks", fake)
    found = latencies([nn.Linear(2, 2)] * 3, (1, 2), passes=3)
    assert [one.median_ms for one in found] == [1.0, 11.0, 21.0]


def test_processor_time_leaves_out_what_a_thread_waits() -> None:
    class Sleepy(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            time.sleep(0.01)
            return super().forward(x)

    wall, own = (
        latencies([Sleepy(2, 2)], (1, 2), passes=1, repeats=5, warmup=1, clock=clock)[0]
        for clock in ("wall", "processor")
    )
    assert own.median_ms < 5 < 10 <= wall.median_ms
    assert wall.busy is not None
    assert wall.busy > 0.4


def test_a_network_that_waits_is_timed_by_the_wall_and_others_by_their_thread() -> None:
    class Sleepy(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            time.sleep(0.002)
            return super().forward(x)

    class Pooled(nn.Linear):  # hands its work to another thread
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            with ThreadPoolExecutor(1) as pool:
                return pool.submit(nn.Linear.forward, self, x).result()

    made = [Sleepy(2, 2), Pooled(2, 2), nn.Linear(2, 2)]
    found = latencies(made, (1, 2), passes=1, repeats=5, warmup=1)
    assert [one.clock for one in found] == ["wall", "wall", "processor"]
    assert latencies(made, (1, 2), passes=1, repeats=5, threads=2)[2].clock == "wall"


@pytest.mark.parametrize("passes", [0, 1.5, True])
def test_passes_are_counted(passes: object) -> None:
    with pytest.raises(InvalidSpecError, match="passes must be a positive integer, got"):
        latencies([nn.Linear(2, 2)], (1, 2), passes=passes)  # type: ignore[arg-type]
