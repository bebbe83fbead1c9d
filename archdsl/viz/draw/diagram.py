"""A diagram as data: boxes, clusters and edges, without coordinates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from archdsl.ir.layer import Category
from archdsl.viz.draw.words import MOST_NAMED, times_words


class ChangeMark(Enum):
    """Change of a part between two versions of a network."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Beside(NamedTuple):
    """Selection of the details of closed blocks beside a figure."""

    any: bool = True
    costs: bool = True
    """The closed blocks tell what they cost, else their sizes alone."""
    repeated: bool = False
    """Only of blocks that occur several times, or have several branches."""
    sizes: bool = True
    """The closed blocks tell the size of what they give, if no more."""
    most: int | None = None
    """Of so many kinds of blocks: first those that make detections, then those of several branches,
    then those that occur most."""

    def told(self, lines: tuple[str, ...]) -> tuple[str, ...]:
        """The lines of a closed block, its size and its costs, that are told."""
        return lines if self.costs else lines[:1] if self.sizes else ()


ALONE = Beside(any=False)


@dataclass(frozen=True)
class BoxCosts:
    """Costs of a box; of a folded box those of one of its equal blocks."""

    parameters: int = 0
    macs: int | None = 0
    """``None`` where they depend on an open size."""
    memory: int | None = 0
    """Bytes of all outputs inside, as 32-bit floats for one image; ``None`` where sizes are open
    or what flows is no tensor."""
    receptive_field: int = 1
    """Pixels of the input that one output cell sees, along the larger side."""


@dataclass(frozen=True)
class Box:
    """A layer with the small layers behind it: a convolution, its normalisation and activation.

    Where levels are closed also all the layers of a template instance.
    """

    id: str
    """The path of the first layer; unique."""
    title: str
    details: tuple[str, ...]
    """The layers behind the first one; of a block the lines of its costs."""
    category: Category
    times: int = 1
    """Number of equal consecutive blocks drawn as one box."""
    frozen: bool = False
    """True if it has parameters that do not learn."""
    block: bool = False
    """True for a template instance, False for layers."""
    scope: str = ""
    """The path of the template instance that a block stands for; of a layer, the one it is in."""
    shape: str = ""
    """Shape of the output."""
    facts: BoxCosts = BoxCosts()
    led: bool = True
    """True if the first input is drawn before the others; inputs of a concatenation are equals."""
    mark: ChangeMark | None = None
    times_shown: str = ""
    """That number in the words of a detail, such as ``COUNT−1``, where it is not one number."""
    arguments: tuple[str, ...] = ()
    """Numbers of a block that its title leaves out, such as ``K = 3``."""
    kind: str = ""
    """Name of the first layer, such as ``con``, or of the template that a block is of."""

    @property
    def heading(self) -> str:
        """The title, with the number of boxes that it stands for."""
        return times_words(self.title, self.times, self.times_shown)

    @property
    def small_lines(self) -> tuple[str, ...]:
        """The lines below the heading; the layers behind a first one share a line."""
        small = self.details if self.block else (", ".join(self.details),)
        named = [
            self.arguments[at : at + MOST_NAMED] for at in range(0, len(self.arguments), MOST_NAMED)
        ]
        small = (*small, *map(", ".join, named))
        return (*small, "frozen") if self.frozen else small

    @property
    def joint(self) -> bool:
        """True for a mere join, such as a sum, which is drawn as a small node."""
        return self.category is Category.JOIN and not self.block


@dataclass(frozen=True, eq=False)
class Cluster:
    """A part of the diagram that stays together; with a frame, the instance of a template.

    ``children`` stand in the order in which data reaches them.
    """

    id: str
    title: str
    children: tuple[Box | End | Cluster, ...]
    times: int = 1
    framed: bool = True
    mark: ChangeMark | None = None
    times_shown: str = ""
    """As that of a box."""

    def boxes(self) -> Iterator[Box]:
        """All boxes, those of inner clusters too, in the order in which data reaches them."""
        return (part for part in self.walk() if isinstance(part, Box))

    def frames(self) -> Iterator[Cluster]:
        """All inner clusters that have a frame, outer ones before inner ones."""
        return (part for part in self.walk() if isinstance(part, Cluster) and part.framed)

    def walk(self) -> Iterator[Box | End | Cluster]:
        """Everything inside, outer parts before inner ones."""
        waiting: list[Box | End | Cluster] = list(reversed(self.children))
        while waiting:
            part = waiting.pop()
            yield part
            if isinstance(part, Cluster):
                waiting.extend(reversed(part.children))


@dataclass(frozen=True)
class Edge:
    """Data that goes from a box to a box, with its shape where it is worth telling."""

    source: str
    target: str
    label: str = ""
    mark: ChangeMark | None = None


@dataclass(frozen=True)
class End:
    """An output of the network."""

    id: str
    source: str
    title: str
    mark: ChangeMark | None = None


@dataclass(frozen=True, eq=False)
class Detail:
    """The inside of closed blocks, drawn once for all that are built alike.

    Numbers that differ between them are named after the template's parameters.
    """

    letter: str
    """Also in the titles of the boxes that it shows."""
    title: str
    root: Cluster
    edges: tuple[Edge, ...]

    def shows(self, box: Box) -> bool:
        """True if it is the inside of a closed block."""
        return box.block and box.title.startswith(f"{self.letter} · ")


@dataclass(frozen=True)
class LegendEntry:
    """A line of the legend: a category, and what its boxes hold without saying so each time."""

    category: Category
    words: str


@dataclass(frozen=True, eq=False)
class Diagram:
    """A drawing: ``root`` is the cluster around everything, without a frame.

    ``edges`` are those between boxes, in the order of the inputs of their targets; what leads to an
    :class:`End` is told by the end itself.
    """

    title: str
    totals: str
    root: Cluster
    edges: tuple[Edge, ...]
    legend: tuple[LegendEntry, ...]
    details: tuple[Detail, ...] = ()

    def boxes(self) -> Iterator[Box]:
        """All boxes, those of the details too."""
        for root in (self.root, *(detail.root for detail in self.details)):
            yield from root.boxes()

    @property
    def ends(self) -> tuple[End, ...]:
        return tuple(part for part in self.root.walk() if isinstance(part, End))
