"""Parameters of templates: the arguments that differ between instances, and formulas of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from archdsl.analysis.anti_unification import Constant, Formula, Term, abstract
from archdsl.importers.outlining.parameter_names import (
    CHANNELS,
    Around,
    Place,
    Use,
    channel_names,
    numbered,
)
from archdsl.importers.outlining.spelling import fractions, needless, value_text
from archdsl.importers.outlining.terms import (
    CombinatorHead,
    LayerHead,
    Pool,
    TemplateHead,
    Value,
    instances_of,
    kind_of,
)

_BASES = {
    "filters": "N",
    "outputs": "N",
    "kernel_h": "H",
    "kernel_w": "W",
    "stride_h": "STRIDE",
    "stride_w": "STRIDE",
    "activation": "ACT",
    "p": "DROP",
}
"""Parameter names for arguments of these names; other arguments lend theirs in capitals."""

_QUANTITIES = {
    "N": "channels",
    "GROUPS": "channels",
    "H": "window",
    "W": "window",
    "K": "window",
    "PADDING_H": "window",
    "PADDING_W": "window",
    "PADDING": "window",
}
"""Only numbers of one quantity are compared: that channels are 64 times a stride is chance."""

_BOTH = {"H": "K", "W": "K", "PADDING_H": "PADDING", "PADDING_W": "PADDING"}
"""Shared names of a height and a width that are equal."""

_TYPES = {bool: "bool", int: "int", float: "float", str: "template <typename> class"}


@dataclass(frozen=True)
class TemplateParameter:
    """A parameter of a template, as ``int STRIDE``; ``base`` is its name without a number."""

    type: str
    name: str
    base: str


@dataclass(frozen=True)
class TextSlot:
    """An argument in a template's text: its base name, and its values in all instances."""

    text: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class TemplatePattern:
    """A template: its parameters, one of its instances, and the texts of its slots in order.

    ``leading`` is what the first slot of each step says that the body consists of.
    """

    parameters: tuple[TemplateParameter, ...]
    body: int
    slots: tuple[TextSlot, ...]
    leading: tuple[str, ...]


class Parameters:
    """The patterns of all templates, the inner ones first, and the arguments of each instance."""

    def __init__(self, pool: Pool, main: int) -> None:
        self._pool = pool
        self.patterns: dict[int, TemplatePattern] = {}
        self._arguments: dict[tuple[int, int], tuple[Value, ...]] = {}
        self._fractions = _fractions(pool, main)
        for template, blocks in instances_of(pool, main).items():
            self._generalise(template, blocks)
        slots = self._slots(main)
        self.main = tuple(TextSlot(self._text(base, value), (value,)) for base, value in slots)

    def count(self, instances: Sequence[int]) -> int:
        """Number of parameters of a template with these instances."""
        return len(self._pattern(instances)[3])

    def words(self, head: TemplateHead) -> int:
        """Number of words of an instance: its name and its arguments."""
        return 1 + len(self.patterns[head.template].parameters)

    def _slots(self, chain: int) -> list[tuple[str, Value]]:
        """Arguments of a chain with their base names, in the order in which data flows."""
        found: list[tuple[str, Value]] = []
        for step in walk(self._pool, chain):
            head, values, blocks = self._pool[step]
            if isinstance(head, TemplateHead):
                bases = [parameter.base for parameter in self.patterns[head.template].parameters]
                found += zip(bases, self._arguments[head.template, blocks[0]], strict=True)
            else:
                bases = [_BASES.get(name, name.upper()) for name in head.names]
                found += zip(bases, values, strict=True)
        return found

    def _places(self, chain: int) -> list[Place]:
        """Positions of the arguments of a chain, in the order of its slots."""
        found: list[Place] = []
        for step, around in walk_inside(self._pool, chain):
            head, values, _ = self._pool[step]
            if isinstance(head, TemplateHead):
                for parameter in self.patterns[head.template].parameters:
                    found.append(Place("depthwise" if parameter.name == "IN" else "", around))
            else:
                found += [Place(kind_of(head), around)] * len(values)
        return found

    def _pattern(
        self, instances: Sequence[int]
    ) -> tuple[list[str], list[tuple[Value, ...]], list[Term], list[tuple[Value, ...]]]:
        """The slots of a template, their values in all instances, terms for them, and arguments."""
        rows = [self._slots(instance) for instance in instances]
        bases = [base for base, _ in rows[0]]
        columns = list(zip(*([value for _, value in row] for row in rows), strict=True))
        said = list(columns)
        self._hush(instances[0], said)
        return bases, columns, *_abstracted(bases, said)

    def _generalise(self, template: int, instances: Sequence[int]) -> None:
        bases, columns, terms, arguments = self._pattern(instances)
        named = _named(bases, terms, arguments, self._places(instances[0]), columns)
        texts = [
            self._text(base, term.value)
            if isinstance(term, Constant)
            else formula(term, named[term.argument].name)
            for base, term in zip(bases, terms, strict=True)
        ]
        # How often something is done is said first, as in the rows of a paper's table.
        order = sorted(range(len(named)), key=lambda place: named[place].base != "COUNT")
        self.patterns[template] = TemplatePattern(
            tuple(named[place] for place in order),
            instances[0],
            tuple(TextSlot(t, c) for t, c in zip(texts, columns, strict=True)),
            self._leading(instances[0], texts),
        )
        for row, instance in enumerate(instances):
            given = tuple(arguments[place][row] for place in order)
            self._arguments[template, instance] = given

    def _text(self, base: str, value: Value) -> str:
        texts = self._fractions.get(base, {})
        known = texts.get(value) if isinstance(value, float) else None
        return value_text(value) if known is None else known

    def _leading(self, instance: int, texts: Sequence[str]) -> tuple[str, ...]:
        found: list[str] = []
        place = 0
        for step in self._pool.steps(instance):
            found.append(texts[place] if place < len(texts) else "")
            place += len(self._slots(self._pool.chain([step])))
        return tuple(found)

    def _hush(self, instance: int, columns: list[tuple[Value, ...]]) -> None:
        """Blank the arguments that are defaults in all instances, which need no parameter."""
        place = 0
        for step in walk(self._pool, instance):
            head, values, blocks = self._pool[step]
            if isinstance(head, LayerHead):
                known = {name: columns[place + n] for n, name in enumerate(head.names)}
                rows = len(columns[place]) if values else 0
                known |= {name: (value,) * rows for name, value in head.fixed}
                for n, name in enumerate(head.names):
                    if name in needless(head.cls, known):
                        columns[place + n] = (None,) * rows
            place += len(
                self._arguments[head.template, blocks[0]]
                if isinstance(head, TemplateHead)
                else values
            )


