"""Blocks: sequences of layers, the values of template expressions that combinators put together.

The steps of a block stand in the order in which data flows. A step is a layer, a combinator with
blocks of its own, or an instance of a template. Equal instances are one object however often
they are used, so a block takes the memory of its text, not of the network that it expands to;
its ``layers`` and ``depth`` are known before anything is expanded.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, NewType, Protocol

from archdsl.diagnostics.source import Span
from archdsl.ir.layer import Layer

Label = NewType("Label", str)
"""A bare name that is an argument: the ``aux1`` of ``branch<aux1, head, SUBNET>``."""


class Tag(NamedTuple):
    """The template of a tag layer, known by its number: ``tag1`` is 1."""

    id: int

    def __str__(self) -> str:
        return f"tag{self.id}"


class Instance(NamedTuple):
    """An instance of a template: its name, the text with its arguments, and its block."""

    template: str
    shown: str  # with arguments: "bottleneck<64>"
    block: Block
    numbers: tuple[tuple[str, int | float], ...] = ()
    """The parameters that are numbers or truth values, by name."""
    doc: tuple[str, ...] = ()
    """The comment above the template, line by line."""


class BlockStep(NamedTuple):
    """One element of a block: a layer, a combinator or a template's instance, and its span."""

    what: Layer | Combinator | Instance
    span: Span


@dataclass(frozen=True, repr=False, slots=True)
class Block:
    """A sequence of steps; ``complete`` when the first one is an input.

    Blocks of one elaboration that mean the same have the same ``identity``, wherever they are
    written; comparing them never looks inside.
    """

    steps: tuple[BlockStep, ...] = dataclasses.field(compare=False)
    complete: bool = dataclasses.field(compare=False)
    identity: int
    layers: int = dataclasses.field(init=False, compare=False)
    depth: int = dataclasses.field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", sum(layers_of(step.what) for step in self.steps))
        depth = max((_depth_of(step.what) for step in self.steps), default=0)
        object.__setattr__(self, "depth", depth)

    def __repr__(self) -> str:
        # Not the steps: a repr that follows them would recurse through nested blocks.
        return f"<Block of {self.layers} layers>"

    @property
    def single(self) -> Layer | Combinator | Instance | None:
        """The only element of a block of one step; ``None`` for other blocks."""
        return self.steps[0].what if len(self.steps) == 1 else None

    @property
    def meant(self) -> Layer | Combinator | None:
        """The layer or combinator that the block is, seen through the templates that name it."""
        what = self.single
        while isinstance(what, Instance):
            what = what.block.single
        return what


def layers_of(what: Layer | Combinator | Instance) -> int:
    """Number of layers that a step of a block expands to."""
    if isinstance(what, Layer):
        return 1
    return what.block.layers if isinstance(what, Instance) else what.layers()


def _depth_of(what: Layer | Combinator | Instance) -> int:
    if isinstance(what, Layer):
        return 0
    if isinstance(what, Instance):
        return what.block.depth + 1
    return max((block.depth for block in what.blocks()), default=0)


Mark = int | str
"""Key of a marked place in a network: the number of a tag, or the name that a tap gives."""


INPUT = "the input"
"""The mark of the network's input. It is no name of the language, so no tap can take it."""


class Outside(Protocol):
    """The region under construction, as the marks in it see it."""

    def read(self, mark: Mark) -> int:
        """The number of the region's input for a mark that is visible before the region."""

    def miss(self, mark: Mark) -> None:
        """Note that the region looked for a mark that is not visible before it."""


class Marks(Mapping[Mark, int]):
    """The nearest layer of each tag, and of each tap, on the way to the input.

    Immutable. A mark that was set before the region under construction becomes an input of that
    region when it is read, so that regions know what they take from outside.
    """

    __slots__ = ("inside", "outside", "visible")

    def __init__(
        self, inside: Mapping[Mark, int], outside: Outside | None, visible: Mapping[Mark, None]
    ) -> None:
        self.inside = inside
        """The marks set in the region itself."""
        self.outside = outside
        """The region, ``None`` where nothing from before it is visible."""
        self.visible = visible
        """Every mark that can be read here, in the order in which they were set."""

    def __getitem__(self, mark: Mark) -> int:
        value = self.inside.get(mark)
        if value is not None:
            return value
        if self.outside is not None:
            if mark in self.visible:
                return self.outside.read(mark)
            self.outside.miss(mark)
        raise KeyError(mark)

    def __iter__(self) -> Iterator[Mark]:
        return iter(self.visible)

    def __len__(self) -> int:
        return len(self.visible)

    def set(self, mark: Mark, node: int) -> Marks:
        """The same marks and one more, or one that is set anew."""
        visible = self.visible if mark in self.visible else {**self.visible, mark: None}
        return Marks({**self.inside, mark: node}, self.outside, visible)


class Port(NamedTuple):
    """A place in the region under construction to which the next layer is attached."""

    node: int | None
    """The value there; ``None`` before the input and behind ``outputs``."""
    tags: Marks

    def marked(self, mark: Mark, node: int) -> Port:
        """The same place, behind which a mark stands for a value."""
        return Port(self.node, self.tags.set(mark, node))


Connection = Generator[Any, Any, Any]
"""A pending piece of construction. It yields further pieces and is sent their ports, so that
nested blocks never recurse; it returns a :class:`Port`."""


class Builder(Protocol):
    """The operations with which a combinator extends the graph."""

    def apply(
        self,
        block: Block,
        port: Port,
        label: str | None = None,
        *,
        frozen: bool = False,
        shared: bool = False,
    ) -> Connection:
        """Attach a block to a port; the combinator yields the result and is sent the new port.

        ``label`` names the scope that the block gets. A ``frozen`` block does not learn; a
        ``shared`` one has the weights of all others with its label in the scope around.
        """

    def repeat(self, block: Block, count: int, port: Port) -> Connection:
        """Attach a block several times in a row, with the cost of attaching it twice."""

    def join(self, layer: Layer, *ports: Port, name: str | None = None) -> Port:
        """Attach a layer; the tags of the first port remain visible.

        ``name`` replaces the layer's kind as its name in a compiled module.
        """

    def output(self, name: str, port: Port) -> None:
        """Make a port an output of the network."""


@dataclass(frozen=True)
class Combinator:
    """The base of combinators, which arrange blocks and tags and compute nothing themselves."""

    kind: ClassVar[str]
    scopeless: ClassVar[bool] = False
    """True if it stands in the scope around also where it is all of a combinator's part."""
    turns: ClassVar[type[Combinator] | None] = None
    """The combinator that it is with an index before its block, of a block for each turn.

    It takes them the last turn first.
    """

    def connect(self, build: Builder, port: Port) -> Connection:
        """Attach the combinator to ``port`` and return the port after it.

        Raises RuleError where that is not possible.
        """
        raise NotImplementedError

    def blocks(self) -> Iterator[Block]:
        """The blocks among the arguments."""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            for item in value if type(value) is tuple else (value,):
                block = item[1] if type(item) is tuple else item  # a (name, block) of outputs
                if isinstance(block, Block):
                    yield block

    def layers(self) -> int:
        """Number of layers it expands to, its own join included."""
        return 1 + sum(block.layers for block in self.blocks())
