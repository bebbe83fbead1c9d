"""A node of an ONNX graph: what it says, what it reads, and where it stood in the origin."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

from archdsl.diagnostics import ArchError, fail
from archdsl.importers.imported_graph import Home
from archdsl.importers.onnx.file import Tensor
from archdsl.importers.onnx.values import Signal
from archdsl.ir.layer import RuleError

Value = Signal | Tensor


class Node:
    """A node of the file: its attributes by name, and the values that it reads."""

    def __init__(self, proto: Any, inputs: tuple[Value | None, ...]) -> None:
        from onnx import helper

        self.proto = proto
        self.type: str = proto.op_type
        self.inputs = inputs
        self.attributes: dict[str, Any] = {}
        for attribute in proto.attribute:
            value = helper.get_attribute_value(attribute)
            self.attributes[attribute.name] = (
                value.decode("utf-8", "replace") if isinstance(value, bytes) else value
            )

    def get(self, name: str, default: Any) -> Any:
        return self.attributes.get(name, default)

    def signal(self, position: int = 0) -> Signal:
        """An input that has to depend on the network's; RuleError for a constant."""
        value = self.inputs[position] if position < len(self.inputs) else None
        if not isinstance(value, Signal):
            raise RuleError(f"input {position + 1} has to come from the network's input")
        return value

    def constant(self, position: int) -> Tensor | None:
        """An input that has to be constant; None where it is left out."""
        value = self.inputs[position] if position < len(self.inputs) else None
        if isinstance(value, Signal):
            raise RuleError(f"input {position + 1} has to be constant")
        return value

    def weight(self, position: int) -> Tensor:
        value = self.constant(position)
        if value is None:
            raise RuleError(f"input {position + 1} is missing")
        return value

    def numbers(self, name: str, position: int) -> list[Any] | None:
        """Numbers that are an attribute in older operator sets, and a constant input in newer
        ones."""
        if name in self.attributes:
            found = self.attributes[name]
            return list(found) if isinstance(found, Iterable) else [found]
        value = self.constant(position)
        return None if value is None else list(value.array.reshape(-1).tolist())


def refused(proto: Any, error: RuleError) -> ArchError:
    """The error of a node: its name, what it is, and where it stands in the origin."""
    name, homes = origin_of(proto)
    place = " in " + " / ".join(home.name for home in homes) if homes else ""
    shown_name = proto.name or name
    return fail(
        f"{proto.op_type} {shown_name}{place}: {error.message}",
        None,
        *error.notes,
        help=error.help,
        code=error.code,
    )


_SCOPES, _CLASSES = "pkg.torch.onnx.name_scopes", "pkg.torch.onnx.class_hierarchy"


def origin_of(proto: Any) -> tuple[str, tuple[Home, ...]]:
    """The exporter's name of a node, and the modules around it.

    PyTorch's newer exporter writes both as metadata, the older one as a path in the node's name:
    ``/layer1/layer1.0/conv1/Conv``.
    """
    metadata = {entry.key: entry.value for entry in proto.metadata_props}
    scopes = _words(metadata.get(_SCOPES))
    kinds: dict[str, str] = {}
    if len(scopes) > 1:
        classes = (name.rpartition(".")[2] for name in _words(metadata.get(_CLASSES)))
        kinds = dict(zip(scopes[:-1], classes, strict=False))
        path = scopes[-2] or scopes[-1]  # of a call outside of all modules, its own name
    elif proto.name.startswith("/"):
        path = ".".join(_joined(proto.name.strip("/").split("/")[:-1])) or proto.name.strip("/")
    else:
        return proto.name or next(iter(proto.output), ""), ()
    parts = path.split(".")
    prefixes = (".".join(parts[:end]) for end in range(1, len(parts)))
    return path, tuple(
        Home(part, kinds.get(prefix, "")) for part, prefix in zip(parts, prefixes, strict=False)
    )


def _joined(parts: list[str]) -> list[str]:
    """The path of ``layer1/layer1.0/conv1``, whose parts repeat the name of the part before."""
    path: list[str] = []
    before = ""
    for part in parts:
        path.append(part.removeprefix(f"{before}.") if before else part)
        before = part
    return path


def _words(text: str | None) -> list[str]:
    """A list of strings as Python writes it; nothing where it is something else."""
    try:
        found = ast.literal_eval(text or "[]")
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return []
    return [str(word) for word in found] if isinstance(found, list) else []
