"""A node of an ONNX graph: what it says, what it reads, and where it stood in the origin."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from math import prod
from types import MappingProxyType
from typing import Any, NamedTuple

from archdsl.diagnostics import ArchError, fail
from archdsl.importers.imported_graph import Home
from archdsl.importers.onnx.file import Tensor
from archdsl.importers.onnx.values import Signal, Sizes
from archdsl.ir.layer import RuleError, shown

Value = Signal | Tensor


class Node:
    """A node of the file: its attributes by name, and the values that it reads.

    ``opset`` is the file's version of ONNX's operators, which says what is left out.
    """

    def __init__(self, proto: Any, inputs: tuple[Value | None, ...], opset: int) -> None:
        self.proto = proto
        self.type: str = proto.op_type
        self.inputs = inputs
        self._opset = opset
        self.attributes = {attribute.name: _value(attribute) for attribute in proto.attribute}

    @cached_property
    def definition(self) -> Definition:
        return _definition(self.type, self._opset)

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute as written, or ONNX's default for it; ``default`` where it has none."""
        found = self.attributes.get(name, self.definition.defaults.get(name))
        return default if found is None else found

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

    def axes(self, position: int, rank: int) -> list[int] | None:
        """Axes as an attribute or an input, counted from the front; None where they are left out.

        RuleError where one is not there, or there twice.
        """
        found = self.numbers("axes", position)
        if found is None:
            return None
        axes = [int(axis) for axis in found]
        counted = [axis + rank if axis < 0 else axis for axis in axes]
        if len(set(counted)) < len(axes) or any(not 0 <= axis < rank for axis in counted):
            raise RuleError("there are no such axes", f"axes = {axes} of {rank}")
        return counted

    def numbers(self, name: str, position: int) -> list[Any] | None:
        """Numbers that are an attribute in older operator sets, and a constant input in newer
        ones."""
        if name in self.attributes:
            found = self.attributes[name]
            return list(found) if isinstance(found, Iterable) else [found]
        value = self.constant(position)
        return None if value is None else list(value.array.reshape(-1).tolist())


class Definition(NamedTuple):
    """An operator as one version of ONNX defines it: since when, and its attributes' defaults."""

    since: int
    defaults: Mapping[str, Any]


@cache
def _definition(kind: str, opset: int) -> Definition:
    from onnx import defs

    try:
        schema = defs.get_schema(kind, opset, "")
    except defs.SchemaError:
        return Definition(0, MappingProxyType({}))
    entries = schema.attributes.items()
    given = {name: entry.default_value for name, entry in entries if entry.default_value.name}
    return Definition(
        schema.since_version,
        MappingProxyType({name: _value(attribute) for name, attribute in given.items()}),
    )


def _value(attribute: Any) -> Any:
    """Value of an attribute, text as text, and a list where it has several values."""
    from onnx import helper

    value = helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return list(value) if attribute.type in _LISTS else value


_LISTS = (6, 7)  # AttributeProto.FLOATS and INTS


def along(constant: Tensor, shape: Sizes, *, last: bool = False) -> bool:
    """True if a constant has a value for each channel, and meets the channels.

    ``last``: the channels are the last axis, as those of a sequence.
    """
    place = -1 if last or len(shape) == 1 else -len(shape)
    sizes = (1,) * (len(shape) + 1 - len(constant.shape)) + constant.shape
    alone = [size for axis, size in enumerate(sizes, -len(sizes)) if axis != place]
    return len(sizes) == len(shape) + 1 and sizes[place] == shape[place] and set(alone) <= {1}


def reshaped(node: Node, before: Sizes) -> list[int]:
    """The sizes behind a Reshape, by those before; RuleError where they do not fit."""
    sizes = [int(size) for size in node.numbers("shape", 1) or ()]
    if not node.get("allowzero", 0):
        if any(size == 0 and axis >= len(before) for axis, size in enumerate(sizes)):
            raise RuleError("the shapes do not fit", f"{sizes} of {shown(before)}")
        sizes = [before[axis] or 0 if size == 0 else size for axis, size in enumerate(sizes)]
    rest = [size for size in sizes if size != -1]
    if len(rest) < len(sizes) and prod(rest) > 0:
        whole = prod(size or 0 for size in before)
        sizes = [whole // prod(rest) if size == -1 else size for size in sizes]
    return sizes


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


def tensors_of(**tensors: Tensor | None) -> dict[str, str]:
    """Names of constants by the keys that they have in a layer; None for what is left out."""
    return {key: tensor.name for key, tensor in tensors.items() if tensor is not None}
