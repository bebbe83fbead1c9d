"""Expressions of classes of units as text."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from archdsl.analysis.anti_unification import Constant, Term
from archdsl.backends.plan import Call, Operation, Slot, Turn, UnitClass
from archdsl.backends.source.layout import call, literal, quoted, tupled
from archdsl.backends.source.spelling import Spelled
from archdsl.backends.source.symbols import Symbols


class Expressions(NamedTuple):
    """Writes expressions. ``names`` are those of the class's arguments."""

    symbols: Symbols
    names: Sequence[str] | Mapping[int, str]
    read: Callable[[Operation], str] = repr
    """The text of the result of an operation."""

    def text(self, value: Any) -> str:
        """An expression as source."""
        if isinstance(value, Slot):
            return self.term(value.value)
        if isinstance(value, Turn):
            return self._turn(*value.arguments, grows=value.target)
        if isinstance(value, Call):
            return self._call(value)
        if isinstance(value, Operation):
            return self.read(value)
        if isinstance(value, Mapping):
            return f"{{{', '.join(f'{quoted(k)}: {self.text(v)}' for k, v in value.items())}}}"
        if isinstance(value, slice):
            bounds = (value.start, value.stop, value.step)
            start, stop, step = ("" if each is None else self.text(each) for each in bounds)
            return f"{start}:{stop}" + (f":{step}" if step else "")
        if type(value) is list:
            return f"[{', '.join(map(self.text, value))}]"
        if type(value) is tuple and value:
            return tupled(map(self.text, value))
        return literal(value)

    def term(self, term: Term | Spelled) -> str:
        """A constant, or how it follows from the class's arguments."""
        if isinstance(term, Constant):
            return literal(term.value)
        if isinstance(term, Spelled):
            return term.text(self.names)
        return term.text(self.names[term.argument])

    def _call(self, made: Call) -> str:
        """A call with the arguments that have no default, or differ from it."""
        options = [f"{name}={self.text(each)}" for name, each in made.options if not _unsaid(each)]
        if not isinstance(made.target, UnitClass):
            name = self.symbols.of(made.target)
        elif made.target.inline:
            parts = call(self.symbols.of(OrderedDict), options)
            return call(self.symbols.nn("Sequential"), [parts])
        else:
            name = made.target.name
        return call(name, [*map(self.text, made.arguments), *options])

    def _turn(self, first: Slot, rest: Slot, *, grows: bool) -> str:
        """A value in a loop over ``i``, which is 0 in the first iteration."""
        one, others = self.text(first), self.text(rest)
        if grows:
            return f"{_operand(one)} + {'i' if others == '1' else f'i * {_operand(others)}'}"
        if one == others:
            return one
        if isinstance(first.value, Constant) and isinstance(first.value.value, bool):
            return "i == 0" if first.value.value else "i > 0"
        return f"{one} if i == 0 else {others}"


def _unsaid(value: Any) -> bool:
    """True for an argument that is its default: 1 for 1.0, but not for True."""
    if isinstance(value, Turn):
        return not value.target and all(map(_unsaid, value.arguments))
    if not isinstance(value, Slot) or not isinstance(value.value, Constant):
        return False
    own, default = value.value.value, value.default
    return isinstance(own, bool) == isinstance(default, bool) and bool(own == default)


def _operand(text: str) -> str:
    """An expression as an operand of another: in brackets where it would fall apart."""
    return f"({text})" if re.search(r" (if|\+|-|//) ", text) else text


def annotation(values: Sequence[Any]) -> str:
    """The type of an argument that has these values."""
    return " | ".join(sorted({_type(value) for value in values}, key=lambda t: (t == "None", t)))


def _type(value: Any) -> str:
    if isinstance(value, tuple):
        kinds = {_type(each) for each in value}
        each = kinds.pop() if len(kinds) == 1 else "float"
        return f"tuple[{', '.join([each] * len(value))}]"
    return "None" if value is None else type(value).__name__
