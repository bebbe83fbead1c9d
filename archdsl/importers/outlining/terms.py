"""Terms: steps and chains of which each distinct one exists once and is known by a number.

So equal parts of a network are found by comparing numbers, however deep they are nested. The parts
of a term have smaller numbers than the term itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from archdsl.importers.outlining.spelling import names_of
from archdsl.ir.layer import Layer

Value = Hashable


@dataclass(frozen=True)
class LayerHead:
    """A layer of a kind; its values are the arguments of these names.

    ``fixed`` are those that a name of the layer stands for, such as ``depthwise``: what has a name
    of its own is a kind of its own.
    """

    cls: type[Layer]
    names: tuple[str, ...]
    fixed: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True)
class ActivationHead:
    """An activation without arguments: its only value is its name, so that it may differ."""

    names: tuple[str, ...] = ("activation",)


@dataclass(frozen=True)
class CombinatorHead:
    """A combinator: ``options`` are what is written before its blocks and never differs."""

    kind: str
    options: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class TagHead:
    """A tag, or what refers to some."""

    kind: str
    tags: tuple[int, ...]
    options: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class TemplateHead:
    """A call of a template; its only block is the body that the template has there."""

    template: int
    names: tuple[str, ...] = ()


Head = LayerHead | ActivationHead | CombinatorHead | TagHead | TemplateHead


def kind_of(head: Head) -> str:
    """The name that a step has in a text; empty for a template, which is named later."""
    if isinstance(head, LayerHead):
        known = [each.name for each in names_of(head.cls) if head.fixed and each.preset]
        return known[0] if len(known) == 1 else head.cls.kind
    return getattr(head, "kind", "")


REPEAT = CombinatorHead("repeat", names=("count",))
DENSE = CombinatorHead("dense", names=("count",))


class StepTerm(NamedTuple):
    """A layer, a call or a combinator with its arguments, in the order of the head's names."""

    head: Head
    values: tuple[Value, ...]
    blocks: tuple[int, ...]


class Pool:
    """The terms by number. A *shape* is a number too: that of a term whatever its values are."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._terms: list[StepTerm | tuple[int, ...]] = []
        self._shapes: list[int] = []
        self._shape_numbers: dict[Hashable, int] = {}

    def step(self, head: Head, values: Iterable[Value] = (), blocks: Iterable[int] = ()) -> int:
        """The number of a step."""
        step = StepTerm(head, tuple(values), tuple(blocks))
        typed = tuple((type(value), value) for value in step.values)  # True is not 1 here
        # What a call amounts to has one shape, since its template has.
        inner = (
            () if isinstance(head, TemplateHead) else tuple(self._shapes[b] for b in step.blocks)
        )
        return self._intern(("step", head, typed, step.blocks), step, (head, inner))

    def chain(self, steps: Iterable[int]) -> int:
        """The number of a chain of steps, in the order in which data flows."""
        chain = tuple(steps)
        shape = ("chain", tuple(self._shapes[step] for step in chain))
        return self._intern(("chain", chain), chain, shape)

    def _intern(self, key: Hashable, term: StepTerm | tuple[int, ...], shape: Hashable) -> int:
        number = self._numbers.setdefault(key, len(self._terms))
        if number == len(self._terms):
            self._terms.append(term)
            self._shapes.append(self._shape_numbers.setdefault(shape, len(self._shape_numbers)))
        return number

    def __getitem__(self, step: int) -> StepTerm:
        term = self._terms[step]
        assert isinstance(term, StepTerm)
        return term

    def steps(self, chain: int) -> tuple[int, ...]:
        """The steps of a chain."""
        term = self._terms[chain]
        assert not isinstance(term, StepTerm)
        return term

    def shape(self, term: int) -> int:
        """The shape of a step or chain."""
        return self._shapes[term]

    def parts(self, term: int) -> tuple[int, ...]:
        """The steps of a chain, the blocks of a step."""
        found = self._terms[term]
        return found.blocks if isinstance(found, StepTerm) else found

    def within(self, *roots: int) -> list[int]:
        """All terms that some consist of, the inner ones first."""
        seen = set(roots)
        waiting = list(roots)
        while waiting:
            for part in self.parts(waiting.pop()):
                if part not in seen:
                    seen.add(part)
                    waiting.append(part)
        return sorted(seen)

    def is_chain(self, term: int) -> bool:
        """True if the number is that of a chain, not of a step."""
        return not isinstance(self._terms[term], StepTerm)


def text_chains(pool: Pool, main: int) -> list[tuple[int, ...]]:
    """The chains that the text has: the network's, and those of one instance of each template."""
    found: list[tuple[int, ...]] = []
    seen: set[int] = set()
    waiting = [main]
    while waiting:
        chain = waiting.pop()
        steps = pool.steps(chain)
        found.append(steps)
        for step in steps:
            head, _, blocks = pool[step]
            if isinstance(head, TemplateHead):
                if head.template in seen:
                    continue
                seen.add(head.template)
            waiting += blocks
    return found


def text_steps(pool: Pool, main: int) -> Iterable[int]:
    """The steps that the text has."""
    for steps in text_chains(pool, main):
        yield from steps


def text_uses(pool: Pool, main: int) -> Counter[int]:
    """Number of instances of each template in the text."""
    heads = (pool[step].head for step in text_steps(pool, main))
    return Counter(head.template for head in heads if isinstance(head, TemplateHead))


def instances_of(pool: Pool, main: int) -> dict[int, list[int]]:
    """The different bodies of each template's instances; inner templates come first."""
    found: dict[int, list[int]] = {}
    for term in pool.within(main):
        if not pool.is_chain(term):
            head, _, blocks = pool[term]
            if isinstance(head, TemplateHead):
                found.setdefault(head.template, []).append(blocks[0])
    return {template: list(dict.fromkeys(blocks)) for template, blocks in found.items()}
