"""What a network repeats becomes templates: first the parts of the origin, then smaller idioms.

What is worth a template is told by the words of the text with it and without it (Rissanen 1978,
"Modeling by Shortest Data Description"). Here it is only decided which parts are templates; what
their parameters are is found in ``parameters``.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence

from archdsl.elaborate.trampoline import Task, run
from archdsl.importing.grouping import Group, Grouped, grouped, settle_homes
from archdsl.importing.parameters import Parameters
from archdsl.importing.sketch import Home
from archdsl.importing.spelling import arguments_of, spelled, value_text
from archdsl.importing.structure import Chain, Step
from archdsl.importing.terms import (
    DENSE,
    REPEAT,
    Activation,
    Call,
    Combining,
    LayerHead,
    Pool,
    Tagging,
    instances_of,
    text_chains,
    text_steps,
    text_uses,
)
from archdsl.layers.activation import Identity
from archdsl.layers.definition import Category, Layer

_ROUNDS = 8
_LONGEST_PERIOD = 8
_CALL = 3
"""The words of a typical instance: its name and two arguments."""
_DEFINITION = 4
"""The words of a definition around its body: template, using, and two parameters."""
_PATIENCE = 4
"""The words that a part of the origin may cost, for it has a name and is known by it."""
_MOST_PARAMETERS = 6
"""An idiom of more parameters says less than it hides."""


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


@dataclasses.dataclass(frozen=True)
class Folded:
    """The network as a term whose calls are of templates, each known by its instances."""

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
    for _ in range(_ROUNDS):
        templates.homes.clear()
        folding = _Folding(pool, templates, excluded, wrapped)
        main = run(folding.chain(tree))
        worthless = folding.worthless(main)
        if not worthless and not folding.grown:
            break
        excluded |= worthless
    idioms = _Idioms(pool, templates)
    main = idioms.inlined(idioms.found(main))
    main = pool.chain(repeated(pool, pool.steps(main), _LONGEST_PERIOD))
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
        """Whether something was learned that another pass would use."""

    def chain(self, items: Grouped) -> Task[int]:
        """A chain with its groups."""
        steps: list[int] = []
        for item in items:
            if isinstance(item, Group):
                inner = yield self.chain(item.inner)
                steps += self._group(inner, item.home)
            else:
                steps.append((yield self._step(item)))
        return self._pool.chain(repeated(self._pool, steps))

    def _step(self, step: Step) -> Task[int]:
        if isinstance(step.what, Layer):
            return layer_step(self._pool, step.what)
        blocks: list[int] = []
        for block in step.blocks:
            items = yield grouped(block, len(step.homes))
            made = yield self.chain(items)
            self._templates.around[self._pool.shape(made)].update(step.homes[-1:])
            blocks.append(made)
        if step.tags:
            return self._pool.step(Tagging(step.what, step.tags, step.names))
        return self._pool.step(Combining(step.what, step.names), (), blocks)

    def _group(self, inner: int, home: Home) -> Sequence[int]:
        """A group as a call, or as its steps where that says more."""
        pool, steps = self._pool, self._pool.steps(inner)
        if len(steps) == 1:
            # residual<body> and the like: the body has the name, with a residual and without.
            head, values, blocks = pool[steps[0]]
            full = [block for block in blocks if pool.steps(block)]
            if isinstance(head, Combining) and head not in (REPEAT, DENSE) and len(full) == 1:
                call = pool.chain(self._group(full[0], home))
                return [pool.step(head, values, [call if b in full else b for b in blocks])]
            if isinstance(head, Call):
                self._templates.homes[head.template][home] += 1
        inner = pool.chain(self._uniform(steps))
        shape = pool.shape(inner)
        if shape in self._excluded or (len(steps) < 2 and not self._forks(steps)):
            return pool.steps(inner)
        template = self._templates.number(shape)
        self._templates.homes[template][home] += 1
        self._made[shape] += 1
        return [pool.step(Call(template), (), [inner])]

    def _forks(self, steps: Sequence[int]) -> bool:
        """Whether a chain is one combinator of several blocks."""
        heads = [self._pool[step] for step in steps]
        return any(isinstance(h, Combining) and len(blocks) > 1 for h, _, blocks in heads)

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
            if place in known and single[place] == step and isinstance(pool[step].head, Call)
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
            dear = many > 1 and cost <= 3 * _CALL and gain < -_PATIENCE
            if self._made[shape] < 2 or dear:
                found.add(shape)
        return found


class _Idioms:
    """Chains and pairs of steps that a text with templates still repeats."""

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
            if not isinstance(head, Call):
                counts.update(pool.shape(block) for block in blocks)
        shared = {
            shape for shape, count in counts.items() if count > 1 or (count and shape in whole)
        }

        words = Cost(pool)

        def block(chain: int, made: int) -> int:
            several = len(pool.steps(made)) > 1
            if several and pool.shape(chain) in shared and words(made) > 2 * _CALL:
                template = self._templates.number(pool.shape(chain))
                around = self._templates.around[pool.shape(chain)]
                self._templates.homes[template].update(around)
                self._templates.bodies.add(template)
                return pool.chain([pool.step(Call(template), (), [made])])
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
            if isinstance(head, Call) and uses[head.template] == count:
                cost += 1  # it takes the place of the other template
        if arity > _MOST_PARAMETERS:
            return 0
        return count * (cost - arity - 1) - cost - 2 * arity - 2

    def _joins(self, step: int) -> bool:
        head = self._pool[step].head
        return isinstance(head, (LayerHead, Activation, Call)) or head == REPEAT

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
                    made.append(pool.step(Call(given[0]), (), [chain]))
                else:
                    made.append(step)
            return made

        def whole(template: int) -> bool:
            return template in given

        return rewritten(pool, main, renewed, whole=whole)

    def inlined(self, main: int) -> int:
        """Without templates that are used in one place and say little."""
        pool = self._pool
        for _ in range(_ROUNDS):
            uses = text_uses(pool, main)
            words = Cost(pool)
            small = {
                template
                for template, blocks in instances_of(pool, main).items()
                if uses[template] == 1 and words(blocks[0]) <= 3 * _CALL
            }
            if not small:
                return main

            def renewed(steps: Sequence[int], small: set[int] = small) -> list[int]:
                made: list[int] = []
                for step in steps:
                    head, _, blocks = pool[step]
                    if isinstance(head, Call) and head.template in small:
                        made += pool.steps(blocks[0])
                    else:
                        made.append(step)
                return made

            main = rewritten(pool, main, renewed)
        return main


# ---- terms ----


def layer_step(pool: Pool, layer: Layer) -> int:
    """A layer as a step."""
    plain = layer.category is Category.ACTIVATION and not dataclasses.fields(layer)
    if plain and not isinstance(layer, Identity):
        return pool.step(Activation(), (spelled(type(layer), {}, {}),))
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
        plain = all(not isinstance(pool[step].head, Tagging) for step in block)
        bare = period == 1 and isinstance(pool[block[0]].head, Activation)
        if count > 1 and plain and not bare:
            made.append(_repetition(pool, count, block))
            place += count * period
        else:
            made.append(steps[place])
            place += 1
    return made


def _repetition(pool: Pool, count: int, block: Sequence[int]) -> int:
    head, _, blocks = pool[block[0]]
    if len(block) == 1 and head == Combining("parallel") and len(blocks) == 2:
        through, layer = blocks
        if not pool.steps(through):
            return pool.step(DENSE, (count,), [layer])
    return pool.step(REPEAT, (count,), [pool.chain(block)])


class Cost:
    """How many words a term takes in a text.

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
        return not self._pool.is_chain(term) and isinstance(self._pool[term].head, Call)

    def _own(self, step: int) -> int:
        """The words of a step without its blocks."""
        head, values, _ = self._pool[step]
        if isinstance(head, Call):
            return _CALL if self._parameters is None else self._parameters.words(head)
        if isinstance(head, LayerHead):
            given = dict(zip(head.names, values, strict=True)) | dict(head.fixed)
            texts = {name: value_text(value) for name, value in given.items()}
            columns = {name: (value,) for name, value in given.items()}
            return spelled(head.cls, columns, texts).count(",") + 2
        return 1 + (len(values) if isinstance(head, Combining) else 0)


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
        if isinstance(head, Call):
            chains = kept if whole is not None and whole(head.template) else new
            new[term] = pool.step(head, values, [chains[b] for b in blocks])
        else:
            changed = [new[b] for b in blocks]
            if block is not None:
                changed = [block(b, n) for b, n in zip(blocks, changed, strict=True)]
            new[term] = pool.step(head, values, changed)
    return new[main]


def _is_call(pool: Pool, term: int) -> bool:
    return not pool.is_chain(term) and isinstance(pool[term].head, Call)