def _fractions(pool: Pool, main: int) -> dict[str, dict[float, str]]:
    """The numbers of each kind that are fractions of a round one, by what they are."""
    values: dict[str, dict[float, None]] = {}
    for term in pool.within(main):
        if not pool.is_chain(term) and isinstance(head := pool[term].head, LayerHead):
            for name, value in zip(head.names, pool[term].values, strict=True):
                if isinstance(value, float):
                    values.setdefault(_BASES.get(name, name.upper()), {})[value] = None
    return {base: fractions(found) for base, found in values.items()}


def walk(pool: Pool, chain: int) -> list[int]:
    """The steps of a chain and of its blocks, a step before its blocks; not those of calls."""
    return [step for step, _ in walk_inside(pool, chain)]


def walk_inside(pool: Pool, chain: int) -> list[tuple[int, Around]]:
    """The steps as ``walk`` gives them, each with the combinators around it."""
    found: list[tuple[int, Around]] = []
    waiting: list[tuple[int, Around]] = [(step, ()) for step in reversed(pool.steps(chain))]
    while waiting:
        step, around = waiting.pop()
        found.append((step, around))
        head, _, blocks = pool[step]
        if isinstance(head, TemplateHead):
            continue
        kind = head.kind if isinstance(head, CombinatorHead) else ""
        for number, block in reversed([*enumerate(blocks)]):
            inner = (*around, (kind, step, number))
            waiting += [(each, inner) for each in reversed(pool.steps(block))]
    return found


def formula(term: Formula, name: str) -> str:
    """A formula as the language writes it."""
    factor = "" if term.times == 1 else f"{term.times}*"
    return f"{factor}{name}" + ("" if term.over == 1 else f"/{term.over}")


def _abstracted(
    bases: Sequence[str], columns: Sequence[tuple[Value, ...]]
) -> tuple[list[Term], list[tuple[Value, ...]]]:
    """A term for each column, and the values of the arguments, in the order of first use."""
    quantities: dict[str, list[int]] = {}
    for place, base in enumerate(bases):
        quantities.setdefault(_QUANTITIES.get(base, base), []).append(place)
    terms: dict[int, Term] = {}
    found: list[tuple[int, tuple[Value, ...]]] = []
    for places in quantities.values():
        rows = list(zip(*(columns[place] for place in places), strict=True))
        pattern = abstract(rows)
        numbers = {}
        for number, argument in enumerate(pattern.arguments):
            assert argument.slot is not None
            numbers[number] = len(found)
            found.append((places[argument.slot], argument.values))
        for place, term in zip(places, pattern.terms, strict=True):
            if isinstance(term, Formula):
                term = term._replace(argument=numbers[term.argument])
            terms[place] = term
    order = sorted(range(len(found)), key=lambda number: found[number][0])
    moved = {number: place for place, number in enumerate(order)}
    sequence = [terms[place] for place in range(len(columns))]
    return [
        t._replace(argument=moved[t.argument]) if isinstance(t, Formula) else t for t in sequence
    ], [found[number][1] for number in order]


def _named(
    bases: Sequence[str],
    terms: Sequence[Term],
    arguments: Sequence[tuple[Value, ...]],
    places: Sequence[Place],
    columns: Sequence[tuple[Value, ...]],
) -> list[TemplateParameter]:
    uses: list[list[str]] = [[] for _ in arguments]
    for base, term in zip(bases, terms, strict=True):
        if isinstance(term, Formula) and term.plain:
            uses[term.argument].append(base)
    chosen = [_base(used) for used in uses]
    said = [
        Use(base, place, column[0], term.argument if isinstance(term, Formula) else None)
        for base, place, column, term in zip(bases, places, columns, terms, strict=True)
    ]
    channels = channel_names(said, {n for n, base in enumerate(chosen) if base == CHANNELS})
    names = list(numbered([channels.get(n, base) for n, base in enumerate(chosen)]))
    return [
        TemplateParameter(_TYPES[type(values[0])], name, base)
        for name, base, values in zip(names, chosen, arguments, strict=True)
    ]


def _base(used: Sequence[str]) -> str:
    first = used[0]
    both = {base for base in used if _BOTH.get(base) == _BOTH.get(first, "")}
    return _BOTH[first] if len(both) > 1 else first
