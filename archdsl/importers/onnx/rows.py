"""Rows of the table of ONNX operators: versions, attributes, and the function that reads a node.

Defaults and the list of attributes are ONNX's own (``onnx.defs``); an attribute that no row names
has to have its default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from archdsl.importers.onnx.nodes import Node
from archdsl.importers.onnx.values import Signal
from archdsl.ir.layer import RuleError

Handler = Callable[[Any, Node], "Signal | tuple[Signal, ...]"]
"""A function from the reader of the graph and a node to the values that the node gives."""


@dataclass(frozen=True)
class Row:
    """An operator of ONNX, and the function that makes layers of its nodes."""

    handler: Handler
    newest: int
    """The newest version of the operator that the handler knows."""
    reads: str = ""
    """Attributes that the handler reads, and those that change no values, by name."""
    only: Mapping[str, Any] = field(default_factory=dict)
    """Attributes without a default in ONNX, and the value that they have to have."""
    oldest: int = 1

    def check(self, node: Node) -> None:
        """RuleError where a node says something that the handler does not heed."""
        version = node.definition.since
        if not self.oldest <= version <= self.newest:
            raise RuleError(
                f"version {version} of the operator is not known here",
                f"expected {self.oldest} to {self.newest}",
            )
        read = self.reads.split()
        for name, value in node.attributes.items():
            allowed = self.only.get(name, node.definition.defaults.get(name))
            if name not in read and value != allowed:
                expected = "none" if allowed is None else f"{allowed}"
                raise RuleError(
                    f"the catalogue has no layer with {name} = {value}", f"expected {expected}"
                )
