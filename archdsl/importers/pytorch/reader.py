"""Import of PyTorch modules: each operation of the canonical graph is recognised as a layer."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

import torch
from torch import nn

from archdsl.analysis.equivalence.graph import STORED, CanonicalGraph, CanonicalNode
from archdsl.backends.torch.blocks import is_block
from archdsl.backends.torch.trial_run import device_of
from archdsl.diagnostics import ArchError, coded, fail
from archdsl.importers import ImportOptions, Proof
from archdsl.importers.imported_graph import Home, ImportedGraph, Operation
from archdsl.importers.pytorch.fragments import Fragments
from archdsl.importers.pytorch.layer_candidates import proposals
from archdsl.importers.pytorch.modules import map_size, original, prepared, takes_rows
from archdsl.importers.pytorch.network_input import InputEntry, entry
from archdsl.importers.pytorch.proposals import Seen
from archdsl.importers.trace.canonical import canonical
from archdsl.importers.trace.detectors import is_detector
from archdsl.ir.edges import Shape, shape_words
from archdsl.ir.layer import Layer
from archdsl.text.words import counted

if TYPE_CHECKING:
    from archdsl.ir.network import Network

_SIZE = (3, 224, 224)
_BATCH = 2
_WIDTH = 160  # characters that say which operation an error is about
_TOLERANCE = 1e-5  # relative; that of archdsl verify


class _LayerMatch(NamedTuple):
    """A layer recognised in a graph: the nodes it reads, its output shape, its weights' names."""

    layer: Layer
    inputs: tuple[int, ...]
    shape: Shape
    tensors: dict[str, str]


@coded("E412")
def read(what: str, options: ImportOptions) -> ImportedGraph:
    """The imported graph of a model, or of a Python file's, in evaluation mode.

    Raises ArchError where there is no such model, torch.fx cannot trace it, or the language has no
    layer for an operation of it.
    """
    size = options.input or _SIZE
    module = prepared(original(what), size)
    name = what.rpartition(":")[2]
    own = what.rpartition(":")[0].lower().endswith(".py")
    notes = [] if own else [f"reference: {what}"]
    return graph_of_module(module, name, map_size(size), notes)


def graph_of_module(
    module: nn.Module, name: str, size: Shape, notes: Sequence[str] = ()
) -> ImportedGraph:
    """The imported graph of a module for images of a size (channels, height, width)."""
    if is_detector(module):
        raise fail(
            f"{name} is a detector",
            None,
            "what is imported takes a tensor and gives tensors",
            help="archdsl specs lists the detectors that there are",
        )
    example = torch.zeros(_BATCH, *(int(each or 1) for each in size), device=device_of(module))
    graph = canonical(module, examples=[example])
    fragments = Fragments(module)
    told = _layer_matches(graph, entry(graph, module, size, fragments), fragments)
    live = _live(graph, told)
    places = {index: place for place, index in enumerate(live)}
    homes = _Homes(module)
    operations = tuple(
        Operation(
            told[index].layer,
            tuple(places[source] for source in told[index].inputs),
            _name(graph.nodes[index]),
            homes.of(graph.nodes[index]),
            told[index].tensors,
        )
        for index in live
    )
    outputs = {output: places[index] for output, index in graph.outputs}
    # What a module does to the weights of its layers behind their constructors is not known.
    return ImportedGraph(name, operations, outputs, (*notes, "init: torch"))


def proof(network: Network, what: str) -> Proof:
    """Matches the compiled network with the module, transfers weights, compares outputs."""
    from archdsl.backends.torch import compile_network
    from archdsl.importers.verification.compare import verify

    size = [each for each in cast("Shape", network.shape(network.input)) if each is not None]
    module = original(what)
    module = prepared(module, tuple(size[:1] if takes_rows(module, size) else size))
    # What was imported is how it is used.
    found = verify(compile_network(network), module, size, training=False)
    if not found.matched:
        return Proof(False, found.differences)
    difference = found.max_rel_diff
    if found.compiled_params > found.reference_params:
        told = f"{found.compiled_params:,} parameters, and {found.reference_params:,} of the module"
        return Proof(False, (f"what shares its weights there does not here: {told}",))
    told = f"{counted(found.layers, 'layer')} matched, {found.compiled_params:,} parameters"
    if not found.params_equal:
        told += f" of {found.reference_params:,} (its network does not use the others)"
    told += f", largest difference {found.max_abs_diff:.3g}"
    return Proof(difference is not None and difference <= _TOLERANCE, (told,))


