"""A recurrent network that emits a member of a space, one parameter after the other.

Source: Zoph and Le, Neural Architecture Search with Reinforcement Learning, ICLR 2017, sections 3.1
and 3.2; Pham et al., Efficient Neural Architecture Search, ICML 2018, appendix A, has the bounded
logits. One layer here, with a softmax of its own for each parameter.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from optunas.samplers.policy.tokens import Bools, Ints, Tokens

__all__ = ["Controller", "Lessons"]

SPREAD = 0.1
"""Initial weights lie within this of 0, as in the paper (section 4.1: 0.08)."""

BOUND = 3.0
"""Logits lie within this of 0: the policy never becomes so sure that nothing else is drawn."""

LONGEST_STEP = 1.0
"""Norm that gradients are cut to; an enqueued trial can be one that the policy hardly draws."""


class Lessons(NamedTuple):
    """What one update learns from.

    Attributes:
        choices: (n, P), of n members, see :class:`~optunas.samplers.policy.tokens.Tokens`.
        counts: (n, P), whether each parameter counts.
        gains: (n,), by how much each is better than expected.
    """

    choices: Ints
    counts: Bools
    gains: Any


class Controller:
    """The policy and its optimizer; :meth:`taught` leaves it as it is and returns a new one.

    Numbers are float64 and all draws come from generators of NumPy, so that equal lessons give
    equal members in any process, and torch's own generator is never touched.

    Args:
        counts: of choices, for each of the P parameters.
        hidden_size: of the LSTM and the embeddings.
        learning_rate: of Adam.
        rng: draws the initial weights of the LSTM and the embeddings. Those of the softmaxes begin
            at zero, so that an untaught controller draws uniformly.
    """

    def __init__(
        self,
        counts: Sequence[int],
        hidden_size: int,
        learning_rate: float,
        rng: np.random.Generator,
    ) -> None:
        self.counts, self.hidden_size = tuple(counts), hidden_size
        size, choices = hidden_size, sum(counts)
        # Each parameter has an embedding for each choice and one more for not counting at all.
        self._first = np.concatenate([[0], np.cumsum([c + 1 for c in counts])[:-1]]) + 1
        self._heads = np.concatenate([[0], np.cumsum(counts)])
        shapes = {
            "embedding": (choices + len(counts) + 1, size),
            "inputs": (size, 4 * size),
            "recurrent": (size, 4 * size),
            "gates": (4 * size,),
        }
        drawn = {name: rng.uniform(-SPREAD, SPREAD, shape) for name, shape in shapes.items()}
        drawn |= {"heads": np.zeros((choices, size)), "biases": np.zeros(choices)}
        with torch.inference_mode(False):  # the caller's mode must not become the weights'
            self.weights = {name: _tensor(a).requires_grad_() for name, a in drawn.items()}
        self._optimizer = torch.optim.Adam(self.weights.values(), lr=learning_rate)

    def draw(
        self, tokens: Tokens, count: int, rng: np.random.Generator, temperature: float = 1.0
    ) -> list[Any]:
        """Members from the policy; logits are divided by the temperature.

        Args:
            tokens: of the space that the policy is for.
            count: of members; equal ones may be among them.
            rng: where the choices come from.
            temperature: above 1 draws closer to uniform.
        """
        places = len(self.counts)
        chance = rng.random((places, 2, count))
        masks = np.zeros((count, places), dtype=bool)
        rows: list[list[Any]] = [[] for _ in range(count)]
        with torch.no_grad():
            seen = np.zeros(count, dtype=np.int64)
            state = self._start(count)
            for at in range(places):
                state = self._step(self.weights["embedding"][_tensor(seen)], state)
                shares = (self._logits(at, state[0]) / temperature).softmax(1).numpy()
                below = shares.cumsum(1)[:, :-1] < chance[at, 0][:, None]
                chosen = below.sum(1)
                masks[:, at] = tokens.counting(at, rows, masks)
                for number, row in enumerate(rows):
                    row.append(tokens.value(at, int(chosen[number]), chance[at, 1, number]))
                seen = self._embedded(at, chosen, masks[:, at])
        return [tokens.member(row) for row in rows]

    def chances(self, choices: Ints, counts: Bools) -> tuple[Tensor, Tensor]:
        """Log-probability and entropy (in nats) of n members, both (n,).

        Sums over the parameters that count. The entropy is that of each parameter's choice given
        the member's choices before it.

        Args:
            choices: (n, P).
            counts: (n, P).
        """
        state = self._start(len(choices))
        chance = entropy = _tensor(np.zeros(len(choices)))
        seen = np.zeros(len(choices), dtype=np.int64)
        # All inputs are known, so that what they add to the gates takes one product.
        columns = [seen] + [
            self._embedded(at, choices[:, at], counts[:, at]) for at in range(len(self.counts) - 1)
        ]
        inputs = self.weights["embedding"][_tensor(np.stack(columns))] @ self.weights["inputs"]
        for at in range(len(self.counts)):
            state = self._gated(inputs[at], state)
            shares = functional.log_softmax(self._logits(at, state[0]), 1)
            mask = _tensor(counts[:, at].astype(float))
            picked = shares.gather(1, _tensor(choices[:, at : at + 1]))[:, 0]
            chance = chance + mask * picked
            entropy = entropy - mask * (shares.exp() * shares).sum(1)
        return chance, entropy

    def taught(self, lessons: Lessons, entropy_weight: float) -> Controller:
        """The controller after one step of REINFORCE on ``gains`` (larger is better)."""
        after = copy.copy(self)
        with torch.inference_mode(False), torch.enable_grad():  # whatever the caller's mode
            after.weights, after._optimizer = copy.deepcopy((self.weights, self._optimizer))
            chance, entropy = after.chances(lessons.choices, lessons.counts)
            loss = -(_tensor(lessons.gains) * chance + entropy_weight * entropy).mean()
            after._optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(after.weights.values(), LONGEST_STEP)
            after._optimizer.step()
        return after

    def _start(self, count: int) -> tuple[Tensor, Tensor]:
        zeros = _tensor(np.zeros((count, self.hidden_size)))
        return zeros, zeros

    def _step(self, embedded: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        return self._gated(embedded @ self.weights["inputs"], state)

    def _gated(self, inputs: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """One step of the LSTM from the share of the inputs in its four gates, (n, 4 hidden)."""
        hidden, cell = state
        gates = inputs + hidden @ self.weights["recurrent"] + self.weights["gates"]
        enter, forget, leave, new = gates.chunk(4, 1)
        cell = forget.sigmoid() * cell + enter.sigmoid() * new.tanh()
        return leave.sigmoid() * cell.tanh(), cell

    def _logits(self, at: int, hidden: Tensor) -> Tensor:
        part = slice(self._heads[at], self._heads[at + 1])
        logits = functional.linear(
            hidden, self.weights["heads"][part], self.weights["biases"][part]
        )
        return BOUND * (logits / BOUND).tanh()

    def _embedded(self, at: int, chosen: Ints, counts: Bools) -> Ints:
        """Rows of the embedding for what parameter ``at`` was."""
        return self._first[at] + np.where(counts, chosen, self.counts[at])


def _tensor(array: Any) -> Tensor:
    """On the CPU, whatever device is torch's default."""
    return torch.from_numpy(np.ascontiguousarray(array))
