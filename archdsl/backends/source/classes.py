"""A pattern as a class: its constructor with as few arguments as tell its instances apart."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from archdsl.analysis.anti_unification import Constant, Term, Value, same
from archdsl.backends.plan import Operation
from archdsl.backends.source.code_style import (
    INDENT,
    WIDTH,
    Doc,
    DocGroup,
    call,
    flat,
    joined,
    lines,
    literal,
    prose,
    tupled,
)
from archdsl.backends.source.forward import Forward, span
from archdsl.backends.source.identifiers import UniqueNames, identifier
from archdsl.backends.source.loops import Loop
from archdsl.backends.source.patterns import Pattern
from archdsl.backends.source.spelling import Spelled
from archdsl.backends.source.steps import Built, Step, opened
from archdsl.backends.source.symbols import Symbols
from archdsl.diagnostics import fail
from archdsl.ir.lowering import Construct


class SlotText(NamedTuple):
    """The value of a slot as source says it; ``constant`` where it is one."""

    text: str
    constant: Constant | None = None
    parts: Doc | None = None

    @property
    def doc(self) -> Doc:
        """The value as it may be broken over lines."""
        return self.text if self.parts is None else self.parts


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
        result: ForwardResults | None = None,
        ending: Sequence[str] = (),
    ) -> list[str]:
        """The class of a pattern.

        ``about`` is its docstring, ``notes`` are comments by attribute; ``result`` says what the
        network itself takes and returns, ``ending`` are last lines of its constructor.
        """
        said = [self._said(term, pattern.arguments) for term in pattern.abstraction.terms]
        made = self._attributes(pattern, said, notes)
        base = self._symbols.nn("Sequential" if pattern.chain else "Module")
        found = [f"class {pattern.name}({base}):"]
        if about:
            found += [*_docstring(about), ""]
        body: list[str] = []
        kept: dict[str, str] = {}
        if not pattern.chain:
            body = self._forward(pattern, kept, result)
        keeping = [f"{INDENT * 2}self.{field} = {name}" for name, field in kept.items()]
        found += [
            *lines(joined("def __init__", self._parameters(pattern), " -> None:"), 1),
            f"{INDENT * 2}super().__init__()",
            *keeping,
            *made,
            *(INDENT * 2 + line for line in ending),
        ]
        return [*found, *(["", *body] if body else [])]

    # ---- the constructor ----

    def _parameters(self, pattern: Pattern) -> DocGroup:
        found: list[Doc] = ["self"]
        for name, each in zip(pattern.arguments, pattern.abstraction.arguments, strict=True):
            default = "" if each.default is None else f" = {literal(each.default.value)}"
            found.append(f"{name}: {_annotation(each.values)}{default}")
        return DocGroup("(", tuple(found), ")")

    def _said(self, term: Term, names: Sequence[str] = ()) -> SlotText:
        if isinstance(term, Constant):
            doc = self._literal(term.value)
            return SlotText(flat(doc), term, doc)
        if isinstance(term, Spelled):
            return SlotText(term.text(names))
        return SlotText(term.text(names[term.argument]))

    def _literal(self, value: Value) -> Doc:
        if isinstance(value, Construct):
            head, slots = opened(value)
            return self._call(head, [self._said(Constant(slot.value)) for slot in slots])
        if isinstance(value, tuple):
            return tupled(tuple(map(self._literal, value)))
        try:
            return literal(value)
        except ValueError:
            raise fail(f"a {type(value).__name__} cannot be written as source") from None

    def _attributes(
        self, pattern: Pattern, said: list[SlotText], notes: Mapping[str, str]
    ) -> list[str]:
        found: list[str] = []
        at = 0
        for action in pattern.actions:
            slots = said[at : at + len(action.slots)]
            at += len(action.slots)
            if isinstance(action, Loop):
                found += self._loop(action, slots, notes)
            elif action.name is not None and action.first:
                name = identifier(action.name)
                made = lines(joined(f"self.{name} = ", self._construction(action, slots)), 2)
                found += _noted(made, notes.get(name))
        return found

    def _construction(self, step: Step, said: list[SlotText]) -> Doc:
        """The call that makes the module of a step."""
        if isinstance(step.head, Pattern):
            if step.head.inline:
                return self._sequential(step.head, said)
            arguments: list[Doc] = []
            taken = step.head.abstraction.arguments
            for name, wanted, each in zip(step.head.arguments, taken, said, strict=True):
                default = wanted.default
                if default is None:
                    arguments.append(each.doc)
                elif each.constant is None or not same(each.constant.value, default.value):
                    arguments.append(joined(f"{name}=", each.doc))
            return call(step.head.name, arguments)
        assert isinstance(step.head, Built)
        return self._call(step.head, said)

    def _call(self, built: Built, said: Sequence[SlotText]) -> Doc:
        """The call of a constructor, and in it the calls that make modules for it."""
        return self._made(built, iter(said))

    def _made(self, built: Built, values: Iterator[SlotText]) -> Doc:
        return call(self._symbols.of(built.made), self._given(built, values))

    def _given(self, built: Built, values: Iterator[SlotText]) -> Iterator[Doc]:
        """The arguments that a call has to say: those without a default, or that differ from it."""
        for parameter, inner in built.arguments:
            each = None if inner is not None else next(values)
            doc = each.doc if each is not None else ""
            if inner is not None:
                doc = self._made(inner, values)
            if parameter.variadic or parameter.default is inspect.Parameter.empty:
                yield doc
            elif not (each and each.constant and _equal(each.constant.value, parameter.default)):
                yield joined(f"{parameter.name}=", doc)

    def _sequential(self, pattern: Pattern, said: list[SlotText]) -> Doc:
        self._symbols.need("from collections import OrderedDict")
        items: list[Doc] = []
        at = 0
        for step in pattern.steps:
            slots = said[at : at + len(step.slots)]
            at += len(step.slots)
            items.append(joined(f"{identifier(str(step.name))}=", self._construction(step, slots)))
        return call(self._symbols.nn("Sequential"), [call("OrderedDict", items)])

    def _loop(self, loop: Loop, said: list[SlotText], notes: Mapping[str, str]) -> list[str]:
        count, *pairs = said
        values = [
            _over(first, rest, grows)
            for first, rest, grows in zip(pairs[::2], pairs[1::2], loop.grows, strict=True)
        ]
        numbers = [number for number in loop.numbers if number is not None]
        indexed = any(_indexed(value) for value in values) or len(set(numbers)) > 1
        begin = 0 if indexed else numbers[0]
        found = [f"{INDENT * 2}for i in {span(begin, count.text)}:"]
        at = 0
        for step, number in zip(loop.body, loop.numbers, strict=True):
            slots = values[at : at + len(step.slots)]
            at += len(step.slots)
            if step.name is None or number is None:
                continue
            shift = f" + {number - begin}" if number > begin else ""
            name = f'f"{identifier(step.name + "_")[:-1]}{{i{shift}}}"'
            made = self._construction(step, slots)
            found += lines(call("self.add_module", [name, made]), 3)
        last = loop.body[-1].name
        return _noted(found, notes.get(last) if last is not None else None)

    # ---- forward ----

    def _forward(
        self, pattern: Pattern, kept: dict[str, str], result: ForwardResults | None
    ) -> list[str]:
        terms = pattern.abstraction.terms
        names = UniqueNames(step.name for step in pattern.steps if step.name is not None)

        def slot(index: int) -> str:
            term = terms[index]
            if isinstance(term, Constant):
                return flat(self._literal(term.value))
            for place, name in enumerate(pattern.arguments):
                if term.uses(place) and name not in kept:
                    kept[name] = names.new(name, f"{name}_")
            fields = [f"self.{kept.get(name, name)}" for name in pattern.arguments]
            return self._said(term, fields).text

        unit = pattern.units[0]
        if result is None:
            free = UniqueNames(self._symbols.bare)
            inputs = [free.new("y" if index else "x") for index in range(len(unit.inputs))]
            kinds = map(self._typed, unit.inputs)
            taken = [f"{name}: {kind}" for name, kind in zip(inputs, kinds, strict=True)]
            given = [self._typed(node) for node in unit.outputs]
            gives = given[0] if len(given) == 1 else f"tuple[{', '.join(given)}]"
        else:
            inputs, taken, gives = list(result.inputs), list(result.parameters), result.gives
        writing = Forward(pattern, self._symbols, slot, inputs)
        body = writing.write(_several if result is None else result.returned)
        head = joined("def forward", DocGroup("(", ("self", *taken), ")"), f" -> {gives}:")
        return [*lines(head, 1), *body]


class ForwardResults(NamedTuple):
    """The parameters and the return value of the network's ``forward``.

    ``parameters`` are the ``inputs`` with their types; ``structure`` is what is returned, with
    the places of the outputs in it.
    """

    inputs: tuple[str, ...]
    parameters: tuple[str, ...]
    gives: str
    structure: int | Mapping[str, Any] | Sequence[Any]

    def returned(self, docs: list[Doc]) -> Doc:
        """The value of ``forward``."""
        return _filled(self.structure, docs)


def _filled(structure: Any, docs: list[Doc]) -> Doc:
    if isinstance(structure, int):
        return docs[structure]
    if isinstance(structure, Mapping):
        items = [joined(f"{literal(n)}: ", _filled(v, docs)) for n, v in structure.items()]
        return DocGroup("{", tuple(items), "}", listed=True)
    return DocGroup("[", tuple(_filled(each, docs) for each in structure), "]", listed=True)


def _equal(value: Value, default: Value) -> bool:
    """Equal for a constructor: a stride of 1 is one of (1, 1), but True is not 1."""
    return isinstance(value, bool) == isinstance(default, bool) and value == default


def _over(first: SlotText, rest: SlotText, grows: bool) -> SlotText:
    """A slot in a loop over ``i``, which is 0 in the first iteration."""
    if grows:
        step = "i" if rest.text == "1" else f"i * {_operand(rest.text)}"
        return SlotText(f"{_operand(first.text)} + {step}")
    if first.text == rest.text:
        return first
    if first.constant is not None and isinstance(first.constant.value, bool):
        return SlotText("i == 0" if first.constant.value else "i > 0")
    return SlotText(f"{first.text} if i == 0 else {rest.text}")


def _operand(text: str) -> str:
    """An expression as an operand of another: in brackets where it would fall apart."""
    return f"({text})" if re.search(r" (if|\+|-|//) ", text) else text


def _indexed(said: SlotText) -> bool:
    return re.search(r"\bi\b", said.text) is not None and said.constant is None


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
    texts = [prose(line) for line in about]
    if not texts:
        return []
    if len(texts) == 1 and len(texts[0]) + 10 <= WIDTH:
        return [f'{INDENT}"""{texts[0]}"""']
    return [f'{INDENT}"""{texts[0]}', *(f"{INDENT}{text}".rstrip() for text in texts[1:]),
            f'{INDENT}"""']  # fmt: skip


def _several(docs: list[Doc]) -> Doc:
    """The returned values, separated by commas; in brackets where they need more than one line."""
    together = ", ".join(map(flat, docs))
    if len(docs) == 1 or len(INDENT * 2 + "return " + together) <= WIDTH:
        return docs[0] if len(docs) == 1 else together
    return tupled(tuple(docs))
