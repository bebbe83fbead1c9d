"""The interface of layer definitions: one frozen dataclass per kind, registered under its names.

The fields of the class are the arguments of the layer (name, type, default, range), its methods
the rules: output shape, parameters, multiply-accumulates, lowering to PyTorch. An instance of the
class is a layer with its arguments bound. Everything that archdsl knows of a layer kind stands in
its class; other modules go through this interface and never ask for a kind by name.
"""

from __future__ import annotations

import dataclasses
import importlib
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
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
    product,
    samples,
    shown,
    total,
)
from archdsl.ir.storage import Storage
from archdsl.ir.window import POINT, Window

if TYPE_CHECKING:
    from archdsl.ir.initial import Initial
    from archdsl.ir.lowering import Construct, Emitter, Operand, Value
    from archdsl.ir.trial import Trial


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

_T = TypeVar("_T")


class Category(Enum):
    """The purpose of a layer, such as convolution or pooling; drawings colour by it."""

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


class Argument(NamedTuple):
    """One argument of a layer: name, type, default, range and documentation."""

    name: str
    type: Any
    default: Any
    positional: bool
    minimum: float | None
    maximum: float | None
    doc: str
    shown_default: str
    cpp_default: bool = True
    """False if dlib's template has no default for it, so that C++ files have to write it."""

    @property
    def required(self) -> bool:
        return self.default is dataclasses.MISSING


