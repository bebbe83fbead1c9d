"""Legal networks of any layers of the catalogue, as a hypothesis strategy.

A network grows from its input on, one layer or combinator at a time. Names come from the catalogue,
arguments from what it says of them: type, range, default. What ``check`` refuses is drawn again, so
a layer that is added later is drawn as well, without being named here.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from random import Random
from typing import Any

from hypothesis import strategies as st

import archdsl
from archdsl.diagnostics import ArchError
from archdsl.ir.block import Block, Label, Tag
from archdsl.ir.edges import EdgeType
from archdsl.ir.layer import Argument, Category, Definition
from archdsl.layers import Layer, definitions
from archdsl.layers.initial import SCHEMES, Scheme
from archdsl.layers.inputs import CPP_CONTAINERS, PIXELS, Pixels
from support.catalogue import FORMS, plain, texts

LARGEST = 4096
"""The number of values that a tensor of a network has at most."""
MOST_LAYERS = 48
TRIES = 4
"""How often arguments are drawn for a layer before another one is taken."""
LABELS = ("a", "b", "c")
INPUT_PIXELS = (
    *("1", "2", "3", "4", "6", "8", "12", "std::array<matrix<float>,3>"),
    *(f"{CPP_CONTAINERS[0]}<{pixel}>" for pixel in ("unsigned char", "float", *PIXELS)),
)


@dataclass(frozen=True)
class Draft:
    """A legal network so far: definitions, its layers, and the type of what they give."""

    head: str
    text: str
    type: EdgeType
    depth: int = 0
    gives_tensors: bool = True
    """Whether that is so of all its outputs: feature maps are several tensors in one."""

    @property
    def whole(self) -> str:
        return f"{self.head}using net_type = {self.text};\n"

    @property
    def tags(self) -> list[str]:
        return sorted(set(re.findall(r"\btag\d+(?=<)", self.text)))

    @property
    def labels(self) -> list[str]:
        return sorted(set(re.findall(r"\btap<(\w+)", self.text)))

    def under(self, *parts: str) -> Draft | None:
        """The network with more parts on top, the innermost first; ``None`` if it is not legal."""
        text = self.text
        for part in parts:
            text = applied(part, text)
        return drafted(self.head, text, self.depth)


def drafted(head: str, text: str, depth: int = 0) -> Draft | None:
    draft = Draft(head, text, (), depth)
    try:
        network = archdsl.load(draft.whole).check().checked
    except ArchError:
        return None
    if network.layers > MOST_LAYERS or type(network.input_type) is not tuple:
        return None
    shapes = [network.shape(instance.path) for instance in network.instances()]
    if any(_values(shape) > LARGEST for shape in shapes):
        return None
    outputs = [network.shape(path) for path in network.outputs.values()]
    tensors = all(type(each) is tuple for each in outputs)
    return replace(draft, type=outputs[-1], gives_tensors=tensors)


def _values(shape: EdgeType) -> int:
    """The number of a tensor's values; of detections and open sizes too many."""
    if type(shape) is not tuple:
        return sum(map(_values, getattr(shape, "shapes", ((None,),))))
    size = 1
    for each in shape:
        size *= LARGEST + 1 if each is None else each
    return size


def applied(part: str, subnet: str) -> str:
    """A layer with its arguments, such as ``con<4,3,3>``, on top of a network."""
    return f"{part[:-1]},{subnet}>" if part.endswith(">") else f"{part}<{subnet}>"


# ---- the catalogue ----


@cache
def layers_on(form: str) -> list[list[list[Definition]]]:
    """Layers that are legal on a form of tensor, by purpose: the names of every class of them."""
    found: dict[Any, dict[type, list[Definition]]] = {}
    for each in definitions().values():
        if plain(each) and any(text.endswith(f"{FORMS[form]}>") for text in texts(each.name)):
            found.setdefault(each.cls.category, {}).setdefault(each.cls, []).append(each)
    return [list(classes.values()) for classes in found.values()]


RANKS = {1: ["row"], 2: ["sequence"], 3: ["maps", "deep maps", "indices", "tokens"]}
"""Forms of tensors by their number of axes."""
INPUTS = [d for d in definitions().values() if d.writable and getattr(d.cls, "inputs", 1) == 0]
COMBINATORS = [d for d in definitions().values() if not issubclass(d.cls, Layer)]


def _reading(*types: Any) -> list[Definition]:
    """Combinators with an argument of one of these types, which a name may have fixed."""
    return [d for d in COMBINATORS if set(types) & set(typing.get_type_hints(d.cls).values())]


