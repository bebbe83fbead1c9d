"""The shortest spelling of a layer's name and arguments in a spec."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from archdsl.ir.layer import Argument, Definition, Layer, definitions
from archdsl.layers.inputs import Pixels

Columns = Mapping[str, Sequence[Any]]
"""The values of a layer's arguments in several places, by argument."""

_ALWAYS_SAID = ("stride_h", "stride_w")
"""dlib's convolutions and poolings say their stride, though it has a default here."""

_AXES = ("_h", "_w")

_ROUND = 8  # characters of a number that somebody has written
_PARTS = 128
_SMALL = 1e-3


def spelled(cls: type[Layer], columns: Columns, texts: Mapping[str, str]) -> str:
    """``con<64,3,3,1,1,bias=false`` without its end: a layer's name and what has to be said.

    ``texts`` are what stands for the arguments, which may be parameters of a template; their
    values are in ``columns``, and what is left out has to count the same in all of these places.
    """
    rows = [dict(row) for row in dict.fromkeys(_rows(columns))]
    forms = [_form(definition, cls, rows, texts) for definition in names_of(cls)]
    name, arguments = min(
        ((name, arguments) for name, arguments in reversed(forms) if arguments is not None),
        key=lambda form: len(",".join(form[1])),
    )
    return f"{name}<{','.join(arguments)}" if arguments else name


def arguments_of(layer: Layer) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arguments of a layer as they count, by name: those of its own, those a name stands for.

    ``depthwise`` is a name that stands for as many groups as there are channels.
    """
    values = {name: value for name, value in layer.effective().items() if value is not None}
    for definition in names_of(type(layer)):
        preset = {name: value for name, value in definition.preset.items() if value is not None}
        if preset and all(values.get(name) == value for name, value in preset.items()):
            own = {name: value for name, value in values.items() if name not in preset}
            return own, preset
    return values, {}


def needless(cls: type[Layer], columns: Columns) -> set[str]:
    """The arguments that go without saying in all places."""
    rows = [dict(row) for row in dict.fromkeys(_rows(columns))]
    definition = next(d for d in names_of(cls) if d.name == cls.kind)
    texts = dict.fromkeys(columns, "said")
    said = _said(definition, rows, [cls(**row).effective() for row in rows], texts)
    return set(columns) - {argument.name for argument in said or definition.arguments}


def names_of(cls: type[Layer]) -> list[Definition]:
    """The names that a spec may write a kind of layer by."""
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
    said = _said(definition, rows, wanted, texts)
    if said is None:
        return definition.name, None
    names = {a.name for a in said}
    for argument in definition.arguments:
        pair = [argument.name + axis for axis in _AXES]
        if names.issuperset(pair) and texts[pair[0]] == texts[pair[1]]:
            fewer = [a for a in said if a.name not in pair]
            if _counts(definition, rows, wanted, fewer, argument.name):
                texts = {**texts, argument.name: texts[pair[0]]}
                said = [a for a in definition.arguments if a in fewer or a is argument]
    return definition.name, _written(definition, said, texts)


def _said(
    definition: Definition,
    rows: Sequence[Mapping[str, Any]],
    wanted: Sequence[Mapping[str, Any]],
    texts: Mapping[str, str],
) -> list[Argument] | None:
    """The arguments that have to be said; None where the name means another layer."""
    said = [a for a in definition.arguments if a.required or texts.get(a.name, "") != ""]
    if not _counts(definition, rows, wanted, said):
        return None
    for argument in reversed(list(said)):
        if not argument.required and argument.name not in _ALWAYS_SAID:
            fewer = [a for a in said if a is not argument]
            if _counts(definition, rows, wanted, fewer):
                said = fewer
    return said


def _counts(
    definition: Definition,
    rows: Sequence[Mapping[str, Any]],
    wanted: Sequence[Mapping[str, Any]],
    said: Sequence[Argument],
    both: str = "",
) -> bool:
    """True if these arguments alone give the same layer in all places.

    ``both`` is one argument for height and width.
    """
    for row, effective in zip(rows, wanted, strict=True):
        given = dict(definition.preset) | {a.name: row[a.name] for a in said}
        if both:
            given[both] = row[both + _AXES[0]]
        if definition.cls(**given).effective() != effective:
            return False
    return True


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


_WHOLE = 1e6
"""Whole numbers below are written with all of their digits."""


def _number(value: float) -> str:
    """The shortest of 0.001, 1e-3, and a fraction of a round number such as 0.2*3/16."""
    if _is_long(value) and (text := fractions([value]).get(value)):
        return text
    plain = repr(value)
    if not math.isfinite(value):
        return plain
    if value.is_integer() and abs(value) < _WHOLE:
        return plain
    digits, _, exponent = f"{value:.16e}".partition("e")
    powered = f"{float(digits)!r}".removesuffix(".0") + f"e{int(exponent)}"
    short = len(powered) < len(plain) and (powered.startswith("1e") or value < _SMALL)
    mantissa, separator, exponent = plain.partition("e")
    if short and float(powered) == value:
        return powered
    return f"{mantissa}e{int(exponent)}" if separator else plain


def fractions(values: Collection[float]) -> dict[float, str]:
    """Numbers as fractions of one round number, such as 0.2*3/16, where they are such.

    The numbers are those of one kind; what spells most of those that are long is taken for all.
    """
    wanted = [value for value in values if _is_long(value) and 0 < value < 1]
    if not wanted:
        return {}
    found = max(
        ((tenths / 10, parts) for parts in range(2, _PARTS) for tenths in range(10, 0, -1)),
        key=lambda form: sum(_part(value, *form) is not None for value in wanted),
    )
    whole, parts = found
    texts: dict[float, str] = {}
    for value in values:
        part = _part(value, whole, parts)
        if part is not None and any(_part(each, whole, parts) is not None for each in wanted):
            texts[value] = f"{part}.0/{parts}" if whole == 1 else f"{whole}*{part}/{parts}"
    return texts


def _part(value: float, whole: float, parts: int) -> int | None:
    """Number of parts of a whole that a number amounts to, computed as the language does it."""
    part = round(value * parts / whole)
    return part if 0 < part < parts and whole * part / parts == value else None


def _is_long(value: float) -> bool:
    return len(repr(value)) > _ROUND


def _pixels(pixels: Pixels) -> str:
    if pixels.divisor == 1:
        return str(pixels.channels)
    return f"matrix<{'unsigned char' if pixels.channels == 1 else 'rgb_pixel'}>"
