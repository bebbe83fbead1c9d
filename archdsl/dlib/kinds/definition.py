"""The definition of a kind: one class per layer, input and loss class of dlib, by its versions.

A kind holds the fields of its record in the order of dlib's ``serialize()``, says which version has
which, which of our layers it is, how its tensors lie in a torch module of ours and back, and how it
is spelled in a spec. Everything that archdsl knows of a class of dlib's stands in its kind.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple, TypeVar

import numpy as np

from archdsl.dlib import stream
from archdsl.dlib.stream import ByteReader, Floats, Type
from archdsl.ir.layer import Layer, definitions

Values = dict[str, Any]


class Field(NamedTuple):
    """One value of a record. ``since`` is the first version that has it, ``xml`` its attribute."""

    name: str
    type: Type
    default: Any
    since: str | None = None
    transient: bool = False
    """True for a leftover of the last batch, which means nothing for the trained network."""
    xml: str | None = None


def integer(name: str, default: int = 0, **more: Any) -> Field:
    return Field(name, stream.INTEGER, default, **more)


def single(name: str, default: float, **more: Any) -> Field:
    return Field(name, stream.SINGLE, float(np.float32(default)), **more)


def double(name: str, default: float, **more: Any) -> Field:
    return Field(name, stream.DOUBLE, default, **more)


def flag(name: str, default: bool, **more: Any) -> Field:
    return Field(name, stream.FLAG, default, **more)


def tensor(name: str, **more: Any) -> Field:
    return Field(name, stream.TENSOR, stream.NO_TENSOR, **more)


def alias(name: str, **more: Any) -> Field:
    return Field(name, stream.ALIAS, stream.NO_ALIAS, **more)


def rates(weight_decay: float = 1.0, bias_weight_decay: float = 0.0) -> tuple[Field, ...]:
    """The multipliers that layers with parameters have, with their defaults."""
    return (
        double("learning_rate_multiplier", 1.0, xml="learning_rate_mult"),
        double("weight_decay_multiplier", weight_decay, xml="weight_decay_mult"),
        double("bias_learning_rate_multiplier", 1.0, xml="bias_learning_rate_mult"),
        double("bias_weight_decay_multiplier", bias_weight_decay, xml="bias_weight_decay_mult"),
    )


class Kind:
    """The base of all kinds; what most of them do."""

    name: ClassVar[str]
    versions: ClassVar[tuple[str, ...]]
    """The version strings that dlib reads, the oldest first; the last one is written."""
    fields: ClassVar[tuple[Field, ...]] = ()
    xml_names: ClassVar[tuple[str, ...]] = ()
    """Its elements in XML, if not its name."""

    ours: ClassVar[tuple[str, ...]] = ()
    """The layers of the catalogue that it is; the first one's name spells it."""
    also: ClassVar[tuple[str, ...]] = ()
    """Further layers that take its values: dlib converts while it reads, and so do we."""
    written: ClassVar[tuple[str, ...]] = ()
    """Layers that are written as it for another reason than their kind."""

    rescaled: ClassVar[bool] = False
    """True if dlib multiplies by a factor in use, and torch in training instead."""
    inplace: ClassVar[bool] = False
    """True if dlib lets the layer write over its input."""
    needs_output: ClassVar[bool] = False
    """True if the layer's gradient reads its output, which nothing may overwrite then."""

    # ---- bytes ----

    def present(self, version: str) -> list[Field]:
        """The fields that a version has."""
        at = self.versions.index(version)
        return [f for f in self.fields if f.since is None or self.versions.index(f.since) <= at]

    def read(self, cursor: ByteReader, version: str) -> Values:
        values = self.defaults()
        for field in self.present(version):
            values[field.name] = field.type.read(cursor)
        return values

    def write(self, values: Values) -> bytes:
        """The record in its newest version, without the version string."""
        return b"".join(field.type.write(values[field.name]) for field in self.fields)

    def defaults(self) -> Values:
        return {field.name: field.default for field in self.fields}

    # ---- ours ----

    def takes(self, layer: Layer) -> bool:
        """True if the values can be read into this layer of the catalogue."""
        return type(layer) in _classes(self.ours + self.also)

    def is_ours(self, layer: Layer) -> bool:
        """True if this layer of the catalogue is written as this kind."""
        return type(layer) in _classes(self.ours)

    def arguments(self, values: Values) -> Mapping[str, Any]:
        """Arguments of the catalogue's layer, by name, that a spec has to give for these values."""
        return {}

    def meant(self, layer: Layer, module: Any) -> Mapping[str, Any]:
        """The arguments of :meth:`arguments` as a layer and its torch module have them."""
        return {}

    def settled(self, layer: Layer, values: Values) -> Layer:
        """The layer with what dlib's type leaves open, and these values decide."""
        return layer

    def spelling(self, values: Values) -> list[str]:
        """The arguments as a spec has them."""
        return [spelled_value(value) for value in self.arguments(values).values()]

    def spelled(self, values: Values) -> str:
        """The name in a spec; empty where archdsl has no such layer."""
        return next((name for name in self.ours if name in definitions()), "")

    def state(self, values: Values, layer: Layer, module: Any) -> Mapping[str, Floats]:
        """The tensors of the torch module, by their last names."""
        return {}

    def settings(self, values: Values) -> Mapping[str, Any]:
        """Values that override what the type says: attributes of the torch module."""
        return {}

    def numbers(self, values: Values) -> Mapping[str, Any]:
        """The same as arguments of the layer."""
        return self.settings(values)

    def with_numbers(self, layer: Layer, values: Values) -> Layer:
        """The layer with the numbers that override what the spec says."""
        assert dataclasses.is_dataclass(layer)
        own = {field.name for field in dataclasses.fields(layer)}
        given = {n: v for n, v in self.numbers(values).items() if n in own}
        changed = {n: v for n, v in given.items() if np.float32(v) != np.float32(getattr(layer, n))}
        return dataclasses.replace(layer, **changed) if changed else layer

    def values(self, layer: Layer, module: Any, inputs: Any = ()) -> Values:
        """The record of a layer of ours; ``inputs`` are the shapes that it takes."""
        return self.defaults()

    def obstacle(self, layer: Layer, module: Any, inputs: Any = ()) -> str | None:
        """Reason that a layer cannot be written, as the end of "dlib has no ...".

        ``inputs`` are the shapes that it takes.
        """
        return None


