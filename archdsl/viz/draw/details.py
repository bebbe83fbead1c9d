"""The inside of closed blocks, drawn once for all that are built alike.

Papers draw a network so: an overview of its stages, and beside it each kind of block with its
branches or its shortcut, in which ``N`` stands for what differs between the stages (He et al. 2015,
figure 5; Szegedy et al. 2014, figure 2b).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from string import ascii_uppercase

from archdsl.ir.layer import Category
from archdsl.ir.network import Network, Scope
from archdsl.viz.draw.boxes import Describer
from archdsl.viz.draw.clusters import ClusterTree
from archdsl.viz.draw.collapse import Collapsed, closed_below, put_together
from archdsl.viz.draw.dense import abridged
from archdsl.viz.draw.diagram import Beside, Box, Cluster, Detail, Edge, End
from archdsl.viz.draw.fusion import Fused, boxes_by_scope, drawn_outputs
from archdsl.viz.draw.looks import Looks
from archdsl.viz.draw.repeats import NOTHING_FOLDED, Folding, folded
from archdsl.viz.draw.symbols import NO_SYMBOLS, Symbols
from archdsl.viz.draw.words import MOST_NAMED

_MOST_BOXES = 14
"""Of a detail; with more of them its own blocks are closed, and are details in turn."""
_MOST_DETAILS = 8
_FEW_WAYS = 2
"""Tensors in use at a time, at most, of a block with one way and a shortcut."""


@dataclass(frozen=True, eq=False)
class _Opened:
    """A closed block with what is inside, as it is drawn."""

    scope: Scope
    depth: int
    """Levels of templates that are open inside."""
    inner: tuple[Scope, ...]
    entries: tuple[str, ...]
    """The boxes around the block that it takes something from."""
    visible: Mapping[str, Fused]
    """Those, and the boxes inside."""
    folding: Folding
    leaving: tuple[str, ...]
    """The boxes inside whose outputs others take."""
    dense: Mapping[str, int]
    """The number of layers of dense blocks, by the box at their end."""
    alike: Mapping[str, list[Fused]]
    """The boxes inside that are not drawn, by the one that stands for them."""

    @cached_property
    def heads(self) -> list[str]:
        return list(self.visible)

    def chain(self, place: int) -> list[Scope]:
        """The scopes around a box, from below the block inwards."""
        line: list[Scope] = []
        scope: Scope | None = self.visible[self.heads[place]].scope
        while scope is not None and scope is not self.scope:
            line.append(scope)
            scope = scope.parent
        return line[::-1]

    @cached_property
    def branching(self) -> bool:
        """True if several ways, more than one and a shortcut, are put one behind the other."""
        layers = (each for group in self.visible.values() for each in group.layers)
        if not any(each.layer.concatenates for each in layers):
            return False  # a gate beside a shortcut is no further way
        last: dict[str, int] = {}
        """The place of the last reader of each box."""
        for place, group in enumerate(self.visible.values()):
            last.update((self.folding.shown(source), place) for source in group.sources)
        entered = max((last[head] for head in self.entries if head in last), default=0)
        waiting: list[int] = [entered]  # what enters it is no branch
        for place, head in enumerate(self.visible):
            waiting = [reader for reader in waiting if reader > place]
            waiting += [last[head]] if head in last and head not in self.entries else []
            if len(waiting) > _FEW_WAYS:
                return True
        return False

    @cached_property
    def plan(self) -> tuple[object, ...]:
        """Layers and lines, without numbers: equal for blocks that are built alike."""
        places = {head: at for at, head in enumerate(self.heads)}
        parts: list[object] = [self.scope.template, len(self.entries)]
        for head, group in self.visible.items():
            if head in self.entries:
                continue
            if isinstance(group, Collapsed):
                parts.append(group.scope.template)
            else:
                parts.append(tuple(type(layer.layer) for layer in group.layers))
            chain = self.chain(places[head])
            parts.append(tuple((each.template, each in self.folding.times) for each in chain))
            parts.append(tuple(places[self.folding.shown(source)] for source in group.sources))
        for head, period in self.folding.periods.items():
            parts.append((places[head], len(period.heads)))
        parts.append(tuple(places[head] for head in self.dense))
        return (*parts, *(places[head] for head in self.leaving))


@dataclass(eq=False)
class Kind:
    """Closed blocks that are built alike, and the letter of their detail."""

    letter: str
    opened: list[_Opened]
    plan: tuple[object, ...]
    known: set[int | None] = field(default_factory=set)

    @cached_property
    def symbols(self) -> Symbols:
        """Their parameters; asked for when all blocks are known."""
        return Symbols([dict(each.scope.numbers) for each in self.opened])

    @property
    def title(self) -> str:
        names = ", ".join(self.symbols.names)
        template = f"{self.letter} · {self.opened[0].scope.template}"
        return f"{template}({names})" if names else template


@dataclass(frozen=True, eq=False)
class Panel:
    """A detail under construction: its boxes may still lose what the legend tells."""

    kind: Kind
    tree: ClusterTree
    boxes: Mapping[str, Box]
    ends: list[End]
    edges: tuple[Edge, ...]

    def detail(self, boxes: Mapping[str, Box]) -> Detail:
        """The detail with its boxes by their final names."""
        letter = self.kind.letter
        root = self.tree.root({head: boxes[box.id] for head, box in self.boxes.items()}, self.ends)
        return Detail(letter, self.kind.title, _named(root, letter), self.edges)


class DetailFinder:
    """Finds the details of a figure, one for each kind of closed block."""

    def __init__(
        self,
        network: Network,
        groups: Mapping[str, Fused],
        describer: Describer,
        looks: Looks | None,  # None: nothing is folded
    ) -> None:
        self._network = network
        # As where blocks are closed: an activation right behind a block is part of it.
        self._groups = {h: replace(group, scope=group.head.scope) for h, group in groups.items()}
        self._describer = describer
        self._looks = looks
        self._inside = boxes_by_scope(self._groups)
        self._children: dict[Scope, list[Scope]] = {}
        for scope in network.scopes[1:]:
            assert scope.parent is not None
            self._children.setdefault(scope.parent, []).append(scope)
        self._known: dict[tuple[Scope, int, bool], _Opened] = {}
        self._depths: dict[str | None, int | None] = {}
        self._readers: dict[str, list[str]] = {head: [] for head in groups}
        for head, group in groups.items():
            for source in group.sources:
                self._readers[source].append(head)
        outputs = set(drawn_outputs(network).values())
        self._outputs = {
            head for head, group in groups.items() if outputs & {each.path for each in group.layers}
        }

    def kinds(
        self, visible: Mapping[str, Fused], uses: Mapping[str, int], beside: Beside
    ) -> dict[Scope, Kind]:
        """The kinds of closed blocks, and of those that are closed inside them, by scope.

        ``uses`` are the times that each box stands for. None at all where there are too many kinds
        for one figure.
        """
        closed = {head: group for head, group in visible.items() if isinstance(group, Collapsed)}
        total = Counter[str | None]()
        for head, group in closed.items():
            total[group.scope.template] += uses[head]
        waiting = [
            g.scope
            for g in closed.values()
            if not beside.repeated or total[g.scope.template] > 1 or self._branching(g.scope)
        ]
        made: list[Kind] = []
        found: dict[Scope, Kind] = {}
        for scope in waiting:  # which grows
            depth = self._depth(scope)
            if depth is None:
                continue
            opened = self._opened(scope, depth)
            kind = next((k for k in made if self._takes(k, opened)), None)
            if kind is None:
                if len(made) == (_MOST_DETAILS if beside.most is None else len(ascii_uppercase)):
                    return {}
                kind = Kind(ascii_uppercase[len(made)], [], opened.plan)
                made.append(kind)
            found[scope] = kind
            if scope.blocks not in kind.known:
                kind.known.add(scope.blocks)
                folded_alike = kind.plan == opened.plan
                kind.opened.append(opened if folded_alike else self._opened(scope, depth, False))
                waiting += [g.scope for g in opened.visible.values() if isinstance(g, Collapsed)]
        return found if beside.most is None else self._foremost(found, closed, uses, beside.most)

    def _foremost(
        self,
        kinds: Mapping[Scope, Kind],
        closed: Mapping[str, Collapsed],
        uses: Mapping[str, int],
        most: int,
    ) -> dict[Scope, Kind]:
        """The kinds that a reader misses most, with new letters."""
        rank: dict[Kind, tuple[bool, bool, int]] = {}
        for head, group in closed.items():
            if group.scope in kinds:
                kind = kinds[group.scope]
                making = self._describer.category(group) is Category.DETECTION
                times = rank[kind][-1] if kind in rank else 0
                rank[kind] = making, kind.opened[0].branching, times + uses[head]
        chosen = sorted(rank, key=lambda kind: rank[kind], reverse=True)[:most]
        letters = iter(ascii_uppercase)
        for kind in rank:
            if kind in chosen:
                kind.letter = next(letters)
        return {scope: kind for scope, kind in kinds.items() if kind in chosen}

    def _takes(self, kind: Kind, opened: _Opened) -> bool:
        """True if a block is of a kind, which may draw what it repeats one by one for that.

        Two layers of equal numbers in one block of a kind are none in another.
        """
        if kind.plan == opened.plan:
            return True
        first = kind.opened[0]
        if first.scope.template != opened.scope.template:
            return False
        plain = self._opened(opened.scope, opened.depth, False).plan
        if kind.plan == plain:
            return True
        every = [self._opened(each.scope, each.depth, False) for each in kind.opened]
        if any(each.plan != plain for each in every):
            return False
        kind.opened, kind.plan = every, plain
        return True

    def extend(self, kind: Kind, scopes: Iterable[Scope]) -> None:
        """Count blocks among a kind that a drawing folds into one of it."""
        for scope in scopes:
            if scope.blocks not in kind.known:
                kind.known.add(scope.blocks)
                depth = kind.opened[0].depth
                both = (self._opened(scope, depth, fold) for fold in (True, False))
                kind.opened += [opened for opened in both if opened.plan == kind.plan][:1]

    def panels(self, kinds: Mapping[Scope, Kind]) -> list[Panel]:
        """The details of kinds, in the order of their letters.

        Each is titled by the parameters that its texts name, of which closed blocks inside are
        given those that theirs name in turn.
        """
        every = list(dict.fromkeys(kinds.values()))
        known: list[tuple[str, ...]] | None = None
        while True:
            panels = [self._panel(kind, kinds) for kind in every]
            if known == (known := [kind.symbols.names for kind in every]):
                return panels

    def _panel(self, kind: Kind, kinds: Mapping[Scope, Kind]) -> Panel:
        """The detail of a kind, whose closed blocks have the letters of theirs."""
        first = kind.opened[0]
        times: dict[Scope | str, str] = {
            scope: self._times(kind, at, depth)
            for at, head in enumerate(first.heads)
            if head not in first.entries
            for depth, scope in enumerate(first.chain(at))
            if scope in first.folding.times
        }
        for at, head in enumerate(first.heads):
            if head in first.folding.periods:
                counts = [each.folding.periods[each.heads[at]].times for each in kind.opened]
                times[head] = kind.symbols.number(counts)
        tree = ClusterTree(first.scope, first.inner, first.visible, first.folding, times)
        boxes = {
            head: self._box(kind, kinds, at, tree, times) for at, head in enumerate(first.heads)
        }
        letter = kind.letter
        ends = [End(f"out{at}", head, "out") for at, head in enumerate(reversed(first.leaving))]
        edges = tuple(
            Edge(f"{letter}/{first.folding.shown(source)}", f"{letter}/{head}")
            for head, group in first.visible.items()
            for source in dict.fromkeys(group.sources)
        )
        return Panel(kind, tree, boxes, ends, edges)

    def _times(self, kind: Kind, at: int, depth: int) -> str:
        """The number of repetitions of a block inside, in terms of the parameters."""
        counts = [each.folding.times[each.chain(at)[depth]] for each in kind.opened]
        return kind.symbols.number(counts)

    def _box(
        self,
        kind: Kind,
        kinds: Mapping[Scope, Kind],
        at: int,
        tree: ClusterTree,
        times: Mapping[Scope | str, str],
    ) -> Box:
        first, symbols = kind.opened[0], kind.symbols
        head = first.heads[at]
        groups = [each.visible[each.heads[at]] for each in kind.opened]
        box = self._describer.box(groups[0], tree.repeated.get(head, 1))
        shown = times.get(tree.repeating[head], "") if head in tree.repeating else ""
        box = replace(box, id=f"{kind.letter}/{head}", times_shown=shown)
        if head in first.entries:
            number = first.entries.index(head)
            words = f"in {number + 1}" if len(first.entries) > 1 else "in"
            return replace(box, title=words, details=(), category=Category.INPUT, block=False)
        if isinstance(groups[0], Collapsed):
            inner = kinds.get(groups[0].scope)
            if inner is None:
                return box
            numbers = [dict(group.scope.numbers) for group in groups]
            values = {n: symbols.number([own[n] for own in numbers]) for n in inner.symbols.names}
            return replace(
                box, title=self._heading(inner), details=_arguments(values), arguments=()
            )
        if head in first.dense:
            count = symbols.number([each.dense[each.heads[at]] for each in kind.opened])
            return replace(box, details=(*box.details, f"of {count} layers"))
        heading, *details = self._labels(kind, at)
        return replace(box, title=heading, details=tuple(details))

    def _labels(self, kind: Kind, at: int) -> list[str]:
        """The text of each layer of a box of a detail, for all blocks of its kind."""
        drawn = [each.visible[each.heads[at]] for each in kind.opened]
        alike = [
            [group, *each.alike.get(each.heads[at], ())]
            for group, each in zip(drawn, kind.opened, strict=True)
        ]
        varying = any(
            len({tuple(map(self._network.label, group.layers)) for group in groups}) > 1
            for groups in alike
        )
        if varying:  # within one block, which no parameter of that can tell
            return self._describer.labels([g for groups in alike for g in groups], NO_SYMBOLS)
        return self._describer.labels(drawn, kind.symbols)

    def closed_box(self, box: Box, kind: Kind, group: Fused, beside: Beside) -> Box:
        """The box of a closed block whose inside a detail shows: only what differs is told."""
        own = dict(group.scope.numbers)
        values = {name: str(own[name]) for name in kind.symbols.names}
        told = beside.told(box.details)
        return replace(
            box, title=self._heading(kind), details=(*_arguments(values), *told), arguments=()
        )

    def _heading(self, kind: Kind) -> str:
        return f"{kind.letter} · {kind.opened[0].scope.template}"

    # ---- the inside ----

    def _branching(self, scope: Scope) -> bool:
        depth = self._depth(scope)
        return depth is not None and self._opened(scope, depth).branching

    def _depth(self, scope: Scope) -> int | None:
        """The most levels of templates that a detail holds; ``None`` if it does not hold one.

        They are those of the first block of its template.
        """
        if scope.template not in self._depths:
            self._depths[scope.template] = self._deepest(scope)
        return self._depths[scope.template]

    def _deepest(self, scope: Scope) -> int | None:
        levels = {scope: 0}
        for inner in self._below(scope):
            assert inner.parent is not None
            levels[inner] = levels[inner.parent] + (inner.template is not None)
        deepest = max(levels.values()) + 1
        for depth in range(deepest, 0, -1):
            if len(self._opened(scope, depth).visible) <= _MOST_BOXES:
                return depth
        return None

    def _below(self, scope: Scope) -> tuple[Scope, ...]:
        """All scopes inside, outer ones before inner ones."""
        found: list[Scope] = []
        waiting = [scope]
        while waiting:
            found.append(waiting.pop())
            waiting += reversed(self._children.get(found[-1], ()))
        return tuple(found[1:])

    def _opened(self, scope: Scope, depth: int, fold: bool = True) -> _Opened:
        if (scope, depth, fold) not in self._known:
            self._known[scope, depth, fold] = self._open(scope, depth, fold)
        return self._known[scope, depth, fold]

    def _open(self, scope: Scope, depth: int, fold: bool) -> _Opened:
        members = self._inside[scope]
        own = set(members)
        sources = (s for head in members for s in self._groups[head].sources if s not in own)
        entries = tuple(dict.fromkeys(sources))
        groups = {
            head: replace(self._groups[head], scope=scope, sources=()) for head in entries
        } | {head: self._groups[head] for head in members}
        inner = self._below(scope)
        together = put_together(groups, closed_below(inner, scope, depth))
        shorter, dense, left_out = abridged(together)
        folding = NOTHING_FOLDED
        if fold and self._looks is not None and not dense:
            inside = boxes_by_scope(together)
            folding = folded(self._network, together, inside, self._looks, scope)
        visible = {h: group for h, group in shorter.items() if h not in folding.stands_for}
        heads = {
            layer.path: folding.shown(head)
            for head, group in together.items()
            for layer in group.layers
        }
        leaving = (
            heads[head]
            for head in members
            if head in self._outputs or any(reader not in own for reader in self._readers[head])
        )
        gone = tuple(dict.fromkeys(head for head in leaving if head not in left_out))
        alike = {head: [together[o] for o in others] for head, others in folding.alike.items()}
        return _Opened(scope, depth, inner, entries, visible, folding, gone, dense, alike)


def _arguments(values: Mapping[str, str]) -> tuple[str, ...]:
    """A line of arguments, if there are any; many in the order in which the detail names them."""
    if len(values) > MOST_NAMED:
        return (", ".join(values.values()),)
    words = ", ".join(f"{name} = {value}" for name, value in values.items())
    return (words,) if words else ()


def _named(root: Cluster, letter: str) -> Cluster:
    """A cluster that has, with its ends, names of its own on the page."""
    made: dict[int, Cluster] = {}
    inner = [part for part in root.walk() if isinstance(part, Cluster)]
    for cluster in reversed([root, *inner]):
        children = tuple(
            made[id(part)]
            if isinstance(part, Cluster)
            else replace(part, id=f"{letter}/{part.id}", source=f"{letter}/{part.source}")
            if isinstance(part, End)
            else part
            for part in cluster.children
        )
        made[id(cluster)] = replace(cluster, id=f"{letter}/{cluster.id}", children=children)
    return made[id(root)]
