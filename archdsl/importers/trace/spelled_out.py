"""Activations that are written as arithmetic, such as ``x * sigmoid(x)``."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.analysis.equivalence.graph import CanonicalNode
from archdsl.analysis.equivalence.labels import Label
from archdsl.importers.trace.operation_entries import Fields

_SIX = 6


def activation_of(
    name: str, fields: Fields, inputs: Sequence[int], nodes: Sequence[CanonicalNode]
) -> tuple[Label, int] | None:
    """The activation that an operation completes, and the node that it is applied to.

    ``fields`` and ``inputs`` are those of the operation, which is not among the nodes yet.
    """
    if name in ("div", "mul") and len(inputs) == 1 and _sixth(name, fields.get("other")):
        source = nodes[inputs[0]]
        if _clips_to_six(source) and (shifted := _shifted(nodes[source.inputs[0]])) is not None:
            return Label.of("hardsigmoid", {}), shifted
        product = _product(source, nodes)  # x * relu6(x + 3) / 6
        if product is not None:
            other, factor = product
            clipped = nodes[factor]
            if _clips_to_six(clipped) and _shifted(nodes[clipped.inputs[0]]) == other:
                return Label.of("hardswish", {}), other
    if name == "mul" and len(inputs) == 2:
        for place, gate in ((inputs[0], nodes[inputs[1]]), (inputs[1], nodes[inputs[0]])):
            if gate.inputs == (place,) and gate.label in _GATES:
                return Label.of(_GATES[gate.label], {}), place
            if gate.label == _TANH and len(gate.inputs) == 1:
                inner = nodes[gate.inputs[0]]
                if inner.label == _SOFTPLUS and inner.inputs == (place,):
                    return Label.of("mish", {}), place
    return None


_GATES = {Label.of("sigmoid", {}): "silu", Label.of("hardsigmoid", {}): "hardswish"}
_TANH = Label.of("tanh", {})
_SOFTPLUS = Label.of("softplus", {"beta": 1.0, "threshold": 20.0})


def _sixth(name: str, number: object) -> bool:
    if not isinstance(number, (int, float)):
        return False
    return number == _SIX if name == "div" else abs(number * _SIX - 1) < 1e-6


def _clips_to_six(node: CanonicalNode) -> bool:
    label = node.label
    between = label.operation in ("hardtanh", "clamp")
    limits = [label.value(a) if label.value(a) is not None else label.value(b) for a, b in _LIMITS]
    return label.operation == "relu6" or (between and limits == [0, _SIX])


_LIMITS = (("min_val", "min"), ("max_val", "max"))


def _shifted(node: CanonicalNode) -> int | None:
    """The node that 3 is added to."""
    plus_three = node.label.operation == "add" and node.label.value("other") == 3
    return node.inputs[0] if plus_three and len(node.inputs) == 1 else None


def _product(node: CanonicalNode, nodes: Sequence[CanonicalNode]) -> tuple[int, int] | None:
    """The operands of a product, the one that is clipped last."""
    if node.label.operation != "mul" or len(node.inputs) != 2:
        return None
    first, second = node.inputs
    return (second, first) if _clips_to_six(nodes[first]) else (first, second)
