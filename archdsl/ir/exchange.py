"""A tree of regions with other layers in the places of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from archdsl.ir.layer import Layer
from archdsl.ir.region import Call, LayerStep, Region, Step
from archdsl.ir.trampoline import Task, run


class UnequalRunsError(Exception):
    """The runs of a repeated block would differ."""

    def __init__(self, call: Call) -> None:
        super().__init__(call.title)
        self.call = call


def exchanged(root: Region, layers: Iterable[Layer]) -> Region:
    """The tree with these layers, one for each of the network's, in the order of execution.

    What is equal stays one object. Raises UnequalRunsError where the runs of a repeated block would
    differ.
    """
    exchange = _Exchange(layers)
    found: Region = run(exchange.region(root))
    return found


class _Exchange:
    def __init__(self, layers: Iterable[Layer]) -> None:
        self._layers = iter(layers)
        self._made: dict[tuple[Any, ...], Region] = {}

    def region(self, region: Region) -> Task[Region]:
        steps: list[Step] = []
        for step in region.steps:
            if isinstance(step, LayerStep):
                steps.append(step._replace(layer=next(self._layers)))
            else:
                steps.append((yield self._call(step)))
        key = id(region), *(s.layer if isinstance(s, LayerStep) else id(s.region) for s in steps)
        if key not in self._made:
            same = all(new == old for new, old in zip(steps, region.steps, strict=True))
            self._made[key] = region if same else replace(region, steps=tuple(steps))
        return self._made[key]

    def _call(self, call: Call) -> Task[Call]:
        first: Region = yield self.region(call.region)
        for _ in range(call.times - 1):
            other = yield self.region(call.region)
            if other is not first:
                raise UnequalRunsError(call)
        return call._replace(region=first)
