"""The JSON document of a network, from which the page is drawn."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any

from archdsl.analysis.cost import Row, summarise
from archdsl.diagnostics.printable import printable
from archdsl.diagnostics.source import Source, Span
from archdsl.ir.edges import total
from archdsl.ir.layer import Category, shown
from archdsl.ir.network import LayerInstance, Network, Scope
from archdsl.viz.draw.figure import DetailPicture
from archdsl.viz.draw.fusion import Fused, drawn_outputs, fused
from archdsl.viz.draw.words import title
from archdsl.viz.html.tree import NodeKind, TreeNode, tree

_LONGEST_SOURCE = 200_000
"""Characters of a source that the page still quotes from."""

CATEGORIES = tuple(Category)


def document(
    network: Network,
    *,
    fold: bool = True,
    depth: int | None = None,
    details: Iterable[DetailPicture] = (),
) -> dict[str, Any]:
    """The network as the page's scripts read it.

    ``parts`` is the tree in preorder, ``parent`` an index into it; ``edges`` go from layer to
    layer, as indices of parts. ``fold`` and ``depth`` say how it is first shown.
    ``details`` are the insides of its blocks.
    """
    groups = fused(network)
    summary = summarise(network)
    facts = _PageFacts(network, {row.path: row for row in summary.rows})
    parts, place = _parts(tree(network, groups), facts)
    for name, path in network.outputs.items():
        shape = shown(network.shape(path))
        parts.append({"kind": "output", "parent": 0, "title": printable(name), "shape": shape})
    edges = _edges(groups, place)
    first_end = len(parts) - len(network.outputs)
    for end, path in enumerate(drawn_outputs(network).values(), first_end):
        edges.append((place[path], end))
    return {
        "name": printable(network.name),
        "start": {"fold": fold, "depth": depth},
        "totals": {
            "input": shown(summary.input),
            "layers": len(network.by_path),
            "params": summary.parameters,
            "trainable": summary.trainable,
            "macs": summary.macs,
        },
        "details": [
            {"title": printable(each.title), "svg": b64encode(each.svg.encode()).decode()}
            for each in details
        ],
        "categories": [category.value for category in CATEGORIES],
        "parts": parts,
        "edges": edges,
        "scopes": facts.scopes,
        "sources": facts.sources,
    }


class _PageFacts:
    """Facts of layers and scopes, in which sources and scopes are numbered and given once."""

    def __init__(self, network: Network, rows: Mapping[str, Row]) -> None:
        self._network = network
        self._rows = rows
        self.sources: list[dict[str, Any]] = []
        self._source: dict[Source, int] = {}
        self._scope: dict[Scope, int] = {}
        self.scopes: list[dict[str, Any]] = []
        for scope in network.scopes:
            self._scope[scope] = len(self.scopes)
            told: dict[str, Any] = {"title": printable(scope.title)}
            if scope.parent is not None:
                told["outer"] = self._scope[scope.parent]
            if scope.template is not None and scope.span is not None:
                told["at"] = self._at(scope.span)
            self.scopes.append(told)

    def layer(self, instance: LayerInstance) -> dict[str, Any]:
        row = self._rows[instance.path]
        told: dict[str, Any] = {
            "path": instance.path,
            "layer": instance.layer.kind,
            "category": CATEGORIES.index(instance.layer.category),
            "shape": shown(row.shape),
            "inputs": [shown(shape) for shape in self._network.input_shapes(instance)],
            "params": row.parameters,
            "macs": row.macs,
            "reach": list(row.receptive_field),
            "at": self._at(instance.span),
            "scope": self._scope[instance.scope],
        }
        if row.buffers:
            told["buffers"] = row.buffers
        if instance.frozen and row.parameters:
            told["frozen"] = True
        return told

    def label(self, instance: LayerInstance) -> str:
        """The text of a layer's box."""
        return self._network.label(instance)

    def block(self, scope: Scope) -> dict[str, Any]:
        told: dict[str, Any] = {"path": scope.path, "scope": self._scope[scope]}
        if scope.span is not None:
            told["at"] = self._at(scope.span)
        return told

    def _at(self, span: Span) -> list[int]:
        """The source, line, column and length of a span; what goes on in further lines is cut."""
        line, column = span.position
        length = min(span.end - span.start, len(span.source.line(line)) - column + 1)
        return [self._number(span.source), line, column, max(1, length)]

    def _number(self, source: Source) -> int:
        if source not in self._source:
            self._source[source] = len(self.sources)
            told: dict[str, Any] = {"name": printable(source.name)}
            if len(source.text) <= _LONGEST_SOURCE:
                told["lines"] = source.text.split("\n")
            self.sources.append(told)
        return self._source[source]


def _parts(root: TreeNode, facts: _PageFacts) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """The parts in preorder, and the number of every layer's part by the layer's path."""
    told: list[dict[str, Any]] = []
    place: dict[str, int] = {}
    above: list[int] = []
    for part, level in root.walk():
        del above[level:]
        about: dict[str, Any] = {"kind": part.kind.value}
        if above:
            about["parent"] = above[-1]
        if part.kind is NodeKind.LAYER:
            assert part.layer is not None
            place[part.layer.path] = len(told)
            about |= facts.layer(part.layer) | {"title": printable(facts.label(part.layer))}
        elif part.kind is NodeKind.ROW:
            assert part.layer is not None
            about["title"] = printable(facts.label(part.layer))
            about["path"] = part.layer.path
        elif part.kind is NodeKind.BLOCK:
            about |= facts.block(part.scope) | {"title": printable(title(part.scope))}
        above.append(len(told))
        told.append(about)
    _add_up(told)
    return told, place


def _add_up(parts: list[dict[str, Any]]) -> None:
    """Give every part with parts inside its totals, what comes out of it, and a colour.

    What comes out is the last that was made: tensors that leave earlier are side outputs. A part is
    coloured by the layer that has most to do; a row by its first.
    """
    most: dict[int, tuple[int, int]] = {}
    for number in range(len(parts) - 1, 0, -1):  # inner ones before the ones around them
        part = parts[number]
        outer = parts[part["parent"]]
        cost = most.get(number, (part["macs"] or 0, part["params"]))
        for key in ("params", "macs"):
            outer[key] = total((outer.get(key, 0), part[key]))
        outer["layers"] = outer.get("layers", 0) + part.get("layers", 1)
        outer.setdefault("shape", part["shape"])
        outer.setdefault("reach", part["reach"])
        if part.get("frozen"):
            outer["frozen"] = True
        # Backwards, the first of equals comes last.
        heavy = cost >= most.get(part["parent"], (0, 0))
        if heavy or outer["kind"] == NodeKind.ROW.value:
            most[part["parent"]] = cost
            outer["category"] = part["category"]


def _edges(groups: Mapping[str, Fused], place: Mapping[str, int]) -> list[tuple[int, int]]:
    """From layer to layer: into the first of a group, and along it."""
    edges = []
    for head, group in groups.items():
        for source in group.sources:
            edges.append((place[groups[source].layers[-1].path], place[head]))
        for before, after in zip(group.layers, group.layers[1:], strict=False):
            edges.append((place[before.path], place[after.path]))
    return edges
