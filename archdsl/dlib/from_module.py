"""The tree of a dlib file from a compiled network."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import cast

from torch import nn

from archdsl.diagnostics import ArchError, fail
from archdsl.dlib.dropout_scale import carrier, is_dropout, scale
from archdsl.dlib.kinds import Record, kind_of
from archdsl.dlib.nesting import Element, Nest, PlacedLayer, RepeatedBlocks, TagOrSkip, nest
from archdsl.dlib.tree import Chain, InputTag, LayerNode, Node, Repeated, Saved, Wrapper
from archdsl.ir.edges import Shape
from archdsl.ir.input_layer import InputLayer
from archdsl.ir.network import LayerInstance, Network
from archdsl.ir.trampoline import Task, run

_FROZEN = ("learning_rate_multiplier", "bias_learning_rate_multiplier")


def made(network: Network, module: nn.Module) -> Saved:
    """The tree of a network. Raises ArchError where dlib has no layer like one of it."""
    return _Making(network, _without_dropout_factors(network, module)).saved()


def _without_dropout_factors(network: Network, module: nn.Module) -> nn.Module:
    """A module whose weights are those before and behind dlib's dropout, see ``scaling``."""
    dropouts = [each for each in network.instances() if is_dropout(each.layer)]
    if not dropouts:
        return module
    modules = dict(module.named_modules())
    changed = copy.deepcopy(module)
    state = changed.state_dict()
    for dropout in dropouts:
        kept = 1 - modules[dropout.path].p
        if not kept:  # dlib's gives zeros for use, torch's what it gets
            raise _no_place(dropout, "dropout of everything that passes values on for use")
        scale(state, carrier(network, dropout), 1 / kept)
    changed.load_state_dict(state)
    return changed


class _Making:
    def __init__(self, network: Network, module: nn.Module) -> None:
        self._network = network
        self._nest: Nest = nest(network)
        self._modules: dict[str, nn.Module] = dict(module.named_modules())

    def saved(self) -> Saved:
        found = self._nest
        entry = self._record(PlacedLayer(found.input))
        loss = self._record(PlacedLayer(found.loss)) if found.loss is not None else None
        if not found.elements:
            raise fail(f"{self._network.name} has no layers, and dlib no file without")
        assert isinstance(found.input.layer, InputLayer)
        nodes = run(self._nodes(found.elements, found.input.layer.samples or 1))
        return Saved(self._network.name, loss, Chain(tuple(nodes), entry))

    def _nodes(self, elements: tuple[Element, ...], expansion: int) -> Task[list[Node]]:
        nodes: list[Node] = []
        for element in elements:
            at_input = not nodes
            if isinstance(element, RepeatedBlocks):
                if at_input:
                    raise fail("dlib has no repeat right at the input of a network or block")
                blocks = []
                for block in reversed(element.blocks):
                    inner = yield self._nodes(block, expansion)
                    blocks.append(Chain(tuple(inner), None))
                nodes.append(Repeated(tuple(blocks)))
            elif isinstance(element, TagOrSkip):
                tag = InputTag(expansion=expansion)
                nodes.append(tag if at_input else Wrapper(skip=element.skip))
            else:
                node = LayerNode(self._record(element), 3 if at_input else 2, expansion=expansion)
                if nodes and node.record.kind.inplace and not _needs_output(nodes[-1]):
                    nodes[-1] = _overwritten(nodes[-1])
                nodes.append(node)
        return nodes

    def _record(self, place: PlacedLayer) -> Record:
        instance = place.instance
        kind = place.join or kind_of(instance.layer)
        module = self._modules.get(instance.path)
        if kind is None:
            raise _no_place(instance, f"layer like {instance.layer.kind}")
        inputs = self._network.input_shapes(instance)
        if all(isinstance(each, tuple) for each in inputs):  # rows of features are maps to dlib
            inputs = instance.layer.seen(cast("tuple[Shape, ...]", inputs))
        obstacle = kind.obstacle(instance.layer, module or instance.layer, inputs)
        if obstacle is not None:
            raise _no_place(instance, obstacle)
        values = kind.values(instance.layer, module, inputs)
        if place.count and "count" in values:
            values["count"] = place.count
        if instance.frozen:
            values |= {name: 0.0 for name in _FROZEN if name in values}
        return Record(kind, kind.versions[-1], values)


def _needs_output(node: Node) -> bool:
    """True if nothing may overwrite a node's output (this_layer_requires_forward_output)."""
    while isinstance(node, Repeated):
        node = node.blocks[0].nodes[-1]
    return not isinstance(node, LayerNode) or node.record.kind.needs_output


def _overwritten(node: Node) -> Node:
    """A node whose output the layer on top of it overwrites."""
    if isinstance(node, LayerNode):
        return replace(node, output_disabled=True)
    assert isinstance(node, Repeated)
    # What dlib asks is the outermost layer of the outermost block, through all repeats inside.
    around: list[Repeated] = []
    while isinstance(node, Repeated):
        around.append(node)
        node = node.blocks[0].nodes[-1]
    assert isinstance(node, LayerNode)
    inner: Node = replace(node, output_disabled=True)
    for repeated in reversed(around):
        outermost = repeated.blocks[0]
        changed = replace(outermost, nodes=(*outermost.nodes[:-1], inner))
        inner = replace(repeated, blocks=(changed, *repeated.blocks[1:]))
    return inner


def _no_place(instance: LayerInstance, what: str) -> ArchError:
    return fail(
        f"dlib has no {what}",
        instance.span,
        "so the network cannot be written as a file of dlib's",
        frames=instance.scope.frames(),
    )
