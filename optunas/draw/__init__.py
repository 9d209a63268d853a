"""Architectures, learning curves and Pareto fronts as SVG text, in plain Python, and as PNG.

Every drawing brings its own light background, scales to its container and needs no system package.
A PNG is made with Pillow, which is imported when it is needed.
"""

from optunas.draw.architecture import can_draw, parameters_svg, to_png, to_svg
from optunas.draw.curve import curve_svg
from optunas.draw.families import layer_label, short_label
from optunas.draw.front import FrontPoint, front_svg
from optunas.draw.raster import svg_to_png
from optunas.draw.shares import shares_svg

__all__ = [
    "FrontPoint",
    "can_draw",
    "curve_svg",
    "front_svg",
    "layer_label",
    "parameters_svg",
    "shares_svg",
    "short_label",
    "svg_to_png",
    "to_png",
    "to_svg",
]
