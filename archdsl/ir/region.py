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

``repeat<1000000, body, SUBNET>`` is a region of one call whose ``times`` is 1,000,000. Names, paths
and shapes are not here: they depend on where a region is called, and with what.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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
    """An inner region, run once, or ``times`` times in a row, each run behind the one before.

    ``inputs`` are the values for the inputs of the first run, in the region's order.
    """

    region: Region
    stem: str | None
    """Name of the scope of its layers; ``None`` if they are named with those around it."""
    title: str
    """The instance as written, ``bottleneck<64>``, or the name of a combinator's part."""
    span: Span | None
    inputs: tuple[Value, ...]
    times: int = 1
    shared: bool = False
    """True if all such calls of one stem in a scope have one set of weights."""

    @property
    def given(self) -> tuple[Value, ...]:
        """The values of the region that the call gives, those of the last run.

        They are the region's results; of several runs also the inputs, since what a tag stands
        for behind the last run may be what the run before made.
        """
        region = self.region
        return region.results if self.times == 1 else region.results + region.taken


Step = LayerStep | Call
"""One element of a region: a layer, or a call of an inner region."""


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class Region:
    """The expansion of a block for inputs of certain kinds; equal ones are the same object."""

    steps: tuple[Step, ...]
    layers: int
    """Number of layers that it comes to, inner ones and repetitions counted."""
    block: Block | None = None
    """The block that it expands; ``None`` for the region of a combinator."""
    instance: Instance | None = None
    """The template's instance whose block it is, ``None`` for other blocks."""
    combinator: Combinator | None = None
    """The combinator that arranged its steps; those that are calls are the combinator's parts."""
    inputs: tuple[Mark, ...] = ()
    """The inputs that it takes: the main one, and the tags and taps that it reads from outside."""
    results: tuple[Value, ...] = ()
    """The values made inside that others may take, each once; a call gives them in this order."""
    output: Value | None = None
    """The main output; an input where a block is empty, ``None`` behind ``outputs``."""
    marks: Mapping[Mark, Value] = field(default_factory=dict)
    """The tags and taps that it sets for what follows."""
    through: bool = False
    """True if the marks that are visible before it also are behind it."""
    named: Mapping[str, Value] = field(default_factory=dict)
    """Side outputs of the network by name."""
    entry: Value | None = None
    """The network's input where it stands in this region."""

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

    @property
    def taken(self) -> tuple[Value, ...]:
        """The numbers of its inputs, in their order."""
        return tuple(range(-1, -1 - len(self.inputs), -1))

    @property
    def carried(self) -> tuple[Value, ...]:
        """For each input the value of a run that the run behind it is given for it.

        The main input takes the output, a tag what the run set it to; what a run does not set is
        its own input again.
        """
        set_inside = self.marks if self.output is None else {**self.marks, MAIN: self.output}
        return tuple(
            set_inside.get(mark, own) for mark, own in zip(self.inputs, self.taken, strict=True)
        )

    def source(self, value: Value) -> tuple[Step, int]:
        """The step that gives a value, and its place among those that the step gives."""
        for step in self.steps:
            gives = 1 if isinstance(step, LayerStep) else len(step.given)
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
