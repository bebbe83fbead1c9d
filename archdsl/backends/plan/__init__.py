"""The plan of a network, which modules and source text are two forms of."""

from __future__ import annotations

from archdsl.backends.plan.emitter import LAYER, plan, plan_layer
from archdsl.backends.plan.operations import Kind, LeafModule, Operation, Plan, replaced
from archdsl.backends.plan.units import Piece, Unit, units
from archdsl.backends.plan.variation import Variation, Variations, Varying

__all__ = [
    "LAYER",
    "Kind",
    "LeafModule",
    "Operation",
    "Piece",
    "Plan",
    "Unit",
    "Variation",
    "Variations",
    "Varying",
    "plan",
    "plan_layer",
    "replaced",
    "units",
]
