"""The plan of a network, which modules and source text are two forms of."""

from __future__ import annotations

from archdsl.backends.plan.emitter import LAYER, plan, plan_layer
from archdsl.backends.plan.operations import Kind, LeafModule, Operation, Plan, replaced
from archdsl.backends.plan.units import Function, InnerUnit, Leaf, Unit, UnitPiece, units
from archdsl.backends.plan.variation import Variation, Variations, Varying

__all__ = [
    "LAYER",
    "Function",
    "InnerUnit",
    "Kind",
    "Leaf",
    "LeafModule",
    "Operation",
    "Plan",
    "Unit",
    "UnitPiece",
    "Variation",
    "Variations",
    "Varying",
    "plan",
    "plan_layer",
    "replaced",
    "units",
]
