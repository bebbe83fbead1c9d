"""Source of the forward method: one call a line, short ones combined in an expression."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from archdsl.backends.source.code_style import (
    Doc,
    DocGroup,
    call,
    flat,
    joined,
    lines,
    literal,
    quoted,
    tupled,
)
from archdsl.backends.source.code_style import Sequence as Pieces
from archdsl.backends.source.identifiers import UniqueNames, safe
from archdsl.backends.source.loops import CARRIED, Loop
from archdsl.backends.source.patterns import Pattern
from archdsl.backends.source.symbols import OPERATORS, Symbols
from archdsl.backends.source.unit_drafts import Read, SlotReference, UnitStep
from archdsl.diagnostics import fail

_LONGEST = 60
"""The length of an expression that may be part of another one."""

_MOST_NAMED = 2
"""So many results of one call get a name each; more are told apart by their places."""


class Expression(NamedTuple):
    """A step that is not written down yet: an operand of a later one, perhaps."""

    value: int
    text: Doc
    operator: str
    module: bool
    reads: tuple[int, ...]
    name: str


class Forward:
    """Writes the body of a forward method."""

    def __init__(
        self, pattern: Pattern, symbols: Symbols, slot: Callable[[int], str], depth: int = 2
    ) -> None:
        self.lines: list[str] = []
        self._pattern = pattern
        self._symbols = symbols
        self._slot = slot
        self._depth = depth
        self._variables: dict[int, str] = {}
        self._pending: list[Expression] = []
        self._left: Counter[int] = Counter(pattern.outputs)
        for action in pattern.actions:
            self._left.update(action.reads())

    def parameters(self) -> list[str]:
        """Names for what the method takes."""
        for index, value in enumerate(self._pattern.inputs):
            self._variables[value] = self._free("x" if index == 0 else "y")
        return [self._variables[value] for value in self._pattern.inputs]

    def named(self, names: Sequence[str]) -> None:
        """Take the names that the method's arguments have."""
        self._variables.update(zip(self._pattern.inputs, names, strict=True))

    def write(self, result: Callable[[list[Doc]], Doc]) -> list[str]:
        """The lines; ``result`` makes what is returned of the outputs."""
        at = 0
        for action in self._pattern.actions:
            if isinstance(action, Loop):
                self._loop(action, at)
            elif action.gives:
                self._step(action, at, f"self.{action.name}")
            at += len(action.slots)
        outputs = self._pattern.outputs
        if [e.value for e in self._pending] != list(outputs):
            self._flush()
        texts = {each.value: each.text for each in self._pending}
        docs = [texts.get(v) or self._variables[v] for v in outputs]
        self._put(joined("return ", result(docs)))
        return self.lines

    # ---- steps ----

    def _step(self, step: UnitStep, at: int, callee: str, target: str | None = None) -> None:
        wanted = [v for v in step.reads() if any(v == e.value for e in self._pending[-8:])]
        if wanted and not self._joins(step, wanted):
            self._flush()
            wanted = []
        taken = self._pending[len(self._pending) - len(wanted) :]
        del self._pending[len(self._pending) - len(wanted) :]
        inside = {each.value: each for each in taken}
        text, symbol = self._text(step, at, callee, inside)
        reads = [v for each in taken for v in each.reads]
        reads += [v for v in step.reads() if v not in inside]
        name = step.name if step.name is not None else _wish(step)
        module = step.name is not None
        value = step.gives[0]
        made = Expression(value, text, symbol, module, tuple(reads), name)
        short = module or len(flat(text)) <= _LONGEST or (value,) == self._pattern.outputs
        if target is None and len(step.gives) == 1 and self._left[value] == 1 and short:
            self._pending.append(made)
            return
        self._flush()
        self._assign(made, step.gives, target)

    def _joins(self, step: UnitStep, wanted: list[int]) -> bool:
        """True if the pending expressions can be inlined into the step in their order."""
        tail = self._pending[len(self._pending) - len(wanted) :]
        if [each.value for each in tail] != wanted:
            return False
        if sum(len(flat(each.text)) for each in tail) > 2 * _LONGEST:
            return False
        if any(len(flat(each.text)) > _LONGEST for each in tail):
            return False
        if isinstance(step.head, str) or (step.name is None and len(step.reads()) == 1):
            return False
        return step.name is None or not any(each.module for each in tail)

    def _text(
        self, step: UnitStep, at: int, callee: str, inside: dict[int, Expression]
    ) -> tuple[Doc, str]:
        """The step as an expression, and its operator if it is one."""

        def doc(value: Any) -> Doc:
            return self._doc(value, at, inside)

        if step.name is None and callable(step.head):
            name = step.head.__name__
            known = getattr(step.head, "__module__", "") == "_operator"
            if known and name == "getitem":
                base, index = map(doc, step.arguments)
                inside_brackets = index.items if isinstance(index, DocGroup) else (index,)
                return joined(base, DocGroup("[", inside_brackets, "]")), ""
            if known and name in OPERATORS:
                symbol = OPERATORS[name]
                first, second = step.arguments
                left = self._operand(first, doc(first), inside, symbol, right=False)
                right = self._operand(second, doc(second), inside, symbol, right=True)
                return joined(left, f" {symbol} ", right), symbol
            callee = self._symbols.of(step.head)
            arguments = [doc(value) for value in step.arguments]
        elif step.name is None:
            own, *rest = step.arguments
            base = self._operand(own, doc(own), inside, ".", right=False)
            callee_doc = joined(base, f".{step.head}")
            return call(callee_doc, [doc(value) for value in rest]), ""
        else:
            arguments = [doc(value) for value in step.arguments]
        arguments += [joined(f"{key}=", doc(value)) for key, value in step.options]
        return call(callee, arguments), ""

    def _operand(
        self, value: Any, doc: Doc, inside: dict[int, Expression], symbol: str, *, right: bool
    ) -> Doc:
        found = inside.get(value.value) if isinstance(value, Read) else None
        if found is None or not found.operator or (found.operator == symbol and not right):
            return doc
        return joined("(", doc, ")")

    def _doc(self, value: Any, at: int, inside: dict[int, Expression]) -> Doc:
        """An argument."""
        if isinstance(value, Read):
            if value.value in inside:
                return inside[value.value].text
            if value.value not in self._variables:
                raise fail("the network's parts cannot be written one after the other")
            return self._variables[value.value]
        if isinstance(value, SlotReference):
            return self._slot(at + value.slot)
        kind, inner = value
        if kind == "constant":
            return _constant(inner)
        if kind == "dict":
            items = [joined(f"{quoted(k)}: ", self._doc(v, at, inside)) for k, v in inner]
            return DocGroup("{", tuple(items), "}", listed=True)
        parts = tuple(self._doc(each, at, inside) for each in inner)
        if kind == "slice":
            start, stop, step = ("" if p == "None" else flat(p) for p in parts)
            return f"{start}:{stop}" + (f":{step}" if step else "")
        if kind == "list":
            return DocGroup("[", parts, "]", listed=True)
        return tupled(parts)

    # ---- variables ----

    def _flush(self) -> None:
        waiting, self._pending = self._pending, []
        for each in waiting:
            self._assign(each, (each.value,))

    def _assign(self, made: Expression, gives: tuple[int, ...], target: str | None = None) -> None:
        freed = self._release(made.reads)
        if target is not None:
            name = target
        elif freed and "x" in self._names():
            name = freed[0]
        else:
            name = self._free("x", safe(made.name))
        self._put(joined(self._targets(name, made, gives), " = ", made.text))

    def _targets(self, name: str, made: Expression, gives: tuple[int, ...]) -> str:
        """Left side of an assignment: a name for each result, or one for very many."""
        if len(gives) > _MOST_NAMED:
            name = self._free(safe(made.name))
            for index, value in enumerate(gives):
                self._variables[value] = f"{name}[{index}]"
            return name
        names: list[str] = []
        for value in gives:
            if names:
                name = self._free("x", safe(made.name))
            used = self._left[value] > 0 or value not in self._left
            if used:
                self._variables[value] = name
            names.append(name if used or len(gives) == 1 else "_")
        return ", ".join(names)

    def _release(self, values: Sequence[int]) -> list[str]:
        """Count the values as read; the names of those that nobody reads any more."""
        freed = []
        for value in values:
            self._left[value] -= 1
            if self._left[value] <= 0 and value in self._variables:
                freed.append(self._variables.pop(value))
        return [name for name in freed if name.isidentifier()]

    def _free(self, *wishes: str) -> str:
        return UniqueNames({*self._names(), *self._symbols.bare}).new(*wishes)

    def _names(self) -> set[str]:
        return {name.partition("[")[0] for name in self._variables.values()}

    def _put(self, doc: Pieces) -> None:
        self.lines.extend(lines(doc, self._depth))

    # ---- loops ----

    def _loop(self, loop: Loop, at: int) -> None:
        self._flush()
        freed = self._release([loop.start])
        carried = freed[0] if freed else self._free("x", "carried")
        if not freed:
            self._put(joined(carried, " = ", self._variables[loop.start]))
        self._variables[CARRIED] = carried
        guarded = [v for v in loop.reads() if v != loop.start]
        self._left.update(guarded)  # read again in every iteration
        for step in loop.body:
            self._left.update(v for v in step.reads() if v not in guarded)
        named = {number for number in loop.numbers if number is not None}
        stems = [step.name for step in loop.body if step.name is not None]
        attributes = {name for each in self._pattern.actions for name in _attributes(each)}
        alone = len(stems) == 1 and attributes == set(stems)
        if alone:
            stem = safe(stems[0])
            variable = self._free(stem.rpartition("_")[2] or stem, "layer")
            self._put(joined(f"for {variable} in self.children():"))
        else:
            (first,) = named if len(named) == 1 else (min(named),)
            self._put(joined(f"for i in {span(first, self._slot(at))}:"))
        self._depth += 1
        inner = at + 1
        for step, number in zip(loop.body, loop.numbers, strict=True):
            callee = ""
            if alone:
                callee = variable
            elif number is not None:
                shift = number - min(named)
                callee = f'self.get_submodule(f"{step.name}{{i{f" + {shift}" if shift else ""}}}")'
            final = carried if step is loop.body[-1] else None
            self._step(_doubled(step), inner, callee, final)
            inner += 2 * len(step.slots)
        self._depth -= 1
        self._release(guarded)
        self._variables.pop(CARRIED, None)
        last = loop.body[-1].gives[0]
        self._variables.pop(last, None)
        self._variables[loop.gives[0]] = carried


def _doubled(step: UnitStep) -> UnitStep:
    """The step with its holes where a loop has their slots, two for each."""
    return replace(step, arguments=_spread(step.arguments))


def _spread(value: Any) -> Any:
    if isinstance(value, SlotReference):
        return SlotReference(2 * value.slot)
    return tuple(map(_spread, value)) if type(value) is tuple else value


def span(first: int, count: str) -> str:
    """The numbers of a loop's attributes: ``range(1, count + 1)``."""
    if count.isdecimal():
        return f"range({first}, {first + int(count)})" if first else f"range({count})"
    return f"range({first}, {count} + {first})" if first else f"range({count})"


def _attributes(action: Any) -> list[str]:
    steps = action.body if isinstance(action, Loop) else (action,)
    return [step.name for step in steps if step.name is not None]


def _wish(step: UnitStep) -> str:
    return step.head if isinstance(step.head, str) else str(step.head.__name__)


def _constant(value: Any) -> str:
    try:
        return literal(value)
    except ValueError:
        raise fail(f"a constant of type {type(value).__name__} has no source text") from None