MARKS = {
    "tag1": _reading(Tag, tuple[Tag, ...]),
    "tag2": _reading(Tag, tuple[Tag, ...]),
    "tap<a>": _reading(Label, tuple[Label, ...]),
}
"""What marks a place, and what may refer to it."""


def chosen(random: Random, draft: Draft) -> Definition:
    """A name of the catalogue that may be legal here; each purpose is as likely as the others."""
    if random.random() < (0.3, 0.15, 0)[draft.depth]:
        classes = sorted({each.cls for each in COMBINATORS}, key=lambda cls: cls.__name__)
        taken = random.choice(classes)
        return random.choice([each for each in COMBINATORS if each.cls is taken])
    rank = len(draft.type) if type(draft.type) is tuple else 3
    groups = layers_on(random.choice(RANKS[rank]))
    while True:
        definition = random.choice(random.choice(random.choice(groups)))
        # Losses mostly stand on top of a network.
        if definition.cls.category is not Category.LOSS or random.random() < 0.2:
            return definition


# ---- arguments ----

FLOATS = (0.0, 1e-5, 1e-3, 0.01, 0.1, 0.25, 0.5, 0.9, 1.0, 2.0)
COUNTS = (1, 2, 2, 3, 3, 4, 4, 5, 6, 8)
SIZES = range(4, 14)


def value(random: Random, argument: Argument, draft: Draft | None) -> str | None:
    """The text of an argument; ``None`` where the network has nothing that it could be."""
    kind = argument.type
    parts = typing.get_args(kind)
    if kind is bool:
        return random.choice(("true", "false"))
    if kind is int:
        low = -1 if argument.minimum is None else int(argument.minimum)
        likely = [*COUNTS, low, *sizes_of(draft)] if draft else SIZES
        return str(max(low, random.choice(likely)))
    if kind is float:
        low = -2.0 if argument.minimum is None else argument.minimum
        high = 2.0 if argument.maximum is None else argument.maximum
        return repr(random.choice([each for each in FLOATS if low <= each <= high]))
    if kind is Scheme:
        return random.choice(sorted(SCHEMES))
    if kind is Pixels:
        return random.choice(INPUT_PIXELS)
    if draft is None:
        return None
    if kind is Tag:
        return random.choice(draft.tags) if draft.tags else None
    if kind is Label:
        return random.choice([*LABELS, *draft.labels * 3])
    if kind is Block:
        return composed(chain(random, draft)[0])
    if parts and parts[-1] is Ellipsis:
        return several(random, argument._replace(type=parts[0]), draft)
    return None


def sizes_of(draft: Draft) -> tuple[int, ...]:
    """Sizes of the current tensor, which are likely to be legal as numbers of something."""
    if type(draft.type) is not tuple:
        return ()
    return tuple(size for size in draft.type if size)


def several(random: Random, argument: Argument, draft: Draft) -> str | None:
    """Any number of arguments of one type."""
    count = random.randint(1, 4)
    if argument.type is Block:
        return ",".join(map(composed, side_by_side(random, count, draft)))
    if argument.type == tuple[str, Block]:
        heads = [composed(chain(random, draft)[0]) for _ in range(count)]
        return ",".join(f"{name}={head}" for name, head in zip("wxyz", heads, strict=False))
    if argument.type is Label:
        return ",".join(random.sample(draft.labels, min(count, len(draft.labels))))
    each = [value(random, argument, draft) for _ in range(count)]
    return None if None in each else ",".join(map(str, each))


def side_by_side(random: Random, count: int, draft: Draft) -> Iterator[list[str]]:
    """The parts of blocks, which mostly give maps of the first one's height and width."""
    like: EdgeType = ()
    for _ in range(count):
        parts, end = chain(random, draft)
        if type(like) is tuple and len(like) == 3 and type(end.type) is tuple:
            parts = fit(parts, end, (end.type[0], *like[1:])) or parts
        yield parts
        like = like or end.type


def part(random: Random, definition: Definition, draft: Draft | None) -> str | None:
    """A layer or a combinator with its arguments and without its subnet."""
    given = []
    by_place = True
    for argument in definition.arguments:
        # All sizes of an input are told: there is no --input.
        often = 1.0 if draft is None and argument.type is int else 0.4
        if not argument.required and random.random() > often:
            by_place = False
            continue
        text = value(random, argument, draft)
        if text is None:
            return None
        given.append(text if by_place and argument.positional else f"{argument.name}={text}")
    return f"{definition.name}<{','.join(given)}>" if given else definition.name