def _layer_matches(
    graph: CanonicalGraph, start: InputEntry, fragments: Fragments
) -> dict[int, _LayerMatch]:
    """The layers by the nodes that they end in.

    Nodes inside of larger layers may have none; only what an output needs counts.
    """
    told: dict[int, _LayerMatch] = {}
    shapes: dict[int, Shape] = {}
    for node in graph.nodes:
        if node.index == start.node:
            found: _LayerMatch | None = _LayerMatch(start.layer, (), start.layer.shape(()), {})
        else:
            found = _recognised(Seen(node, graph, shapes), fragments)
        if found is not None:
            told[node.index] = found
            shapes[node.index] = found.shape
    return told


def _recognised(seen: Seen, fragments: Fragments) -> _LayerMatch | None:
    for layer, inputs in proposals(seen):
        if not all(source in seen.shapes for source in inputs):
            continue
        shapes = tuple(seen.shapes[source] for source in inputs)
        covered = fragments.find(layer, seen.graph, seen.node.index, inputs, shapes)
        if covered is not None:
            output = layer.edge_shape(shapes)
            assert isinstance(output, tuple)
            return _LayerMatch(layer, inputs, output, dict(covered.tensors))
    return None


def _live(graph: CanonicalGraph, told: dict[int, _LayerMatch]) -> list[int]:
    """The nodes whose layers lead to an output, in order; raises ArchError where one is missing."""
    needed = [False] * len(graph.nodes)
    for _, index in graph.outputs:
        needed[index] = True
    unknown: list[CanonicalNode] = []
    for node in reversed(graph.nodes):
        if not needed[node.index]:
            continue
        found = told.get(node.index)
        if found is None:
            unknown.append(node)
        # What stands before an operation without a layer may lack one as well: the first is told.
        for source in node.inputs if found is None else found.inputs:
            needed[source] = True
    if unknown:
        # A weight used by itself says less than what uses it.
        computed = [node for node in unknown if node.label.operation != STORED]
        raise _unknown((computed or unknown)[-1], graph, told)
    return [node.index for node in graph.nodes if needed[node.index]]


def _unknown(node: CanonicalNode, graph: CanonicalGraph, told: dict[int, _LayerMatch]) -> ArchError:
    """The error about the first operation that no layer is like."""
    place = f"in {node.scope}" if node.scope else "in the network itself"
    sources = [graph.nodes[index] for index in node.inputs]
    given = [
        shape_words(told[source.index].shape) if source.index in told else source.where
        for source in sources
    ]
    return fail(
        f"no layer of the language is like {node.label.operation}",
        None,
        f"{node.where.partition(' in ')[0]}, {place}",
        textwrap.shorten(str(node.label), _WIDTH, placeholder=" ..."),
        *([f"on {' and '.join(given)}"] if given else []),
        help="archdsl layers lists what there is",
    )


def _name(node: CanonicalNode) -> str:
    return node.where.partition(" ")[0]


class _Homes:
    """The parts of a module by their paths."""

    def __init__(self, root: nn.Module) -> None:
        self._kinds = {path: _kind(part) for path, part in root.named_modules()}
        self._known: dict[str, tuple[Home, ...]] = {"": ()}

    def of(self, node: CanonicalNode) -> tuple[Home, ...]:
        """The parts around a node, the outermost first."""
        if node.scope not in self._known:
            homes, path = [], ""
            for part in node.scope.split("."):
                path = f"{path}.{part}" if path else part
                homes.append(Home(part, self._kinds.get(path, "")))
            self._known[node.scope] = tuple(homes)
        return self._known[node.scope]


_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


def _kind(module: nn.Module) -> str:
    """The class of a part; containers and traced modules have nothing in common by theirs."""
    plain = (
        type(module) in (*_CONTAINERS, nn.Module)
        or isinstance(module, torch.fx.GraphModule)
        or is_block(module)
    )
    return "" if plain else type(module).__name__
