"""Latency estimated from a device's data sheet, for when no device is at hand; no torch.

An estimate, not a measurement: two figures of a device cannot know its caches, its kernels or its
compiler. Where the device is there, measure (:func:`optunas.metrics.latency`) or calibrate.
"""

from optunas.metrics.roofline.catalogue import find_profile, profiles
from optunas.metrics.roofline.estimating import EstimatedLatency, estimate_latency_ms
from optunas.metrics.roofline.from_toml import load_profile
from optunas.metrics.roofline.profile import Profile

__all__ = [
    "EstimatedLatency",
    "Profile",
    "estimate_latency_ms",
    "find_profile",
    "load_profile",
    "profiles",
]
