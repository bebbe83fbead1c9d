"""The layers of one network in rows, as tables 1 of MobileNet and of GoogLeNet have them.

Howard et al. 2017 give type, stride, filter shape and input size; Szegedy et al. 2014 patch size,
stride, output size, depth, the filters of each branch, parameters and operations.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archdsl.ir.edges import elements
from archdsl.ir.layer import Category
from archdsl.ir.network import LayerInstance, Network
from archdsl.viz.draw.collapse import Levels
from archdsl.viz.draw.diagram import Box, Cluster
from archdsl.viz.draw.from_network import DiagramBuilder
from archdsl.viz.draw.words import giga

_LEARNING = (Category.CONVOLUTION, Category.LINEAR)
"""Layers that papers count as depth."""


@dataclass(frozen=True)
class LayerRow:
    """A layer, or a block whose branches are concatenated; ``times`` of them stand in a row."""

    words: str
    """The layer without its numbers, such as ``depthwise conv``; of a block its template."""
    patch: str
    """Height and width of its window; empty for what has none."""
    stride: int | None
    filters: str
    """Shape of its weights: patch, input channels of a group, filters."""
    input: str
    output: str
    """Height, width and channels, as papers write them."""
    depth: int
    """Layers with weights on the longest way through it."""
    branches: Mapping[str, int]
    """Filters of a block by what they do, such as ``#3×3 reduce``."""
    times: int
    parameters: int
    macs: int | None
    """Of all that stand in a row."""


@dataclass(frozen=True)
class LayerTable:
    """Rows of layers under the columns that their paper would have."""

    columns: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    rows: tuple[LayerRow, ...]

    def document(self) -> list[dict[str, Any]]:
        """For programs."""
        return [dict(vars(row)) | {"branches": dict(row.branches)} for row in self.rows]


def layer_table(network: Network) -> LayerTable:
    """The layers of a checked network.

    As in GoogLeNet's table where it has branches, else as in MobileNet's.
    """
    rows = tuple(_Rows(network).rows())
    branches = tuple(dict.fromkeys(name for row in rows for name in row.branches))
    if branches:
        columns = ("type", "patch size/stride", "output size", "depth", *branches)
        cells = [
            (
                _named(row),
                f"{row.patch}/{row.stride}" if row.patch else "",
                row.output,
                str(row.depth),
                *(str(row.branches.get(name, "")) for name in branches),
            )
            for row in rows
        ]
    else:
        columns = ("type / stride", "filter shape", "input size")
        cells = [
            (_named(row) + (f" / s{row.stride}" if row.stride else ""), row.filters, row.input)
            for row in rows
        ]
    costs = [
        (giga(r.parameters) if r.parameters else "", giga(r.macs) if r.macs else "") for r in rows
    ]
    whole = tuple((*cell, *cost) for cell, cost in zip(cells, costs, strict=True))
    return LayerTable((*columns, "params", "ops"), whole, rows)


def _named(row: LayerRow) -> str:
    return f"{row.times}× {row.words}" if row.times > 1 else row.words


