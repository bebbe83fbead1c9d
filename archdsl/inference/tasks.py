"""The task of a network by its types: objects, the class of every pixel, or that of a picture."""

from __future__ import annotations

from typing import Literal, NamedTuple

from archdsl.analysis.cost import Summary
from archdsl.ir.build import MAIN_OUTPUT
from archdsl.ir.edges import Detections, EdgeType, elements


class Task(NamedTuple):
    """The output of a network that says something of a picture, and the number of classes."""

    kind: Literal["detect", "segment", "classify"]
    output: str | None
    """Name of the output among several; ``None`` for the only one."""
    classes: int


def task_of(summary: Summary) -> Task | None:
    """The task of a network; ``None`` for one that gives neither detections nor classes."""
    several = len(summary.outputs) > 1
    for name, found in summary.outputs.items():
        if isinstance(found, Detections):
            return Task("detect", name if several else None, found.classes)
    output = MAIN_OUTPUT if several else None
    edge = summary.outputs.get(output or next(iter(summary.outputs)))
    if classes := _of_every_pixel(summary, edge):
        return Task("segment", output, classes)
    if classes := _of_the_picture(summary, edge):
        return Task("classify", output, classes)
    return None


def _of_the_picture(summary: Summary, edge: EdgeType | None) -> int:
    """Number of classes with scores for a whole picture; 0 if the output is no such thing."""
    if not isinstance(edge, tuple) or not 1 < (edge[0] or 0) == (elements(edge) or 0):
        return 0
    return (edge[0] or 0) if len(summary.input) == 3 and summary.input[0] in (1, 3) else 0


def _of_every_pixel(summary: Summary, edge: EdgeType | None) -> int:
    """Number of classes with scores for every pixel of a picture; 0 if there are none."""
    if not isinstance(edge, tuple) or len(edge) != 3 or edge[1:] != summary.input[1:]:
        return 0
    classes = edge[0] or 0
    return classes if classes > 1 and summary.input[0] in (1, 3) else 0
