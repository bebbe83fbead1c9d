"""A pattern as a class: its constructor with as few arguments as tell its instances apart."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from archdsl.analysis.anti_unification import Constant, Term, Value, same
from archdsl.backends.plan import Operation
from archdsl.backends.source.forward import Forward, span
from archdsl.backends.source.identifiers import UniqueNames, identifier
from archdsl.backends.source.layout import INDENT, WIDTH, block, call, lines, literal, prose, tupled
from archdsl.backends.source.loops import Loop
from archdsl.backends.source.patterns import Pattern
from archdsl.backends.source.spelling import Spelled
from archdsl.backends.source.steps import Built, Step, opened
from archdsl.backends.source.symbols import Symbols
from archdsl.ir.lowering import Construct
from archdsl.ir.names import allowed


class Said(NamedTuple):
    """The value of a slot as source says it; ``constant`` where it is one."""

    text: str
    constant: Constant | None = None

    def equals(self, value: Value) -> bool:
        """True for a constant that a constructor takes as this one: 1 for 1.0, but not for True."""
        if self.constant is None:
            return False
        own = self.constant.value
        return isinstance(own, bool) == isinstance(value, bool) and own == value


class Signature(NamedTuple):
    """The parameters of ``forward`` with their types, the type of what it returns, and that."""

    names: Sequence[str]
    parameters: Sequence[str]
    gives: str
    result: Any


class Writer:
    """Writes the classes of patterns."""

    def __init__(self, symbols: Symbols, typed: Callable[[Operation], str]) -> None:
        self._symbols = symbols
        self._typed = typed

    def lines(
        self,
        pattern: Pattern,
        about: Sequence[str],
        notes: Mapping[str, str],
        signature: Signature | None = None,
        ending: Sequence[str] = (),
    ) -> list[str]:
        """The class of a pattern.

        ``about`` is its docstring, ``notes`` are comments by attribute; ``signature`` is that of
        the network itself, ``ending`` are the last statements of its constructor.
        """
        made = self._attributes(pattern, notes)
        base = self._symbols.nn("Sequential" if pattern.chain else "Module")
        kept: dict[str, str] = {}
        forward = [] if pattern.chain else ["", *self._forward(pattern, kept, signature)]
        parameters = ["self"]
        for name, each in zip(pattern.arguments, pattern.abstraction.arguments, strict=True):
            default = "" if each.default is None else f" = {literal(each.default.value)}"
            parameters.append(f"{name}: {_annotation(each.values)}{default}")
        return [
            f"class {pattern.name}({base}):",
            *(_docstring(about) if about else []),
            *lines(f"{call('def __init__', parameters)} -> None:", 1),
            f"{INDENT * 2}super().__init__()",
            *(f"{INDENT * 2}self.{field} = {name}" for name, field in kept.items()),
            *made,
            *block(ending, 2),
            *forward,
        ]

    # ---- the constructor ----

    def _said(self, term: Term, names: Sequence[str] = ()) -> Said:
        if isinstance(term, Constant):
            return Said(self._literal(term.value), term)
        return Said(term.text(names if isinstance(term, Spelled) else names[term.argument]))

    def _literal(self, value: Value) -> str:
        if isinstance(value, Construct):
            head, slots = opened(value)
            return self._made(head, (self._said(Constant(slot.value)) for slot in slots))
        if isinstance(value, tuple) and value:
            return tupled(map(self._literal, value))
        return literal(value)

    def _attributes(self, pattern: Pattern, notes: Mapping[str, str]) -> list[str]:
        found: list[str] = []
        for action, terms in pattern.parts():
            slots = [self._said(term, pattern.arguments) for term in terms]
            if isinstance(action, Loop):
                found += self._loop(action, slots, notes)
            elif action.name is not None and action.first:
                name = identifier(action.name)
                made = lines(f"self.{name} = {self._construction(action, slots)}", 2)
                found += _noted(made, notes.get(name))
        return found

    def _construction(self, step: Step, slots: Iterable[Said]) -> str:
        """The call that makes the module of a step."""
        pattern = step.head
        if not isinstance(pattern, Pattern):
            return self._made(pattern, iter(slots))
        if pattern.inline:
            return self._sequential(pattern, iter(slots))
        arguments: list[str] = []
        taken = pattern.abstraction.arguments
        for name, each, said in zip(pattern.arguments, taken, slots, strict=True):
            if each.default is None:
                arguments.append(said.text)
            elif said.constant is None or not same(said.constant.value, each.default.value):
                arguments.append(f"{name}={said.text}")
        return call(pattern.name, arguments)

    def _made(self, built: Built, slots: Iterator[Said]) -> str:
        """The call of a constructor, and in it the calls that make modules for it.

        It says the arguments that have no default, or differ from it.
        """
        arguments: list[str] = []
        for parameter, inner in built.arguments:
            said = Said(self._made(inner, slots)) if inner is not None else next(slots)
            if parameter.variadic or parameter.default is inspect.Parameter.empty:
                arguments.append(said.text)
            elif not said.equals(parameter.default):
                arguments.append(f"{parameter.name}={said.text}")
        return call(self._symbols.of(built.made), arguments)

    def _sequential(self, pattern: Pattern, slots: Iterator[Said]) -> str:
        self._symbols.need("from collections import OrderedDict")
        items = []
        for step in pattern.steps:
            made = self._construction(step, list(islice(slots, len(step.slots))))
            items.append(f"{identifier(str(step.name))}={made}")
        return call(self._symbols.nn("Sequential"), [call("OrderedDict", items)])

    def _loop(self, loop: Loop, said: list[Said], notes: Mapping[str, str]) -> list[str]:
        count, *pairs = said
        every = list(map(_over, pairs[::2], pairs[1::2], loop.grows))
        numbers = [number for number in loop.numbers if number is not None]
        indexed = len(set(numbers)) > 1 or any(
            each.constant is None and re.search(r"\bi\b", each.text) for each in every
        )
        begin = 0 if indexed else numbers[0]
        found = [f"{INDENT * 2}for i in {span(begin, count.text)}:"]
        values = iter(every)
        for step, number in zip(loop.body, loop.numbers, strict=True):
            slots = list(islice(values, len(step.slots)))
            if step.name is None or number is None:
                continue
            shift = f" + {number - begin}" if number > begin else ""
            name = f'f"{identifier(step.name + "_")[:-1]}{{i{shift}}}"'
            found += lines(call("self.add_module", [name, self._construction(step, slots)]), 3)
        return _noted(found, notes.get(loop.body[-1].name or ""))

    # ---- forward ----

    def _forward(
        self, pattern: Pattern, kept: dict[str, str], signature: Signature | None
    ) -> list[str]:
        """The method; ``kept`` takes the arguments of the constructor that it reads."""
        names = UniqueNames(step.name for step in pattern.steps if step.name is not None)

        def slot(term: Term) -> str:
            for place, name in enumerate(pattern.arguments):
                if not isinstance(term, Constant) and term.uses(place) and name not in kept:
                    kept[name] = names.new(allowed(name), f"{name}_")
            fields = [f"self.{kept.get(name, name)}" for name in pattern.arguments]
            return self._said(term, fields).text

        signature = signature or self._signature(pattern)
        body = Forward(pattern, self._symbols, slot, signature.names).write(signature.result)
        head = f"{call('def forward', ('self', *signature.parameters))} -> {signature.gives}:"
        return [*lines(head, 1), *body]

    def _signature(self, pattern: Pattern) -> Signature:
        unit = pattern.units[0]
        free = UniqueNames(self._symbols.bare)
        names = [free.new("y" if index else "x") for index in range(len(unit.inputs))]
        kinds = map(self._typed, unit.inputs)
        taken = [f"{name}: {kind}" for name, kind in zip(names, kinds, strict=True)]
        outputs = tuple(unit.outputs)
        if len(outputs) == 1:
            return Signature(names, taken, self._typed(outputs[0]), outputs[0])
        gives = f"tuple[{', '.join(map(self._typed, outputs))}]"
        return Signature(names, taken, gives, outputs)


def _over(first: Said, rest: Said, grows: bool) -> Said:
    """A slot in a loop over ``i``, which is 0 in the first iteration."""
    if grows:
        step = "i" if rest.text == "1" else f"i * {_operand(rest.text)}"
        return Said(f"{_operand(first.text)} + {step}")
    if first.text == rest.text:
        return first
    if first.constant is not None and isinstance(first.constant.value, bool):
        return Said("i == 0" if first.constant.value else "i > 0")
    return Said(f"{first.text} if i == 0 else {rest.text}")


def _operand(text: str) -> str:
    """An expression as an operand of another: in brackets where it would fall apart."""
    return f"({text})" if re.search(r" (if|\+|-|//) ", text) else text


def _annotation(values: Sequence[Value]) -> str:
    return " | ".join(sorted({_type(value) for value in values}, key=lambda t: (t == "None", t)))


def _type(value: Value) -> str:
    if isinstance(value, Construct):
        return value.name
    if isinstance(value, tuple):
        kinds = {_type(each) for each in value}
        each = kinds.pop() if len(kinds) == 1 else "float"
        return f"tuple[{', '.join([each] * len(value))}]"
    return "None" if value is None else type(value).__name__


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
