"""The regions around the layers of a network, which become blocks of its figure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cache

from archdsl.ir.network import Network, Scope, Turn
from archdsl.viz.draw.words import title


@dataclass(frozen=True, eq=False)
class Part:
    """A region of a network as it stands around layers; each is one object."""

    place: Scope | Turn

    @property
    def template(self) -> str | None:
        """Name of the template that it is an instance of."""
        return self.place.region.template

    @property
    def kind(self) -> Hashable:
        """Equal for parts that are the same block to a reader; ``None`` for what is no block.

        A block is an instance of a template, whatever its arguments are, or what is repeated.
        """
        return self.template or (self.place.region if isinstance(self.place, Turn) else None)

    @property
    def name(self) -> str:
        """Its template's name, or what is in it."""
        return self.template or self.place.title

    @property
    def title(self) -> str:
        """Its template with arguments, and the name that a combinator gave it."""
        return title(self.place) if isinstance(self.place, Scope) else self.place.title


def parts_around(network: Network) -> dict[str, tuple[Part, ...]]:
    """The parts that each layer is in, by its path, the innermost first."""
    turns: defaultdict[int, list[Turn]] = defaultdict(list)
    for turn in network.turns:  # outer ones before inner ones
        for place in turn.layers:
            turns[place].append(turn)
    part = cache(Part)
    found: dict[str, tuple[Part, ...]] = {}
    for place, instance in enumerate(network.instances()):
        scope: Scope | None = instance.scope
        parts: list[Part] = []
        while scope is not None:
            parts += [part(turn) for turn in reversed(turns[place]) if turn.scope is scope]
            parts.append(part(scope))
            scope = scope.parent
        found[instance.path] = tuple(parts)
    return found


def common(lines: Sequence[tuple[Part, ...]]) -> tuple[Part, ...]:
    """The parts that are in all of these."""
    shared = set(lines[0]).intersection(*lines[1:])
    return tuple(part for part in lines[0] if part in shared)
