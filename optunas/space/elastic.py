"""Once-for-All spaces: depth, width, kernel and expansion of the stages of one large network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from optunas.errors import InvalidArchitectureError, InvalidSpaceError
from optunas.space.base import Space, Values, short_hash
from optunas.space.conditions import Condition
from optunas.space.elastic_options import OptionReader, Options
from optunas.space.parameters import Choice, Parameter
from optunas.space.references import Resolve
from optunas.space.subnet import Block, Stage, Subnet, hidden_channels

__all__ = ["ElasticSpace"]

_ARGUMENTS = (
    "widths",
    "depths",
    "kernels",
    "expansions",
    "strides",
    "activation",
    "squeeze_excite",
    "stem",
    "head",
    "features",
    "stem_stride",
)
Several = int | float | Sequence[int] | Sequence[float] | Sequence[Sequence[int] | Sequence[float]]
"""An option, options for all stages, or one entry of options a stage."""


class _Names(NamedTuple):
    """The names of one stage's parameters, those left out included."""

    depth: str
    width: str
    blocks: list[tuple[str, str]]  # kernel, expansion


class ElasticSpace(Space[Subnet]):
    """Sub-networks of one large network of inverted residual blocks (Once-for-All).

    Cai et al. 2020, arXiv:1908.09791, section 3. ``ElasticSpace((16, 24, (32, 40)))`` has three
    stages, of which the last has two widths to choose from. Parameters: ``stage1.depth``,
    ``stage1.width``, ``stage1.block1.kernel``, ``stage1.block1.expansion``, ...; stages and blocks
    are numbered from 1, and block j counts when its stage's depth is j or more. A parameter with a
    single option is left out.

    Options ascend, so that the last ones make :meth:`largest`, which contains every other member's
    weights (``optunas.nets.subnet_cut``); one exception: an expansion of exactly 1 has no 1x1
    convolution before the depthwise one, so it is no part of a block with a larger expansion.

    Attributes:
        widths: one entry a stage: output channels of its blocks, or several to choose from.
        depths: numbers of blocks to choose from (or one number), for all stages, or one tuple of
            them a stage.
        kernels: odd sides of the depthwise windows, given likewise.
        expansions: hidden over input channels of a block, from 1 on, fractions too; likewise.
        strides: of each stage's first block, 1 or 2; None is 1 for the first stage, 2 for the
            others.
        activation: one name, or one a stage: ``relu``, ``relu6``, ``gelu``, ``silu``,
            ``hardswish``. Stem, head and features have the last stage's, as in MobileNetV3.
        squeeze_excite: whether blocks weigh their hidden channels; for all stages, or one a stage.
        stem: output channels of the first convolution (3x3).
        head: output channels of a last 1x1 convolution; 0 leaves it out.
        feature_units: the argument ``features`` (which is a verb of every space): units of a linear
            layer before the classifier; 0 leaves it out.
        stem_stride: 1 or 2.

    The first seven are kept as one entry a stage, whatever way they were given.

    Raises:
        InvalidSpaceError: naming everything that is wrong: options that are empty, repeated or
            reversed, sizes that are not positive, even kernels, expansions below 1, strides other
            than 1 and 2, another number of entries than stages, nothing to choose.
        UnknownNameError: for an unknown activation.
    """

    default_name: ClassVar[str] = "subnet"

    def __init__(
        self,
        widths: Sequence[int | Sequence[int]],
        depths: Several = (2, 3, 4),
        kernels: Several = (3, 5, 7),
        expansions: Several = (3, 4, 6),
        strides: Sequence[int] | None = None,
        activation: str | Sequence[str] = "relu",
        squeeze_excite: bool | Sequence[bool] = False,
        stem: int = 16,
        head: int = 0,
        features: int = 0,
        stem_stride: int = 1,
    ) -> None:
        read = OptionReader(type(self).__name__)
        self.widths = read.widths(widths)
        stages = len(self.widths)
        self.depths = read.options("depths", depths, stages)
        self.kernels = read.options("kernels", kernels, stages)
        self.expansions = read.options("expansions", expansions, stages)
        self.strides = read.strides(strides, stages)
        self.activation = read.activations(activation, stages)
        self.squeeze_excite = read.flags("squeeze_excite", squeeze_excite, stages)
        self.stem = read.count("stem", stem, 1)
        self.head = read.count("head", head, 0)
        self.feature_units = read.count("features", features, 0)
        self.stem_stride = read.stride("stem_stride", stem_stride)
        read.finish()
        self._names = [self._stage_names(number) for number in range(1, stages + 1)]
        self._choices = self._options()
        if not self._choices:
            raise InvalidSpaceError(
                f"{type(self).__name__}: every depth, width, kernel and expansion has one option, "
                "so there is nothing to choose; give one of them another."
            )
        self._blocks = [  # made once: members share them
            {(kernel, expansion): Block(kernel, expansion) for kernel in ks for expansion in es}
            for ks, es in zip(self.kernels, self.expansions, strict=True)
        ]
        self._sizes = np.array([len(options) for options in self._choices.values()])

    def _stage_names(self, number: int) -> _Names:
        stage = f"stage{number}"
        blocks = [f"{stage}.block{j}" for j in range(1, self.depths[number - 1][-1] + 1)]
        return _Names(
            f"{stage}.depth", f"{stage}.width", [(f"{b}.kernel", f"{b}.expansion") for b in blocks]
        )

    def _options(self) -> dict[str, Options]:
        """The options of each parameter that has several."""
        found: dict[str, Options] = {}
        for at, names in enumerate(self._names):
            found |= {names.depth: self.depths[at], names.width: self.widths[at]}
            for kernel, expansion in names.blocks:
                found |= {kernel: self.kernels[at], expansion: self.expansions[at]}
        return {name: options for name, options in found.items() if len(options) > 1}

    def parameters(self) -> dict[str, Parameter]:
        return {name: Choice(options) for name, options in self._choices.items()}

    def conditions(self) -> dict[str, Condition]:
        found = {}
        for names, depths in zip(self._names, self.depths, strict=True):
            for number, pair in enumerate(names.blocks, start=1):
                deep = tuple(depth for depth in depths if depth >= number)
                if len(deep) < len(depths):
                    found.update(dict.fromkeys(pair, Condition(names.depth, deep)))
        return {name: condition for name, condition in found.items() if name in self._choices}

    def encode(self, architecture: Subnet) -> Values:
        values: Values = {name: options[0] for name, options in self._choices.items()}
        own = values.keys()
        for names, stage in zip(self._names, architecture.stages, strict=True):
            given: Values = {names.depth: len(stage.blocks), names.width: stage.width}
            for (kernel, expansion), block in zip(names.blocks, stage.blocks, strict=False):
                given[kernel], given[expansion] = block.kernel, block.expansion
            values.update({name: value for name, value in given.items() if name in own})
        return values

    def decode(self, values: Mapping[str, Any]) -> Subnet:
        stages = []
        for at, names in enumerate(self._names):
            depth = int(values.get(names.depth, self.depths[at][0]))
            width = int(values.get(names.width, self.widths[at][0]))
            kernel, expansion = self.kernels[at][0], self.expansions[at][0]
            blocks = self._blocks[at]
            chosen = tuple(
                [
                    blocks[values.get(k, kernel), values.get(e, expansion)]
                    for k, e in names.blocks[:depth]
                ]
            )
            outer = (self.strides[at], self.activation[at], self.squeeze_excite[at])
            stages.append(Stage(width, chosen, *outer))
        return Subnet(self.stem, tuple(stages), *self._outer())

    def _outer(self) -> tuple[int, int, int, str]:
        """Head, features, stride of the stem, and the activation of these three."""
        return self.head, self.feature_units, self.stem_stride, self.activation[-1]

    def sample(self, rng: np.random.Generator) -> Subnet:
        picks = rng.integers(self._sizes).tolist()
        chosen = zip(self._choices.items(), picks, strict=True)
        return self.decode({name: options[pick] for (name, options), pick in chosen})

    def largest(self) -> Subnet:
        """The member with the last option everywhere, from which the others can be cut."""
        return self.decode({name: options[-1] for name, options in self._choices.items()})

    def smallest(self) -> Subnet:
        """The member with the first option everywhere."""
        return self.decode({name: options[0] for name, options in self._choices.items()})

    def validate(self, architecture: Subnet) -> None:
        found = self._faults(architecture)
        if found:
            raise InvalidArchitectureError("\n".join(found))

    def _faults(self, subnet: object) -> list[str]:
        if not isinstance(subnet, Subnet):
            return [f"An elastic space holds Subnets, got a {type(subnet).__name__}."]
        found: list[str] = []
        outer = ("head", "features", "stem_stride", "activation")
        for name, wanted in zip(("stem", *outer), (self.stem, *self._outer()), strict=True):
            _compare(found, name, getattr(subnet, name), (wanted,))
        stages = subnet.stages
        if not isinstance(stages, tuple):
            return [*found, f"stages must be a tuple of Stages, got {stages!r}."]
        if len(stages) != len(self._names):
            found.append(f"The subnet has {len(stages)} stages, in this space {len(self._names)}.")
        for at, stage in enumerate(stages[: len(self._names)]):
            self._compare_stage(found, at, stage)
        return found

    def _compare_stage(self, found: list[str], at: int, stage: object) -> None:
        place = f"stage {at + 1}"
        if not isinstance(stage, Stage):
            found.append(f"{place} must be a Stage, got a {type(stage).__name__}.")
            return
        _compare(found, f"{place}: width", stage.width, self.widths[at])
        for name, options in (
            ("stride", self.strides),
            ("activation", self.activation),
            ("squeeze_excite", self.squeeze_excite),
        ):
            _compare(found, f"{place}: {name}", getattr(stage, name), (options[at],))
        if not isinstance(stage.blocks, tuple):
            found.append(f"{place}: blocks must be a tuple of Blocks, got {stage.blocks!r}.")
            return
        _compare(found, f"{place}: the number of blocks", len(stage.blocks), self.depths[at])
        for number, block in enumerate(stage.blocks, start=1):
            here = f"{place} block {number}"
            if not isinstance(block, Block):
                found.append(f"{here} must be a Block, got a {type(block).__name__}.")
                continue
            _compare(found, f"{here}: kernel", block.kernel, self.kernels[at])
            expansions = self.expansions[at]
            _compare(found, f"{here}: expansion", block.expansion, expansions, (int, float))

    def digest(self, architecture: Subnet) -> str:
        """Equal only for members that are the same network, layer for layer.

        Two members can be one network: expansions that round to the same number of hidden channels
        (1.5 and 1.6 of 4), and blocks of two stages of the same width, activation and
        squeeze-and-excitation that only stand on different sides of the border between them, where
        the second stage has stride 1. So the digest goes by the row of layers, not by the
        parameters. Nothing else is one network twice.
        """
        parts = [architecture.stem, architecture.stem_stride, architecture.activation]
        parts += [architecture.head, architecture.features]
        rows = [",".join(map(str, parts))]
        channels = architecture.stem
        for stage in architecture.stages:
            stride, rest = stage.stride, f"{stage.width},{stage.activation},{stage.squeeze_excite}"
            for block in stage.blocks:
                expansion = block.expansion
                hidden = hidden_channels(channels, expansion) if expansion != 1 else 0
                rows.append(f"{block.kernel},{hidden},{stride},{rest}")
                channels, stride = stage.width, 1
        return short_hash("subnet", *rows)

    @property
    def _kind(self) -> str:
        return "subnet"

    def to_json(self, architecture: Subnet) -> str:
        return architecture.to_json()

    def from_json(self, text: str) -> Subnet:
        subnet = Subnet.from_json(text)
        self.validate(subnet)
        return subnet

    def definition(self) -> dict[str, Any]:
        if type(self) is not ElasticSpace:  # a user's subclass is stored by reference
            return super().definition()
        fields = {name: _as_lists(value) for name, value in self._fields().items()}
        return {"kind": "elastic", "version": 1, **fields}

    def _fields(self) -> dict[str, Any]:
        """The constructor's arguments, as they were read."""
        attributes = {"features": "feature_units"}
        return {name: getattr(self, attributes.get(name, name)) for name in _ARGUMENTS}

    def _arguments(self) -> dict[str, Any]:
        same = type(self).__init__ is ElasticSpace.__init__
        return self._fields() if same else super()._arguments()

    @classmethod
    def from_definition(cls, definition: Mapping[str, Any], resolve: Resolve) -> ElasticSpace:
        """The space that :meth:`definition` described.

        Raises:
            KeyError: for a field that is missing.
            InvalidSpaceError: for one that is wrong.
        """
        return cls(**{name: definition[name] for name in _ARGUMENTS})

    def _identity(self) -> object:
        return tuple(self._fields().values())

    def __repr__(self) -> str:
        shown = self._fields()
        shown["widths"] = tuple(w[0] if len(w) == 1 else w for w in self.widths)
        for name in ("depths", "kernels", "expansions", "activation", "squeeze_excite"):
            if len(set(shown[name])) == 1:
                shown[name] = shown[name][0]
        return f"{type(self).__name__}({', '.join(f'{n}={v!r}' for n, v in shown.items())})"


def _compare(
    found: list[str], what: str, value: object, allowed: Options, kinds: tuple[type, ...] = ()
) -> None:
    """Note a value that is none of ``allowed``; it has the options' type, or one of ``kinds``."""
    if type(value) in (kinds or (type(allowed[0]),)) and value in allowed:
        return
    one_of = "" if len(allowed) == 1 else "one of "
    options = ", ".join(repr(option) for option in allowed)
    found.append(f"{what} is {value!r}, in this space {one_of}{options}.")


def _as_lists(value: Any) -> Any:
    return [_as_lists(item) for item in value] if isinstance(value, tuple) else value
