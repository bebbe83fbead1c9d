"""Regions with the types of their values: what a checked network consists of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from archdsl.ir.edges import EdgeType
from archdsl.ir.region import Region, Value


class Run(NamedTuple):
    """A region that a call runs so many times in a row with the same types."""

    region: TypedRegion
    times: int


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class TypedRegion:
    """A region with the types of all its values, for certain types of its inputs."""

    region: Region
    inputs: tuple[EdgeType, ...]
    """The types of its inputs, in their order."""
    made: Sequence[EdgeType]
    """The types of the values that its steps give, by their numbers."""
    runs: Sequence[Sequence[Run]]
    """For each of its steps the regions that it runs, none for a layer."""

    def type(self, value: Value) -> EdgeType:
        """The type of a value of the region."""
        return self.inputs[~value] if value < 0 else self.made[value]


def distinct(root: TypedRegion) -> Iterator[TypedRegion]:
    """Every region with types once, inner ones before those that call them."""
    seen = {id(root)}
    pending = [(root, _inner(root))]
    while pending:
        typed, inner = pending[-1]
        for found in inner:
            if id(found) not in seen:
                seen.add(id(found))
                pending.append((found, _inner(found)))
                break
        else:
            yield typed
            pending.pop()


def _inner(typed: TypedRegion) -> Iterator[TypedRegion]:
    return (run.region for runs in typed.runs for run in runs)
