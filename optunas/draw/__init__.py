"""Architectures, learning curves and Pareto fronts as SVG text, in plain Python.

Every drawing brings its own light background, scales to its container and needs no system package.
"""

from optunas.draw.cell import can_draw, to_svg
from optunas.draw.curve import curve_svg
from optunas.draw.families import short_label
from optunas.draw.front import FrontPoint, front_svg

__all__ = ["FrontPoint", "can_draw", "curve_svg", "front_svg", "short_label", "to_svg"]
