"""The canonical graph of a network, from its torch.fx trace.

The traced graph is interpreted once, in execution order, with stand-ins for the values. That
resolves what is only spelling: modules, functions and methods for the same operation (the table in
``operations``), writing into a tensor in place, sizes computed in order to reshape.

**Flattening.** ``flatten(x, 1)`` moves no data, and commutes with every elementwise operation, so
``flatten -> dropout -> linear`` and ``dropout -> flatten -> linear`` are one network. A flatten is
therefore not recorded where it stands but held back until the first operation which is not
elementwise. Dropping it altogether would be wrong: a softmax over dimension 1, say, differs before
and after. On a tensor which is flat already it does nothing and is dropped.

**Classifiers.** A 1×1 convolution between global pooling and flattening is a linear layer behind
both; see ``pointwise``.

**Layers that do nothing.** An ``nn.Identity`` and dropout at a rate of zero are left out: libraries
put them wherever an option is not taken. Other dropout is kept, in evaluation mode too, for its
rate is part of the architecture.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

import torch
import torch.fx
from torch import nn

from archdsl.analysis.equivalence.errors import MatchError
from archdsl.analysis.equivalence.graph import CanonicalGraph
from archdsl.backends.torch.trial_run import undisturbed
from archdsl.importers.trace.detectors import outlined
from archdsl.importers.trace.exported_trace import ExportedTrace, trace_exported
from archdsl.importers.trace.fx_trace import defaults, is_whole, trace
from archdsl.importers.trace.interpreter import Interpreter
from archdsl.importers.trace.sized_trace import INNER, trace_sized
from archdsl.importers.trace.values import Cell


def canonical(
    module: nn.Module,
    *,
    training: bool = False,
    for_weights: bool = False,
    examples: Sequence[torch.Tensor] = (),
) -> CanonicalGraph:
    """The canonical graph of a network as it runs in evaluation (or training) mode.

    The module keeps its weights and its mode. An ``fx.GraphModule`` is read as it is, other modules
    are traced, torchvision's detectors by their outline; modules which are not ``torch.nn``'s are
    looked into wherever that is possible. ``for_weights`` leaves out the settings that the same
    weights may be used with (the least score of a detection, the size of images), so that two
    graphs are equal where the weights of one fit the other.

    With ``examples`` of its inputs the module is run once, and every size is known then: code that
    asks for sizes can be followed, and spellings that depend on them are told apart no longer.

    Raises:
        MatchError: torch.fx cannot trace the module.
    """
    module = outlined(module)
    with undisturbed(module, training):
        interpreter = Interpreter(module, training, for_weights)
        given: dict[str, object] = {**defaults(module)}
        graph, root, restored = _traced(module, given, examples)
        for node in graph.nodes:
            if node.op == "placeholder" and node.target not in given:
                given[node.target] = Cell(interpreter.add_input(node.name))
        result = restored(interpreter.run(graph, root, "", given))
        outputs = [
            (name, interpreter.settled(value.value))
            for name, value in named_outputs(result)
            if isinstance(value, Cell)
        ]
    if not outputs:
        message = f"{type(module).__name__} returns no tensor"
        raise MatchError(message)
    return CanonicalGraph(tuple(interpreter.nodes), tuple(outputs)).restricted(outputs)


def _traced(
    module: nn.Module, given: Mapping[str, object], examples: Sequence[torch.Tensor]
) -> ExportedTrace:
    """The graph of a run on examples; where that cannot be had, one of any sizes.

    Where torch.fx does not come through, or not into all modules, torch.export is asked.
    """
    names = [name for name in _inputs(module) if name not in given]
    found: torch.fx.Graph | None = None
    if examples and len(names) == len(examples):
        with suppress(MatchError):
            found = trace_sized(module, {**given, **dict(zip(names, examples, strict=True))})
    if examples and (found is None or _unseen(found, module)):
        with suppress(MatchError):
            return trace_exported(module, examples)
    return ExportedTrace(found or trace(module, given), module, lambda result: result)


def _unseen(graph: torch.fx.Graph, root: nn.Module) -> bool:
    """True if the graph calls a module that torch.fx could not look into."""
    return any(
        node.op == "call_module"
        and INNER not in node.meta
        and not is_whole(root.get_submodule(str(node.target)))
        for node in graph.nodes
    )


def _inputs(module: nn.Module) -> list[str]:
    if isinstance(module, torch.fx.GraphModule):
        return [str(node.target) for node in module.graph.nodes if node.op == "placeholder"]
    return list(inspect.signature(module.forward).parameters)


def named_outputs(result: object) -> list[tuple[str, object]]:
    """The parts of a network's result, each with a name.

    A single tensor is ``output``; parts of tuples go by field name or position, those of dicts by
    key, deeper ones by dotted path. Parts that are None are left out.
    """
    named: list[tuple[str, object]] = []
    waiting: list[tuple[str, object]] = [("", result)]
    while waiting:
        path, value = waiting.pop()
        parts: Iterable[tuple[object, object]]
        if isinstance(value, Mapping):
            parts = value.items()
        elif isinstance(value, (tuple, list)):
            parts = zip(getattr(value, "_fields", range(len(value))), value, strict=True)
        else:
            if value is not None:
                named.append((path or "output", value))
            continue
        inner = [(f"{path}.{key}" if path else str(key), part) for key, part in parts]
        waiting.extend(reversed(inner))
    return named
