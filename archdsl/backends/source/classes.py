"""A class of units as text: its constructor with as few arguments as tell its instances apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from archdsl.backends.plan import Loop, Operation, UnitClass
from archdsl.backends.plan.identifiers import UniqueNames, identifier
from archdsl.backends.source.expressions import Expressions, annotation
from archdsl.backends.source.forward import Forward, shifted, span
from archdsl.backends.source.layout import INDENT, WIDTH, block, call, lines, literal, prose
from archdsl.backends.source.symbols import Symbols
from archdsl.ir.names import allowed


class Signature(NamedTuple):
    """The parameters of ``forward`` with their types, the type of what it returns, and that."""

    names: Sequence[str]
    parameters: Sequence[str]
    gives: str
    result: Any


class Writer(NamedTuple):
    """Writes classes of units; ``typed`` is the type of a value."""

    symbols: Symbols
    typed: Callable[[Operation], str]

    def lines(
        self,
        made: UnitClass,
        about: Sequence[str],
        notes: Mapping[str, str],
        signature: Signature | None = None,
        ending: Sequence[str] = (),
    ) -> list[str]:
        """The text of a class.

        ``about`` is its docstring, ``notes`` are comments by attribute; ``signature`` is that of
        the network itself, ``ending`` are the last statements of its constructor.
        """
        attributes = self._attributes(made, notes)
        base = self.symbols.nn("Sequential" if made.chain else "Module")
        fields = _Fields(made)
        forward = [] if made.chain else ["", *self._forward(made, fields, signature)]
        parameters = ["self"]
        for name, each in zip(made.arguments, made.abstraction.arguments, strict=True):
            default = "" if each.default is None else f" = {literal(each.default.value)}"
            parameters.append(f"{name}: {annotation(each.values)}{default}")
        return [
            f"class {made.name}({base}):",
            *(_docstring(about) if about else []),
            *lines(f"{call('def __init__', parameters)} -> None:", 1),
            f"{INDENT * 2}super().__init__()",
            *(f"{INDENT * 2}{each} = {made.arguments[at]}" for at, each in fields.items()),
            *attributes,
            *block(ending, 2),
            *forward,
        ]

    def _attributes(self, made: UnitClass, notes: Mapping[str, str]) -> list[str]:
        """The statements that make the parts."""
        found: list[str] = []
        write = Expressions(self.symbols, made.arguments).text
        for action in made.actions:
            if isinstance(action, Loop):
                made_so = _loop(action, write)
                found += _noted(made_so, notes.get(action.body[-1].name or ""))
            elif action.maker is not None:
                name = identifier(str(action.name))
                made_so = lines(f"self.{name} = {write(action.maker)}", 2)
                found += _noted(made_so, notes.get(name))
        return found

    def _forward(
        self, made: UnitClass, fields: Mapping[int, str], signature: Signature | None
    ) -> list[str]:
        """The method ``forward``; it reads the constructor's arguments from ``fields``."""
        signature = signature or self._signature(made)
        body = Forward(made, self.symbols, fields, signature.names).write(signature.result)
        head = f"{call('def forward', ('self', *signature.parameters))} -> {signature.gives}:"
        return [*lines(head, 1), *body]

    def _signature(self, made: UnitClass) -> Signature:
        unit = made.units[0]
        free = UniqueNames(self.symbols.bare)
        names = [free.new("y" if index else "x") for index in range(len(unit.inputs))]
        kinds = map(self.typed, unit.inputs)
        taken = [f"{name}: {kind}" for name, kind in zip(names, kinds, strict=True)]
        if len(unit.gives) == 1:
            return Signature(names, taken, self.typed(unit.gives[0]), unit.gives[0])
        gives = f"tuple[{', '.join(map(self.typed, unit.gives))}]"
        return Signature(names, taken, gives, unit.gives)


class _Fields(dict[int, str]):
    """Attributes with the constructor's arguments that ``forward`` reads, by their numbers."""

    def __init__(self, made: UnitClass) -> None:
        self._arguments = made.arguments
        self._names = UniqueNames(step.name for step in made.steps if step.name is not None)

    def __missing__(self, place: int) -> str:
        name = self._arguments[place]
        self[place] = f"self.{self._names.new(allowed(name), f'{name}_')}"
        return self[place]


def _loop(loop: Loop, write: Callable[[Any], str]) -> list[str]:
    """The statements that make the parts of a loop."""
    parts = [
        (step, number, write(step.maker))
        for step, number in zip(loop.body, loop.numbers, strict=True)
        if step.name is not None and number is not None
    ]
    numbers = {number for _, number, _ in parts}
    indexed = len(numbers) > 1 or any(re.search(r"\bi\b", text) for _, _, text in parts)
    begin = 0 if indexed else min(numbers)
    found = [f"{INDENT * 2}for i in {span(begin, write(loop.count))}:"]
    for step, number, text in parts:
        name = f'f"{identifier(f"{step.name}_")[:-1]}{shifted(number, begin)}"'
        found += lines(call("self.add_module", [name, text]), 3)
    return found


def _noted(made: list[str], note: str | None) -> list[str]:
    """Lines with a comment behind them, or before where it does not fit."""
    if note is None:
        return made
    if len(made[-1]) + len(note) + 4 <= WIDTH:
        return [*made[:-1], f"{made[-1]}  # {note}"]
    return [f"{INDENT * 2}# {note}", *made]


def _docstring(about: Sequence[str]) -> list[str]:
    """The docstring of a class, and an empty line."""
    first, *rest = map(prose, about)
    if not rest and len(first) + 10 <= WIDTH:
        return [f'{INDENT}"""{first}"""', ""]
    return [*(f"{INDENT}{text}".rstrip() for text in (f'"""{first}', *rest, '"""')), ""]
