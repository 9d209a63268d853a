"""A calibrated latency model: loaded from a file, it predicts milliseconds without torch."""

from __future__ import annotations

import json
import math
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optunas.errors import InvalidSpecError, StorageError
from optunas.metrics.predicted.agreement import Report
from optunas.metrics.predicted.files import check_target, read_json, write_whole
from optunas.metrics.predicted.fingerprint import Fingerprint
from optunas.metrics.predicted.prices import Prices
from optunas.metrics.predicted.question import COUNTS, Question, same_settings
from optunas.metrics.predicted.terms import Term, terms_of
from optunas.metrics.predicted.work import CLASSES
from optunas.nets.joint_parts import unpack
from optunas.nets.skeleton import Architecture, default_counts
from optunas.space import Space
from optunas.space.joint import Joint

__all__ = ["LatencyModel", "OtherDeviceWarning"]

KIND, VERSION = "optunas latency model", 1


class OtherDeviceWarning(UserWarning):
    """A calibration is used on another device than the one it was measured on."""


@dataclass(frozen=True)
class LatencyModel:
    """Prices of operations on one device, for the networks of one space.

    Attributes:
        settings: of the networks, see :attr:`Question.settings`.
        device: where they were measured.
        prices: what each operation costs.
        report: agreement on networks that nothing was fitted to; None where none were held out.
        recipe: in words, how the prices were fitted.
        fitted: networks that they were fitted to.
    """

    settings: Mapping[str, Any]
    device: Fingerprint
    prices: Prices
    report: Report | None = None
    recipe: str = ""
    fitted: int = 0
    _known: dict[Term, float] = field(default_factory=dict, compare=False, repr=False)

    def predict(
        self,
        architecture: Architecture | Joint,
        input_shape: tuple[int, ...],
        num_outputs: int,
        channels: int | None = None,
        num_cells: int | None = None,
    ) -> float:
        """Milliseconds of the network that ``optunas.build`` makes of these arguments.

        A few tenths of a millisecond of computing, without torch; prices are kept once computed.

        Raises:
            InvalidSpecError: for an input, outputs, width or depth that was not calibrated for.
            InvalidArchitectureError: for anything that ``optunas.build`` builds no network of.
        """
        architecture, channels, num_cells = unpack(architecture, channels, num_cells)
        self._check_call(input_shape, num_outputs, channels, num_cells)
        known, used = self._known, self.prices.used
        ms = self.prices.constant
        for term, times, live, _ in terms_of(
            architecture, input_shape, num_outputs, channels, num_cells
        ):
            price = known.get(term)
            if price is None:
                price = known[term] = self.prices.price(term)
            ms += (live if used else times) * price
        return max(ms, self.prices.floor)

    def _check_call(
        self,
        input_shape: tuple[int, ...],
        num_outputs: int,
        channels: int | None,
        num_cells: int | None,
    ) -> None:
        wrong = []
        if list(input_shape) != self.settings["input_shape"]:
            wrong.append(f"input_shape {tuple(self.settings['input_shape'])}, got {input_shape}")
        if num_outputs != self.settings["num_outputs"]:
            wrong.append(f"num_outputs {self.settings['num_outputs']}, got {num_outputs}")
        counts = zip(COUNTS, default_counts(channels, num_cells), strict=True)
        for name, value in counts:
            ends = self.settings[name]
            if ends is not None and not ends[0] <= value <= ends[1]:
                wrong.append(f"{name} from {ends[0]} to {ends[1]}, got {value}")
        if wrong:
            raise InvalidSpecError(
                f"The latency of {self.device.name!r} was calibrated for {' and '.join(wrong)}; "
                "calibrate again with 'optunas latency calibrate'."
            )

    def check(
        self,
        space: Space[Any],
        input_shape: tuple[int, ...] | None = None,
        num_outputs: int | None = None,
        training: Mapping[str, Any] | None = None,
    ) -> None:
        """Refuse a space that this was not calibrated for; warn on another device.

        Args:
            space: what is searched; its other hyperparameters may differ.
            input_shape, num_outputs: of its networks; None takes the calibrated ones.
            training: settings that are not searched.

        Raises:
            InvalidSpecError: for another space, input, number of outputs, width or depth.

        Warns:
            OtherDeviceWarning: where processor, GPU or version is another one.
        """
        question = Question(
            space,
            tuple(self.settings["input_shape"]) if input_shape is None else input_shape,
            self.settings["num_outputs"] if num_outputs is None else num_outputs,
            training or {},
        )
        wrong = same_settings(self.settings, question.settings)
        if wrong:
            raise InvalidSpecError(
                f"The latency of {self.device.name!r} was calibrated for other networks "
                f"({'; '.join(wrong)}); calibrate it for these with 'optunas latency calibrate'."
            )
        note = self.elsewhere()
        if note:
            warnings.warn(note, OtherDeviceWarning, stacklevel=2)

    def elsewhere(self) -> str:
        """One sentence where this device is not the calibrated one; else empty."""
        found = self.device.elsewhere(_accelerator(self.device))
        if not found:
            return ""
        return (
            f"The latency model of {self.device.name!r} was measured on another device "
            f"({'; '.join(found)}); its milliseconds are of that one."
        )

    def to_json(self) -> str:
        """JSON text that :meth:`from_json` reads back."""
        prices = self.prices
        body = {
            "kind": KIND,
            "version": VERSION,
            "settings": dict(self.settings),
            "device": self.device.to_dict(),
            "fitted": self.fitted,
            "recipe": self.recipe,
            "held_out": None if self.report is None else self.report.to_dict(),
            "constant_ms": prices.constant,
            "used_only": prices.used,
            "rates": list(prices.rates),
            "scale": prices.scale,
            "floor_ms": prices.floor,
            "table_ms": dict(prices.table),
            "names": {name: list(pair) for name, pair in prices.names.items()},
            "keys": dict(prices.keys),
        }
        return json.dumps(body, indent=1, allow_nan=False)

    @classmethod
    def from_dict(cls, body: Mapping[str, Any], where: str = "the file") -> LatencyModel:
        """The model of a parsed file.

        Raises:
            StorageError: for another kind, version or form.
        """
        if body.get("kind") != KIND:
            raise StorageError(
                f"{where} is not a latency model; 'optunas latency calibrate' writes one."
            )
        if body.get("version") != VERSION:
            raise StorageError(
                f"{where} is a latency model of version {body.get('version')!r}, this optunas "
                f"reads version {VERSION}; calibrate again."
            )
        try:
            prices = Prices(
                _number(body["constant_ms"]),
                bool(body["used_only"]),
                _rates(body["rates"]),
                _number(body["scale"]),
                {key: _number(value) for key, value in body["table_ms"].items()},
                {n: (_number(one), _number(two)) for n, (one, two) in body["names"].items()},
                {key: _number(value) for key, value in body["keys"].items()},
                _number(body["floor_ms"]),
            )
            held = body["held_out"]
            settings = _settings(body["settings"])
            return cls(
                settings,
                Fingerprint.from_dict(body["device"]),
                prices,
                None if held is None else Report.from_dict(held),
                str(body["recipe"]),
                int(body["fitted"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StorageError(
                f"{where} is a damaged latency model: {type(error).__name__}: {error}."
            ) from None

    @classmethod
    def load(cls, path: str | Path) -> LatencyModel:
        """The model in a file that ``optunas latency calibrate`` wrote.

        Raises:
            StorageError: when it cannot be read, or is no such file.
        """
        return cls.from_dict(read_json(path, "a latency model"), repr(str(path)))

    def save(self, path: str | Path) -> None:
        """Write it, whole or not at all.

        Raises:
            InvalidSpecError, StorageError: when the file cannot be written.
        """
        write_whole(check_target(path), self.to_json() + "\n")


SETTINGS = ("space", "input_shape", "num_outputs", *COUNTS)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)


def _rates(values: Any) -> tuple[float, ...]:
    if len(values) != len(CLASSES):
        raise ValueError(f"rates must be {len(CLASSES)} numbers, got {len(values)}")
    return tuple(_number(rate) for rate in values)


def _settings(body: Mapping[str, Any]) -> dict[str, Any]:
    """What :attr:`Question.settings` gave."""
    found = {key: body[key] for key in SETTINGS}
    if not isinstance(found["space"], dict):
        raise ValueError(f"space must be an object, got {found['space']!r}")
    _whole("input_shape", found["input_shape"], (1, 3))
    _whole("num_outputs", [found["num_outputs"]], (1,))
    for name in COUNTS:
        if found[name] is not None:
            _whole(name, found[name], (2,))
    return found


def _whole(name: str, values: Any, lengths: tuple[int, ...]) -> None:
    whole = isinstance(values, list) and all(type(value) is int and value > 0 for value in values)
    if not whole or len(values) not in lengths:
        raise ValueError(f"{name} must be positive whole numbers, got {values!r}")


def _accelerator(device: Fingerprint) -> str | None:
    """The GPU's name here; None where it does not matter or torch is not loaded to tell."""
    if not device.device.startswith("cuda"):
        return None
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    try:
        return str(torch.cuda.get_device_name(device.device))
    except (AssertionError, RuntimeError):
        return ""
