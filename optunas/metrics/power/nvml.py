"""The energy counter of NVIDIA's GPUs (Volta and later)."""

from __future__ import annotations

import importlib
import math
from typing import Any

from optunas.errors import DeviceError

__all__ = ["NvmlMeter"]


class NvmlMeter:
    """One GPU's total energy since its driver was loaded; what else runs on it is counted too.

    Args:
        index: torch's number of the GPU.
        nvml: the module ``pynvml``, of the package nvidia-ml-py; None imports it.
        uuid: of the GPU; None asks torch, so that ``CUDA_VISIBLE_DEVICES`` is obeyed.

    Raises:
        DeviceError: without the package, a driver, the GPU, or its counter.
    """

    update_seconds = 0.1

    def __init__(self, index: int = 0, nvml: Any = None, uuid: str | None = None) -> None:
        self._nvml = _module() if nvml is None else nvml
        uuid = _uuid(index) if uuid is None else uuid
        try:
            self._nvml.nvmlInit()
            if uuid:
                self._handle = self._nvml.nvmlDeviceGetHandleByUUID(uuid)
            else:
                self._handle = self._nvml.nvmlDeviceGetHandleByIndex(index)
            name = self._nvml.nvmlDeviceGetName(self._handle)
        except self._nvml.NVMLError as error:
            raise DeviceError(f"NVML shows no energy meter for cuda:{index}: {error}.") from None
        self.name = f"NVML {name.decode() if isinstance(name, bytes) else name}"
        self.read()

    @property
    def wraps_joules(self) -> tuple[float, ...]:
        """It never starts again: 64 bits of millijoules."""
        return (math.inf,)

    def read(self) -> tuple[float, ...]:
        """Joules."""
        try:
            return (self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle) / 1000,)
        except self._nvml.NVMLError as error:
            raise DeviceError(
                f"{self.name} counts no energy ({error}): GPUs before Volta have no such counter; "
                "leave energy_mj out, or give a meter of your own."
            ) from None


def _module() -> Any:
    try:
        return importlib.import_module("pynvml")
    except ImportError:
        raise DeviceError(
            "Energy of a GPU is read through NVML, and the package nvidia-ml-py is not installed: "
            "pip install nvidia-ml-py."
        ) from None


def _uuid(index: int) -> str:
    """NVML counts all GPUs of the machine; torch those that it may see."""
    import torch

    if not torch.cuda.is_available() or index >= torch.cuda.device_count():
        raise DeviceError(
            f"The device 'cuda:{index}' is not there: torch sees {torch.cuda.device_count()} CUDA "
            "devices here."
        )
    uuid = getattr(torch.cuda.get_device_properties(index), "uuid", "")
    return f"GPU-{uuid}" if uuid else ""
