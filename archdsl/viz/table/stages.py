"""The stages of networks: rows by the size of their maps, a column for each network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from archdsl.analysis.cost import summarise
from archdsl.ir.layer import Category
from archdsl.ir.network import Network
from archdsl.viz.draw.collapse import Levels
from archdsl.viz.draw.diagram import Box, Cluster
from archdsl.viz.draw.from_network import DiagramBuilder
from archdsl.viz.draw.words import giga

_SINGLE = "1×1"
"""The size of maps of one cell, and of rows of numbers."""


@dataclass(frozen=True)
class Unit:
    """A layer, or a block with the layers of its body; ``times`` of them stand in a row."""

    lines: tuple[str, ...]
    times: int
    size: str
    block: bool = False

    def plain(self) -> tuple[str, ...]:
        """The lines without strides, in which the first block of a stage differs."""
        return tuple(
            ", ".join(part for part in line.split(", ") if not part.startswith("/"))
            for line in self.lines
        )


@dataclass(frozen=True)
class StageTable:
    """Rows of sizes; in each column the units that give maps of a size."""

    names: tuple[str, ...]
    inputs: tuple[str, ...]
    sizes: tuple[str, ...]
    cells: tuple[tuple[tuple[Unit, ...], ...], ...]
    """By row and column."""
    parameters: tuple[str, ...]
    macs: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """For programs."""
        rows = [
            {
                "output": size,
                "cells": [[{"layers": u.lines, "times": u.times} for u in cell] for cell in row],
            }
            for size, row in zip(self.sizes, self.cells, strict=True)
        ]
        return {"networks": self.names, "inputs": self.inputs, "rows": rows}


def stage_table(networks: Sequence[Network], names: Sequence[str]) -> StageTable:
    """The table of checked networks under their names.

    A block that is a sum has the layers of its body, as in He et al. 2015, table 1; its shortcut is
    left out, and so is the stride of the first of several blocks. A block whose branches are
    concatenated has its template and numbers, as in Szegedy et al. 2014, table 1.
    """
    units = [list(_units(network)) for network in networks]
    columns = [_rows(each) for each in units]
    keys = _merged([list(column) for column in columns])
    cells = tuple(tuple(column.get(key, ()) for column in columns) for key in keys)
    summaries = [summarise(network) for network in networks]
    return StageTable(
        tuple(names),
        tuple(next(u.size for u in each) for each in units),
        tuple(size for size, _ in keys),
        cells,
        tuple(f"{summary.parameters:,}" for summary in summaries),
        tuple(giga(summary.macs) for summary in summaries),
    )


_Key = tuple[str, int]
"""A size, and how many rows of that size came before: maps of a U-Net shrink and grow again."""


def _rows(units: Sequence[Unit]) -> dict[_Key, tuple[Unit, ...]]:
    """The units of a network by row; equal ones in a row are one."""
    seen: dict[str, int] = {}
    rows: dict[_Key, tuple[Unit, ...]] = {}
    for size, run in groupby(units[1:], key=lambda unit: unit.size):
        number = seen[size] = seen.get(size, -1) + 1
        joined: list[Unit] = []
        for unit in run:
            last = joined[-1] if joined else None
            if last is not None and unit.block and last.plain() == unit.plain():
                joined[-1] = replace(last, lines=last.plain(), times=last.times + unit.times)
            else:
                joined.append(unit)
        rows[size, number] = tuple(joined)
    return rows


def _merged(columns: Sequence[Sequence[_Key]]) -> list[_Key]:
    """The rows of all columns in an order that keeps that of each, as far as they agree."""
    merged: list[_Key] = []
    for column in columns:
        place = 0
        for key in column:
            if key in merged:
                place = max(place, merged.index(key) + 1)
            else:
                merged.insert(place, key)
                place += 1
    return merged


def _units(network: Network) -> Iterator[Unit]:
    """The layers and blocks of a network in their order, its input first."""
    diagram = DiagramBuilder(network).diagram(Levels(), usual=False)
    waiting: list[tuple[Box | Cluster, int]] = [(diagram.root, 1)]
    while waiting:
        part, times = waiting.pop()
        if isinstance(part, Box):
            times *= part.times
            yield Unit((part.title,), times, _size(part), block=times > 1)
            continue
        joins = [child for child in part.children if isinstance(child, Box) and child.joint]
        if part.framed and len(joins) == 1 and not _recursive(part):
            yield _block(part, joins[0], times)
            continue
        if part.times > 1 and not any(box.joint for box in part.boxes()):
            boxes = list(part.boxes())
            yield Unit(tuple(box.title for box in boxes), times, _size(boxes[-1]), block=True)
            continue
        inner = [child for child in part.children if isinstance(child, (Box, Cluster))]
        waiting += [(child, times * _times(child)) for child in reversed(inner)]


def _recursive(cluster: Cluster) -> bool:
    """True for a template within itself, such as the levels of a U-Net."""
    name = cluster.title.partition("<")[0]
    inner = (part for part in cluster.walk() if isinstance(part, Cluster))
    return any(part.title.rpartition(": ")[2].partition("<")[0] == name for part in inner)


def _times(part: Box | Cluster) -> int:
    """The number of repetitions of a frame; a box says so itself."""
    return part.times if isinstance(part, Cluster) else 1


def _block(cluster: Cluster, join: Box, times: int) -> Unit:
    """A block that ends in a join."""
    if join.title != "+":
        return Unit((cluster.title,), times, _size(join), block=True)
    bodies = [child for child in cluster.children if isinstance(child, Cluster)]
    boxes = [box for body in bodies for box in body.boxes()] or list(cluster.boxes())
    lines = tuple(box.title for box in boxes if not box.joint)
    return Unit(lines, times, _size(join), block=True)


def _size(box: Box) -> str:
    """Height and width of what a box gives; of what is no map of a known size, all of it."""
    parts = box.shape.split("×")
    if len(parts) == 3:
        return f"{parts[1]}×{parts[2]}"
    return _SINGLE if len(parts) == 1 and box.category is not Category.DETECTION else box.shape
