"""A layer's name and arguments as a spec has them: the shortest of the ways to say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from archdsl.layers.definition import Argument, Definition, Layer, definitions
from archdsl.layers.endpoints import Pixels

Columns = Mapping[str, Sequence[Any]]
"""The values of a layer's arguments in several places, by argument."""

_ALWAYS_SAID = ("stride_h", "stride_w")
"""dlib's convolutions and poolings say their stride, though it has a default here."""

_AXES = ("_h", "_w")


def spelled(cls: type[Layer], columns: Columns, texts: Mapping[str, str]) -> str:
    """``con<64,3,3,1,1,bias=false`` without its end: a layer's name and what has to be said.

    ``texts`` are what stands for the arguments, which may be parameters of a template; their
    values are in ``columns``, and what is left out has to count the same in all of these places.
    """
    rows = [dict(row) for row in dict.fromkeys(_rows(columns))]
    forms = [_form(definition, cls, rows, texts) for definition in _names(cls)]
    name, arguments = min(
        ((name, arguments) for name, arguments in reversed(forms) if arguments is not None),
        key=lambda form: len(",".join(form[1])),
    )
    return f"{name}<{','.join(arguments)}" if arguments else name


def values_of(layer: Layer) -> dict[str, Any]:
    """The arguments of a layer as they count, by name, however it was made."""
    return layer.effective()


def _names(cls: type[Layer]) -> list[Definition]:
    return [d for d in _writable() if d.cls is cls]


@cache
def _writable() -> tuple[Definition, ...]:
    return tuple(d for d in definitions().values() if d.writable)


def _rows(columns: Columns) -> list[tuple[tuple[str, Any], ...]]:
    if not columns:
        return [()]
    return [tuple(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _form(
    definition: Definition,
    cls: type[Layer],
    rows: Sequence[Mapping[str, Any]],
    texts: Mapping[str, str],
) -> tuple[str, list[str] | None]:
    """A name of the layer with its arguments; None where the name means another layer."""
    wanted = [cls(**row).effective() for row in rows]

    def counts(said: Sequence[Argument], both: str = "") -> bool:
        """Whether the layer is the same in all places if only this is said."""
        for row, effective in zip(rows, wanted, strict=True):
            given = dict(definition.preset) | {a.name: row[a.name] for a in said}
            if both:
                given[both] = row[both + _AXES[0]]
            if cls(**given).effective() != effective:
                return False
        return True

    said = [a for a in definition.arguments if a.required or texts.get(a.name, "") != ""]
    if not counts(said):
        return definition.name, None
    for argument in reversed(list(said)):
        if argument.required or argument.name in _ALWAYS_SAID:
            continue
        fewer = [a for a in said if a is not argument]
        if counts(fewer):
            said = fewer
    names = {a.name for a in said}
    for argument in definition.arguments:
        pair = [argument.name + axis for axis in _AXES]
        if names.issuperset(pair) and texts[pair[0]] == texts[pair[1]]:
            fewer = [a for a in said if a.name not in pair]
            if counts(fewer, argument.name):
                texts = {**texts, argument.name: texts[pair[0]]}
                said = [a for a in definition.arguments if a in fewer or a is argument]
    return definition.name, _written(definition, said, texts)


def _written(
    definition: Definition, said: Sequence[Argument], texts: Mapping[str, str]
) -> list[str]:
    """Arguments by position as far as these go without gaps, the others by name."""
    written: list[str] = []
    optional = [a for a in definition.places if not a.required]
    for place, argument in enumerate(said):
        position = place < len(definition.places) and definition.places[place] is argument
        # Sizes are known by their places; of several factors nobody knows the order.
        plain = argument.required or argument.type is int or len(optional) == 1
        text = texts[argument.name]
        written.append(text if position and plain else f"{argument.name}={text}")
    return written


def value_text(value: Any) -> str:
    """A value as the language writes it; empty for none at all."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Pixels):
        return _pixels(value)
    return str(value)


def _number(value: float) -> str:
    """The shorter of 0.001 and 1e-3."""
    plain = repr(value)
    mantissa, _, exponent = f"{value:.16e}".partition("e")
    digits = repr(float(mantissa)).removesuffix(".0")
    powered = f"{digits}e{int(exponent)}"
    if float(powered) != value or len(plain.removesuffix(".0")) <= len(powered):
        powered = plain
    mantissa, separator, exponent = powered.partition("e")
    return f"{mantissa}e{int(exponent)}" if separator else mantissa


def _pixels(pixels: Pixels) -> str:
    if pixels.divisor == 1:
        return str(pixels.channels)
    return f"matrix<{'unsigned char' if pixels.channels == 1 else 'rgb_pixel'}>"
