"""The conformance suite of a space's networks, for a user's own space as well; imports torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.parameter import is_lazy

from optunas.metrics import cost
from optunas.metrics.counting import count_flops, count_params
from optunas.nets.build import build
from optunas.testing.contract import Sampled, promise, require
from optunas.testing.subject import Subject

__all__ = ["NetworkConformance"]

COUNTS = ("channels", "num_cells")
"""The settings that ``optunas.build`` takes."""

NEIGHBOURS = 20
"""Mutants of each network's architecture that are searched for one of equal digest."""


class NetworkConformance(Subject):
    """What every network of a space does, as tests; put this into a file that pytest collects::

        from optunas.testing import NetworkConformance, SpaceConformance
        from my_package import MySpace

        class TestMySpace(SpaceConformance, NetworkConformance):
            space = MySpace()
            settings = {"channels": 4}

    Networks are made as in a study: by the space's own ``build(architecture, input_shape,
    num_outputs, settings)`` where it has one, else by ``optunas.build``; override :meth:`build` for
    networks that a task makes.

    Attributes:
        space, num_samples, seed: as for ``SpaceConformance``.
        input_shapes: without batch.
        num_outputs: of the network.
        num_networks: so many random members are built for each shape.
        settings: of network and training that are not searched; small ones make the tests quick.
        batch_size: from 2 on.
    """

    input_shapes: tuple[tuple[int, ...], ...] = ((1, 8, 8), (1, 28, 28), (3, 32, 32))
    num_outputs: int = 10
    num_networks: int = 10
    settings: Mapping[str, Any] = {}
    batch_size: int = 4

    def build(self, member: Any, input_shape: tuple[int, ...]) -> nn.Module:
        """The untrained network of a member: (N, *input_shape) -> (N, num_outputs)."""
        architecture, searched = self.space.parts(member)
        settings = {**self.settings, **searched}
        own = _own_build(self.space)
        if own is not None:
            network: nn.Module = own(architecture, input_shape, self.num_outputs, settings)
            return network
        counts = {name: settings[name] for name in COUNTS if name in settings}
        return build(architecture, input_shape, self.num_outputs, **counts)

    def _network(self, member: Any, input_shape: tuple[int, ...], seed: int = 0) -> nn.Module:
        """The built network; the global seed is left as it was."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = self.build(member, input_shape)
        require(isinstance(network, nn.Module), f"gives a {type(network).__name__}, no module")
        lazy = [n for n, p in network.named_parameters() if is_lazy(p)]
        require(not lazy, f"gives {', '.join(lazy)} no shape before the first input; state sizes")
        return network

    def _networks(self) -> Iterator[tuple[Sampled, tuple[int, ...], nn.Module]]:
        for number in range(self.num_networks):
            member = self._sampled(number)
            for shape in self.input_shapes:
                with promise("build", member, _input(shape)):
                    network = self._network(member.value, shape)
                yield member, shape, network

    def _noise(self, input_shape: tuple[int, ...], batch_size: int | None = None) -> Tensor:
        size = (self.batch_size if batch_size is None else batch_size, *input_shape)
        return torch.randn(size, generator=torch.Generator().manual_seed(self.seed))

    def _loss(self, output: Tensor) -> Tensor:
        if self.num_outputs == 1:
            return output.square().mean()
        return F.cross_entropy(output, torch.arange(len(output)) % self.num_outputs)

    def test_networks_run_forward_and_backward(self) -> None:
        for member, shape, network in self._networks():
            with promise("The network's forward", member, _input(shape)), _seeded(self.seed):
                output = network.train()(self._noise(shape))
                self._check_output(output, self.batch_size)
            with promise("The network's backward", member, _input(shape)):
                self._loss(output).backward()
                found = [(name, p.grad) for name, p in network.named_parameters()]
                reached = [(name, grad) for name, grad in found if grad is not None]
                require(bool(reached), "reaches no parameter")
                broken = [name for name, grad in reached if not bool(grad.isfinite().all())]
                require(not broken, f"gives {', '.join(broken)} a gradient that is not finite")

    def _check_output(self, output: Any, batch_size: int) -> None:
        require(isinstance(output, Tensor), f"gives a {type(output).__name__}, wanted a tensor")
        got, wanted = tuple(output.shape), (batch_size, self.num_outputs)
        require(got == wanted, f"gives shape {got}, wanted {wanted}")
        require(bool(output.isfinite().all()), "gives numbers that are not finite")

    def test_networks_take_a_single_input_for_evaluation(self) -> None:
        for member, shape, network in self._networks():
            with promise("The network's evaluation", member, _input(shape)), torch.no_grad():
                batch = self._noise(shape)
                whole = network.eval()(batch)
                one = network(batch[:1])
                self._check_output(one, 1)
                near = torch.allclose(one, whole[:1], rtol=1e-3, atol=1e-4)
                require(near, "of one input depends on what else is in the batch")
                require(torch.equal(whole, network(batch)), "differs when repeated")

    def test_one_seed_gives_one_network(self) -> None:
        for number in range(min(3, self.num_networks)):
            member, shape = self._sampled(number), self.input_shapes[0]
            with promise("build", member, _input(shape)):
                states = [self._network(member.value, shape).state_dict() for _ in range(2)]
                same = list(states[0]) == list(states[1]) and all(
                    torch.equal(states[0][name], states[1][name]) for name in states[0]
                )
                require(same, "gives other weights with the same seed of torch")

    def test_the_closed_form_costs_are_those_of_the_network(self) -> None:
        if _own_build(self.space) or type(self).build is not NetworkConformance.build:
            pytest.skip("Networks of the space's own have no closed form.")
        for member, shape, network in self._networks():
            with promise("The closed form", member, _input(shape)):
                architecture, searched = self.space.parts(member.value)
                settings = {**self.settings, **searched}
                counts = {name: settings[name] for name in COUNTS if name in settings}
                params, macs = cost(architecture, shape, self.num_outputs, **counts)
                counted = count_params(network)
                require(params == counted, f"gives {params} parameters, the network has {counted}")
                flops = count_flops(network, shape)
                require(2 * macs == flops, f"gives {2 * macs} FLOPs, the network takes {flops}")

    def test_networks_of_equal_digest_have_equally_many_live_parameters(self) -> None:
        shape = min(self.input_shapes, key=lambda s: int(np.prod(s)))
        for number in range(self.num_networks):
            member = self._sampled(number)
            other = self._of_equal_digest(member)
            if other is None:
                continue
            with promise("digest", member, f"{other!r}, its equal", _input(shape)):
                live, others = (self._live(value, shape) for value in (member.value, other))
                require(
                    live == others,
                    f"is the same, but {live} parameters of one network and {others} of the other "
                    "change its output",
                )

    def _of_equal_digest(self, member: Sampled) -> Any:
        """Another member of the same digest near this one, or None."""
        if self.space.size == 1:
            return None
        digest = self.space.digest(member.value)
        for _ in range(NEIGHBOURS):
            other = self.space.mutate(member.value, member.rng)
            if other != member.value and self.space.digest(other) == digest:
                return other
        return None

    def _live(self, member: Any, shape: tuple[int, ...]) -> int:
        """How many parameters have a gradient, in float64, weights and biases away from zero."""
        network = _generic(self._network(member, shape), self.seed)
        output = network.train()(self._noise(shape, max(8, self.batch_size)).double())
        (output * _weights(output)).sum().backward()
        grads = [p.grad for p in network.parameters() if p.grad is not None]
        return sum(grad.numel() for grad in grads if bool(grad.any()))

    def test_connected_networks_and_only_those_see_their_input(self) -> None:
        for number in range(self.num_networks):
            member, shape = self._sampled(number), self.input_shapes[0]
            connected = self.space.is_connected(member.value)
            with promise("is_connected", member, _input(shape)):
                sees = any(self._sees_input(member.value, shape, seed) for seed in range(3))
                require(
                    sees == connected,
                    f"says {connected}, but the network's output "
                    f"{'depends' if sees else 'does not depend'} on its input",
                )

    def _sees_input(self, member: Any, shape: tuple[int, ...], seed: int) -> bool:
        network = _generic(self._network(member, shape, seed), seed).eval()
        x = self._noise(shape).double().requires_grad_()
        output = network(x)
        if not output.requires_grad:
            return False
        (output * _weights(output)).sum().backward()
        return x.grad is not None and bool(x.grad.any())


def _own_build(space: Any) -> Callable[..., nn.Module] | None:
    """The ``build`` of a space that makes its own networks, also as a joint space's part."""
    for part in getattr(space, "spaces", {"": space}).values():
        if part.num_architectures() and callable(getattr(part, "build", None)):
            own: Callable[..., nn.Module] = part.build
            return own
    return None


def _generic(network: nn.Module, seed: int) -> nn.Module:
    """The network in float64 with noise on its parameters: nothing is zero by initialisation."""
    noise = torch.Generator().manual_seed(seed)
    network = network.double()
    with torch.no_grad():
        for parameter in network.parameters():
            shift = torch.randn(parameter.shape, generator=noise, dtype=torch.float64)
            parameter.add_(0.1 * shift)
    return network


def _weights(output: Tensor) -> Tensor:
    """Different for each number of the output, so that no batch norm cancels a gradient."""
    return torch.linspace(0.5, 1.5, output.numel(), dtype=output.dtype).cos().view_as(output)


def _input(shape: tuple[int, ...]) -> str:
    return f"an input of {shape}"


class _seeded:
    """Dropout and the like drawn from a seed inside; the global state afterwards as before."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __enter__(self) -> None:
        self.state = torch.random.get_rng_state()
        torch.manual_seed(self.seed)

    def __exit__(self, *error: object) -> None:
        torch.random.set_rng_state(self.state)
