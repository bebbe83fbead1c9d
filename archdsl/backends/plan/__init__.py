"""The plan of a network, which modules and source text are two forms of."""

from __future__ import annotations

from archdsl.backends.plan.classes import Language, UnitClass, classes, name_classes
from archdsl.backends.plan.emitter import LAYER, plan, plan_layer
from archdsl.backends.plan.loops import Loop, Turn
from archdsl.backends.plan.operations import Call, Kind, LeafModule, Operation, Plan, replaced
from archdsl.backends.plan.steps import Slot, Step
from archdsl.backends.plan.units import Piece, Unit, units
from archdsl.backends.plan.variation import Variation, Variations, Varying

__all__ = [
    "LAYER",
    "Call",
    "Kind",
    "Language",
    "LeafModule",
    "Loop",
    "Operation",
    "Piece",
    "Plan",
    "Slot",
    "Step",
    "Turn",
    "Unit",
    "UnitClass",
    "Variation",
    "Variations",
    "Varying",
    "classes",
    "name_classes",
    "plan",
    "plan_layer",
    "replaced",
    "units",
]
