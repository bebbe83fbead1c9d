"""Source of the forward method: one call a line, short ones combined in an expression."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from archdsl.analysis.anti_unification import Term
from archdsl.backends.plan import Operation
from archdsl.backends.source.identifiers import UniqueNames, safe
from archdsl.backends.source.layout import INDENT, WIDTH, call, lines, literal, quoted, tupled
from archdsl.backends.source.loops import Loop
from archdsl.backends.source.patterns import Pattern
from archdsl.backends.source.steps import Step, is_number
from archdsl.backends.source.symbols import OPERATORS, Symbols
from archdsl.diagnostics import fail

_LONGEST = 60
"""The length of an expression that may be part of another one."""

_MOST_NAMED = 2
"""So many results of one call get a name each; more are told apart by their places."""


class Expression(NamedTuple):
    """A step that is not written down yet: an operand of a later one, perhaps."""

    value: Operation
    text: str
    operator: str
    module: bool
    reads: tuple[Operation, ...]
    name: str


class Forward:
    """Writes the body of a forward method, whose parameters are ``names``."""

    def __init__(
        self, pattern: Pattern, symbols: Symbols, slot: Callable[[Term], str], names: Sequence[str]
    ) -> None:
        self.lines: list[str] = []
        self._pattern = pattern
        self._symbols = symbols
        self._slot = slot
        self._depth = 2
        unit = pattern.units[0]
        self._outputs = list(unit.outputs)
        self._variables = dict(zip(unit.inputs, names, strict=True))
        self._pending: list[Expression] = []
        self._left: Counter[Operation] = Counter(self._outputs)
        for action in pattern.actions:
            self._left.update(action.reads())

    def write(self, result: Any) -> list[str]:
        """The lines; ``result`` is what is returned, with the outputs in it."""
        for action, terms in self._pattern.parts():
            if isinstance(action, Loop):
                self._loop(action, *terms)
            elif action.gives:
                self._step(action, map(self._slot, terms[action.made :]), f"self.{action.name}")
        if [e.value for e in self._pending] != self._outputs:
            self._flush()
        texts = {each.value: each.text for each in self._pending}
        text = _text(result, lambda value: texts.get(value) or self._value(value))
        if isinstance(result, tuple) and len(f"{INDENT * 2}return {text[1:-1]}") <= WIDTH:
            text = text[1:-1]  # in brackets where they need more lines
        self._put(f"return {text}")
        return self.lines

    # ---- steps ----

    def _step(
        self, step: Step, numbers: Iterator[str], callee: str, target: str | None = None
    ) -> None:
        wanted = [v for v in step.reads() if any(v is e.value for e in self._pending[-8:])]
        if wanted and not self._joins(step, wanted):
            self._flush()
            wanted = []
        keep = len(self._pending) - len(wanted)
        self._pending, taken = self._pending[:keep], self._pending[keep:]
        inside = {each.value: each for each in taken}
        text, symbol = self._expression(step, numbers, callee, inside)
        reads = [v for each in taken for v in each.reads]
        reads += [v for v in step.reads() if v not in inside]
        name = step.name or (step.head if isinstance(step.head, str) else step.head.__name__)
        value, module = step.gives[0], step.name is not None
        made = Expression(value, text, symbol, module, tuple(reads), name)
        short = module or len(text) <= _LONGEST or [value] == self._outputs
        if target is None and len(step.gives) == 1 and self._left[value] == 1 and short:
            self._pending.append(made)
            return
        self._flush()
        self._assign(made, step.gives, target)

    def _joins(self, step: Step, wanted: list[Operation]) -> bool:
        """True if the pending expressions can be inlined into the step in their order."""
        tail = self._pending[len(self._pending) - len(wanted) :]
        lengths = [len(each.text) for each in tail]
        if [each.value for each in tail] != wanted:
            return False
        if sum(lengths) > 2 * _LONGEST or max(lengths) > _LONGEST:
            return False
        if isinstance(step.head, str) or (step.name is None and len(step.reads()) == 1):
            return False
        return step.name is None or not any(each.module for each in tail)

    def _expression(
        self, step: Step, numbers: Iterator[str], callee: str, inside: dict[Operation, Expression]
    ) -> tuple[str, str]:
        """The step as an expression, and its operator if it is one."""

        def leaf(value: Any) -> str:
            if isinstance(value, Operation):
                return inside[value].text if value in inside else self._value(value)
            return next(numbers) if is_number(value) else literal(value)

        def operand(value: Any, text: str, symbol: str, *, right: bool) -> str:
            within = inside.get(value) if isinstance(value, Operation) else None
            if within is None or not within.operator or (within.operator == symbol and not right):
                return text
            return f"({text})"

        texts = [_text(value, leaf) for value in step.arguments]
        if step.name is None and isinstance(step.head, str):
            own = operand(step.arguments[0], texts[0], ".", right=False)
            return call(f"{own}.{step.head}", texts[1:]), ""
        if step.name is None:
            name = step.head.__name__
            known = step.head.__module__ == "_operator"
            if known and name == "getitem":
                index = texts[1][1:-1] if isinstance(step.arguments[1], tuple) else texts[1]
                return f"{texts[0]}[{index}]", ""
            if known and name in OPERATORS:
                symbol = OPERATORS[name]
                first, second = step.arguments
                left = operand(first, texts[0], symbol, right=False)
                right = operand(second, texts[1], symbol, right=True)
                return f"{left} {symbol} {right}", symbol
            callee = self._symbols.of(step.head)
        options = [f"{key}={_text(value, leaf)}" for key, value in step.options.items()]
        return call(callee, [*texts, *options]), ""

    # ---- variables ----

    def _value(self, value: Operation) -> str:
        if value not in self._variables:
            raise fail("the network's parts cannot be written one after the other")
        return self._variables[value]

    def _flush(self) -> None:
        waiting, self._pending = self._pending, []
        for each in waiting:
            self._assign(each, (each.value,))

    def _assign(
        self, made: Expression, gives: tuple[Operation, ...], target: str | None = None
    ) -> None:
        freed = self._release(made.reads)
        if target is not None:
            name = target
        elif freed and "x" in self._names():
            name = freed[0]
        else:
            name = self._free("x", safe(made.name))
        self._put(f"{self._targets(name, made, gives)} = {made.text}")

    def _targets(self, name: str, made: Expression, gives: tuple[Operation, ...]) -> str:
        """Left side of an assignment: a name for each result, or one for very many."""
        if len(gives) > _MOST_NAMED:
            name = self._free(safe(made.name))
            self._variables |= {value: f"{name}[{index}]" for index, value in enumerate(gives)}
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

    def _release(self, values: Sequence[Operation]) -> list[str]:
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

    def _put(self, text: str) -> None:
        self.lines.extend(lines(text, self._depth))

    # ---- loops ----

    def _loop(self, loop: Loop, count: Term, *terms: Term) -> None:
        self._flush()
        freed = self._release([loop.start])
        carried = freed[0] if freed else self._free("x", "carried")
        if not freed:
            self._put(f"{carried} = {self._value(loop.start)}")
        self._variables[loop.carried] = carried
        guarded = [v for v in loop.reads() if v is not loop.start]
        self._left.update(guarded)  # read again in every iteration
        for step in loop.body:
            self._left.update(v for v in step.reads() if v not in guarded)
        first = min(number for number in loop.numbers if number is not None)
        stems = [step.name for step in loop.body if step.name is not None]
        alone = len(stems) == 1 and {step.name for step in self._pattern.steps} <= {None, *stems}
        if alone:
            stem = safe(stems[0])
            variable = self._free(stem.rpartition("_")[2] or stem, "layer")
            self._put(f"for {variable} in self.children():")
        else:
            self._put(f"for i in {span(first, self._slot(count))}:")
        self._depth += 1
        rest = iter(terms[::2])
        for step, number in zip(loop.body, loop.numbers, strict=True):
            callee = variable if alone else ""
            if number is not None and not alone:
                shift = f" + {number - first}" if number > first else ""
                callee = f'self.get_submodule(f"{step.name}{{i{shift}}}")'
            numbers = list(islice(rest, len(step.slots)))[step.made :]
            final = carried if step is loop.body[-1] else None
            self._step(step, map(self._slot, numbers), callee, final)
        self._depth -= 1
        self._release(guarded)
        for value in (loop.carried, loop.body[-1].gives[0]):
            self._variables.pop(value, None)
        self._variables[loop.gives[0]] = carried


def span(first: int, count: str) -> str:
    """The numbers of a loop's attributes: ``range(1, count + 1)``."""
    if count.isdecimal():
        return f"range({first}, {first + int(count)})" if first else f"range({count})"
    return f"range({first}, {count} + {first})" if first else f"range({count})"


def _text(value: Any, leaf: Callable[[Any], str]) -> str:
    """An argument of a call."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{quoted(k)}: {_text(v, leaf)}' for k, v in value.items())}}}"
    if isinstance(value, slice):
        bounds = [_text(each, leaf) for each in (value.start, value.stop, value.step)]
        start, stop, step = ("" if each == "None" else each for each in bounds)
        return f"{start}:{stop}" + (f":{step}" if step else "")
    if type(value) in (list, tuple):
        parts = [_text(each, leaf) for each in value]
        return tupled(parts) if isinstance(value, tuple) else f"[{', '.join(parts)}]"
    return leaf(value)
