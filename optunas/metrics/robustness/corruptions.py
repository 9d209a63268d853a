"""Changes that images meet in the field, at five severities (Hendrycks and Dietterich 2019).

Written for pixels in [0, 1]; the kinds are a subset of the paper's and the parameters are close to
those of its version for small images. What depends on pixels (blur) grows with images above 32.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from optunas.errors import InvalidSpecError, UnknownNameError

__all__ = ["CORRUPTIONS", "PARAMETERS", "corrupt"]

PARAMETERS: dict[str, tuple[float, ...]] = {
    "gaussian_noise": (0.04, 0.06, 0.08, 0.10, 0.15),  # standard deviation
    "shot_noise": (500, 250, 100, 75, 50),  # photons that make the largest value
    "impulse_noise": (0.01, 0.02, 0.03, 0.05, 0.07),  # share of values that become 0 or 1
    "gaussian_blur": (0.4, 0.6, 0.8, 1.0, 1.5),  # standard deviation in pixels, of 32
    "brightness": (0.05, 0.10, 0.15, 0.20, 0.30),  # added
    "contrast": (0.75, 0.50, 0.40, 0.30, 0.15),  # share that is left around the image's mean
    "pixelate": (0.95, 0.90, 0.80, 0.65, 0.50),  # share of the side that the image shrinks to
}
"""Of each kind, by severity from 1 to 5."""

CORRUPTIONS = tuple(PARAMETERS)
"""The kinds."""

SIDE = 32


def corrupt(
    x: Tensor, kind: str, severity: int, generator: torch.Generator | None = None
) -> Tensor:
    """Images in [0, 1] changed, still in [0, 1].

    Args:
        x: (N, channels, height, width); left as it is.
        kind: of ``CORRUPTIONS``.
        severity: 1 to 5; ``PARAMETERS`` says what it means.
        generator: of the noise kinds, on the CPU.

    Raises:
        UnknownNameError: for another kind.
        InvalidSpecError: for another severity, or anything but images.
    """
    if kind not in PARAMETERS:
        raise UnknownNameError("corruption", kind, CORRUPTIONS)
    if severity not in (1, 2, 3, 4, 5):
        raise InvalidSpecError(f"severity must be 1 to 5, got {severity!r}.")
    if x.ndim != 4:
        raise InvalidSpecError(
            f"Corruptions are for images (samples, channels, height, width), got {tuple(x.shape)}."
        )
    changed = _CHANGES[kind](x, PARAMETERS[kind][severity - 1], generator)
    return changed.clamp(0, 1)


def _gaussian_noise(x: Tensor, std: float, generator: torch.Generator | None) -> Tensor:
    return x + std * torch.randn(x.shape, generator=generator).to(x)


def _shot_noise(x: Tensor, photons: float, generator: torch.Generator | None) -> Tensor:
    return torch.poisson(x.cpu() * photons, generator).to(x) / photons


def _impulse_noise(x: Tensor, share: float, generator: torch.Generator | None) -> Tensor:
    draw = torch.rand(x.shape, generator=generator).to(x)
    return torch.where(draw < share / 2, 0.0, torch.where(draw > 1 - share / 2, 1.0, x))


def _gaussian_blur(x: Tensor, sigma: float, generator: torch.Generator | None) -> Tensor:
    """Two passes of one window; the border is repeated outward."""
    sigma *= max(1.0, min(x.shape[2:]) / SIDE)
    reach = int(3 * sigma + 0.5)
    at = torch.arange(-reach, reach + 1).to(x)
    window = torch.exp(-(at**2) / (2 * sigma**2))
    window = (window / window.sum()).expand(x.shape[1], 1, -1)  # (C, 1, taps)
    x = F.pad(x, (reach, reach, reach, reach), mode="replicate")
    x = F.conv2d(x, window[:, :, None], groups=x.shape[1])
    return F.conv2d(x, window[..., None], groups=x.shape[1])


def _brightness(x: Tensor, more: float, generator: torch.Generator | None) -> Tensor:
    return x + more


def _contrast(x: Tensor, share: float, generator: torch.Generator | None) -> Tensor:
    mean = x.mean(dim=(2, 3), keepdim=True)
    return mean + share * (x - mean)


def _pixelate(x: Tensor, share: float, generator: torch.Generator | None) -> Tensor:
    small = [max(1, round(share * side)) for side in x.shape[2:]]
    return F.interpolate(F.interpolate(x, small, mode="area"), x.shape[2:], mode="nearest")


_CHANGES: dict[str, Callable[[Tensor, float, torch.Generator | None], Tensor]] = {
    "gaussian_noise": _gaussian_noise,
    "shot_noise": _shot_noise,
    "impulse_noise": _impulse_noise,
    "gaussian_blur": _gaussian_blur,
    "brightness": _brightness,
    "contrast": _contrast,
    "pixelate": _pixelate,
}
