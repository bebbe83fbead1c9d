"""The chart of accuracy against operations: points → bubbles, axes and labels → SVG.

After Canziani, Paszke and Culurciello 2016, "An Analysis of Deep Neural Network Models for
Practical Applications", figure 2: the area of a bubble is the number of parameters.
"""

from __future__ import annotations

from archdsl.viz.chart.plan import ChartPoint, planned
from archdsl.viz.chart.svg import svg

__all__ = ["ChartPoint", "chart"]


def chart(points: list[ChartPoint]) -> bytes:
    """The chart of one network or more as an SVG file; the same for equal points."""
    return svg(planned(points))
