"""What a layer definition is: one frozen dataclass per layer kind, registered under its names.

The fields of the class are the arguments of the layer (name, type, default, range), its methods
the rules: output shape, parameters, multiply-accumulates, lowering to PyTorch. An instance of the
class is a layer with its arguments bound. Everything that archdsl knows of a layer kind stands in
its class; other modules go through this interface and never ask for a kind by name.

The rules of most layers are written for tensors; ``output``, ``learned``, ``stored``, ``cost``,
``reach`` and ``attach`` are what the stages call, and lift these rules to whatever flows.
"""

from __future__ import annotations

import dataclasses
import importlib
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

from archdsl.ir.edges import (
    Dim,
    EdgeType,
    RuleError,
    Shape,
    applications,
    elements,
    gathered,
    samples,
    shown,
)

if TYPE_CHECKING:
    from torch import fx, nn

    from archdsl.backends.torch.emitter import Emitter, Operand
    from archdsl.ir.initial import Initial


__all__ = [
    "Argument",
    "Category",
    "Definition",
    "Dim",
    "Layer",
    "MapLayer",
    "RuleError",
    "Shape",
    "Window",
    "alias",
    "arg",
    "as_map",
    "define",
    "definitions",
    "elements",
    "image",
    "lookup",
    "shown",
]


class Category(Enum):
    """What a layer is for; drawings colour by it."""

    INPUT = "input"
    CONVOLUTION = "convolution"
    LINEAR = "fully connected"
    NORMALIZATION = "normalization"
    ACTIVATION = "activation"
    POOLING = "pooling"
    ATTENTION = "attention"
    REGULARIZATION = "dropout"
    JOIN = "join"
    DETECTION = "detection"
    RESHAPE = "reshape"
    LOSS = "loss"


class Window(NamedTuple):
    """The part of its input that one output cell sees, and how far apart cells are, in pixels.

    ``kernel`` counts from the first to the last input cell, dilation included; ``stride`` may be a
    fraction for layers that enlarge.
    """

    kernel: tuple[float, float]
    stride: tuple[float, float]
    first: tuple[float, float] = (0, 0)
    """The row and column in the middle of what the first cell sees, as dlib counts it."""


class Argument(NamedTuple):
    """One argument of a layer: how it is written and what it may be."""

    name: str
    type: Any
    default: Any
    positional: bool
    minimum: float | None
    maximum: float | None
    doc: str
    shown_default: str

    @property
    def required(self) -> bool:
        return self.default is dataclasses.MISSING


def outside(value: float, minimum: float | None, maximum: float | None) -> str | None:
    """The range of an argument in words, where a value is not within it."""
    if (minimum is None or value >= minimum) and (maximum is None or value <= maximum):
        return None
    return f"at least {minimum:g}" if maximum is None else f"{minimum:g} to {maximum:g}"


def arg(
    doc: str,
    default: Any = dataclasses.MISSING,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    positional: bool = True,
    shown: str | None = None,
) -> Any:
    """A field of a layer class: an argument with its documentation, default and range.

    ``shown`` says in words what a default of ``None`` stands for.
    """
    metadata = {
        "doc": doc,
        "minimum": minimum,
        "maximum": maximum,
        "positional": positional,
        "shown": shown,
    }
    return dataclasses.field(default=default, metadata=metadata, kw_only=not positional)