class _Rows:
    """Makes the rows of a network."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._diagram = DiagramBuilder(network).diagram(Levels(), usual=False)
        self._sources: dict[str, list[str]] = {}
        for edge in self._diagram.edges:
            self._sources.setdefault(edge.target, []).append(edge.source)

    def rows(self) -> Iterator[LayerRow]:
        """The rows in the order in which data reaches them, without the input."""
        waiting: list[tuple[Box | Cluster, int]] = [(self._diagram.root, 1)]
        while waiting:
            part, times = waiting.pop()
            if isinstance(part, Box):
                if part.category is not Category.INPUT:
                    yield self._row(part, times * part.times)
                continue
            times *= part.times
            branches = self._branches(part)
            if branches is not None:
                yield self._block(part, branches, times)
                continue
            inner = [each for each in part.children if isinstance(each, (Box, Cluster))]
            waiting += [(each, times) for each in reversed(inner)]

    def _row(self, box: Box, times: int) -> LayerRow:
        layer = self._network.instance(box.id)
        patch, stride = _window(layer)
        macs = box.facts.macs
        return LayerRow(
            _words(box.title),
            patch,
            stride,
            self._filters(layer, patch),
            _papers(self._input(layer)),
            _papers(box.shape),
            int(box.category in _LEARNING),
            {},
            times,
            times * box.facts.parameters,
            None if macs is None else times * macs,
        )

    def _input(self, layer: LayerInstance) -> str:
        shapes = self._network.input_shapes(layer)
        return "×".join(map(str, shapes[0])) if isinstance(shapes[0], tuple) else str(shapes[0])

    def _filters(self, layer: LayerInstance, patch: str) -> str:
        """The shape of the weights of convolutions and products, and the window of a pooling."""
        category, given = layer.layer.category, self._network.input_shapes(layer)[0]
        made = self._network.shape(layer.path)
        if category is Category.POOLING:
            if not patch and isinstance(given, tuple) and len(given) == 3:
                patch = f"{given[1]}×{given[2]}"  # all of it
            return f"pool {patch}"
        if not (isinstance(given, tuple) and isinstance(made, tuple)) or category not in _LEARNING:
            return ""
        if category is Category.LINEAR:
            features = elements(given)
            return f"{'?' if features is None else features}×{made[-1]}"
        channels, filters = given[0] or 0, made[0]
        groups: int = vars(layer.layer).get("groups", 1) or channels
        if 1 < groups == channels == filters:
            return f"{patch}×{filters} dw"
        return f"{patch}×{channels // groups}×{filters}"

    # ---- blocks ----

    def _branches(self, cluster: Cluster) -> list[list[Box]] | None:
        """The branches of a block that ends in one concatenation, each from its input on."""
        joins = [each for each in cluster.children if isinstance(each, Box) and each.joint]
        boxes = {box.id: box for box in cluster.boxes()}
        inner = sum(box.joint for box in boxes.values())
        if not cluster.framed or inner != 1 or len(joins) != 1 or joins[0].title != "concat":
            return None
        branches: list[list[Box]] = []
        for head in self._sources[joins[0].id]:
            branch: list[Box] = []
            while head in boxes:
                branch.insert(0, boxes[head])
                if len(self._sources[head]) != 1:
                    return None
                (head,) = self._sources[head]
            branches.append(branch)
        seen = sum(map(len, branches))
        return branches if seen == len(boxes) - 1 else None

    def _block(self, cluster: Cluster, branches: Sequence[Sequence[Box]], times: int) -> LayerRow:
        filters: dict[str, int] = {}
        for branch in branches:
            filters |= self._filters_of(branch)
        boxes = list(cluster.boxes())
        pools = (b for branch in branches for b in branch[:1] if b.category is Category.POOLING)
        stride = max((_window(self._network.instance(b.id))[1] or 1 for b in pools), default=1)
        macs = [box.facts.macs for box in boxes]
        first = next(branch[0] for branch in branches if branch)
        return LayerRow(
            re.split("[<(]", cluster.title)[0],
            "",
            stride,
            "",
            _papers(self._input(self._network.instance(first.id))),
            _papers(next(box.shape for box in boxes if box.joint)),
            max(sum(box.category in _LEARNING for box in branch) for branch in branches),
            filters,
            times,
            times * sum(box.facts.parameters for box in boxes),
            None if None in macs else times * sum(each or 0 for each in macs),
        )

    def _filters_of(self, branch: Sequence[Box]) -> dict[str, int]:
        """The numbers of filters of a branch by the names of GoogLeNet's table."""
        convolutions = [box for box in branch if box.category is Category.CONVOLUTION]
        numbers = [int(box.shape.partition("×")[0]) for box in convolutions]
        if not convolutions:
            return {}
        if any(box.category is Category.POOLING for box in branch):
            return {"pool proj": numbers[-1]}
        name = f"#{_window(self._network.instance(convolutions[-1].id))[0]}"
        if len(numbers) > 2:  # Ioffe and Szegedy 2015, figure 5
            name = f"double {name}"
        return (
            {f"{name} reduce": numbers[0], name: numbers[-1]}
            if len(numbers) > 1
            else {name: numbers[0]}
        )


def _window(instance: LayerInstance) -> tuple[str, int | None]:
    """Kernel and stride of a layer that slides over a map."""
    values = vars(instance.layer)
    if not values.get("kernel_h"):
        return "", None
    return f"{values['kernel_h']}×{values['kernel_w']}", values.get("stride_h", 1)


def _words(title: str) -> str:
    """The text of a layer without its numbers: ``depthwise conv``, ``max pool``, ``fc``."""
    first = title.partition(",")[0]
    return " ".join(word for word in first.split() if not word[0].isdigit()) or first


def _papers(shape: str) -> str:
    """A shape with its channels last, as papers write it: ``224×224×3``."""
    channels, _, rest = shape.partition("×")
    return f"{rest}×{channels}" if rest.count("×") == 1 else shape
