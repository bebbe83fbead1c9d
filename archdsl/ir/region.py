"""Regions: a network as a tree, in which what is equal is one object.

A region is what a block expands to: a template's instance, a combinator with its parts, or a block
written out. Its steps are layers and calls of inner regions. Values have numbers of the region's
own: ``-1``, ``-2``, ... are its inputs, ``0``, ``1``, ... what its steps give, in their order. The
block ``residual<body, SUBNET>`` with ``template <typename S> using body = con<8,3,3,1,1,relu<S>>``
is this tree::

    Region(residual)          inputs (MAIN,), output 1, results (1,)
      Call(stem "body")       inputs (-1,), gives value 0
        Region(body)          inputs (MAIN,), output 1, results (1,)
          LayerStep(relu)     inputs (-1,), gives value 0
          LayerStep(con)      inputs (0,), gives value 1
      LayerStep(add)          inputs (0, -1), gives value 1

``repeat<1000000, body, SUBNET>`` is a region of one call whose ``count`` is 1,000,000. Names, paths
and shapes are not here: they depend on where a region is called, and with what.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from archdsl.diagnostics.source import Span
from archdsl.ir.block import Block, Combinator, Instance, Mark
from archdsl.ir.layer import Layer

_T = TypeVar("_T")

MAIN: Mark = "the main input"
"""The mark of a region's main input, the output of the layer before it."""

ENTRY: Mark = "the layer of the input"
"""The mark under which a region that is complete goes on from an input that stands elsewhere."""

Value = int
"""The number of a value in its region: negative for inputs, else counted through the steps."""


class LayerStep(NamedTuple):
    """A layer of a region; it gives one value."""

    layer: Layer
    stem: str
    """Its name, before names that several share are numbered."""
    span: Span
    inputs: tuple[Value, ...]
    frozen: bool
    """True if its parameters and running statistics do not change in training."""


class Call(NamedTuple):
    """An inner region, run once, or ``count`` times in a row; it gives the results of the last run.

    ``inputs`` are the values for the region's inputs, in their order. From the second run on an
    input takes the result that ``carried`` names, by its place among the results of the run before,
    or again the first run's value where that is ``None``.
    """

    region: Region
    stem: str | None
    """Name of the scope of its layers; ``None`` if they are named with those around it."""
    title: str
    """The instance as written, ``bottleneck<64>``, or the name of a combinator's part."""
    span: Span | None
    inputs: tuple[Value, ...]
    count: int = 1
    carried: tuple[int | None, ...] = ()

    def following(self, inputs: tuple[_T, ...], results: tuple[_T, ...]) -> tuple[_T, ...]:
        """What a run is given, of whatever kind, by what the run before was given and gave."""
        return tuple(
            given if place is None else results[place]
            for given, place in zip(inputs, self.carried, strict=True)
        )


Step = LayerStep | Call
"""One element of a region: a layer, or a call of an inner region."""


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class Region:
    """The expansion of a block for inputs of certain kinds; equal ones are the same object."""

    block: Block | None
    """The block that it expands; ``None`` for the region of a combinator."""
    instance: Instance | None
    """The template's instance whose block it is, ``None`` for other blocks."""
    combinator: Combinator | None
    """The combinator that arranged its steps; those that are calls are the combinator's parts."""
    inputs: tuple[Mark, ...]
    """The inputs that it takes: the main one, and the tags and taps that it reads from outside."""
    steps: tuple[Step, ...]
    results: tuple[Value, ...]
    """The values made inside that others may take, each once; a call gives them in this order."""
    output: Value | None
    """The main output; an input where a block is empty, ``None`` behind ``outputs``."""
    marks: Mapping[Mark, Value]
    """The tags and taps that it sets for what follows."""
    through: bool
    """True if the marks that are visible before it also are behind it."""
    named: Mapping[str, Value]
    """Side outputs of the network by name."""
    entry: Value | None
    """The network's input where it stands in this region."""
    layers: int
    """Number of layers that it comes to, inner ones and repetitions counted."""

    def __repr__(self) -> str:
        return f"<Region {self.title or self.kind} of {self.layers} layers>"

    @property
    def kind(self) -> str:
        """Name of its combinator, or ``block``."""
        return self.combinator.kind if self.combinator is not None else "block"

    @property
    def template(self) -> str | None:
        """Name of the template that it is an instance of."""
        return self.instance.template if self.instance is not None else None

    @property
    def title(self) -> str:
        """The template's instance as written, with its arguments; empty for other regions."""
        return self.instance.shown if self.instance is not None else ""

    @property
    def numbers(self) -> tuple[tuple[str, int | float], ...]:
        """The template's parameters that are numbers or truth values, by name."""
        return self.instance.numbers if self.instance is not None else ()

    @property
    def doc(self) -> tuple[str, ...]:
        """The comment above the template, line by line."""
        return self.instance.doc if self.instance is not None else ()

    def source(self, value: Value) -> tuple[Step, int]:
        """The step that gives a value, and its place among those that the step gives."""
        for step in self.steps:
            gives = 1 if isinstance(step, LayerStep) else len(step.region.results)
            if value < gives:
                return step, value
            value -= gives
        raise IndexError(value)

    @property
    def calls(self) -> Iterator[Call]:
        """The calls among its steps: a combinator's parts, a block's templates and combinators."""
        return (step for step in self.steps if isinstance(step, Call))


def distinct(root: Region) -> list[Region]:
    """Every region of a tree once, inner ones before those that call them."""
    found: dict[int, Region] = {}
    pending: list[tuple[Region, Iterator[Call]]] = [(root, root.calls)]
    seen = {id(root)}
    while pending:
        region, calls = pending[-1]
        inner = next((c.region for c in calls if id(c.region) not in seen), None)
        if inner is None:
            found[id(region)] = region
            pending.pop()
        else:
            seen.add(id(inner))
            pending.append((inner, inner.calls))
    return list(found.values())
