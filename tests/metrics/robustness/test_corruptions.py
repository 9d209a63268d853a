"""Corruptions: still images, worse with severity, the same for the same seed."""

from __future__ import annotations

import pytest
import torch

from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.metrics.robustness import CORRUPTIONS, corrupt


def images(side: int = 32) -> torch.Tensor:
    """Waves of several lengths in [0, 1]."""
    at = torch.arange(side) / side
    rows = 0.5 + 0.5 * torch.sin(at[:, None] * torch.tensor([[6.0, 17.0, 45.0]])).T
    return (rows[:, :, None] * rows[:, None, :])[None].expand(4, 3, side, side).contiguous()


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_images_stay_images_and_grow_worse(kind: str) -> None:
    x = images()
    before = x.clone()
    distances = []
    for severity in (1, 2, 3, 4, 5):
        changed = corrupt(x, kind, severity, seeded())
        assert changed.shape == x.shape
        assert changed.min() >= 0
        assert changed.max() <= 1
        distances.append((changed - x).square().mean().item())
    if kind != "pixelate":  # its blocks meet the waves by chance
        assert distances == sorted(distances)
    assert distances[-1] > distances[0] > 0
    assert torch.equal(x, before)


@pytest.mark.parametrize("kind", CORRUPTIONS)
@pytest.mark.parametrize("shape", [(1, 1, 8, 8), (2, 3, 1, 1), (2, 4, 5, 9)])
def test_any_size_will_do(kind: str, shape: tuple[int, ...]) -> None:
    assert corrupt(torch.rand(shape), kind, 5, seeded()).shape == shape


def test_noise_is_the_generators() -> None:
    x = images()
    for kind in ("gaussian_noise", "shot_noise", "impulse_noise"):
        one, same, other = (corrupt(x, kind, 3, seeded(seed)) for seed in (0, 0, 1))
        assert torch.equal(one, same)
        assert not torch.equal(one, other)


def test_what_the_kinds_are() -> None:
    flat = torch.full((1, 1, 40, 40), 0.5)
    noisy = corrupt(flat, "gaussian_noise", 4, seeded())
    assert noisy.std().item() == pytest.approx(0.10, rel=0.1)
    shot = corrupt(flat, "shot_noise", 3, seeded())
    assert shot.var().item() == pytest.approx(0.5 / 100, rel=0.2)  # Poisson: mean over photons
    impulse = corrupt(flat, "impulse_noise", 5, seeded())
    assert (impulse != 0.5).float().mean().item() == pytest.approx(0.07, abs=0.02)
    assert torch.allclose(corrupt(flat, "brightness", 2), torch.full_like(flat, 0.6))
    for kind in ("gaussian_blur", "contrast", "pixelate"):
        assert torch.allclose(corrupt(flat, kind, 5), flat)
    x = images()
    assert torch.allclose(corrupt(x, "contrast", 2).std(), 0.5 * x.std(), rtol=0.2)
    assert corrupt(x, "gaussian_blur", 5).var() < x.var()
    halves = corrupt(torch.arange(16.0).reshape(1, 1, 4, 4) / 15, "pixelate", 5)
    assert torch.equal(halves[..., 0, 0], halves[..., 1, 1])
    assert halves[0, 0, 0, 0].item() == pytest.approx((0 + 1 + 4 + 5) / 4 / 15)


def test_wrong_requests_are_sentences() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'contrast'"):
        corrupt(images(), "contrasts", 1)
    with pytest.raises(InvalidSpecError, match="severity must be 1 to 5, got 0"):
        corrupt(images(), "contrast", 0)
    with pytest.raises(InvalidSpecError, match="are for images"):
        corrupt(torch.rand(3, 4), "contrast", 1)
