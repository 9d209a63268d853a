"""Back ends, number types, and CUDA as far as it can be told without a GPU."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import nn

from optunas.errors import DeviceError, InvalidSpecError
from optunas.metrics import latency
from optunas.metrics.timing import How, onnx_runtime, subjects
from optunas.metrics.timing.cuda import BEFORE_CAPTURE, cuda_subject
from optunas.metrics.timing.onnx_runtime import onnx_bytes, require_onnx

QUICK = {"repeats": 5, "warmup": 1}


class FakeCuda:
    """What is asked of ``torch.cuda``, remembered in order; each run takes 2.5 ms."""

    def __init__(self, captures: bool = True) -> None:
        self.captures, self.log = captures, []
        cuda = self

        class Event:
            def __init__(self, enable_timing: bool = False) -> None:
                assert enable_timing

            def record(self) -> None:
                cuda.log.append("record")

            def synchronize(self) -> None:
                cuda.log.append("wait")

            def elapsed_time(self, other: Any) -> float:
                return 2.5

        class Stream:
            def __init__(self, place: Any = None) -> None: ...

            def wait_stream(self, other: Any) -> None: ...

        class CUDAGraph:
            def replay(self) -> None:
                cuda.log.append("replay")

        self.Event, self.Stream, self.CUDAGraph = Event, Stream, CUDAGraph

    def current_stream(self, place: Any) -> Any:
        return self.Stream()

    def synchronize(self, place: Any) -> None:
        self.log.append("synchronize")

    @contextmanager
    def device(self, place: Any):
        yield

    @contextmanager
    def stream(self, stream: Any):
        yield

    @contextmanager
    def graph(self, graph: Any):
        if not self.captures:
            raise RuntimeError("operation not permitted when stream is capturing\nand more")
        self.log.append("capture")
        yield


def fake_subject(cuda: FakeCuda, graph: bool | None) -> Any:
    x = torch.zeros(4, 2)
    how = How("cuda", cuda_graph=graph)
    return cuda_subject(lambda x: cuda.log.append("run"), x, how, torch.device("cuda:0"), cuda)


def test_cuda_is_read_by_events_around_a_captured_graph() -> None:
    cuda = FakeCuda()
    subject = fake_subject(cuda, None)
    assert (subject.clock, subject.batch) == ("graph", 4)
    assert cuda.log == ["run"] * BEFORE_CAPTURE + ["capture", "run"]
    cuda.log.clear()
    assert subject.once()[0] == 2.5
    assert cuda.log == ["synchronize", "record", "replay", "record", "wait"]


def test_cuda_without_a_graph() -> None:
    cuda = FakeCuda()
    subject = fake_subject(cuda, False)
    subject.once()
    assert subject.clock == "events"
    assert cuda.log == ["synchronize", "record", "run", "record", "wait"]


def test_a_network_that_cannot_be_captured() -> None:
    assert fake_subject(FakeCuda(captures=False), None).clock == "events"
    with pytest.raises(InvalidSpecError, match="captured as a CUDA graph: operation not permitted"):
        fake_subject(FakeCuda(captures=False), True)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("graph", [None, False, True])
def test_a_real_gpu(graph: bool | None) -> None:
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU())
    found = latency(network, (2, 3, 16, 16), "cuda", cuda_graph=graph, **QUICK)
    assert found.median_ms > 0
    assert found.clock == ("events" if graph is False else "graph")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_number_types(dtype: str) -> None:
    seen = []

    class Spy(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append((x.dtype, self.weight.dtype))
            return super().forward(x)

    network = Spy(2, 2)
    found = latency(network, (3, 2), dtype=dtype, **QUICK)
    assert set(seen) == {(getattr(torch, dtype),) * 2}
    assert (found.dtype, found.batch, found.backend) == (dtype, 3, "eager")
    assert network.weight.dtype == torch.float32


def test_compiled_networks_are_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = []

    def fake(module: nn.Module) -> Any:
        return lambda x: (runs.append(len(x)), module(x))[1]

    monkeypatch.setattr(torch, "compile", fake)
    found = latency(nn.Linear(2, 2), (3, 2), backend="compile", clock="wall", **QUICK)
    assert found.backend == "compile"
    assert runs == [3] * (1 + 1 + 5)


def test_a_compiler_that_fails_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(module: nn.Module) -> Any:
        raise OSError("no C++ compiler\nand a long trace")

    monkeypatch.setattr(torch, "compile", broken)
    said = "torch.compile cannot compile the network on this machine: no C.. compiler; take"
    with pytest.raises(InvalidSpecError, match=said):
        latency(nn.Linear(2, 2), (3, 2), backend="compile")


def test_too_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any) -> None:
        raise RuntimeError("CUDA out of memory. Tried to allocate")

    monkeypatch.setattr(subjects, "run_once", full)
    with pytest.raises(
        DeviceError, match="memory of 'cpu' is too small for this network and batch"
    ):
        latency(nn.Linear(2, 2), (3, 2))


def test_onnx_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_runtime, "find_spec", lambda name: None)
    said = r"needs onnx and onnxscript and onnxruntime, not installed .* 'optunas\[onnx\]'"
    with pytest.raises(InvalidSpecError, match=said):
        latency(nn.Linear(2, 2), (3, 2), backend="onnxruntime")


@pytest.fixture
def onnx() -> None:
    for name in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(name, reason="the extra onnx is not installed")


@pytest.mark.usefixtures("onnx")
def test_onnx_runtime_computes_the_same() -> None:
    import onnxruntime

    require_onnx("onnx")
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
    x = torch.randn(2, 3, 5, 5)
    session = onnxruntime.InferenceSession(onnx_bytes(network, x))
    (given,) = session.run(None, {"input": x.numpy()})
    torch.testing.assert_close(torch.from_numpy(given), network.eval()(x).detach())
    found = latency(network, (2, 3, 5, 5), backend="onnxruntime", threads=1, **QUICK)
    assert found.backend == "onnxruntime"
    assert found.median_ms > 0


@pytest.mark.usefixtures("onnx")
def test_what_onnx_cannot_do() -> None:
    with pytest.raises(InvalidSpecError, match="NumPy array, which knows no bfloat16"):
        latency(nn.Linear(2, 2), (3, 2), backend="onnxruntime", dtype="bfloat16")


@pytest.mark.usefixtures("onnx")
def test_a_network_that_neither_exporter_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def refuse(subject: nn.Module, x: torch.Tensor, newer: bool) -> bytes:
        tried.append(newer)
        raise ValueError("an operator is missing.\nA long trace")

    monkeypatch.setattr(onnx_runtime, "_exported", refuse)
    with pytest.raises(InvalidSpecError, match=r"export the network to ONNX: an operator is miss"):
        onnx_bytes(nn.Linear(2, 2), torch.zeros(3, 2))
    assert tried == [False, True]
