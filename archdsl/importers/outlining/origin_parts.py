"""The parts of the origin around the steps of a network: classes and names of its module tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from archdsl.importers.imported_graph import Home
from archdsl.importers.outlining.chains import Chain, ChainStep
from archdsl.ir.trampoline import Task


@dataclass(eq=False)
class PartGroup:
    """Steps that stand in one part of the origin."""

    home: Home
    inner: Grouped


Grouped = list["PartGroup | ChainStep"]
"""Steps, and groups of them; the blocks of combinators are grouped when they are visited."""


def settle_homes(chain: Chain) -> Task[tuple[Home, ...]]:
    """Give combinators the part that all of their blocks stand in; returns that of the chain."""
    homes: tuple[Home, ...] | None = None
    for step in chain:
        inside: list[tuple[Home, ...]] = []
        for block in step.blocks:
            if block:
                inside.append((yield settle_homes(block)))
        if inside:
            step.homes = _common(inside)
        homes = step.homes if homes is None else _common([homes, step.homes])
    return homes or ()


def grouped(chain: Chain, depth: int = 0) -> Task[Grouped]:
    """A chain with the parts of the origin that are nested deeper than ``depth``."""
    found: Grouped = []
    start = 0
    while start < len(chain):
        home = _at(chain[start], depth)
        end = start + 1
        while end < len(chain) and home is not None and _at(chain[end], depth) == home:
            end += 1
        if home is None:
            found.append(chain[start])
        else:
            before, inside, behind = _trimmed(chain[start:end])
            found += before
            if inside:
                found.append(PartGroup(home, (yield grouped(inside, depth + 1))))
            found += behind
        start = end
    return found


def _trimmed(steps: Chain) -> tuple[Chain, Chain, Chain]:
    """A part without the skips that it begins with and the tags that it ends in.

    They say where it is read and what reads it, unless it has others between its own steps.
    """
    first, last = 0, len(steps)
    while first < last and steps[first].what == "skip":
        first += 1
    while first < last and steps[last - 1].what == "tag":
        last -= 1
    if any(step.tags for step in steps[first:last]):
        return [], steps, []
    return steps[:first], steps[first:last], steps[last:]


def _at(step: ChainStep, depth: int) -> Home | None:
    return step.homes[depth] if depth < len(step.homes) else None


def _common(paths: Sequence[tuple[Home, ...]]) -> tuple[Home, ...]:
    shortest = min(paths, key=len)
    for depth, home in enumerate(shortest):
        if any(path[depth] != home for path in paths):
            return shortest[:depth]
    return shortest
