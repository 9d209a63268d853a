"""The energy counters of Intel's and AMD's processors, as Linux shows them."""

from __future__ import annotations

from pathlib import Path

from optunas.errors import DeviceError

__all__ = ["POWERCAP", "RaplMeter"]

POWERCAP = Path("/sys/class/powercap")
MICRO = 1e-6


class RaplMeter:
    """All processor packages of the machine, and their memory where it has a counter of its own.

    The counters are the machine's: what else runs on it is counted too. A zone ``psys`` holds
    the packages again, and zones inside a package are part of it except ``dram``; so those two
    kinds are left out and counted.

    Args:
        root: where the kernel shows the zones.

    Raises:
        DeviceError: where there are none, or they may not be read.
    """

    update_seconds = 0.001

    def __init__(self, root: str | Path = POWERCAP) -> None:
        self._zones = _zones(Path(root))
        if not self._zones:
            raise DeviceError(
                "This machine shows no energy meter: there are no RAPL zones in "
                f"{str(root)!r} (virtual machines and other processors have none); leave "
                "energy_mj out, or give a meter of your own."
            )
        self.name = "RAPL " + ", ".join(_text(zone / "name") for zone in self._zones)
        self._wraps = tuple(MICRO * (_number(z / "max_energy_range_uj") + 1) for z in self._zones)
        self.read()

    @property
    def wraps_joules(self) -> tuple[float, ...]:
        """The kernel's ``max_energy_range_uj``."""
        return self._wraps

    def read(self) -> tuple[float, ...]:
        """Joules of each zone."""
        return tuple(MICRO * _number(zone / "energy_uj") for zone in self._zones)


def _zones(root: Path) -> list[Path]:
    """Packages, and the memory inside them; each once, though ``mmio`` shows them again."""
    found = []
    # The order is by number: intel-rapl:10 comes after intel-rapl:2.
    for zone in sorted(root.glob("*-rapl:*"), key=lambda path: (len(path.name), path.name)):
        if not (zone / "energy_uj").exists() or not (zone / "name").exists():
            continue
        name, depth = _text(zone / "name"), zone.name.count(":")
        if (depth == 1 and name.startswith("package")) or (depth == 2 and name == "dram"):
            found.append(zone)
    return found


def _number(path: Path) -> int:
    try:
        return int(_text(path))
    except ValueError:
        raise DeviceError(f"{str(path)!r} holds {_text(path)!r}, not a number.") from None


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except PermissionError:
        raise DeviceError(
            f"Reading the energy meter {str(path)!r} is not allowed: run as root, or let an "
            f"administrator run `chmod a+r {path}`."
        ) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DeviceError(f"Cannot read the energy meter {str(path)!r}: {reason}.") from None
