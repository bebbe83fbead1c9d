"""Signatures of layers in words, and the reference of all layers as Markdown."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby

from archdsl.layers import Argument, Category, Definition, Layer, definitions
from archdsl.layers.vocabulary import category

_CODE = re.compile(r"``(.+?)``")
_DIGITS = re.compile(r"(?<!\d)\d++$")

_INTRODUCTION = """\
# Layers

Every layer and combinator that a spec may name, made from the catalogue by
`archdsl layers --markdown`; `archdsl layers NAME` shows one of them. An argument with `=` behind
its name may be left out, and has the default that follows; `…` stands for one that the table tells
in words. Arguments that the table marks *by name* are written with their name, `bias=false`, all
others also by their place. `SUBNET` is the network that the layer is applied to.
"""


_FORMATS = """\
## Layers and formats

A ✓ says that a file of the format is read as the layer, of dlib's that it is written as well; a
blank is a hole. *Darknet's weights* are the layers whose values a .weights file has a place for;
layers without values need none. Every layer becomes a module of PyTorch, and goes with it into all
other formats that are written.

"""

Coverage = Mapping[str, Collection[type[Layer]]]
"""The layers that a format knows, by the format's title."""


def signature(definition: Definition) -> str:
    """``con<filters,kernel_h,...,padding=,SUBNET>``: how the layer is written."""
    arguments = [a.name if a.positional else f"{a.name}=" for a in definition.arguments]
    return f"{definition.name}<{','.join([*arguments, *_subnet(definition)])}>"


def type_name(argument: Argument) -> str:
    """The type of an argument, ``int`` or ``block``."""
    return getattr(argument.type, "__name__", str(argument.type)).lower()


def default(argument: Argument) -> str:
    """The default of an argument in words, or ``required``."""
    return "required" if argument.required else argument.shown_default


def markdown(known: Iterable[Definition], coverage: Coverage) -> str:
    """The reference of some layers: a heading for each category, a section for each layer.

    A table says which formats know which layers.
    """
    filled = by_heading(known)
    index = "".join(
        f"- **{heading}**: {' · '.join(map(_link, groups))}\n" for heading, groups in filled.items()
    )
    parts = [_INTRODUCTION, index, _matrix(coverage)]
    for heading, groups in filled.items():
        parts.append(f"## {heading}\n")
        parts += map(section, groups)
    return "\n".join(parts)


def by_heading(known: Iterable[Definition]) -> dict[str, list[list[Definition]]]:
    """Layers by category; names that mean the same but for a number at their ends are together."""
    sections: dict[str, list[Definition]] = {
        kind.value[0].upper() + kind.value[1:]: [] for kind in Category
    }
    for definition in known:
        sections.setdefault(_heading(definition), []).append(definition)
    return {heading: together(members) for heading, members in sections.items() if members}


def _matrix(coverage: Coverage) -> str:
    """The table of layers and formats; a layer that combinators make is named as the graph has it.

    Names that share a class, such as ``fc`` and ``fc_no_bias``, share a row.
    """
    rows: dict[type[Layer], list[str]] = {}
    for definition in definitions().values():
        if issubclass(definition.cls, Layer):
            name = f"[{definition.name}](#{definition.name})"
            written = definition.writable
            rows.setdefault(definition.cls, []).append(name if written else definition.name)
    lines = [f"| layer | {' | '.join(coverage)} |", "|---" * (1 + len(coverage)) + "|"]
    for layer, names in rows.items():
        marks = ("✓" if layer in known else "" for known in coverage.values())
        lines.append(f"| {', '.join(names)} | {' | '.join(marks)} |")
    return _FORMATS + "\n".join(lines) + "\n"


def section(names: Sequence[Definition]) -> str:
    """The section about a layer in Markdown; ``names`` are its spellings."""
    first = names[0]
    anchors = "".join(f'<a id="{definition.name}"></a>' for definition in names)
    parts = [
        f"### {anchors}{spelled(names)}\n",
        f"    {_full_signature(first)}\n",
        _prose(inspect.cleandoc(first.summary)) + "\n",
    ]
    if first.arguments:
        parts.append("| argument | type | default | meaning |\n|---|---|---|---|\n" + _rows(first))
    parts.append(f"Source: {_prose(first.source)}\n")
    return "\n".join(parts)


def _heading(definition: Definition) -> str:
    """The category of a layer; for a combinator the beginning of its module's docstring."""
    kind = category(definition)
    if kind is not None:
        return kind.value[0].upper() + kind.value[1:]
    about = inspect.getdoc(sys.modules[definition.cls.__module__]) or ""
    return re.split(r"[:.]", about, maxsplit=1)[0]


def together(members: Iterable[Definition]) -> list[list[Definition]]:
    """The names that mean the same but for a number at their ends, such as those of all tags."""
    groups: dict[object, list[Definition]] = {}
    for definition in members:
        words = re.sub(r"\d+", "", definition.summary)
        key = definition.cls, definition.arguments, words, _preset(definition.preset)
        groups.setdefault(key, []).append(definition)
    return list(groups.values())


def _preset(preset: Mapping[str, object]) -> tuple[str, ...]:
    """The arguments that a name fixes, less the numbers, which stand at the end of the name."""
    return tuple(_DIGITS.sub("", f"{name}={value}") for name, value in preset.items())


def _link(names: Sequence[Definition]) -> str:
    return f"[{spelled(names)}](#{names[0].name})"


def spelled(names: Sequence[Definition]) -> str:
    """``sig, sigmoid``, and ``tag1 … tag10`` for a row of numbers."""
    every = [definition.name for definition in names]
    runs = [list(run) for _, run in groupby(every, key=lambda name: _DIGITS.sub("", name))]
    return ", ".join(f"{run[0]} … {run[-1]}" if len(run) > 2 else ", ".join(run) for run in runs)


def _subnet(definition: Definition) -> list[str]:
    return [] if getattr(definition.cls, "inputs", 1) == 0 else ["SUBNET"]


def _full_signature(definition: Definition) -> str:
    """The signature with defaults: ``con<filters, kernel_h, ..., bias=true, SUBNET>``."""
    arguments = [a.name if a.required else f"{a.name}={_short(a)}" for a in definition.arguments]
    return f"{definition.name}<{', '.join([*arguments, *_subnet(definition)])}>"


def _short(argument: Argument) -> str:
    """A default that can be written so in a spec, or a mark that it takes words to tell."""
    return "…" if argument.default is None else argument.shown_default or "…"


def _rows(definition: Definition) -> str:
    rows = []
    for a in definition.arguments:
        name = f"`{a.name}`" + ("" if a.positional else " *by name*")
        cells = (name, _typed(a), _prose(default(a)), _prose(a.doc))
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n")
    return "".join(rows)


def _typed(argument: Argument) -> str:
    """The type and the range: ``int ≥ 1``, ``float 0 … 1``."""
    low, high = argument.minimum, argument.maximum
    if low is not None and high is not None:
        return f"{type_name(argument)} {low:g} … {high:g}"
    if low is not None:
        return f"{type_name(argument)} ≥ {low:g}"
    return type_name(argument) + ("" if high is None else f" ≤ {high:g}")


def _prose(text: str) -> str:
    """Words as Markdown: code in backticks as it is, nothing else with a meaning of its own."""
    parts = _CODE.split(text)
    parts[::2] = [re.sub(r"([*_\[\]])", r"\\\1", p.replace("<", "&lt;")) for p in parts[::2]]
    parts[1::2] = [f"`{code}`" for code in parts[1::2]]
    return "".join(parts)