def outside(value: float, minimum: float | None, maximum: float | None) -> str | None:
    """The range of an argument in words if the value is outside of it, else ``None``."""
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
    cpp_default: bool = True,
) -> Any:
    """A field of a layer class: an argument with its documentation, default and range.

    ``shown`` says in words what a default of ``None`` stands for, ``cpp_default`` whether dlib's
    template has a default too.
    """
    metadata = {
        "cpp_default": cpp_default,
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

    Every rule has two forms. Definitions of tensor layers write ``shape``, ``warning``,
    ``parameters``, ``buffers``, ``macs``, ``window`` and ``lower`` for tensors. The stages of the
    compiler call the same rules with the prefix ``edge_``, which take whatever flows along the
    edges of a network (:data:`~archdsl.ir.edges.EdgeType`): feature maps and features of regions
    are taken apart into tensors. Layers that take or give other things override these instead.

    Shapes are those of one sample, without the batch. MACs are output elements times kernel volume
    times input channels by groups for convolutions and linear layers, for attention what its
    docstring says, 0 for all others.
    """

    category: ClassVar[Category]
    stem: ClassVar[str]
    kind: ClassVar[str]
    inputs: ClassVar[int | None] = 1
    """Number of tensors the layer takes; ``None`` for any number from two on."""
    storage: ClassVar[Storage] = Storage()
    """The tensors that it makes, and those that its gradient needs."""
    passes: ClassVar[bool] = False
    """True if it gives one of its input tensors as it is."""
    warning_code: ClassVar[str] = "W000"
    """Code of the layer's warning, which ``archdsl explain`` tells more about."""
    bounded: ClassVar[bool] = False
    """True for activations that a network may end in, as sigmoid and softmax."""
    takes_logits: ClassVar[bool] = False
    """True for losses that turn their input, logits, into probabilities themselves."""
    absorbs_bias: ClassVar[bool] = False
    """True if a bias added to a channel of its input is taken away again, as batch norm does."""
    linear: ClassVar[bool] = False
    """True if the output is the input times weights, and a bias: they can take a factor."""
    homogeneous: ClassVar[bool] = False
    """True if a positive factor of the input becomes one of the output, as of a ReLU."""
    flattens: ClassVar[bool] = False
    """True if it takes an input of any shape as one row of features."""
    features_last: ClassVar[bool] = False
    """True if weights and biases go along the last axis, and not along the channels."""
    concatenates: ClassVar[bool] = False
    """True if the output is the inputs one behind the other, along the channels."""
    windowed: ClassVar[bool] = True
    """False if what a cell sees may lie anywhere in the input, as with regions."""
    locating: ClassVar[tuple[int, ...]] = ()
    """The inputs that only say where and how large something is; drawings leave them out."""
    takes: ClassVar[tuple[str, ...]] = ()
    """Words for inputs that are different things, such as ``("scores", "boxes")``."""
    sees: ClassVar[Window | None] = None
    """The part of its input that a cell sees, where that is no window that moves over it."""
    order: ClassVar[tuple[int, ...]] = (0, 1, 2)
    """The axes of its input, in the order in which its output has them."""

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """The output shape; raises :class:`RuleError` where the inputs do not fit."""
        return inputs[0]

    def asserted(self, samples: int | None, inputs: tuple[EdgeType, ...]) -> None:
        """Raise RuleError for what dlib's assertions refuse and torch takes.

        Asked of layers in C++ files alone. ``samples`` is the number of samples that the network's
        input makes of one item, such as two of a pair; ``None`` if that is open.
        """

    def warning(self, inputs: tuple[Shape, ...]) -> str | None:
        """A sentence about inputs that are legal but may not be meant; ``None`` without one."""
        return None

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        """The number of learnable values."""
        return 0

    def buffers(self, inputs: tuple[Shape, ...]) -> int:
        """The number of values that are stored but not learned."""
        return 0

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int | None:
        """Multiply-accumulates for one sample; ``None`` where they depend on an open size."""
        return 0

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Bytes that the gradient needs for one sample, beside inputs, output and weights."""
        return self.storage.extra * (elements(output) or 0)

    def window(self, inputs: tuple[Shape, ...]) -> Window | None:
        """Input cells that one output cell sees; ``None`` for layers that work cell by cell."""
        return None

    def views(self, inputs: tuple[Shape, ...]) -> tuple[Window | None, ...]:
        """The part of each input that a cell sees; ``None`` where only the input's size counts."""
        return (self.sees or self.window(inputs) or POINT,) * len(inputs)

    def unseen(self, inputs: tuple[Shape, ...]) -> tuple[int, int]:
        """Numbers of rows and columns at the far border that no window covers, by rounding down."""
        return 0, 0

    def effective(self) -> dict[str, Any]:
        """Arguments in one normal form, by name: equal for layers that compute the same."""
        assert dataclasses.is_dataclass(self)
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def label(self) -> str:
        """Short text of the layer's box in drawings, such as ``3×3 conv, 64``."""
        return self.kind

    @property
    def drawn(self) -> bool:
        """True if drawings give the layer a box of its own; else its input stands for it."""
        return not self.passes

    def label_for(self, inputs: tuple[EdgeType, ...]) -> str:
        """The label where the inputs are known, which may say more: ``3×3 depthwise conv, 64``."""
        return self.label()

    def options(self) -> Mapping[str, Any]:
        """Settings that no shape tells, such as thresholds, by name; for JSON."""
        return {}

    def with_bias(self) -> Layer | None:
        """The layer with a bias; ``None`` where it has one already, or no place for one."""
        return None

    @property
    def initial_values(self) -> Initial | None:
        """Distributions of its initial weights and biases; ``None`` leaves torch's defaults."""
        return None

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        """The PyTorch module of the layer, as the call that makes it."""
        raise NotImplementedError(f"{self.kind} has no module")

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        """Add the layer to a computation and return the value of its output."""
        return emit.module(self.module(inputs), *operands, initial=self.initial_values)

    def seen(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """Input shapes as the tensor rules take them; :class:`MapLayer` changes them."""
        return inputs

    # ---- the same rules for everything that flows along edges ----

    def edge_shape(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        """The type of the output; raises :class:`RuleError` where the inputs do not fit."""
        seen = applications(inputs, self.kind)
        return gathered(inputs, [self.shape(self.seen(shapes)) for shapes in seen])

    def edge_warning(self, inputs: tuple[EdgeType, ...]) -> str | None:
        """The warning for inputs that fit, as one sentence; ``None`` without one."""
        return self.warning(self._first(inputs))

    def edge_parameters(self, inputs: tuple[EdgeType, ...]) -> int:
        """The number of learnable values; applications to several tensors share them."""
        return self.parameters(self._first(inputs))

    def edge_buffers(self, inputs: tuple[EdgeType, ...]) -> int:
        """The number of values that are stored but not learned; applications share them too."""
        return self.buffers(self._first(inputs))

    def edge_macs(self, inputs: tuple[EdgeType, ...], output: EdgeType) -> int | None:
        """Multiply-accumulates for one image: of all its feature maps, of all its regions.

        ``None`` where they depend on an open size.
        """
        if type(output) is tuple:
            return self.macs(self._first(inputs), output)
        seen = map(self.seen, applications(inputs, self.kind))
        made = (outputs[0] for outputs in applications((output,), self.kind))
        return product(samples(inputs), total(map(self.macs, seen, made)))

    def edge_window(self, inputs: tuple[EdgeType, ...]) -> Window | None:
        """Input cells that one output cell sees, of the finest of several feature maps."""
        return self.window(self._first(inputs))

    def handed(self, parts: Sequence[tuple[_T, ...]]) -> tuple[_T, ...] | None:
        """Properties of the tensors that it hands on, out of ``parts``, by input and tensor.

        ``None`` for all layers but those that hand tensors on as they are.
        """
        return None

    def edge_lower(
        self, emit: Emitter, operands: tuple[Operand, ...], inputs: tuple[EdgeType, ...]
    ) -> Operand:
        """Add the layer to a computation: once for every tensor that it is applied to."""
        return emit.lowered(self, operands, inputs)

    def fed(self, output: EdgeType) -> Mapping[str, Trial]:
        """Random arguments for a trial run of the module, by parameter name; empty but for inputs.

        They have the nominal size and are for one image. ``output`` is the type of what the layer
        gives. Raises RuleError where a size is open.
        """
        return {}

    def _first(self, inputs: tuple[EdgeType, ...]) -> tuple[Shape, ...]:
        if not inputs or type(inputs[0]) is tuple:  # nearly always, and it has been checked
            return self.seen(typing.cast("tuple[Shape, ...]", inputs))
        return self.seen(applications(inputs, self.kind)[0])


def as_map(shape: Shape) -> Shape:
    """The shape of a row of features as dlib has it, features×1×1; other shapes unchanged."""
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
        """The arguments of the name, those that are given by name last.

        Computed at first use, since most names of the catalogue are never used.
        """
        hints = typing.get_type_hints(self.cls)
        fields = [f for f in dataclasses.fields(self.cls) if f.name not in self.preset]
        # A base class adds named arguments before the positional ones of a definition.
        fields.sort(key=lambda field: not field.metadata["positional"])
        return tuple(_argument(field, hints[field.name]) for field in fields)

    @cached_property
    def places(self) -> tuple[Argument, ...]:
        """The arguments that may be given by position."""
        return tuple(argument for argument in self.arguments if argument.positional)

    @cached_property
    def writable(self) -> bool:
        """True if specs may name it; layers with several inputs come from combinators only."""
        return getattr(self.cls, "inputs", 1) in (0, 1)

    def argument(self, name: str) -> Argument | None:
        return next((a for a in self.arguments if a.name == name), None)


_DEFINITIONS: dict[str, Definition] = {}
_MODES: dict[str, Mapping[str, str]] = {}
_FURTHER: list[str] = []


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
    """Register another name for a layer, with some arguments fixed."""
    _register(name, cls, preset, summary, source)


def modes(name: str, **names: str) -> None:
    """Register dlib's class of several layers: by the enumerator it takes, the layer's name."""
    _MODES[name] = names


def modes_of(name: str) -> Mapping[str, str]:
    """The layers that a class of dlib's is, by the enumerator that it takes; mostly none."""
    return _MODES.get(name, {})


def _register(
    name: str, cls: type[Any], preset: Mapping[str, Any], summary: str, source: str
) -> None:
    if name in _DEFINITIONS:
        raise ValueError(f"{name} is defined twice")
    _DEFINITIONS[name] = Definition(name, cls, preset, summary, source)


def _argument(field: dataclasses.Field[Any], hint: Any) -> Argument:
    if typing.get_origin(hint) in (types.UnionType, typing.Union):  # of a class, of a NewType
        # "int | None": the None is the computed default
        hint = next(part for part in typing.get_args(hint) if part is not type(None))
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
        meta["cpp_default"],
    )


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def lookup(name: str) -> Definition | None:
    """The definition that a spec means by a name.

    dlib's computational layers, which its aliases wrap, are spelled with an underscore behind:
    ``add_layer<con_<6,5,5,1,1>, SUBNET>``. They take the same arguments.
    """
    found = _DEFINITIONS.get(name) or _DEFINITIONS.get(name.removesuffix("_"))
    if found is None and name in _MODES:
        found = _DEFINITIONS[next(iter(_MODES[name].values()))]
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
    """Register modules that are imported when a name is missing, and before all are listed."""
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
