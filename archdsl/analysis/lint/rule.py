"""What a warning's definition is: a function from what is known of a network to diagnostics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from archdsl.analysis.cost import Summary
from archdsl.diagnostics import Diagnostic
from archdsl.frontend.elaborate import Elaborated
from archdsl.frontend.syntax import nodes
from archdsl.ir.edges import EdgeType, Images, Shape
from archdsl.ir.network import LayerInstance, Network


@dataclass(frozen=True)
class Written:
    """What advice about the writing alone needs: a text, and what it was elaborated to."""

    document: nodes.Document
    elaborated: Elaborated


@dataclass(frozen=True)
class Subject(Written):
    """What all other advice is about: the checked network besides, and its costs."""

    network: Network
    summarised: Callable[[], Summary]

    @cached_property
    def summary(self) -> Summary:
        return self.summarised()

    @cached_property
    def receptive_fields(self) -> Mapping[str, tuple[int, int]]:
        """Rows and columns of the input that a cell of each layer sees, by the layer's path."""
        return {row.path: row.receptive_field for row in self.summary.rows}

    @cached_property
    def readers(self) -> Mapping[str, list[LayerInstance]]:
        """The layers that take the output of each layer."""
        found: dict[str, list[LayerInstance]] = {}
        for instance in self.network.instances():
            for source in instance.inputs:
                found.setdefault(source, []).append(instance)
        return found

    def instance(self, path: str) -> LayerInstance:
        found: LayerInstance = self.network.graph.nodes[path]["instance"]
        return found


Judge = Callable[[Subject], Iterator[Diagnostic]]
Reader = Callable[[Written], Iterator[Diagnostic]]

_DEFINITIONS: dict[str, Judge] = {}
_READERS: dict[str, Reader] = {}


def advice(code: str) -> Callable[[Judge], Judge]:
    """Decorator: register what yields the warnings of a code."""

    def register(judge: Judge) -> Judge:
        _DEFINITIONS[code] = judge
        return judge

    return register


def advice_on_writing(code: str) -> Callable[[Reader], Reader]:
    """Decorator: as :func:`advice`, for what can be told of a network whose shapes do not fit."""

    def register(read: Reader) -> Reader:
        _DEFINITIONS[code] = _READERS[code] = read
        return read

    return register


def on_writing() -> Mapping[str, Reader]:
    """The kinds of advice that need no shapes."""
    return MappingProxyType(dict(sorted(_READERS.items())))


def definitions() -> Mapping[str, Judge]:
    """Every kind of advice by its code."""
    return MappingProxyType(dict(sorted(_DEFINITIONS.items())))


def warning(
    instance: LayerInstance,
    message: str,
    *notes: str,
    help: str | None = None,
    label: str | None = None,
) -> Diagnostic:
    """A warning about a layer of the network."""
    frames = instance.scope.frames()
    return Diagnostic(message, instance.span, notes, help, frames, "warning", label=label)


def tensor(edge: EdgeType) -> Shape | None:
    """The shape of a tensor or a batch of images, ``None`` for all else that flows."""
    if isinstance(edge, Images):
        return edge.shape
    return edge if isinstance(edge, tuple) else None


def places(shape: Shape) -> int:
    """How many cells a map has, one by one: 1 for a row of features, 0 where it is not known."""
    count = 1
    for size in shape[1:]:
        count *= size or 0
    return count