@dataclass(frozen=True)
class Layer:
    """A layer with its arguments bound; the base of every layer definition.

    Shapes are those of one sample, without the batch. MACs are output elements times kernel volume
    times input channels by groups for convolutions and linear layers, for attention what its
    docstring says, 0 for all others.
    """

    category: ClassVar[Category]
    stem: ClassVar[str]
    kind: ClassVar[str]
    inputs: ClassVar[int | None] = 1
    """How many tensors the layer takes; ``None`` for any number from two on."""
    keeps_output: ClassVar[bool] = True
    """Whether its gradient needs its output; if not, an activation may write over it."""
    drawn: ClassVar[bool] = True
    """Whether it is a box of its own in drawings; if not, its input stands for it."""
    caution_code: ClassVar[str] = "W000"
    """What its warning is known by (``archdsl explain``)."""
    bounded: ClassVar[bool] = False
    """Whether it is an activation that a network may end in: probabilities and the like."""
    takes_logits: ClassVar[bool] = False
    """Whether it is a loss that turns its input into probabilities itself."""
    absorbs_bias: ClassVar[bool] = False
    """Whether a number added to a channel of its input is taken away again."""
    locating: ClassVar[tuple[int, ...]] = ()
    """The inputs that only say where and how large something is; drawings leave them out."""

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """The output shape; raises :class:`RuleError` where the inputs do not fit."""
        return inputs[0]

    def warning(self, inputs: tuple[Shape, ...]) -> str | None:
        """Something legal that the author may not have meant, as one sentence."""
        return None

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        """The number of learnable values."""
        return 0

    def buffers(self, inputs: tuple[Shape, ...]) -> int:
        """The number of values that are stored but not learned."""
        return 0

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Multiply-accumulates for one sample."""
        return 0

    def window(self, inputs: tuple[Shape, ...]) -> Window | None:
        """What an output cell sees; ``None`` for layers that look at one cell at a time."""
        return None

    def unseen(self, inputs: tuple[Shape, ...]) -> tuple[int, int]:
        """How many rows and columns at the far border reach no output, by rounding down."""
        return 0, 0

    def effective(self) -> dict[str, Any]:
        """The arguments as they count; however written, equal where layers compute the same."""
        assert dataclasses.is_dataclass(self)
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def label(self) -> str:
        """The few words that stand in a drawing."""
        return self.kind

    @property
    def initial_values(self) -> Initial | None:
        """How its weights and biases start; None: as torch's modules do by themselves."""
        return None

    def module(self, inputs: tuple[Shape, ...]) -> nn.Module:
        """The PyTorch module of the layer, its parameters not yet initialised."""
        raise NotImplementedError(f"{self.kind} has no module")

    def lower(
        self, emit: Emitter, operands: tuple[fx.Node, ...], inputs: tuple[Shape, ...]
    ) -> fx.Node:
        """Add the layer to a PyTorch graph and return the node of its output."""
        return emit.module(self.module(inputs), *operands, initial=self.initial_values)

    def seen(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """The inputs as the rules and the lowering see them; see :class:`MapLayer`."""
        return inputs

    # ---- the same for everything that flows: what the stages call ----

    def output(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        """The type of the output; raises :class:`RuleError` where the inputs do not fit."""
        seen = applications(inputs, self.kind)
        return gathered(inputs, [self.shape(self.seen(shapes)) for shapes in seen])

    def caution(self, inputs: tuple[EdgeType, ...]) -> str | None:
        """The warning for inputs that fit."""
        return self.warning(self._first(inputs))

    def learned(self, inputs: tuple[EdgeType, ...]) -> int:
        """The number of learnable values; applications to several tensors share them."""
        return self.parameters(self._first(inputs))

    def stored(self, inputs: tuple[EdgeType, ...]) -> int:
        """The number of values that are stored but not learned."""
        return self.buffers(self._first(inputs))

    def cost(self, inputs: tuple[EdgeType, ...], output: EdgeType) -> int:
        """Multiply-accumulates for one image: of all its feature maps, of all its regions."""
        if type(output) is tuple:
            return self.macs(self._first(inputs), output)
        seen = map(self.seen, applications(inputs, self.kind))
        made = (outputs[0] for outputs in applications((output,), self.kind))
        return samples(inputs) * sum(map(self.macs, seen, made))

    def reach(self, inputs: tuple[EdgeType, ...]) -> Window | None:
        """What an output cell sees, of the finest feature map where there are several."""
        return self.window(self._first(inputs))

    def attach(
        self, emit: Emitter, operands: tuple[Operand, ...], inputs: tuple[EdgeType, ...]
    ) -> Operand:
        """Add the layer to a PyTorch graph: once for every tensor that it is applied to."""
        return emit.lowered(self, operands, inputs)

    def fed(self, output: EdgeType) -> Mapping[str, Any]:
        """What the layer reads from outside in a trial run, by the module's argument for it.

        Random values of the nominal size for one image; nothing for all but inputs. ``output`` is
        the type of what the layer gives. Raises RuleError where a size is open.
        """
        return {}

    def _first(self, inputs: tuple[EdgeType, ...]) -> tuple[Shape, ...]:
        if not inputs or type(inputs[0]) is tuple:  # nearly always, and it has been checked
            return self.seen(typing.cast("tuple[Shape, ...]", inputs))
        return self.seen(applications(inputs, self.kind)[0])


def as_map(shape: Shape) -> Shape:
    """A row of features as dlib has it, features×1×1; all else as it is."""
    return (shape[0], 1, 1) if len(shape) == 1 else shape


@dataclass(frozen=True)
class MapLayer(Layer):
    """The base of layers on feature maps: a row of features counts as features×1×1.

    dlib's tensors always have channels, rows and columns, so its ``fc`` gives such a map.
    """

    def seen(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        return tuple(map(as_map, inputs))


@dataclass(frozen=True, eq=False)
class Definition:
    """A name of the language: the class behind it, and the arguments it takes.

    Several names may share a class (``fc`` and ``fc_no_bias``); ``preset`` holds what the name
    fixes. ``summary`` and ``source`` are for ``archdsl layers``.
    """

    name: str
    cls: type[Any]
    preset: Mapping[str, Any]
    summary: str
    source: str

    @cached_property
    def arguments(self) -> tuple[Argument, ...]:
        """What the name takes; found when first asked for, since most names are never used."""
        hints = typing.get_type_hints(self.cls)
        fields = (f for f in dataclasses.fields(self.cls) if f.name not in self.preset)
        return tuple(_argument(field, hints[field.name]) for field in fields)

    @cached_property
    def places(self) -> tuple[Argument, ...]:
        """The arguments that may be given by position."""
        return tuple(argument for argument in self.arguments if argument.positional)

    @cached_property
    def writable(self) -> bool:
        """Whether specs may name it; layers with several inputs come from combinators only."""
        return getattr(self.cls, "inputs", 1) in (0, 1)

    def argument(self, name: str) -> Argument | None:
        return next((a for a in self.arguments if a.name == name), None)


_DEFINITIONS: dict[str, Definition] = {}
_FURTHER: list[str] = []
_T = TypeVar("_T")


def define(
    name: str,
    *more: str,
    source: str,
    category: Category | None = None,
    stem: str | None = None,
) -> Callable[[type[_T]], type[_T]]:
    """Class decorator: register a dataclass as the definition of a name of the language.

    ``stem`` is what instances are called in a compiled module: ``conv`` gives ``conv1``.
    ``source`` names the dlib layer, torch module or paper that the rules follow.
    """

    def register(cls: type[_T]) -> type[_T]:
        cls.kind = name  # type: ignore[attr-defined]
        cls.stem = stem or name  # type: ignore[attr-defined]
        if category is not None:
            cls.category = category  # type: ignore[attr-defined]
        for spelling in (name, *more):
            _register(spelling, cls, {}, (cls.__doc__ or "").strip(), source)
        return cls

    return register


def alias(name: str, cls: type[Any], summary: str, source: str, **preset: Any) -> None:
    """Another name for a layer, with some arguments fixed."""
    _register(name, cls, preset, summary, source)


def _register(
    name: str, cls: type[Any], preset: Mapping[str, Any], summary: str, source: str
) -> None:
    if name in _DEFINITIONS:
        raise ValueError(f"{name} is defined twice")
    _DEFINITIONS[name] = Definition(name, cls, preset, summary, source)


def _argument(field: dataclasses.Field[Any], hint: Any) -> Argument:
    # "int | None": the None is the computed default. A NewType's union is one of typing's.
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        hint = next(part for part in hint.__args__ if part is not type(None))
    meta = field.metadata
    shown = meta["shown"] or ("" if field.default is dataclasses.MISSING else _shown(field.default))
    return Argument(
        field.name,
        hint,
        field.default,
        meta["positional"],
        meta["minimum"],
        meta["maximum"],
        meta["doc"],
        shown,
    )


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def lookup(name: str) -> Definition | None:
    """The definition that a spec means by a name.

    dlib's computational layers, which its aliases wrap, are spelled with an underscore behind:
    ``add_layer<con_<6,5,5,1,1>, SUBNET>``. They take the same arguments.
    """
    found = _DEFINITIONS.get(name) or _DEFINITIONS.get(name.removesuffix("_"))
    if found is not None:
        return found if found.writable else None
    if not _FURTHER:
        return None
    definitions()
    return lookup(name)


def definitions() -> Mapping[str, Definition]:
    """Every definition by name, in the order of the catalogue's modules and of their text."""
    if _FURTHER:
        place = {module: number for number, module in enumerate(_FURTHER)}
        for module in place:
            importlib.import_module(module)
        _FURTHER.clear()
        # Somebody may have imported some of them before, in any order.
        ordered = sorted(_DEFINITIONS.items(), key=lambda d: place.get(d[1].cls.__module__, -1))
        _DEFINITIONS.clear()
        _DEFINITIONS.update(ordered)
    return types.MappingProxyType(_DEFINITIONS)


def further(modules: Iterable[str]) -> None:
    """Modules whose definitions are read when a name is missing, and before all are listed."""
    _FURTHER.extend(modules)


# ---- what several shape rules need ----


def image(shape: Shape, kind: str) -> tuple[int, Dim, Dim]:
    """The channels, height and width of a feature map; raises RuleError for anything else."""
    if len(shape) != 3 or shape[0] is None:
        raise RuleError(
            f"{kind} needs a feature map",
            f"expected channels×height×width, found {shown(shape)}",
            help="rows and columns are gone behind fc and flatten, tokens and channels_last",
            code="E304",
        )
    return shape[0], shape[1], shape[2]
