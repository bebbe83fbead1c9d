"""Templates for repeated parts of a network: first the origin's own parts, then smaller idioms.

What is worth a template is told by the words of the text with it and without it (Rissanen 1978,
"Modeling by Shortest Data Description"). Here it is only decided which parts are templates; what
their parameters are is found in ``parameters``.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence

from archdsl.importers.imported_graph import Home
from archdsl.importers.outlining.chains import Chain, ChainStep
from archdsl.importers.outlining.idioms import Idioms
from archdsl.importers.outlining.origin_parts import Grouped, PartGroup, grouped, settle_homes
from archdsl.importers.outlining.parameters import Parameters
from archdsl.importers.outlining.templates import (
    CALL,
    ROUNDS,
    Cost,
    Templates,
    layer_step,
    repeated,
)
from archdsl.importers.outlining.terms import (
    DENSE,
    REPEAT,
    CombinatorHead,
    Pool,
    TagHead,
    TemplateHead,
    instances_of,
    text_uses,
)
from archdsl.ir.layer import Layer
from archdsl.ir.trampoline import Task, run

_LONGEST_PERIOD = 8
_PATIENCE = 4
"""Words that a template may cost if it is a named part of the origin."""


@dataclasses.dataclass(frozen=True)
class Folded:
    """The network as a term in which repeated parts are calls of templates."""

    pool: Pool
    main: int
    homes: dict[int, Counter[Home]]
    bodies: set[int]


def folded(chain: Chain) -> Folded:
    """The network with its repeated structure as templates."""
    run(settle_homes(chain))
    tree = run(grouped(chain))
    pool = Pool()
    excluded: set[int] = set()
    wrapped: dict[int, set[int]] = {}
    templates = Templates()
    for _ in range(ROUNDS):
        templates.homes.clear()
        folding = _Folding(pool, templates, excluded, wrapped)
        main = run(folding.chain(tree))
        worthless = folding.worthless(main)
        if not worthless and not folding.grown:
            break
        excluded |= worthless
    idioms = Idioms(pool, templates)
    main = idioms.inlined(idioms.found(main))
    main = pool.chain(repeated(pool, _unwrapped(pool, main), _LONGEST_PERIOD))
    return Folded(pool, main, templates.homes, templates.bodies)


class _Folding:
    """One pass over the groups of a network from the inside out."""

    def __init__(
        self,
        pool: Pool,
        templates: Templates,
        excluded: set[int],
        wrapped: dict[int, set[int]],
    ) -> None:
        self._pool = pool
        self._excluded = excluded
        self._wrapped = wrapped
        self._templates = templates
        self._made: Counter[int] = Counter()
        self.grown = False
        """True if something was learned that another pass would use."""

    def chain(self, items: Grouped) -> Task[int]:
        """A chain with its groups."""
        steps: list[int] = []
        for item in items:
            if isinstance(item, PartGroup):
                inner = yield self.chain(item.inner)
                steps += self._group(inner, item.home)
            else:
                steps.append((yield self._step(item)))
        return self._pool.chain(repeated(self._pool, steps))

    def _step(self, step: ChainStep) -> Task[int]:
        if isinstance(step.what, Layer):
            return layer_step(self._pool, step.what)
        blocks: list[int] = []
        for block in step.blocks:
            items = yield grouped(block, len(step.homes))
            made = yield self.chain(items)
            self._templates.around[self._pool.shape(made)].update(step.homes[-1:])
            blocks.append(made)
        if step.tags:
            return self._pool.step(TagHead(step.what, step.tags, step.names))
        return self._pool.step(CombinatorHead(step.what, step.names), (), blocks)

    def _group(self, inner: int, home: Home) -> Sequence[int]:
        """A group as a call, or as its steps where that says more."""
        pool, steps = self._pool, self._pool.steps(inner)
        if len(steps) == 1:
            # residual<body> and the like: the body has the name, with a residual and without.
            head, values, blocks = pool[steps[0]]
            full = [block for block in blocks if pool.steps(block)]
            if isinstance(head, CombinatorHead) and head not in (REPEAT, DENSE) and len(full) == 1:
                call = pool.chain(self._group(full[0], home))
                return [pool.step(head, values, [call if b in full else b for b in blocks])]
            if isinstance(head, TemplateHead):
                self._templates.homes[head.template][home] += 1
        inner = pool.chain(self._uniform(steps))
        shape = pool.shape(inner)
        if shape in self._excluded or (len(steps) < 2 and not self._forks(steps)):
            return pool.steps(inner)
        template = self._templates.number(shape)
        self._templates.homes[template][home] += 1
        self._made[shape] += 1
        return [pool.step(TemplateHead(template), (), [inner])]

    def _forks(self, steps: Sequence[int]) -> bool:
        """True if a chain is one combinator of several blocks."""
        heads = [self._pool[step] for step in steps]
        return any(isinstance(h, CombinatorHead) and len(blocks) > 1 for h, _, blocks in heads)

    def _uniform(self, steps: Sequence[int]) -> list[int]:
        """One block where other groups repeat it is a repetition too, so that all are alike."""
        pool = self._pool
        single = [self._unrepeated(step) for step in steps]
        bare = pool.shape(pool.chain(single))
        places = {place for place, step in enumerate(steps) if single[place] != step}
        known = self._wrapped.setdefault(bare, set())
        if not places <= known:
            known |= places
            self.grown = True
        return [
            pool.step(REPEAT, (1,), [pool.chain([step])])
            if place in known
            and single[place] == step
            and isinstance(pool[step].head, TemplateHead)
            else step
            for place, step in enumerate(steps)
        ]

    def _unrepeated(self, step: int) -> int:
        head, _, blocks = self._pool[step]
        if head == REPEAT and len(inner := self._pool.steps(blocks[0])) == 1:
            return inner[0]
        return step

    def worthless(self, main: int) -> set[int]:
        """The shapes whose templates make the text no shorter."""
        pool = self._pool
        uses = text_uses(pool, main)
        parameters = Parameters(pool, main)
        words = Cost(pool, parameters)
        found: set[int] = set()
        for template, blocks in instances_of(pool, main).items():
            cost = words(blocks[0])
            shape = pool.shape(blocks[0])
            many, call = uses[template], 1 + len(parameters.patterns[template].parameters)
            gain = many * (cost - call) - cost - call - 2
            # What the text has once is looked at in the end: until then it is one step.
            dear = many > 1 and cost <= 3 * CALL and gain < -_PATIENCE
            if self._made[shape] < 2 or dear:
                found.add(shape)
        return found


def _unwrapped(pool: Pool, main: int) -> list[int]:
    """The steps of the network; what is done once there needs no repetition to say so."""
    found: list[int] = []
    for step in pool.steps(main):
        head, values, blocks = pool[step]
        found += pool.steps(blocks[0]) if head == REPEAT and values == (1,) else [step]
    return found
