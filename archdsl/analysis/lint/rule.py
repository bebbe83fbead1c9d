"""The interface of lint rules: functions from a lint context to diagnostics, by code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from archdsl.diagnostics import Diagnostic
from archdsl.frontend.elaborate import Elaborated
from archdsl.frontend.syntax import nodes
from archdsl.ir.edges import EdgeType, Images, Shape
from archdsl.ir.network import LayerInstance, Network


@dataclass(frozen=True)
class TextContext:
    """The text of a spec and its elaboration, which rules about the writing alone need."""

    document: nodes.Document
    elaborated: Elaborated


_RUNS = 3
"""Equal runs of a block in a row that rules look at: the first, one amid others, and the last."""


@dataclass(frozen=True)
class LintContext(TextContext):
    """The text, its elaboration and the checked network, for all other rules."""

    checked: Network

    @cached_property
    def network(self) -> Network:
        """The network with few of many equal runs of a block: every neighbourhood is there."""
        return self.checked.limited(_RUNS)

    @cached_property
    def readers(self) -> Mapping[str, list[LayerInstance]]:
        """The layers that take the output of a layer as an input, by that layer's path."""
        found: dict[str, list[LayerInstance]] = {}
        for instance in self.network.instances():
            for source in instance.inputs:
                found.setdefault(source, []).append(instance)
        return found

    def instance(self, path: str) -> LayerInstance:
        return self.network.instance(path)


LintRule = Callable[[LintContext], Iterator[Diagnostic]]
TextRule = Callable[[TextContext], Iterator[Diagnostic]]

_RULES: dict[str, LintRule] = {}
_TEXT_RULES: dict[str, TextRule] = {}


def lint_rule(code: str) -> Callable[[LintRule], LintRule]:
    """Decorator: register a rule, a function that yields the warnings of a code."""

    def register(rule: LintRule) -> LintRule:
        _RULES[code] = rule
        return rule

    return register


def text_rule(code: str) -> Callable[[TextRule], TextRule]:
    """Decorator: as :func:`lint_rule`, for rules that also hold where shapes do not fit."""

    def register(rule: TextRule) -> TextRule:
        _RULES[code] = _TEXT_RULES[code] = rule
        return rule

    return register


def text_rules() -> Mapping[str, TextRule]:
    """The rules that need no shapes, by code."""
    return MappingProxyType(dict(sorted(_TEXT_RULES.items())))


def rules() -> Mapping[str, LintRule]:
    """All rules, by code."""
    return MappingProxyType(dict(sorted(_RULES.items())))


def warning(
    instance: LayerInstance,
    message: str,
    *notes: str,
    help: str | None = None,
    label: str | None = None,
) -> Diagnostic:
    """A warning about a layer of the network."""
    frames = instance.scope.frames()
    return Diagnostic(message, instance.span, notes, help, frames, "warning", label=label)


def tensor(edge: EdgeType) -> Shape | None:
    """The shape of a tensor or a batch of images, ``None`` for all else that flows."""
    if isinstance(edge, Images):
        return edge.shape
    return edge if isinstance(edge, tuple) else None


def places(shape: Shape) -> int:
    """Number of cells of a map: 1 for a row of features, 0 where a size is not known."""
    count = 1
    for size in shape[1:]:
        count *= size or 0
    return count
