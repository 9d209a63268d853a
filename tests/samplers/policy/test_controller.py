"""The recurrent controller: what it draws, what it says of it, and what it learns."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from sampler_cases import HYPER, SPACES

from optunas.samplers.policy.controller import BOUND, Controller, Lessons
from optunas.samplers.policy.tokens import Tokens
from optunas.space import Choice, HyperSpace, When

SPACE = HyperSpace(
    a=Choice(("p", "q", "r")), b=When(Choice(("x", "y")), a="q"), c=Choice((True, False))
)
"""8 members: p and r leave b out."""


def new(space: HyperSpace = SPACE, seed: int = 0, rate: float = 0.05) -> tuple[Controller, Tokens]:
    tokens = Tokens(space, bins=5)
    return Controller(tokens.counts, 8, rate, np.random.default_rng(seed)), tokens


def lessons(tokens: Tokens, members: list[object], gains: list[float]) -> Lessons:
    rows = [tokens.row(member) for member in members]
    return Lessons(np.stack([r[0] for r in rows]), np.stack([r[1] for r in rows]), np.array(gains))


def chances(controller: Controller, tokens: Tokens, members: list[object]) -> np.ndarray:
    rows = lessons(tokens, members, [0.0] * len(members))
    return controller.chances(rows.choices, rows.counts)[0].detach().exp().numpy()


def taught(steps: int = 30) -> tuple[Controller, Tokens, list[object]]:
    controller, tokens = new()
    members: list[object] = list(SPACE.enumerate())
    gains = np.random.default_rng(1).standard_normal(len(members)).tolist()
    for _ in range(steps):
        controller = controller.taught(lessons(tokens, members, gains), 0.0)
    return controller, tokens, members


def test_untaught_it_draws_every_choice_alike() -> None:
    controller, tokens = new()
    members = list(SPACE.enumerate())
    wanted = [1 / 12 if member["a"] == "q" else 1 / 6 for member in members]
    np.testing.assert_allclose(chances(controller, tokens, members), wanted)


def test_chances_of_all_members_sum_to_one_whatever_it_learned() -> None:
    controller, tokens, members = taught()
    found = chances(controller, tokens, members)
    assert found.sum() == pytest.approx(1.0)
    assert found.max() > 0.3  # it did learn


def test_it_draws_as_often_as_it_says() -> None:
    controller, tokens, members = taught(8)
    drawn = controller.draw(tokens, 4000, np.random.default_rng(0))
    often = np.array([drawn.count(member) for member in members]) / 4000
    np.testing.assert_allclose(often, chances(controller, tokens, members), atol=0.03)


def test_the_entropy_is_that_of_the_members() -> None:
    controller, tokens, members = taught(8)
    rows = lessons(tokens, members, [0.0] * len(members))
    chance, entropy = (t.detach().numpy() for t in controller.chances(rows.choices, rows.counts))
    # E[sum of conditional entropies] over members is the entropy of the whole (chain rule).
    assert float((np.exp(chance) * entropy).sum()) == pytest.approx(
        -float((np.exp(chance) * chance).sum())
    )


def test_entropy_of_an_untaught_controller() -> None:
    controller, tokens = new()
    rows = lessons(tokens, list(SPACE.enumerate()), [0.0] * 8)
    entropy = controller.chances(rows.choices, rows.counts)[1].detach().numpy()
    with_b = rows.counts[:, 1]
    np.testing.assert_allclose(entropy[with_b], math.log(3 * 2 * 2))
    np.testing.assert_allclose(entropy[~with_b], math.log(3 * 2))


def test_the_gradient_is_that_of_reinforce() -> None:
    """Against finite differences of ``mean(gain * log p) + weight * mean entropy``."""
    controller, tokens, members = taught(3)
    rows = lessons(tokens, members[:3], [1.0, -0.5, 2.0])

    def objective() -> torch.Tensor:
        chance, entropy = controller.chances(rows.choices, rows.counts)
        return (torch.from_numpy(rows.gains) * chance + 0.1 * entropy).mean()

    bias = controller.weights["biases"]
    (slope,) = torch.autograd.grad(objective(), bias)
    for at in range(len(bias)):
        with torch.no_grad():
            bias[at] += 1e-6
            above = objective().item()
            bias[at] -= 2e-6
            below = objective().item()
            bias[at] += 1e-6
        assert slope[at].item() == pytest.approx((above - below) / 2e-6, abs=1e-6)


def test_a_step_makes_good_members_likelier_and_bad_ones_rarer() -> None:
    controller, tokens = new()
    members: list[object] = list(SPACE.enumerate())
    before = chances(controller, tokens, members)
    after = chances(
        controller.taught(lessons(tokens, [members[0], members[7]], [1.0, -1.0]), 0.0),
        tokens,
        members,
    )
    assert after[0] > before[0]
    assert after[7] < before[7]


def test_the_entropy_bonus_keeps_it_open() -> None:
    def entropy_after(weight: float) -> float:
        controller, tokens = new()
        members: list[object] = list(SPACE.enumerate())
        batch = lessons(tokens, members, [1.0] + [0.0] * 7)
        for _ in range(20):
            controller = controller.taught(batch, weight)
        return controller.chances(batch.choices, batch.counts)[1].mean().item()

    assert entropy_after(1.0) > entropy_after(0.0) + 0.3


def test_it_never_becomes_certain() -> None:
    controller, tokens = new(rate=1.0)
    members: list[object] = list(SPACE.enumerate())
    for _ in range(50):
        controller = controller.taught(lessons(tokens, members[:1], [100.0]), 0.0)
    least = 1 / (1 + 2 * math.exp(2 * BOUND))
    assert chances(controller, tokens, members).min() > least**3


def test_teaching_leaves_the_taught_one_as_it_was() -> None:
    controller, tokens = new()
    members: list[object] = list(SPACE.enumerate())
    batch = lessons(tokens, members, [1.0, *[0.0] * 7])
    first = controller.taught(batch, 0.0)
    second = controller.taught(batch, 0.0)
    assert np.array_equal(chances(first, tokens, members), chances(second, tokens, members))
    np.testing.assert_allclose(chances(controller, tokens, members).sum(), 1.0)
    assert len(set(chances(controller, tokens, members).round(12))) == 2


def test_a_high_temperature_draws_nearly_uniformly() -> None:
    controller, tokens, _ = taught(40)

    def distinct(heat: float) -> int:
        return len({m["a"] for m in controller.draw(tokens, 60, np.random.default_rng(2), heat)})

    assert distinct(50.0) == 3


def test_torch_keeps_its_own_numbers_and_modes() -> None:
    state = torch.get_rng_state()
    with torch.inference_mode():
        controller, tokens = new()
        batch = lessons(tokens, list(SPACE.enumerate()), [1.0] * 8)
        controller = controller.taught(batch, 0.1)
        controller = controller.taught(batch, 0.1)
        controller.draw(tokens, 5, np.random.default_rng(0))
        assert torch.is_inference_mode_enabled()
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("kind", SPACES)
def test_it_emits_members_of_every_space(kind: str) -> None:
    space = SPACES[kind]
    tokens = Tokens(space, bins=5)
    controller = Controller(tokens.counts, 4, 0.01, np.random.default_rng(0))
    drawn = controller.draw(tokens, 10, np.random.default_rng(1))
    for member in drawn:
        space.validate(member)
    gains = np.linspace(-1, 1, 10)
    batch = lessons(tokens, drawn, gains.tolist())
    before, _ = controller.chances(batch.choices, batch.counts)
    after, _ = controller.taught(batch, 0.0).chances(batch.choices, batch.counts)
    assert torch.isfinite(after).all()
    # Members that share choices with better and worse ones may go either way; the whole may not.
    assert (torch.as_tensor(gains) * (after - before)).sum().item() > 0


def test_drawing_and_judging_see_the_same_conditions() -> None:
    tokens = Tokens(HYPER, bins=5)
    controller = Controller(tokens.counts, 4, 0.1, np.random.default_rng(0))
    drawn = controller.draw(tokens, 200, np.random.default_rng(1))
    with_sgd = [member for member in drawn if member["optimizer"] == "sgd"]
    assert 60 < len(with_sgd) < 140
    assert all(("momentum" in m) == (m["optimizer"] == "sgd") for m in drawn)
    pairs = itertools.pairwise(sorted(m["lr"] for m in drawn))
    assert all(a < b for a, b in pairs)  # continuous within its parts
