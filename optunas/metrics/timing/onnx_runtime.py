"""ONNX Runtime as a back end, and networks written as ONNX; both need the extra ``onnx``."""

from __future__ import annotations

import copy
import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from optunas.errors import InvalidSpecError
from optunas.metrics.counting import run_once
from optunas.metrics.timing.settings import How
from optunas.metrics.timing.subjects import Subject, plain_subject, running

__all__ = ["onnx_bytes", "onnx_subject", "require_onnx"]

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
"""ONNX Runtime's names of devices."""


def require_onnx(*packages: str) -> None:
    """Refuse where a package of the extra is missing.

    Raises:
        InvalidSpecError: naming what is missing and what to install.
    """
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise InvalidSpecError(
            f"ONNX needs {' and '.join(missing)}, not installed here; install the extra: "
            "pip install 'optunas[onnx]'."
        )


def onnx_subject(network: nn.Module, x: Tensor, how: How, place: torch.device) -> Subject:
    """A network that ONNX Runtime runs, read by a clock of this process.

    Input and output are arrays of this process, so that on CUDA a reading includes the copies.

    Raises:
        InvalidSpecError: when a package is missing, the device has no provider, or the network
            cannot be exported or run.
    """
    require_onnx("onnx", "onnxscript", "onnxruntime")
    import onnxruntime

    provider = PROVIDERS.get(place.type)
    if provider not in onnxruntime.get_available_providers():
        raise InvalidSpecError(
            f"This ONNX Runtime does not run on {str(place)!r}; it has "
            f"{', '.join(onnxruntime.get_available_providers())}. On CUDA it takes the package "
            "onnxruntime-gpu."
        )
    if how.dtype == "bfloat16":
        raise InvalidSpecError(
            "ONNX Runtime gets its input as a NumPy array, which knows no bfloat16; take "
            "dtype='float32' or 'float16', or another back end."
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = how.threads, 1
    options.log_severity_level = 3
    # Threads that spin while they wait would take the time of the next measurement's core.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    place_options = {"device_id": str(place.index or 0)} if place.type == "cuda" else {}
    model = onnx_bytes(network, x, how.dtype)
    feed = {"input": x.detach().cpu().to(getattr(torch, how.dtype)).numpy()}
    try:
        session = onnxruntime.InferenceSession(model, options, [(provider, place_options)])
        session.run(None, feed)
    except Exception as error:  # its exceptions have no common base
        raise InvalidSpecError(
            f"ONNX Runtime cannot run the network: {_first_line(error)}."
        ) from error
    return plain_subject(lambda: session.run(None, feed), how, place, len(x))


def onnx_bytes(network: nn.Module, x: Tensor, dtype: str = "float32") -> bytes:
    """The network as an ONNX model for inputs of ``x``'s shape, batch norms folded; input "input".

    Torch's older exporter goes first where torch has it (a tenth of the time), then the one that
    ``torch.export`` is behind.

    Raises:
        InvalidSpecError: when a package is missing, or neither can export it.
    """
    require_onnx("onnx", "onnxscript")
    subject = copy.deepcopy(network).eval().cpu().to(getattr(torch, dtype))
    x = x.detach().cpu().to(getattr(torch, dtype))
    with running(1):
        run_once(subject, x)
    found: Exception | None = None
    for newer in (False, True):
        try:
            with _quiet(), torch.no_grad():
                return _exported(subject, x, newer)
        except Exception as error:  # both raise whatever they like
            found = error
    raise InvalidSpecError(
        f"Torch cannot export the network to ONNX: {_first_line(found)}."
    ) from found


def _exported(subject: nn.Module, x: Tensor, newer: bool) -> bytes:
    names: dict[str, Any] = {"input_names": ["input"], "output_names": ["output"]}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        if newer:
            program = torch.onnx.export(subject, (x,), dynamo=True, verbose=False, **names)
            assert program is not None
            program.save(path)
        else:
            torch.onnx.export(subject, (x,), path, dynamo=False, **names)
        return path.read_bytes()


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporters' warnings and logged lines."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _first_line(error: Exception | None) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")
