"""Text of a box: the layers that share it, or a template instance with its cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from archdsl.analysis.cost import Row, Summary
from archdsl.ir.edges import EdgeType, FeatureMaps, Images, total
from archdsl.ir.layer import Category, elements, shown
from archdsl.ir.network import Network
from archdsl.viz.draw.collapse import Collapsed
from archdsl.viz.draw.diagram import Box, BoxCosts, LegendEntry
from archdsl.viz.draw.fusion import Fused
from archdsl.viz.draw.staging import maker
from archdsl.viz.draw.symbols import NO_SYMBOLS, Symbols
from archdsl.viz.draw.words import giga, heading, named_arguments

_BYTES = 4
"""Bytes of a 32-bit float."""

_USUAL = 0.6, 3
"""Share and number of a category's boxes with equal text, from which on the legend says it once."""


class Describer:
    """Makes the boxes of a network."""

    def __init__(self, network: Network, summary: Summary) -> None:
        self._network = network
        self._rows: Mapping[str, Row] = {row.path: row for row in summary.rows}

    def box(self, group: Fused, times: int, others: Iterable[Fused] = ()) -> Box:
        """The box of a group that stands for ``times`` equal ones, such as ``others``.

        Numbers in which these differ, such as rates of dropout, are a range.
        """
        facts = self._facts(group)
        shape = shown(group.shape)
        alike = [group, *others]
        if isinstance(group, Collapsed):
            scopes = [each.scope for each in alike]
            title, details = heading(*scopes), _costs(shape, facts, times)
            arguments = named_arguments(*scopes)
            kind = group.scope.template or ""
        else:
            title, *rest = self.labels(alike, NO_SYMBOLS)
            details, arguments = tuple(rest), ()
            kind = group.head.layer.kind
        return Box(
            group.head.path,
            title,
            details,
            self.category(group),
            times,
            self._frozen(group),
            isinstance(group, Collapsed),
            group.scope.path,
            shape,
            facts,
            not group.head.layer.concatenates,
            arguments=arguments,
            kind=kind,
        )

    def labels(self, alike: Iterable[Fused], symbols: Symbols) -> list[str]:
        """The text of each layer of groups that look alike."""
        each = [[self._network.label(layer) for layer in group.layers] for group in alike]
        return [symbols.words(labels) for labels in zip(*each, strict=True)]

    def category(self, group: Fused) -> Category:
        """A block is coloured by what it makes of tensors, or by the layer with most to do."""
        if not isinstance(group, Collapsed):
            return group.head.layer.category

        making = maker(self._network, group.layers)
        if making is not None:
            return making.layer.category

        def cost(path: str) -> tuple[int, int]:
            return self._rows[path].macs or 0, self._rows[path].parameters

        return max(group.layers, key=lambda layer: cost(layer.path)).layer.category

    def _facts(self, group: Fused) -> BoxCosts:
        rows = [self._rows[layer.path] for layer in group.layers]
        sizes = [_size(row.shape) for row in rows]
        return BoxCosts(
            sum(row.parameters for row in rows),
            total(row.macs for row in rows),
            None if None in sizes else _BYTES * sum(size for size in sizes if size),
            max(rows[-1].receptive_field),
        )

    def _frozen(self, group: Fused) -> bool:
        return any(
            layer.frozen and layer.layer.edge_parameters(self._network.input_shapes(layer))
            for layer in group.layers
        )


def _costs(shape: str, facts: BoxCosts, times: int) -> tuple[str, ...]:
    costs = []
    if facts.parameters:
        costs.append(f"{giga(facts.parameters)} params")
    if facts.macs:
        costs.append(f"{giga(facts.macs)} MACs")
    each = "each " if times > 1 and costs else ""
    return (shape, each + ", ".join(costs)) if costs else (shape,)


def _size(edge: EdgeType) -> int | None:
    if isinstance(edge, FeatureMaps):
        sizes = [elements(shape) for shape in edge.shapes]
        return None if None in sizes else sum(size for size in sizes if size)
    if isinstance(edge, Images):
        return elements(edge.shape)
    return elements(edge) if isinstance(edge, tuple) else None


def brief(boxes: Iterable[Box]) -> tuple[dict[str, Box], list[LegendEntry]]:
    """The boxes by name without what is usual for their category, and the legend that tells it.

    A box that lacks what is usual says so.
    """
    boxes = list(boxes)
    plain = [box for box in boxes if not box.block]
    usual = {
        category: _usual(box for box in plain if box.category is category) for category in Category
    }
    shorter = {box.id: box if box.block else _shortened(box, usual[box.category]) for box in boxes}
    entries = [
        LegendEntry(category, " + ".join((category.value, *usual[category])))
        for category in Category
        if any(box.category is category for box in boxes)
    ]
    return shorter, entries


def _usual(boxes: Iterable[Box]) -> tuple[str, ...]:
    """The longest beginning of details that enough boxes of a category share."""
    share, least = _USUAL
    boxes = list(boxes)
    begins = Counter(box.details[:n] for box in boxes for n in range(1, len(box.details) + 1))
    enough = [words for words, times in begins.items() if times >= max(least, share * len(boxes))]
    return max(enough, key=len, default=())


def _shortened(box: Box, usual: tuple[str, ...]) -> Box:
    said = box.details[: len(usual)]
    if said == usual:
        return replace(box, details=box.details[len(usual) :])
    if said == box.details and said == usual[: len(said)]:
        return replace(box, details=tuple(f"no {word}" for word in usual[len(said) :]))
    return box