# ---- blocks ----


def grown(random: Random, draft: Draft) -> tuple[str, Draft] | None:
    """One more layer or combinator on a network, and the network with it."""
    inside = replace(draft, depth=draft.depth + 1)
    for _ in range(TRIES):
        definition = chosen(random, draft)
        again = definition.arguments and issubclass(definition.cls, Layer)
        for _ in range(TRIES if again else 1):
            text = part(random, definition, inside)
            made = None if text is None else draft.under(text)
            if text is not None and made is not None:
                return text, made
    return None


def chain(random: Random, draft: Draft) -> tuple[list[str], Draft]:
    """Parts of a block that may follow a network, the innermost first, and the network with them.

    In half of the cases they keep the shape; in some they give one number for each channel, as
    gates do.
    """
    parts: list[str] = []
    end = draft
    for _ in range(random.randint(1, 3)):
        more = grown(random, end)
        if more is not None:
            parts.append(more[0])
            end = more[1]
    target = draft.type
    wish = random.random()
    if type(target) is tuple and type(end.type) is tuple and wish < 0.7:
        if wish < 0.15 and len(target) == 3:
            target = (target[0], 1, 1)
        parts = fit(parts, end, target) or parts
    parts = parts or ["identity"]
    return parts, draft.under(*parts) or end


def fit(parts: list[str], end: Draft, target: tuple[int | None, ...]) -> list[str] | None:
    """The parts with more of them, so that the shape is ``target``; ``None`` where none does it."""
    if end.type == target:
        return parts
    channels, *rest = target
    size = ",".join(map(str, rest))
    ways: tuple[tuple[str, ...], ...] = (
        (f"con<{channels},1,1>",),
        (f"resize_to<{size}>",),
        (f"con<{channels},1,1>", f"resize_to<{size}>"),
        (f"con<{channels},1,1>", f"adaptive_avg_pool<{size}>"),
    )
    if len(target) < 3:
        ways = (("flatten", f"fc<{channels}>"), (f"linear<{size}>",))
    for way in ways:
        made = end.under(*way)
        if made is not None and made.type == target:
            return [*parts, *way]
    return None


def composed(parts: list[str]) -> str:
    """One block of several parts."""
    return parts[0] if len(parts) == 1 else f"compose<{','.join(reversed(parts))}>"


def marked(random: Random, draft: Draft) -> Draft | None:
    """A mark, a block, and what refers to the mark."""
    mark = random.choice(list(MARKS))
    start = draft.under(mark)
    if start is None:
        return None
    _, end = chain(random, replace(start, depth=1))
    for _ in range(2 * TRIES):
        text = part(random, random.choice(MARKS[mark]), end)
        made = None if text is None else end.under(text)
        if made is not None:
            return made
    return None


def named(random: Random, draft: Draft) -> Draft | None:
    """A block that has a name, and is used once or several times."""
    inner = composed(chain(random, replace(draft, depth=1))[0])
    name = f"unit{draft.head.count('using') + 1}"
    head = f"template <typename SUBNET> using {name} = compose<{inner},SUBNET>;\n"
    if random.random() < 0.5:
        head = f"using {name} = compose<{inner},identity>;\n"
    made = replace(draft, head=draft.head + head)
    for _ in range(random.randint(1, 3)):
        made = made.under(name) or made
    return made


def network_of(seed: int, layers: int) -> str:
    """The text of a network; with fewer layers the same seed gives the first ones of them."""
    random = Random(seed)
    draft = None
    while draft is None:
        text = part(random, random.choice(INPUTS), None)
        draft = None if text is None else drafted("", text)
    if random.random() < 0.2:
        draft = draft.under("tokens") or draft
    whole = draft
    for _ in range(layers):
        how = random.random()
        more: Draft | None
        if how < 0.15:
            more = marked(random, draft)
        elif how < 0.25:
            more = named(random, draft)
        else:
            found = grown(random, draft)
            more = None if found is None else found[1]
        draft = more or draft
        for each in (draft, draft.under("select<0>")):
            if each is not None and each.gives_tensors:
                whole = each
                break
    return whole.whole


def networks(layers: int = 8) -> st.SearchStrategy[str]:
    """Texts of networks whose input is one tensor.

    Chance comes from a seed, and not from hypothesis draw by draw: hypothesis would repeat its
    draws, and the networks with them, nearly all the time. It shrinks to the first layers.
    """
    seeds = st.integers(0, 2**23)
    return st.builds(network_of, seeds, st.integers(1, layers))
