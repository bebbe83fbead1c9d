"""The plan of a network, which modules and source text are two forms of."""

from __future__ import annotations

from archdsl.backends.plan.emitter import plan
from archdsl.backends.plan.operations import Kind, LeafModule, Operation, Plan, replaced
from archdsl.backends.plan.units import Function, InnerUnit, Leaf, Unit, units

__all__ = [
    "Function",
    "InnerUnit",
    "Kind",
    "Leaf",
    "LeafModule",
    "Operation",
    "Plan",
    "Unit",
    "plan",
    "replaced",
    "units",
]
