"""Blocks that turn one thing into another: maps into a pyramid, features into proposals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from archdsl.ir.edges import Images
from archdsl.ir.layer import Category
from archdsl.ir.network import LayerInstance, Network, Scope
from archdsl.viz.draw.fusion import drawn_source

Stages = Literal["none", "maps", "all"]
"""The blocks that are open whatever the depth: those that make feature maps, or all that make
something else than tensors.
"""


def maker(network: Network, layers: Iterable[LayerInstance]) -> LayerInstance | None:
    """The layer that makes what a block gives, if that is no tensor and does not enter it.

    It is there in what makes feature maps, proposals or detections, and adds to these; not in what
    works on the cells of feature maps.
    """
    layers = list(layers)
    if layers[-1].layer.category is Category.DETECTION:
        return layers[-1]
    inside = {layer.path for layer in layers}
    kind = type(network.shape(layers[-1].path))
    if issubclass(kind, (tuple, Images)):
        return None
    entering = {drawn_source(network, source) for layer in layers for source in layer.inputs}
    entering -= inside
    if any(type(network.shape(source)) is kind for source in entering):
        return None
    return next(layer for layer in layers if type(network.shape(layer.path)) is kind)


def staging(network: Network, stages: Stages) -> frozenset[Scope]:
    """The template instances with a :func:`maker`, and all around them.

    With ``maps`` only those that make feature maps.
    """
    layers = list(network.instances())
    if all(isinstance(network.shape(layer.path), (tuple, Images)) for layer in layers):
        return frozenset()
    inside: dict[Scope, list[LayerInstance]] = {}
    for layer in layers:
        scope: Scope | None = layer.scope
        while scope is not None:
            inside.setdefault(scope, []).append(layer)
            scope = scope.parent
    found: set[Scope] = set()
    for scope, within in inside.items():
        making = maker(network, within) if scope.template is not None else None
        if making is not None and (
            stages == "all" or making.layer.category is not Category.DETECTION
        ):
            around: Scope | None = scope
            while around is not None and around not in found:
                found.add(around)
                around = around.parent
    return frozenset(found)
