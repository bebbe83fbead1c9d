"""What a warning's definition is: a function from what is known of a network to diagnostics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from archdsl.diagnostics import Diagnostic
from archdsl.elaborate import Elaborated
from archdsl.graph.model import LayerInstance, Network
from archdsl.layers.edges import EdgeType, Images, Shape
from archdsl.summary import Summary
from archdsl.syntax import nodes


@dataclass(frozen=True)
class Subject:
    """What advice is about: a text, what it was elaborated to, the checked network, its costs."""

    document: nodes.Document
    elaborated: Elaborated
    network: Network
    summary: Summary

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

_DEFINITIONS: dict[str, Judge] = {}


def advice(code: str) -> Callable[[Judge], Judge]:
    """Decorator: register what yields the warnings of a code."""

    def register(judge: Judge) -> Judge:
        _DEFINITIONS[code] = judge
        return judge

    return register


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
