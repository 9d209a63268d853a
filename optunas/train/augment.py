"""Random changes of training images, for a whole batch at once and on its own device.

``crop``: zeros around the image, an eighth of each side wide, and a window of the image's size at a
random place (He et al. 2016, section 4.2: 4 pixels around 32 x 32). ``flip``: mirrored left to
right, half of the images (the same section). ``cutout``: a square of zeros, a quarter of the
shorter side, around a random pixel, so that a part of it may lie outside (DeVries and Taylor 2017,
section 3, with crop as they train; a quarter is their CIFAR-100 setting). Each image has random
numbers of its own.

A zero is what the batches mean by it: in-memory tasks standardise their inputs, so there it is the
training data's mean of the channel, as in both papers; a data loader's zero is the mean only where
the loader normalises, else mostly black.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from optunas.errors import TrainingError

__all__ = ["Augmentation", "crop", "cutout", "flip"]

Change = Callable[[Tensor, torch.Generator], Tensor]


class Augmentation:
    """The augmentation called ``name``, with random numbers of its own from the run's seed.

    They are drawn on ``device``, so a batch never waits for them, and they leave the order of the
    samples as it is without augmentation. ``none`` draws nothing.

    Raises:
        TrainingError: when called with anything but images (N, C, H, W).
    """

    def __init__(self, name: str, seed: int, device: torch.device) -> None:
        self._name, self._changes = name, _CHANGES[name]
        # A seed drawn from the run's: the same one would repeat the numbers of the samples' order.
        own = torch.randint(2**62, (), generator=torch.Generator().manual_seed(seed))
        self._generator = torch.Generator(device).manual_seed(int(own))

    def state(self) -> Tensor:
        """Of the random numbers, for :meth:`restore`."""
        return self._generator.get_state()

    def restore(self, state: Tensor) -> None:
        """Go on from a :meth:`state` of the same kind of device."""
        self._generator.set_state(state)

    def __call__(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape; a batch that is changed is a new tensor."""
        if self._changes and x.dim() != 4:
            raise TrainingError(
                f"augmentation={self._name!r} is for images (samples, channels, height, width), "
                f"this batch has the shape {tuple(x.shape)}: use augmentation='none'."
            )
        for change in self._changes:
            x = change(x, self._generator)
        return x


def crop(x: Tensor, generator: torch.Generator) -> Tensor:
    """(N, C, H, W) -> the same shape: each image moved by up to an eighth, zeros where it was.

    At least by one pixel; along an axis of a single pixel, nothing moves.
    """
    (top, left), (height, width) = (_border(size) for size in x.shape[2:]), x.shape[2:]
    down = _integers(2 * top + 1, x, generator)
    right = _integers(2 * left + 1, x, generator)
    padded = F.pad(x, (left, left, top, top))  # (N, C, H + 2 top, W + 2 left)
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)  # (N, C, places, places, H, W)
    return windows[torch.arange(len(x), device=x.device), :, down, right]


def flip(x: Tensor, generator: torch.Generator) -> Tensor:
    """(N, C, H, W) -> the same shape: each image mirrored left to right or not, equally likely."""
    mirrored = _integers(2, x, generator).bool()
    return torch.where(mirrored[:, None, None, None], x.flip(3), x)


def cutout(x: Tensor, generator: torch.Generator) -> Tensor:
    """(N, C, H, W) -> the same shape: a square of zeros in each; an image of one pixel stays."""
    height, width = x.shape[2:]
    if height * width == 1:
        return x
    side = max(1, min(height, width) // 4)
    rows, columns = (_run(size, side, x, generator) for size in (height, width))
    return x.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None], 0.0)


def _border(size: int) -> int:
    return max(1, size // 8) if size > 1 else 0


def _run(size: int, length: int, x: Tensor, generator: torch.Generator) -> Tensor:
    """(N, size) booleans: ``length`` places around a random one, as far as they are inside."""
    start = _integers(size, x, generator)[:, None] - length // 2
    places = torch.arange(size, device=x.device)
    return (places >= start) & (places < start + length)


def _integers(below: int, x: Tensor, generator: torch.Generator) -> Tensor:
    """One integer from 0 for each image: (N,)."""
    return torch.randint(below, (len(x),), generator=generator, device=x.device)


_CHANGES: dict[str, tuple[Change, ...]] = {
    "none": (),
    "crop": (crop,),
    "flip": (flip,),
    "crop_flip": (crop, flip),
    "cutout": (crop, cutout),
    "crop_flip_cutout": (crop, flip, cutout),
}
