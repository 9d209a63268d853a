"""Energy of a pass, through the meter that the machine has: RAPL for processors, NVML for GPUs."""

from optunas.metrics.power.consuming import Energy, energy, energy_mj
from optunas.metrics.power.meters import Meter, find_meter
from optunas.metrics.power.nvml import NvmlMeter
from optunas.metrics.power.rapl import RaplMeter

__all__ = [
    "Energy",
    "Meter",
    "NvmlMeter",
    "RaplMeter",
    "energy",
    "energy_mj",
    "find_meter",
]