class Record(NamedTuple):
    """One layer, input or loss in a file: its kind, its version and its values."""

    kind: Kind
    version: str
    values: Values
    at: int = 0

    def learned(self) -> int:
        """The number of its parameters."""
        return sum(
            int(self.values[f.name].size)
            for f in self.kind.fields
            if f.type is stream.TENSOR and f.name in ("params", "embs")
        )

    def stored(self) -> int:
        """The number of other values that belong to the trained network."""
        tensors = (f for f in self.kind.fields if f.type is stream.TENSOR and not f.transient)
        return sum(int(self.values[f.name].size) for f in tensors) - self.learned()

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The sizes of its tensors, those of their parts where the file names them."""
        found = {
            field.name: trimmed(self.values[field.name])
            for field in self.kind.fields
            if field.type is stream.ALIAS and not field.transient and any(self.values[field.name])
        }
        for field in self.kind.fields:
            values = self.values[field.name]
            kept = field.type is stream.TENSOR and not field.transient and values.size
            if kept and not (found and field.name == "params"):
                found[field.name] = trimmed(values.shape)
        return found


def trimmed(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Sizes without the ones around: of 1×32×1×1 the 32."""
    sizes = list(shape)
    while len(sizes) > 1 and sizes[-1] == 1:
        sizes.pop()
    while len(sizes) > 1 and sizes[0] == 1:
        sizes.pop(0)
    return tuple(sizes)


def spelled_value(value: Any) -> str:
    """A value as a spec spells it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.7g}" if isinstance(value, float) else str(value)


NAMED_TAGS = 10
"""dlib and the catalogue have names for the tags up to this one."""


def tag_name(number: int) -> str:
    """The name of a tag in a spec."""
    return f"tag{number}" if number <= NAMED_TAGS else f"t{number}"


def single_digits(value: float) -> float:
    """A number of single precision with no more digits than it has: 0.1, not 0.10000000149."""
    return float(str(np.float32(value)))


def array(value: Any) -> Floats:
    """A torch tensor's values."""
    found: Floats = value.detach().cpu().float().numpy()
    return found


def column(*parts: Floats) -> Floats:
    """Values one behind the other, as dlib keeps a layer's parameters."""
    return np.concatenate([part.ravel() for part in parts]).reshape(-1, 1, 1, 1)


def fitted(values: Floats, like: Any) -> Floats:
    """Values in the shape of a torch tensor; flat where their number is another."""
    flat = values.ravel()
    return flat.reshape(tuple(like.shape)) if flat.size == math.prod(like.shape) else flat


_BY_VERSION: dict[str, Kind] = {}
_BY_XML: dict[str, Kind] = {}
_KINDS: list[Kind] = []
_K = TypeVar("_K", bound=type[Kind])


def kind(*versions: str, name: str | None = None) -> Callable[[_K], _K]:
    """Class decorator: register a kind under the version strings that dlib reads."""

    def register(cls: _K) -> _K:
        cls.name = name or versions[0].rstrip("0123456789").rstrip("_")
        cls.versions = versions
        made = cls()
        _KINDS.append(made)
        _BY_VERSION.update(dict.fromkeys(versions, made))
        for element in cls.xml_names or (cls.name,):
            _BY_XML.setdefault(element, made)
        return cls

    return register


def by_version(version: str) -> Kind | None:
    return _BY_VERSION.get(version)


def by_xml(element: str) -> Kind | None:
    return _BY_XML.get(element)


def kind_of(layer: Layer) -> Kind | None:
    """The kind that a layer of ours is written as."""
    return next((each for each in _KINDS if each.is_ours(layer)), None)


def joins(combinator: type[Any]) -> Any:
    """The kind of the layer by which a combinator joins tagged places, ``None`` if none does."""
    found = (k for k in _KINDS if combinator in _classes(getattr(k, "combinators", ())))
    return next(found, None)


def dlib_layers() -> set[type[Any]]:
    """The layers of the catalogue that dlib's files have a place for."""
    return _classes(tuple(name for each in _KINDS for name in each.ours + each.written))


def _classes(names: tuple[str, ...]) -> set[type[Any]]:
    known = definitions()
    return {known[name].cls for name in names if name in known}
