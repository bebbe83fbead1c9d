"""Source of the forward method: one call a line, short ones combined in an expression."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from archdsl.backends.plan import Loop, Operation, Step, UnitClass
from archdsl.backends.plan.identifiers import UniqueNames, safe
from archdsl.backends.source.expressions import Expressions
from archdsl.backends.source.layout import INDENT, WIDTH, call, lines
from archdsl.backends.source.symbols import OPERATORS, Symbols
from archdsl.backends.torch.realise import named
from archdsl.diagnostics import fail

_LONGEST = 60
"""The length of an expression that may be part of another one."""

_MOST_NAMED = 2
"""So many results of one call get a name each; more are told apart by their places."""


class Pending(NamedTuple):
    """The expression of a step that is not written down yet: an operand of a later one, perhaps."""

    value: Operation
    text: str
    operator: str
    module: bool
    reads: tuple[Operation, ...]
    name: str


class Forward:
    """Writes the body of a forward method, whose parameters are ``names``."""

    def __init__(
        self,
        made: UnitClass,
        symbols: Symbols,
        fields: Mapping[int, str],
        names: Sequence[str],
    ) -> None:
        self.lines: list[str] = []
        self._made = made
        self._symbols = symbols
        self._fields = fields
        self._depth = 2
        unit = made.units[0]
        self._outputs = list(unit.outputs)
        self._variables = dict(zip(unit.inputs, names, strict=True))
        self._pending: list[Pending] = []
        self._left: Counter[Operation] = Counter(self._outputs)
        for action in made.actions:
            self._left.update(action.reads())

    def write(self, result: Any) -> list[str]:
        """The lines; ``result`` is what is returned, with the outputs in it."""
        for action in self._made.actions:
            if isinstance(action, Loop):
                self._loop(action)
            elif action.gives:
                self._step(action, f"self.{action.name}")
        if [each.value for each in self._pending] != self._outputs:
            self._flush()
        text = self._expressions({each.value: each for each in self._pending}).text(result)
        if isinstance(result, tuple) and len(f"{INDENT * 2}return {text[1:-1]}") <= WIDTH:
            text = text[1:-1]  # in brackets where they need more lines
        self._put(f"return {text}")
        return self.lines

    # ---- steps ----

    def _step(self, step: Step, callee: str, target: str | None = None) -> None:
        wanted = [v for v in step.reads() if any(v is e.value for e in self._pending[-8:])]
        if wanted and not self._joins(step, wanted):
            self._flush()
            wanted = []
        keep = len(self._pending) - len(wanted)
        self._pending, taken = self._pending[:keep], self._pending[keep:]
        inside = {each.value: each for each in taken}
        text, symbol = self._expression(step, callee, inside)
        reads = [v for each in taken for v in each.reads]
        reads += [v for v in step.reads() if v not in inside]
        name = step.name or step.function.rpartition(".")[2]
        value, module = step.gives[0], step.name is not None
        made = Pending(value, text, symbol, module, tuple(reads), name)
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
        if step.name is None:
            return not step.function.startswith(".") and len(step.reads()) > 1
        return not any(each.module for each in tail)

    def _expressions(
        self, inside: Mapping[Operation, Pending], symbol: str = "", last: Sequence[Any] = ()
    ) -> Expressions:
        """A writer of expressions with others inside; in brackets where an operator needs them."""

        def read(value: Operation) -> str:
            if value not in inside:
                return self._value(value)
            _, text, within, *_ = inside[value]
            loose = symbol and within and (within != symbol or value in last)
            return f"({text})" if loose else text

        return Expressions(self._symbols, self._fields, read)

    def _expression(
        self, step: Step, callee: str, inside: Mapping[Operation, Pending]
    ) -> tuple[str, str]:
        """The step as an expression, and its operator if it is one."""
        symbol = OPERATORS.get(step.function, "")
        text = self._expressions(inside, symbol, step.arguments[-1:]).text
        arguments = [*map(text, step.arguments)]
        if symbol:
            return f" {symbol} ".join(arguments), symbol
        if step.function == "operator.getitem":
            index = arguments[1][1:-1] if type(step.arguments[1]) is tuple else arguments[1]
            return f"{arguments[0]}[{index}]", ""
        if step.function.startswith("."):
            callee = arguments.pop(0) + step.function
        elif step.function:
            callee = self._symbols.of(named(step.function))
        options = (f"{key}={text(value)}" for key, value in step.options.items())
        return call(callee, [*arguments, *options]), ""

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
        self, made: Pending, gives: tuple[Operation, ...], target: str | None = None
    ) -> None:
        freed = self._release(made.reads)
        if target is not None:
            name = target
        elif freed and "x" in self._names():
            name = freed[0]
        else:
            name = self._free("x", safe(made.name))
        self._put(f"{self._targets(name, made, gives)} = {made.text}")

    def _targets(self, name: str, made: Pending, gives: tuple[Operation, ...]) -> str:
        """Left side of an assignment: a name for each result, or one for very many."""
        if len(gives) > _MOST_NAMED:
            name = self._free(safe(made.name))
            self._variables |= {value: f"{name}[{place}]" for place, value in enumerate(gives)}
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

    def _loop(self, loop: Loop) -> None:
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
        variable = ""
        if len(stems) == 1 and {step.name for step in self._made.steps} <= {None, *stems}:
            stem = safe(stems[0])
            variable = self._free(stem.rpartition("_")[2] or stem, "layer")
            self._put(f"for {variable} in self.children():")
        else:
            self._put(f"for i in {span(first, self._expressions({}).text(loop.count))}:")
        self._depth += 1
        for step, number in zip(loop.body, loop.numbers, strict=True):
            callee = variable
            if number is not None and not variable:
                callee = f'self.get_submodule(f"{step.name}{shifted(number, first)}")'
            self._step(step, callee, carried if step is loop.body[-1] else None)
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


def shifted(number: int, first: int) -> str:
    """The index of a loop that begins with ``first``, in a text, to begin with a number."""
    return f"{{i + {number - first}}}" if number > first else "{i}"
