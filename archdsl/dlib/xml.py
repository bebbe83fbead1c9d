"""dlib's ``net_to_xml()``: every layer with its arguments and parameters, tags with their numbers.

A reader of what dlib writes, not of XML: the lines have one form, so that a hostile file cannot
use entities. Aliases, running statistics and what is left of the last batch are not in XML.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from archdsl.diagnostics import ArchError, fail
from archdsl.dlib import stream
from archdsl.dlib.kinds import InputKind, LossKind, Record, Values, by_xml
from archdsl.dlib.kinds.definition import Field
from archdsl.dlib.stream import NO_TENSOR, Floats
from archdsl.dlib.tree import Chain, InputTag, LayerNode, Node, Saved, Wrapper
from archdsl.text.input import read_whole

# Possessive, and begun at no second place of the same space: no text takes more steps than it
# has characters.
_ELEMENT = re.compile(r"<(/?+)([\w.]++)([^<>]*+)>")
_ATTRIBUTE = re.compile(r"(?<!\s)\s++([\w.]++)\s*+=\s*+'([^'<>]*+)'")
_BETWEEN = frozenset("' \t\r\n")
"""Characters between attributes: dlib writes some with a quote too many."""


def _single(text: str) -> float:
    with np.errstate(over="ignore"):
        return float(np.float32(text))


_CONVERT: dict[stream.Type, Callable[[str], Any]] = {
    stream.INTEGER: int,
    stream.SINGLE: _single,
    stream.DOUBLE: float,
    stream.FLAG: lambda text: text == "true",
}


def read(path: Path) -> Saved:
    """The network in an XML file of dlib's.

    Raises ArchError where it cannot be read, with the line where it is none.
    """
    try:
        text = read_whole(path, 4).decode()
    except UnicodeDecodeError:
        raise fail(f"{path} is not XML of a network of dlib", None, "it is no text") from None
    return parse(text, str(path))


def parse(text: str, source: str) -> Saved:
    """:func:`read` for a text."""
    return _XmlReader(text, source).saved()


class _XmlReader:
    def __init__(self, text: str, source: str) -> None:
        self._text, self._source = text, source
        self._at = 0

    def saved(self) -> Saved:
        self._open("net")
        loss: Record | None = None
        nodes: list[Node] = []  # the outermost first
        entry: Record | None = None
        while entry is None:
            attributes, empty = self._open("layer")
            kind = attributes.get("type")
            if kind in ("tag", "skip"):
                nodes.append(Wrapper(0, kind == "skip", self._integer(attributes, "id")))
                if not empty:
                    raise self._wrong("an empty element")
                continue
            record = self._record()
            self._close("layer")
            if kind == "loss" and not nodes and isinstance(record.kind, LossKind):
                loss = record
            elif kind == "input" and nodes and isinstance(record.kind, InputKind):
                entry = record
            elif kind == "comp":
                nodes.append(LayerNode(record, 2))
            else:
                raise self._wrong(f"a layer that may stand here, not one of type {kind!r}")
        first = nodes[-1]
        if isinstance(first, Wrapper):
            nodes[-1] = InputTag(tag=first.tag)
        return Saved(self._source, loss, Chain(tuple(reversed(nodes)), entry))

    def _record(self) -> Record:
        start = self._at
        name, attributes, empty = self._element()
        kind = by_xml(name.rstrip("_"))
        if kind is None:
            raise self._wrong(f"a layer, not <{name}>")
        values = kind.defaults()
        for field in kind.fields:
            text = attributes.get(field.xml or field.name)
            if text is not None and field.type in _CONVERT:
                values[field.name] = self._converted(field, text)
        if "tag" in attributes or "tags" in attributes:
            values["tags"] = self._tags(attributes.get("tag") or attributes["tags"])
            values |= {"count": len(values["tags"])} if "count" in values else {}
        if not empty:
            matrix = self._matrix(name)
            tensors = [f.name for f in kind.fields if f.type is stream.TENSOR]
            if tensors:
                values[tensors[0]] = matrix
        self._complete(name, attributes, values)
        return Record(kind, kind.versions[-1], values, start)

    def _complete(self, name: str, attributes: dict[str, str], values: Values) -> None:
        """Fill in values that XML gives by an element's name or under other attributes."""
        if name == "fc_no_bias" or attributes.get("bias") == "false":
            values["bias_mode"] = 1
        if name == "affine_fc":
            values["mode"] = 1
        if name == "softmax" and "mode" in attributes:
            values["mode"] = attributes["mode"]

    def _converted(self, field: Field, text: str) -> object:
        try:
            return _CONVERT[field.type](text)
        except ValueError:
            raise self._wrong(f"a number as {field.name}, not {text[:20]!r}") from None

    def _tags(self, text: str) -> tuple[int, ...]:
        try:
            return tuple(int(part) for part in text.split(","))
        except ValueError:
            raise self._wrong(f"numbers of tags, not {text[:20]!r}") from None

    def _integer(self, attributes: dict[str, str], name: str) -> int:
        try:
            return int(attributes[name])
        except (KeyError, ValueError):
            raise self._wrong(f"a number as {name}") from None

    def _matrix(self, name: str) -> Floats:
        """The numbers up to the end of an element, in the rows of its lines."""
        end = self._text.find(f"</{name}>", self._at)
        if end < 0:
            raise self._wrong(f"</{name}>")
        body = self._text[self._at : end].strip()
        if "<" in body:  # labels of a loss
            values = NO_TENSOR
        else:
            rows = max(1, body.count("\n") + 1)
            numbers = np.array(body.split(), dtype=object)
            try:
                with np.errstate(over="ignore"):
                    flat = numbers.astype(np.float32)
            except ValueError:
                raise self._wrong("numbers") from None
            columns = flat.size // rows
            fits = columns * rows == flat.size
            values = flat.reshape((rows, columns, 1, 1) if fits else (-1, 1, 1, 1))
        self._at = end
        self._close(name)
        return values

    # ---- elements ----

    def _element(self) -> tuple[str, dict[str, str], bool]:
        while self._text[self._at : self._at + 1].isspace():
            self._at += 1
        found = _ELEMENT.match(self._text, self._at)
        if found is None or found[1]:
            raise self._wrong("an element")
        body = found[3]
        empty = body.endswith("/")
        if not _BETWEEN.issuperset(_ATTRIBUTE.sub("", body.removesuffix("/"))):
            raise self._wrong("attributes such as name='value'")
        self._at = found.end()
        return found[2], dict(_ATTRIBUTE.findall(body)), empty

    def _open(self, wanted: str) -> tuple[dict[str, str], bool]:
        name, attributes, empty = self._element()
        if name != wanted:
            raise self._wrong(f"<{wanted}>, not <{name}>")
        return attributes, empty

    def _close(self, name: str) -> None:
        while self._text[self._at : self._at + 1].isspace():
            self._at += 1
        if not self._text.startswith(f"</{name}>", self._at):
            raise self._wrong(f"</{name}>")
        self._at += len(name) + 3

    def _wrong(self, expected: str) -> ArchError:
        line = self._text.count("\n", 0, self._at) + 1
        return fail(
            f"{self._source} is not XML of a network of dlib",
            None,
            f"at line {line:,} expected {expected}",
            help="expected what dlib's net_to_xml() writes",
        )
