"""Layers that take or give more than tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from archdsl.ir.edges import EdgeType, FeatureMaps, Images, RuleError, Shape, required
from archdsl.ir.layer import Layer, Window
from archdsl.ir.lowering import Construct, Emitter, Operand

if TYPE_CHECKING:
    from typing import Self


@dataclass(frozen=True)
class TypedLayer(Layer):
    """The base of layers that take or give more than tensors; nothing in them is learned."""

    inputs: ClassVar[int | None] = None
    windowed = False

    def edge_parameters(self, inputs: tuple[EdgeType, ...]) -> int:
        return 0

    def edge_buffers(self, inputs: tuple[EdgeType, ...]) -> int:
        return 0

    def edge_macs(self, inputs: tuple[EdgeType, ...], output: EdgeType) -> int:
        return 0

    def edge_window(self, inputs: tuple[EdgeType, ...]) -> Window | None:
        return None

    def edge_warning(self, inputs: tuple[EdgeType, ...]) -> str | None:
        return None

    @classmethod
    def made_by(cls, combinator: object, **further: Any) -> Self:
        """The layer that a combinator expands to, with the combinator's arguments.

        Fields of the same name are taken over; ``further`` gives those that the combinator writes
        otherwise or does not have.
        """
        shared = {f.name: getattr(combinator, f.name) for f in fields(cls) if f.name not in further}
        return cls(**shared, **further)

    def edge_module(self, inputs: tuple[EdgeType, ...]) -> Construct:
        """The module that computes the layer."""
        raise NotImplementedError

    def edge_lower(
        self, emit: Emitter, operands: tuple[Operand, ...], inputs: tuple[EdgeType, ...]
    ) -> Operand:
        return emit.module(self.edge_module(inputs), *map(argument, operands, inputs))


@dataclass(frozen=True)
class DecisionLayer(TypedLayer):
    """The base of layers that decide on detections; the arguments come with their combinators."""

    nms: float
    count: int

    def label(self) -> str:
        return f"best {self.count}, NMS {self.nms:g}"


def argument(operand: Operand, edge: EdgeType) -> Any:
    """The argument of a detection module for an edge: maps as a list, images as their batch."""
    if isinstance(edge, Images):
        return operand.batch  # type: ignore[union-attr]
    if isinstance(edge, FeatureMaps):
        assert isinstance(operand, Mapping)
        return list(operand.values())
    return operand


def levels_of(edge: EdgeType, kind: str) -> tuple[Shape, ...]:
    """The shapes of one or several feature maps."""
    maps = required(edge, (FeatureMaps, tuple), kind)
    return maps.shapes if isinstance(maps, FeatureMaps) else (maps,)


def listed(operand: Any) -> list[Any]:
    """One feature map or several as a list."""
    return operand if isinstance(operand, list) else [operand]


def agreed_classes(classes: set[int], kind: str) -> int:
    """The number of classes that all feature maps have; raises RuleError where they differ."""
    if len(classes) > 1:
        counts = " and ".join(map(str, sorted(classes)))
        raise RuleError(
            f"the maps of {kind} disagree about the classes", f"found {counts}", code="E318"
        )
    return next(iter(classes))
