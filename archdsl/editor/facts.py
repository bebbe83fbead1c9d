"""Layers and template instances that each name of a text was expanded to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from archdsl.analysis.cost import Row, Summary
from archdsl.diagnostics.source import Source, Span
from archdsl.ir.build import MAIN_OUTPUT
from archdsl.ir.edges import total
from archdsl.ir.layer import shown
from archdsl.ir.network import Network, Scope


class ExpandedName(NamedTuple):
    """One layer, or one instance of a template, that a name was expanded to."""

    title: str
    """The kind of a layer, a template with its arguments."""
    shape: str
    parameters: int
    macs: int | None
    sees: tuple[int, int]


Facts = Mapping[int, list[ExpandedName]]
"""By the offset at which a name starts."""


def facts(network: Network, summary: Summary, offsets: Mapping[Source, int]) -> Facts:
    """Layers of a checked network by the names, in the sources of ``offsets``, they come from."""
    rows = {row.path: row for row in summary.rows}
    found: defaultdict[int, list[ExpandedName]] = defaultdict(list)
    parameters: defaultdict[Scope, int] = defaultdict(int)
    macs: defaultdict[Scope, int | None] = defaultdict(int)
    for instance in network.instances():
        row = rows[instance.path]
        parameters[instance.scope] += row.parameters
        macs[instance.scope] = total((macs[instance.scope], row.macs))
        offset = _offset(instance.span, offsets)
        if offset is not None:
            made = ExpandedName(
                row.kind, shown(row.shape), row.parameters, row.macs, row.receptive_field
            )
            found[offset].append(made)
    ends = _ends(network)
    for scope in reversed(network.scopes):  # inner ones before outer ones
        if scope.parent is not None:
            parameters[scope.parent] += parameters[scope]
            macs[scope.parent] = total((macs[scope.parent], macs[scope]))
    for scope in network.scopes:
        if scope.template is None or scope not in ends:
            continue
        offset = _offset(scope.span, offsets)
        if offset is not None:
            end: Row = rows[ends[scope]]
            cost = parameters[scope], macs[scope]
            found[offset].append(
                ExpandedName(scope.title, shown(end.shape), *cost, end.receptive_field)
            )
    return found


def _offset(span: Span | None, offsets: Mapping[Source, int]) -> int | None:
    if span is None or span.source not in offsets:
        return None
    return offsets[span.source] + span.start


def _ends(network: Network) -> dict[Scope, str]:
    """The layer that gives the output of each scope: the last one that others outside take."""
    depths: dict[Scope, int] = {}
    for scope in network.scopes:
        depths[scope] = 0 if scope.parent is None else depths[scope.parent] + 1
    ends: dict[Scope, str] = {}
    position: dict[str, int] = {}
    scopes: dict[str, Scope] = {}

    def leave(path: str, outside: Scope | None) -> None:
        inner: Scope | None = scopes[path]
        while inner is not None:
            while outside is not None and depths[outside] > depths[inner]:
                outside = outside.parent
            if inner is outside:
                return
            if inner not in ends or position[ends[inner]] < position[path]:
                ends[inner] = path
            inner = inner.parent

    for index, instance in enumerate(network.instances()):
        position[instance.path] = index
        scopes[instance.path] = instance.scope
        for source in instance.inputs:
            leave(source, instance.scope)
    if MAIN_OUTPUT in network.outputs:
        leave(network.outputs[MAIN_OUTPUT], None)
    return ends
