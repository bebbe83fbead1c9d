"""Layers and templates in words: their signatures, their documentation."""

from __future__ import annotations

import re
from typing import NamedTuple

from archdsl.editor.files import Target
from archdsl.editor.outline import Declared
from archdsl.frontend.elaborate.arguments import is_variadic
from archdsl.ir.layer import Argument, Definition

SUBNET = "SUBNET"
_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+!|~&])")
_MAX_LINES = 24


class SignatureParameter(NamedTuple):
    """A parameter in a signature: where it stands in the label, and what it means."""

    name: str
    start: int
    end: int
    doc: str


class Signature(NamedTuple):
    """Signature of a layer or template; ``by_place`` counts its positional parameters."""

    label: str
    parameters: tuple[SignatureParameter, ...]
    by_place: int
    variadic: bool
    doc: str

    def active(self, place: int, key: str | None) -> int:
        """The index of the parameter at a place, or of the named one."""
        if key is not None:
            names = [parameter.name for parameter in self.parameters]
            return names.index(key) if key in names else len(names)
        if place < self.by_place:
            return place
        return self.by_place - 1 if self.variadic else len(self.parameters) - 1


def signature(callee: Definition | Target) -> Signature:
    """The signature of a layer of the catalogue or of a template."""
    if isinstance(callee, Target):
        formals = callee.declared.formals
        parts = [(formal.name, formal.text, formal.text) for formal in formals]
        return _signature(callee.declared.name, parts, len(parts), False, comment(callee))
    by_place = [a for a in callee.arguments if a.positional]
    named = [a for a in callee.arguments if not a.positional]
    parts = [(a.name, _written(a), argument_text(a)) for a in (*by_place, *named)]
    if getattr(callee.cls, "inputs", 1) != 0:
        parts.append((SUBNET, SUBNET, "the network or block that it is applied to"))
    variadic = bool(by_place) and is_variadic(by_place[-1])
    return _signature(callee.name, parts, len(by_place), variadic, callee.summary)


def label(declared: Declared) -> str:
    """A template with its parameters, in one line."""
    return f"{declared.name}<{', '.join(formal.text for formal in declared.formals)}>"


def _signature(
    name: str, parts: list[tuple[str, str, str]], by_place: int, variadic: bool, doc: str
) -> Signature:
    label = f"{name}<"
    parameters = []
    for index, (parameter, written, meaning) in enumerate(parts):
        label += ", " if index else ""
        parameters.append(
            SignatureParameter(parameter, len(label), len(label) + len(written), meaning)
        )
        label += written
    return Signature(f"{label}>", tuple(parameters), by_place, variadic, doc)


def _written(argument: Argument) -> str:
    if argument.required:
        return argument.name + ("..." if is_variadic(argument) else "")
    return f"{argument.name}={argument.shown_default}"


def argument_text(argument: Argument) -> str:
    """Description of a layer's argument, with its default and its range."""
    low, high = argument.minimum, argument.maximum
    limits = [f"at least {low:g}"] if low is not None else []
    limits += [f"at most {high:g}"] if high is not None else []
    default = [] if argument.required else [f"default {argument.shown_default}"]
    extra = ", ".join([*default, *limits])
    return argument.doc + (f" ({extra})" if extra else "")


def argument_at(definition: Definition, place: int) -> Argument | None:
    """The argument that goes by a position, ``None`` behind the last."""
    by_place = definition.places
    if place < len(by_place):
        return by_place[place]
    return by_place[-1] if by_place and is_variadic(by_place[-1]) else None


def comment(target: Target) -> str:
    """The comment on the lines directly above a definition."""
    statement = target.file.outline.statement_at(target.declared.start)
    return "\n".join(statement.doc) if statement is not None else ""


def definition_text(target: Target) -> str:
    """The text of a definition, long ones cut."""
    statement = target.file.outline.statement_at(target.declared.start)
    if statement is None:
        return target.declared.name
    lines = target.file.text[statement.start : statement.end].splitlines()
    return "\n".join(lines[:_MAX_LINES] + (["..."] if len(lines) > _MAX_LINES else []))


def code(text: str) -> str:
    """A text as a block of code in Markdown, whatever is in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}arch\n{text}\n{fence}"


def plain(text: str) -> str:
    """A text in Markdown that shows as it is, its lines kept."""
    return _MARKUP.sub(r"\\\1", text).replace("\n", "  \n")
