"""Orders for worker processes, and what becomes of processes that end in all ways."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import toy_task
from hypothesis import given
from hypothesis import strategies as st
from optuna.storages import InMemoryStorage

import optunas
from optunas import Budget
from optunas.errors import OptunasError, TrainingError
from optunas.study import workers
from optunas.study.running import threads_for
from optunas.study.workers import WorkerOrder, Workers

texts = st.text(max_size=10)
orders = st.builds(
    WorkerOrder,
    name=texts,
    url=texts,
    trust=st.lists(texts, max_size=3).map(tuple),
    path=st.lists(texts, max_size=3).map(tuple),
    device=texts,
    threads=st.integers(0, 64),
    budget=st.builds(Budget, trials=st.integers(1, 99), wall_seconds=st.none() | st.just(1.5)),
    seconds=st.none() | st.floats(0, 1e6),
)


@given(orders)
def test_an_order_travels_as_one_line(order: WorkerOrder) -> None:
    text = order.to_json()
    assert "\n" not in text
    assert WorkerOrder.from_json(text) == order


ORDER = WorkerOrder("toy", "sqlite:///x.db", (), (), "cpu", 1, Budget(), None)


@pytest.fixture
def crew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], Workers]:
    """Workers that run a piece of code in place of trials."""

    def make(code: str, count: int) -> Workers:
        script = tmp_path / "interpreter"
        script.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{code}'\n")
        script.chmod(0o755)
        monkeypatch.setattr(workers.sys, "executable", str(script))
        return Workers(ORDER, count)

    return make


def nothing() -> None:
    """A tick."""


def test_the_first_reason_is_returned(crew: Callable[[str, int], Workers]) -> None:
    made = crew('print("noise"); print("The budget is used.")', 2)
    assert made.run(nothing, lambda: 0, interval_s=0.02) == "The budget is used."


def test_a_users_mistake_ends_all_with_its_sentence(crew: Callable[[str, int], Workers]) -> None:
    code = 'import sys; print("The data has NaN."); sys.exit(2)'
    with pytest.raises(OptunasError, match=r"The data has NaN."):
        crew(code, 2).run(nothing, lambda: 0, interval_s=0.02)


def test_workers_that_die_without_finishing_anything_end_the_run(
    crew: Callable[[str, int], Workers],
) -> None:
    code = 'import sys; print("no room"); sys.exit(7)'
    with pytest.raises(TrainingError, match=r"4 workers died \(exit code 7\).*no room"):
        crew(code, 1).run(nothing, lambda: 0, interval_s=0.02)


def test_workers_that_die_now_and_then_are_replaced(
    crew: Callable[[str, int], Workers], tmp_path: Path
) -> None:
    count = tmp_path / "count"
    code = (
        f'import os, sys; p = "{count}"; n = len(open(p).read()) if os.path.exists(p) else 0;'
        ' open(p, "a").write("x"); sys.exit(9 if n < 9 else 0)'
    )
    finished = iter(range(100))
    crew(code, 1).run(nothing, lambda: next(finished), interval_s=0.02)
    assert len(count.read_text()) == 10


def test_an_interrupt_ends_the_workers_and_ticks_once_more(
    crew: Callable[[str, int], Workers],
) -> None:
    made = crew("import sys; sys.stdin.read()", 2)
    ticks = []

    def tick() -> None:
        ticks.append(len(made.processes))
        if len(ticks) == 2:
            raise KeyboardInterrupt("Ctrl-C")

    with pytest.raises(KeyboardInterrupt, match=r"Ctrl-C"):
        made.run(tick, lambda: 0, interval_s=0.02)
    assert made.processes == {}
    assert ticks == [2, 2, 0]


def test_a_worker_that_does_not_end_is_killed(
    crew: Callable[[str, int], Workers], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "GRACE_S", 0.1)
    made = crew("import time; time.sleep(60)", 1)
    started = []

    def tick() -> None:
        started.extend(made.processes)
        if made.processes:
            raise KeyboardInterrupt("Ctrl-C")

    with pytest.raises(KeyboardInterrupt, match=r"Ctrl-C"):
        made.run(tick, lambda: 0, interval_s=0.02)
    assert started[0].returncode == -9


def test_a_worker_that_dies_before_it_reads_its_order_is_one_that_died(
    crew: Callable[[str, int], Workers],
) -> None:
    begun = crew("import sys; sys.exit(7)", 1)
    begun.order = replace(ORDER, path=("x" * 500_000,))  # more than a pipe holds
    with pytest.raises(TrainingError, match=r"4 workers died \(exit code 7\).*nothing"):
        begun.run(nothing, lambda: 0, interval_s=0.02)


def test_threads_are_divided_and_never_more_than_the_caller_wants(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert [threads_for(n) for n in (1, 2, 3, 20)] == [8, 4, 2, 1]
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert [threads_for(n) for n in (1, 2, 3)] == [3, 3, 2]


def test_a_run_gives_torch_its_threads_back() -> None:
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        spec = toy_task.spec(budget=Budget(trials=1))
        optunas.run(spec, storage=InMemoryStorage(), progress=False)
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)
