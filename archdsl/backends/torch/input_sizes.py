"""Checks that a compiled network runs on inputs of other heights and widths than its own."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, fx, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from archdsl.analysis.shapes import check
from archdsl.backends.torch.flat import LAYER, flat_of
from archdsl.backends.torch.quiet import quiet
from archdsl.backends.torch.trial_run import device_of, undisturbed
from archdsl.diagnostics import ArchError, fail
from archdsl.ir.edges import EdgeType, Shape, shown
from archdsl.ir.network import LayerInstance, Network

_POOLING = "a pooling of the whole map, or to a fixed size, before this layer opens the size"


def require_open_size(network: Network, module: nn.Module) -> None:
    """Raises ArchError, which names the layer, where a network takes inputs of one size alone.

    The shape rules are asked about another size, for which no layer may have other parameters.
    Then the module runs for that size, without computing: what the rules say has to come out.
    """
    channels, height, width = cast("tuple[int, int, int]", network.shape(network.input))
    # Twice a size is a multiple of whatever the size is a multiple of.
    twice = channels, 2 * height, 2 * width
    try:
        resized = check(network, twice)
    except ArchError as error:
        first = error.diagnostics[0]
        reason = f"for an input of {shown(twice)}: {first.message}"
        raise fail(
            _one_size(network), first.span, reason, *first.notes, frames=first.frames
        ) from None
    _require_equal_parameters(network, resized)
    _require_shapes(network, resized, module)
    # One more rounds otherwise on the way; networks whose rules refuse it have their reasons.
    try:
        resized = check(network, (channels, 2 * height + 1, 2 * width + 1))
    except ArchError:
        return
    _require_shapes(network, resized, module)


def _require_equal_parameters(network: Network, resized: Network) -> None:
    for instance in network.instances():
        before, after = network.input_shapes(instance), resized.input_shapes(instance)
        layer = instance.layer
        if layer.edge_parameters(before) != layer.edge_parameters(after):
            what, numbers = (
                "parameters",
                (layer.edge_parameters(before), layer.edge_parameters(after)),
            )
        elif layer.edge_buffers(before) != layer.edge_buffers(after):
            what, numbers = "stored values", (layer.edge_buffers(before), layer.edge_buffers(after))
        else:
            continue
        raise _fixed(
            network,
            instance,
            f"{layer.kind} takes {_taken(before)} and has {numbers[0]:,} {what}; for an input of "
            f"{shown(resized.shape(resized.input))} it would take {_taken(after)} and have "
            f"{numbers[1]:,}",
            help=_POOLING if len(cast("Shape", before[0])) == 3 else None,
        )


def _require_shapes(network: Network, resized: Network, module: nn.Module) -> None:
    taken = cast("tuple[int, ...]", resized.shape(resized.input))
    run = _Run(flat_of(network, module), resized)
    with undisturbed(module, training=False), quiet(), FakeTensorMode(allow_non_fake_inputs=True):
        try:
            run.run(torch.empty(2, *taken, device=device_of(module)))
            fits = run.differing is None
        except RuntimeError:  # what torch says where two tensors do not go together
            fits = False
    if fits:
        return
    path = run.differing or run.last
    instance = network.instance(path)
    raise _fixed(
        network,
        instance,
        f"{instance.layer.kind} is compiled for {_taken(network.input_shapes(instance))}, "
        f"and would take {_taken(resized.input_shapes(instance))} for an input of {shown(taken)}",
    )


class _Run(fx.Interpreter):
    """Runs a module and notes the first layer whose output is not what the rules say."""

    def __init__(self, module: nn.Module, network: Network) -> None:
        super().__init__(module)
        self._network = network
        self.differing: str | None = None
        self.last = network.input
        """The layer that was run last."""

    def run_node(self, n: fx.Node) -> Any:
        path = n.meta.get(LAYER)
        self.last = path or self.last
        result = super().run_node(n)
        if path is not None and self.differing is None:
            self._judge(n, path, result)
        return result

    def _judge(self, node: fx.Node, path: str, result: Any) -> None:
        # A layer may be several nodes; only what the next layer reads is its output.
        inside = any(user.meta.get(LAYER) == path for user in node.users)
        if not inside and not _has_shape(result, self._network.shape(path)):
            self.differing = path


def _has_shape(result: Any, edge: EdgeType) -> bool:
    if not isinstance(result, Tensor) or not isinstance(edge, tuple):
        return True
    return tuple(result.shape) == (2, *edge)


def _taken(inputs: tuple[EdgeType, ...]) -> str:
    return " and ".join(map(shown, inputs))


def _one_size(network: Network) -> str:
    size = cast("Shape", network.shape(network.input))
    return f"{network.name} takes inputs of {shown(size)} alone, not of any size"


def _fixed(
    network: Network, instance: LayerInstance, reason: str, help: str | None = None
) -> ArchError:
    return fail(
        _one_size(network), instance.span, reason, help=help, frames=instance.scope.frames()
    )
