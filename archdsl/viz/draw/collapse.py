"""Closed template instances, each drawn as one box."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from archdsl.diagnostics import fail, nearest
from archdsl.ir.network import Network, Scope
from archdsl.viz.draw.fusion import Fused, boxes_by_scope
from archdsl.viz.draw.staging import Stages, staging

_AROUND_A_SINGLE_BLOCK = 2
"""Boxes beside a block that is all the rest of a network: its input and its last layer."""

_NAMES_TOLD = 8


@dataclass(frozen=True, eq=False)
class Collapsed(Fused):
    """All layers of a template instance, drawn as one; ``scope`` is the instance."""


@dataclass(frozen=True)
class Levels:
    """Selection of the template instances that are closed, drawn as one box each.

    Those ``depth`` levels down (``None``: none), the network itself being the first level. Patterns
    of ``expand`` and ``collapse``, as of file names, are held against an instance's path, the last
    part of that, and its template's name. What is expanded shows its own next level; so does
    everything around it.
    """

    depth: int | None = None
    nested: bool = True
    """True if a template within itself, as the levels of a U-Net, is open with the outer one."""
    stages: Stages = "none"
    expand: tuple[str, ...] = ()
    collapse: tuple[str, ...] = ()


def levels_of(network: Network, groups: Mapping[str, Fused]) -> int:
    """Number of levels of template instances; at this depth none is closed."""
    counter = _Counter(boxes_by_scope(groups), len(groups))
    return max(counter.level(scope) for scope in network.scopes)


def collapsed(network: Network, groups: Mapping[str, Fused], levels: Levels) -> dict[str, Fused]:
    """The groups with those of each closed template instance put together.

    An instance that is one box anyway stays that box. An activation right behind an instance goes
    with it, as it goes with a convolution. Raises ArchError where a pattern fits nothing.
    """
    return put_together(groups, _closed_scopes(network, groups, levels))


def closed_below(scopes: Iterable[Scope], outer: Scope, depth: int) -> dict[Scope, Scope]:
    """Every scope inside another that is hidden if templates ``depth`` levels down are closed."""
    levels = {outer: 0}
    closed: dict[Scope, Scope] = {}
    for scope in scopes:
        if scope.parent in closed:
            closed[scope] = closed[scope.parent]
        elif scope.parent in levels:
            levels[scope] = levels[scope.parent] + (scope.template is not None)
            if levels[scope] >= depth and scope.template is not None:
                closed[scope] = scope
    return closed


def put_together(groups: Mapping[str, Fused], closed: Mapping[Scope, Scope]) -> dict[str, Fused]:
    """The groups, those in a closed scope as one; ``closed`` gives the scope that stands for it."""
    shown_as: dict[str, str] = {}
    first: dict[Scope, str] = {}
    members: dict[str, list[Fused]] = {}
    for path, group in groups.items():
        scope = closed.get(group.head.scope)
        head = path if scope is None else first.setdefault(scope, path)
        shown_as[path] = head
        members.setdefault(head, []).append(group)
    put_together: dict[str, Fused] = {}
    for head, parts in members.items():
        sources = tuple(
            dict.fromkeys(
                shown_as[source]
                for part in parts
                for source in part.sources
                if shown_as[source] != head
            )
        )
        layers = tuple(layer for part in parts for layer in part.layers)
        # What comes out is the last that was made: tensors that leave earlier are side outputs.
        shape = parts[-1].shape
        scope = closed.get(parts[0].head.scope)
        if scope is None or len(parts) == 1:
            put_together[head] = Fused(layers, parts[0].scope, sources, shape)
        else:
            put_together[head] = Collapsed(layers, scope, sources, shape)
    return put_together


class _Counter:
    """The level of every scope, found from outer ones to inner ones."""

    def __init__(self, inside: Mapping[Scope, list[str]], boxes: int, nested: bool = True) -> None:
        self._inside, self._nested = inside, nested
        self._enough = boxes - _AROUND_A_SINGLE_BLOCK
        self._level: dict[Scope, int] = {}
        self._template: dict[Scope, str | None] = {}

    def level(self, scope: Scope) -> int:
        outer = scope.parent
        if outer is None:
            self._level[scope], self._template[scope] = 0, None
        else:
            # A block that is nearly the whole network shows nothing as one box; and a template
            # within itself is no level further down: so are all the levels of a U-Net drawn.
            counts = (
                scope.template is not None
                and (not self._nested or scope.template != self._template[outer])
                and len(self._inside.get(scope, ())) < self._enough
            )
            self._level[scope] = self._level[outer] + counts
            self._template[scope] = scope.template or self._template[outer]
        return self._level[scope]

    def restart(self, scope: Scope, level: int) -> None:
        self._level[scope] = level


def _closed_scopes(
    network: Network, groups: Mapping[str, Fused], levels: Levels
) -> dict[Scope, Scope]:
    """Every scope that is hidden in a box, and the instance that this box stands for."""
    counter = _Counter(boxes_by_scope(groups), len(groups), levels.nested)
    expanded = _matching(network, levels.expand, "--expand")
    collapsed = _matching(network, levels.collapse, "--collapse")
    around = _around(expanded)
    if levels.stages != "none":
        around |= staging(network, levels.stages)
    closed: dict[Scope, Scope] = {}
    for scope in network.scopes:
        outer = scope.parent
        if outer is not None and outer in closed:
            closed[scope] = closed[outer]
            continue
        level = counter.level(scope)
        if scope in collapsed:
            closed[scope] = scope
        elif levels.depth is None:
            continue
        elif scope in expanded:
            counter.restart(scope, levels.depth - 1)
        elif level >= levels.depth and scope.template is not None and scope not in around:
            closed[scope] = scope
    return closed


def _matching(network: Network, patterns: Collection[str], option: str) -> set[Scope]:
    scopes = [scope for scope in network.scopes if scope.parent is not None]
    found: set[Scope] = set()
    for pattern in patterns:
        fitting = {
            scope
            for scope in scopes
            if any(fnmatchcase(name, pattern) for name in _spellings(scope))
        }
        if not fitting:
            raise fail(
                f"{option} {pattern}: no block is called like that", None, _others(pattern, scopes)
            )
        found |= fitting
    return found


def _spellings(scope: Scope) -> tuple[str, ...]:
    """The names that a block goes by: its path, the last part of that, its template."""
    return scope.path, scope.path.rpartition(".")[2], *filter(None, [scope.template])


def _others(pattern: str, scopes: Sequence[Scope]) -> str:
    """Help for a pattern that fits no block: similar names, or some that exist."""
    near = nearest(pattern, dict.fromkeys(n for scope in scopes for n in _spellings(scope)))
    names = dict.fromkeys(scope.template or scope.path for scope in scopes)
    if not names:
        return "this network has no blocks"
    some = ", ".join(list(names)[:_NAMES_TOLD])
    told = f"blocks here are {some}{', …' if len(names) > _NAMES_TOLD else ''}"
    return f"{near} {told}" if near else told


def _around(scopes: Collection[Scope]) -> set[Scope]:
    around: set[Scope] = set()
    for scope in scopes:
        outer = scope.parent
        while outer is not None and outer not in around:
            around.add(outer)
            outer = outer.parent
    return around
