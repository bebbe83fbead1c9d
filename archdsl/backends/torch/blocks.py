"""Blocks of compiled networks: modules whose ``forward`` is the plan of a part of the network.

Equal parts share a class, which is made once for a network. Python code for ``forward`` comes from
torch.fx, from names that were checked when the graph was built; no text of a spec is executed.
"""

from __future__ import annotations

import copy
import operator
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, ClassVar, Self, TypeVar

from torch import fx, nn
from torch.fx.graph_module import _format_import_block, _forward_from_src, reduce_graph_module
from torch.package.importer import sys_importer
from torch.utils.checkpoint import checkpoint

from archdsl.backends.plan import Kind, Operation, Piece, Unit, replaced
from archdsl.backends.torch.realise import named

_T = TypeVar("_T")


class _Part(nn.Module):
    """A part of a compiled network: its copies are of its class, its pickles of torch's."""

    def __copy__(self) -> Self:
        return _copied(self, dict(self.__dict__))

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        # The copy is noted first, for the parts that know the whole.
        made = memo[id(self)] = _copied(self, {})
        made.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return made


class Block(_Part):
    """A part of a compiled network, called like any module of torch.

    Hooks, wrappers and replacements of the modules in it work as in hand-written modules. It is
    pickled as a ``torch.fx.GraphModule``, which loads where archdsl is not installed.
    """

    _graph: ClassVar[fx.Graph]
    """The calls of ``forward``."""
    _code: ClassVar[str]
    """Source of ``forward``."""
    _imports: ClassVar[str]
    """The import lines that the source needs."""

    def __reduce__(self) -> tuple[Any, ...]:
        body = {
            **self.__dict__,
            "_code": self._code,
            "_graphmodule_cls_name": type(self).__name__,
        }
        return reduce_graph_module, (body, self._imports)


class Chain(_Part, nn.Sequential):
    """A part of a compiled network whose modules follow each other.

    It is pickled as a plain ``torch.nn.Sequential``.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        return nn.Sequential, (), dict(self.__dict__)


class _Recomputed(nn.Module):
    """Mixed into the class of a part whose inner values are computed anew for the backward pass."""

    def forward(self, *given: Any, **named: Any) -> Any:
        def contexts() -> tuple[Any, Any]:
            return nullcontext(), _statistics_kept(self)

        return checkpoint(
            super().forward, *given, use_reentrant=False, context_fn=contexts, **named
        )


@contextmanager
def _statistics_kept(part: nn.Module) -> Iterator[None]:
    """Batch norms normalise by the batch, and do not count it a second time."""
    norms = [each for each in part.modules() if isinstance(each, nn.modules.batchnorm._BatchNorm)]
    before = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
        norm.num_batches_tracked = None
    try:
        yield
    finally:
        for norm, (momentum, count) in zip(norms, before, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, count


def recomputing(part: nn.Module) -> None:
    """Let a part of a compiled network keep its inputs alone, and compute what is inside anew.

    It gets a class of its own kind, as ``fully_shard`` gives it one: copies do the same.
    """
    own = type(part)
    part.__class__ = type(own.__name__, (_Recomputed, own), {"__module__": own.__module__})


def is_block(module: nn.Module) -> bool:
    """True if a module is a part of a compiled network and no single layer."""
    return isinstance(module, _Part)


def notes(module: nn.Module) -> dict[str, Any]:
    """Notes on a module beside its weights: the dict ``meta``, as fx's ``GraphModule`` has it."""
    found: dict[str, Any] = module.__dict__.setdefault("meta", {})
    return found


def _copied(block: _T, attributes: dict[str, Any]) -> _T:
    made = object.__new__(type(block))
    made.__dict__.update(attributes)
    return made


def is_chain(unit: Unit) -> bool:
    """True if a unit is modules in a row, and none would hide a method of their container.

    torch refuses parts that do, such as ``insert``.
    """
    return unit.chained() and not any(hasattr(nn.Sequential, part) for part in unit.names())


def chain_class(name: str) -> type[Chain]:
    """A class of blocks whose modules follow each other."""
    return type(name, (Chain,), {"__module__": __name__})


def block_class(name: str, unit: Unit, result: Any = None) -> type[Block]:
    """A class of blocks that compute what a unit does.

    ``result`` is what the network itself returns; other units return their outputs.
    """
    graph = fx.Graph()
    values: dict[Operation, Any] = {}
    for position, each in enumerate(unit.inputs):
        if each.kind is Kind.ENTRY and unit.parent is None:
            values[each] = entry(graph, each)
        else:
            values[each] = graph.placeholder(f"x{position}" if position else "x")
    for piece in unit.pieces:
        _call(graph, piece, values)
    if unit.parent is None:
        graph.output(replaced(result, values.__getitem__))
    else:
        given = tuple(values[each] for each in unit.outputs)
        graph.output(given[0] if len(given) == 1 else given)
    made = graph.python_code("self")
    return type(
        name,
        (Block,),
        {
            "__module__": __name__,
            "_graph": graph,
            "_code": made.src,
            "_imports": _format_import_block(made.globals, sys_importer),
            "forward": _forward_from_src(made.src, made.globals),
        },
    )


def entry(graph: fx.Graph, operation: Operation) -> fx.Node:
    """The placeholder of an argument of the network."""
    default = {"default_value": operation.arguments[0]} if operation.arguments else {}
    return graph.placeholder(operation.target, **default)


def call(graph: fx.Graph, operation: Operation, target: str, values: dict[Operation, Any]) -> Any:
    """The node of an operation; ``target`` is the name of its module, where it calls one."""
    arguments = replaced(operation.arguments, values.__getitem__)
    if operation.kind is Kind.MODULE:
        return graph.call_module(target, arguments, dict(operation.options))
    if operation.kind is Kind.METHOD:
        return graph.call_method(operation.target, arguments)
    return graph.call_function(named(operation.target), arguments)


def _call(graph: fx.Graph, piece: Piece, values: dict[Operation, Any]) -> None:
    name, called = piece
    given = called.gives
    if isinstance(called, Operation):
        values[called] = call(graph, called, name or "", values)
        return
    node = graph.call_module(name or "", tuple(values[each] for each in called.arguments))
    if len(given) == 1:
        values[given[0]] = node
        return
    for index, each in enumerate(given):
        values[each] = graph.call_function(operator.getitem, (node, index))


def filled(made: Any, parts: Iterable[tuple[str, nn.Module]]) -> nn.Module:
    """An instance of a class of blocks with the modules that it calls, by name."""
    module: nn.Module = made()
    for name, part in dict(parts).items():
        module.add_module(name, part)
    return module
