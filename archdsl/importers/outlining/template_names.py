"""Names of templates: those of the origin's classes and parts, or what a template consists of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from archdsl.importers.outlining.fold import Folded
from archdsl.importers.outlining.parameters import TemplatePattern
from archdsl.importers.outlining.spelling import names_of
from archdsl.importers.outlining.terms import (
    REPEAT,
    ActivationHead,
    CombinatorHead,
    Head,
    LayerHead,
    TemplateHead,
    instances_of,
)
from archdsl.ir.layer import lookup

_CONTAINERS = frozenset({"sequential_list", "sequential_tuple", "module_list", "module_dict"})
"""Classes that say nothing but that they hold others."""
_WORDS = frozenset(
    {"SUBNET", "net_type", "template", "using", "typedef", "typename", "class", "struct"}
    | {"namespace", "param", "const", "constexpr", "true", "false", "sizeof", "return"}
    | {"bool", "int", "long", "unsigned", "float", "double", "size_t", "char", "void"}
)
_LONGEST = 24
_IDIOM = 3  # layers
_TIMES = {1: "", 2: "double_", 3: "triple_"}
_LEARNING = ("conv", "depthwise", "fc", "linear", "attention")


class TemplateNames:
    """Gives each template a name that nothing else has."""

    def __init__(self, folded: Folded) -> None:
        self._pool = folded.pool
        self._homes = folded.homes
        self._bodies = folded.bodies
        instances = instances_of(folded.pool, folded.main)
        wholes = instances.keys() - folded.bodies
        self._shrinking = {
            template for template, bodies in instances.items() if all(map(self._shrinks, bodies))
        }
        self._kept = Counter(self._home(template) for template in wholes - self._shrinking)
        self._claimed = {self._home(template) for template in wholes}
        self._names: dict[int, str] = {}
        self._short: dict[int, str] = {}
        """Main purpose of each template, in a word."""
        self._taken: set[str] = set()

    def __getitem__(self, template: int) -> str:
        return self._names[template]

    def give(self, template: int, pattern: TemplatePattern) -> None:
        """Name a template; those that it uses have names already."""
        home = self._home(template)
        if home and template in self._bodies and home in self._claimed:
            home = home if home.endswith("_body") or home == "body" else f"{home}_body"
        self._short[template] = self._main_word(pattern)
        idiom, short = self._idiom(pattern), self._in_short(pattern)
        if home and idiom.count("_") >= _IDIOM:
            idiom = ""  # the origin's name says it shorter
        base = idiom or home or short or self._made_of(pattern.body)
        if lookup(base) is not None or base in _WORDS:
            base = f"{base}_block"
        # Of two that the origin has in one class the one that makes maps smaller is told apart.
        smaller = template in self._shrinking and self._kept[home] > 0
        tries = [f"{base}_down"] if smaller else []
        tries += [base, *(f"{base}_{word}" for word in self._marks(pattern.body))]
        tries += [f"{base}_{number}" for number in range(2, len(self._taken) + 3)]
        name = next(name for name in tries if name not in self._taken and lookup(name) is None)
        self._names[template] = name
        self._taken.add(name)

    def _idiom(self, pattern: TemplatePattern) -> str:
        """A few layers in a row by their own names: conv_bn_relu."""
        words = self._words(pattern)
        name = "_".join(words)
        return name if len(words) <= _IDIOM and len(name) <= _LONGEST and all(words) else ""

    def _words(self, pattern: TemplatePattern) -> list[str]:
        steps = self._pool.steps(pattern.body)
        return [self._word(*each) for each in zip(steps, pattern.leading, strict=True)]

    def _in_short(self, pattern: TemplatePattern) -> str:
        """A few templates in a row by what each mainly does: double_conv, pool_conv."""
        words = [
            self._short[head.template] if isinstance(head, TemplateHead) else word
            for head, word in zip(self._heads(pattern.body), self._words(pattern), strict=True)
        ]
        if len(words) > _IDIOM or not all(words):
            return ""
        if len(set(words)) == 1:
            return f"{_TIMES[len(words)]}{words[0]}"
        name = "_".join(words)
        return name if len(name) <= _LONGEST else ""

    def _main_word(self, pattern: TemplatePattern) -> str:
        """The layer of a template that learns most, a convolution before what stands around it."""
        words = []
        for head, word in zip(self._heads(pattern.body), self._words(pattern), strict=True):
            own = self._short[head.template] if isinstance(head, TemplateHead) else word
            words.append(own)
        return next((word for word in words if word in _LEARNING), words[0] if words else "")

    def _heads(self, body: int) -> list[Head]:
        return [self._pool[step].head for step in self._pool.steps(body)]

    def _word(self, step: int, leading: str) -> str:
        head = self._pool[step].head
        if isinstance(head, LayerHead):
            fixed = [d.name for d in names_of(head.cls) if head.fixed and d.preset]
            return fixed[0] if len(fixed) == 1 else head.cls.stem
        if isinstance(head, ActivationHead):
            return leading.lower()
        if isinstance(head, TemplateHead) and not self._homes.get(head.template):
            return self._names[head.template]
        return ""

    def _home(self, template: int) -> str:
        """The class that the origin has for it, or else the name of its part."""
        homes = self._homes.get(template) or Counter()
        for home, _ in homes.most_common():
            if (kind := snake(home.kind)) and kind not in _CONTAINERS:
                return kind
        if any(home.name.isdigit() for home in homes):
            return ""
        for home, _ in homes.most_common():
            if part := snake(home.name).rstrip("0123456789_"):
                return part
        return ""

    def _made_of(self, body: int) -> str:
        steps = [self._pool[step] for step in self._pool.steps(body)]
        heads = [step.head for step in steps]
        if REPEAT in heads:
            return "stage"
        pools = isinstance(heads[0], LayerHead) and heads[0].cls.stem == "avgpool"
        if pools and steps[-1].values[:1] in (("sigmoid",), ("hardsigmoid",)):
            return "squeeze_excitation"
        inner = any(isinstance(head, (TemplateHead, CombinatorHead)) for head in heads)
        return "block" if inner else "body"

    def _marks(self, body: int) -> Iterator[str]:
        """Words for what a template has that another one of the same name may not have."""
        steps = self._pool.steps(body)
        for head, _, blocks in map(self._pool.__getitem__, steps):
            if isinstance(head, CombinatorHead):
                shortcut = head.kind == "residual" and len(blocks) == 2
                yield "projection" if shortcut and all(map(self._full, blocks)) else head.kind
        last = self._pool[steps[-1]].head
        if isinstance(last, LayerHead):
            yield last.cls.stem

    def _shrinks(self, body: int) -> bool:
        """True if a layer of a body, or of its blocks, moves by more than one cell."""
        for term in self._pool.within(body):
            if not self._pool.is_chain(term):
                head, values, _ = self._pool[term]
                given = dict(zip(head.names, values, strict=False))
                strides = [given.get(name) for name in ("stride_h", "stride_w")]
                if any(isinstance(stride, int) and stride > 1 for stride in strides):
                    return True
        return False

    def _full(self, block: int) -> bool:
        return bool(self._pool.steps(block))


def snake(name: str) -> str:
    """``BasicConv2d`` as ``basic_conv2d``; a name of the language, or empty."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    plain = re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")
    return plain if plain[:1].isalpha() else ""
