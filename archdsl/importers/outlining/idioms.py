"""Templates for short chains and pairs of steps that repeat but are no parts of the origin."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence

from archdsl.importers.outlining.parameters import Parameters
from archdsl.importers.outlining.templates import CALL, ROUNDS, Cost, Templates, repeated
from archdsl.importers.outlining.terms import (
    REPEAT,
    ActivationHead,
    LayerHead,
    Pool,
    TemplateHead,
    instances_of,
    text_chains,
    text_steps,
    text_uses,
)

_MOST_PARAMETERS = 6
"""An idiom of more parameters says less than it hides."""


class Idioms:
    """Finder of repeated chains and pairs of steps that make good templates."""

    def __init__(self, pool: Pool, templates: Templates) -> None:
        self._pool = pool
        self._templates = templates

    def found(self, main: int) -> int:
        """The network with its idioms as templates too."""
        main = self._blocks(main)
        while (pair := self._best_pair(main)) is not None:
            main = self._paired(main, pair)
        return main

    def _blocks(self, main: int) -> int:
        """Blocks of combinators that are elsewhere in the text, alone or as a whole template."""
        pool = self._pool
        whole = {
            pool.shape(block) for blocks in instances_of(pool, main).values() for block in blocks
        }
        counts: Counter[int] = Counter()
        for step in text_steps(pool, main):
            head, _, blocks = pool[step]
            if not isinstance(head, TemplateHead):
                counts.update(pool.shape(block) for block in blocks)
        shared = {
            shape for shape, count in counts.items() if count > 1 or (count and shape in whole)
        }

        words = Cost(pool)

        def block(chain: int, made: int) -> int:
            several = len(pool.steps(made)) > 1
            if several and pool.shape(chain) in shared and words(made) > 2 * CALL:
                template = self._templates.number(pool.shape(chain))
                around = self._templates.around[pool.shape(chain)]
                self._templates.homes[template].update(around)
                self._templates.bodies.add(template)
                return pool.chain([pool.step(TemplateHead(template), (), [made])])
            return made

        return rewritten(pool, main, block=block)

    def _best_pair(self, main: int) -> tuple[int, int] | None:
        """The shapes of neighbours whose template shortens the text most; None if none does."""
        pool = self._pool
        counts: Counter[tuple[int, int]] = Counter()
        for steps in text_chains(pool, main):
            before = None
            for pair in self._pairs(steps):
                if pair is not None and (pair != before or pair[0] != pair[1]):
                    counts[pair] += 1
                    before = pair
                else:
                    before = None
        repeated_pairs = {pair for pair, count in counts.items() if count > 1}
        instances: dict[tuple[int, int], dict[int, None]] = defaultdict(dict)
        for term in pool.within(main):
            if pool.is_chain(term):
                steps = pool.steps(term)
                for place, pair in enumerate(self._pairs(steps)):
                    if pair in repeated_pairs:
                        instances[pair][pool.chain(steps[place : place + 2])] = None
        parameters = Parameters(pool, main)
        words = Cost(pool, parameters)
        uses = text_uses(pool, main)
        gains = {
            pair: self._gain(list(chains), counts[pair], uses, parameters, words)
            for pair, chains in instances.items()
        }
        best = max(gains, key=lambda pair: gains[pair], default=None)
        return best if best is not None and gains[best] > 0 else None

    def _pairs(self, steps: Sequence[int]) -> Iterator[tuple[int, int] | None]:
        """The shapes of neighbours; None where a template should not have them."""
        for first, second in itertools.pairwise(steps):
            joins = self._joins(first) and self._joins(second)
            yield (self._pool.shape(first), self._pool.shape(second)) if joins else None

    def _gain(
        self,
        chains: list[int],
        count: int,
        uses: Counter[int],
        parameters: Parameters,
        words: Cost,
    ) -> int:
        pool = self._pool
        cost = words(chains[0])
        arity = parameters.count(chains)
        for step in pool.steps(chains[0]):
            head = pool[step].head
            if isinstance(head, TemplateHead) and uses[head.template] == count:
                cost += 1  # it takes the place of the other template
        if arity > _MOST_PARAMETERS:
            return 0
        return count * (cost - arity - 1) - cost - 2 * arity - 2

    def _joins(self, step: int) -> bool:
        head = self._pool[step].head
        return isinstance(head, (LayerHead, ActivationHead, TemplateHead)) or head == REPEAT

    def _paired(self, main: int, pair: tuple[int, int]) -> int:
        pool = self._pool
        wholes = {
            pool.shape(blocks[0]): template for template, blocks in instances_of(pool, main).items()
        }
        given: list[int] = []

        def renewed(steps: Sequence[int]) -> list[int]:
            made: list[int] = []
            for step in steps:
                if made and (pool.shape(made[-1]), pool.shape(step)) == pair:
                    chain = pool.chain([made.pop(), step])
                    if not given:
                        known = wholes.get(pool.shape(chain))
                        given.append(self._templates.fresh() if known is None else known)
                    made.append(pool.step(TemplateHead(given[0]), (), [chain]))
                else:
                    made.append(step)
            return made

        def whole(template: int) -> bool:
            return template in given

        return rewritten(pool, main, renewed, whole=whole)

    def inlined(self, main: int) -> int:
        """Without templates that are used in one place and say little."""
        pool = self._pool
        for _ in range(ROUNDS):
            uses = text_uses(pool, main)
            words = Cost(pool)
            small = {
                template
                for template, blocks in instances_of(pool, main).items()
                if uses[template] == 1 and words(blocks[0]) <= 3 * CALL
            }
            if not small:
                return main

            def renewed(steps: Sequence[int], small: set[int] = small) -> list[int]:
                made: list[int] = []
                for step in steps:
                    head, _, blocks = pool[step]
                    if isinstance(head, TemplateHead) and head.template in small:
                        made += pool.steps(blocks[0])
                    else:
                        made.append(step)
                return made

            main = rewritten(pool, main, renewed)
        return main


def rewritten(
    pool: Pool,
    main: int,
    renewed: Callable[[Sequence[int]], list[int]] = list,
    *,
    block: Callable[[int, int], int] | None = None,
    whole: Callable[[int], bool] | None = None,
) -> int:
    """A term with all its chains changed, from the inside out.

    ``block`` says what becomes of a combinator's block, given as it was and as it is now. Chains
    that are all of a template for which ``whole`` holds stay one piece. Repetitions are only looked
    for outside of templates, whose instances have to stay alike.
    """
    new: dict[int, int] = {}
    kept: dict[int, int] = {}
    terms = pool.within(main)
    calls = [pool[term].blocks for term in terms if _is_call(pool, term)]
    inside = set(pool.within(*(block for blocks in calls for block in blocks)))
    for term in terms:
        if pool.is_chain(term):
            steps = [new[step] for step in pool.steps(term)]
            kept[term] = pool.chain(steps)
            made = renewed(steps)
            new[term] = pool.chain(made if term in inside else repeated(pool, made))
            continue
        head, values, blocks = pool[term]
        if isinstance(head, TemplateHead):
            chains = kept if whole is not None and whole(head.template) else new
            new[term] = pool.step(head, values, [chains[b] for b in blocks])
        else:
            changed = [new[b] for b in blocks]
            if block is not None:
                changed = [block(b, n) for b, n in zip(blocks, changed, strict=True)]
            new[term] = pool.step(head, values, changed)
    return new[main]


def _is_call(pool: Pool, term: int) -> bool:
    return not pool.is_chain(term) and isinstance(pool[term].head, TemplateHead)
