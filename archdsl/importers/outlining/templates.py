"""The templates of a network: their numbers, their cost in words, and runs of equal steps."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Sequence

from archdsl.importers.imported_graph import Home
from archdsl.importers.outlining.parameters import Parameters
from archdsl.importers.outlining.spelling import arguments_of, spelled, value_text
from archdsl.importers.outlining.terms import (
    DENSE,
    REPEAT,
    ActivationHead,
    CombinatorHead,
    LayerHead,
    Pool,
    TemplateHead,
)
from archdsl.ir.layer import Category, Layer
from archdsl.layers.activation import Identity

CALL = 3
"""The words of a typical instance: its name and two arguments."""
ROUNDS = 8
"""Passes over the network until nothing changes, at most."""


class Templates:
    """The shapes that are templates, and what the origin calls their instances."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._count = 0
        self.homes: dict[int, Counter[Home]] = defaultdict(Counter)
        self.around: dict[int, Counter[Home]] = defaultdict(Counter)
        """The parts of the origin that have a block of this shape."""
        self.bodies: set[int] = set()
        """Templates that are a block of what the origin has a name for."""

    def number(self, shape: int) -> int:
        """The template of a shape."""
        if shape not in self._numbers:
            self._numbers[shape] = self.fresh()
        return self._numbers[shape]

    def fresh(self) -> int:
        """The number of another template."""
        self._count += 1
        return self._count


def layer_step(pool: Pool, layer: Layer) -> int:
    """A layer as a step."""
    plain = layer.category is Category.ACTIVATION and not dataclasses.fields(layer)
    if plain and not isinstance(layer, Identity):
        return pool.step(ActivationHead(), (spelled(type(layer), {}, {}),))
    values, fixed = arguments_of(layer)
    return pool.step(LayerHead(type(layer), tuple(values), tuple(fixed.items())), values.values())


def repeated(pool: Pool, steps: Sequence[int], longest: int = 1) -> list[int]:
    """The steps with equal neighbours, or rows of neighbours up to a length, as repetitions."""
    found = list(steps)
    for period in range(1, longest + 1):
        found = _repeated(pool, found, period)
    return found


def _repeated(pool: Pool, steps: list[int], period: int) -> list[int]:
    made: list[int] = []
    place = 0
    while place < len(steps):
        end = place + period
        while end < len(steps) and steps[end] == steps[end - period]:
            end += 1
        count = (end - place) // period
        block = steps[place : place + period]
        bare = period == 1 and isinstance(pool[block[0]].head, ActivationHead)
        if count > 1 and not bare:
            made.append(_repetition(pool, count, block))
            place += count * period
        else:
            made.append(steps[place])
            place += 1
    return made


def _repetition(pool: Pool, count: int, block: Sequence[int]) -> int:
    head, _, blocks = pool[block[0]]
    if len(block) == 1 and head == CombinatorHead("parallel") and len(blocks) == 2:
        through, layer = blocks
        if not pool.steps(through):
            return pool.step(DENSE, (count,), [layer])
    return pool.step(REPEAT, (count,), [pool.chain(block)])


class Cost:
    """Number of words that a term takes in a text.

    A call is a short one where the parameters of templates are not known yet.
    """

    def __init__(self, pool: Pool, parameters: Parameters | None = None) -> None:
        self._pool = pool
        self._parameters = parameters
        self._known: dict[int, int] = {}

    def __call__(self, term: int) -> int:
        waiting = [term]
        while waiting:
            current = waiting[-1]
            parts = () if self._is_call(current) else self._pool.parts(current)
            missing = [part for part in parts if part not in self._known]
            if missing:
                waiting += missing
            else:
                waiting.pop()
                own = 0 if self._pool.is_chain(current) else self._own(current)
                self._known[current] = own + sum(self._known[part] for part in parts)
        return self._known[term]

    def _is_call(self, term: int) -> bool:
        return not self._pool.is_chain(term) and isinstance(self._pool[term].head, TemplateHead)

    def _own(self, step: int) -> int:
        """The words of a step without its blocks."""
        head, values, _ = self._pool[step]
        if isinstance(head, TemplateHead):
            return CALL if self._parameters is None else self._parameters.words(head)
        if isinstance(head, LayerHead):
            given = dict(zip(head.names, values, strict=True)) | dict(head.fixed)
            texts = {name: value_text(value) for name, value in given.items()}
            columns = {name: (value,) for name, value in given.items()}
            return spelled(head.cls, columns, texts).count(",") + 2
        return 1 + (len(values) if isinstance(head, CombinatorHead) else 0)
