"""The layers of a network that may write over what they are given."""

from __future__ import annotations

from collections import Counter

from archdsl.ir.network import LayerInstance, Network


def overwritable(network: Network) -> set[str]:
    """Paths of the layers that may write over their first input.

    They alone read it, no gradient needs it, and it is made in the same block: what a block takes
    and gives belongs to those who call it, hook into it or compute it again.
    """
    consumers: Counter[str] = Counter()
    for instance in network.instances():
        consumers.update(instance.inputs)
    kept = set(network.outputs.values())
    return {
        instance.path
        for instance in network.instances()
        if instance.inputs
        and consumers[instance.inputs[0]] == 1
        and instance.inputs[0] not in kept
        and not instance.scope.shared
        and _dispensable(network.instance(instance.inputs[0]), instance)
    }


def _dispensable(source: LayerInstance, reader: LayerInstance) -> bool:
    held = source.layer.storage
    # A view is not the layer's own: what it lies in may be needed, or the caller's.
    shares = held.view or held.idle
    return not held.keeps_output and not shares and source.scope is reader.scope
