"""The same values in another shape, and parts of a tensor."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.ir.layer import (
    Category,
    Layer,
    MapLayer,
    RuleError,
    Shape,
    Window,
    arg,
    as_map,
    define,
    image,
    shown,
)
from archdsl.ir.lowering import Construct, Emitter, Value, made
from archdsl.ir.storage import PART, VIEW
from archdsl.ir.window import SAMPLE, sliding
from archdsl.layers.pooling import flat_size
from archdsl.layers.resize import ResizeTo


@define("reshape_to", category=Category.RESHAPE, source="dlib reshape_to_; torch.reshape")
@dataclass(frozen=True)
class ReshapeTo(MapLayer):
    """The values of a sample, in their order, as channels×rows×columns; -1 keeps a size.

    As in dlib, where the number of values changes but the channels do not, it resizes instead, as
    ``resize_to`` does.
    """

    storage = VIEW
    homogeneous = True
    warning_code = "W010"

    channels: int = arg("channels of the output (dlib k)", -1, minimum=-1)
    rows: int = arg("rows of the output (dlib nr)", -1, minimum=-1)
    columns: int = arg("columns of the output (dlib nc)", -1, minimum=-1)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        given = inputs[0]
        image(given, self.kind)
        sizes = (self.channels, self.rows, self.columns)
        if 0 in sizes:
            raise RuleError(
                "a size of 0", "expected sizes from 1 on, or -1 to keep one", code="E321"
            )
        output = tuple(old if size == -1 else size for size, old in zip(sizes, given, strict=True))
        if flat_size(output, self.kind) != flat_size(given, self.kind) and output[0] != given[0]:
            raise RuleError(
                f"{self.kind} cannot make {shown(output)} of {shown(given)}",
                f"expected {flat_size(given, self.kind)} values, "
                f"found {flat_size(output, self.kind)}",
                help="only height and width can be resized, and the channels then stay",
                code="E310",
            )
        return output

    def _resizing(self, given: Shape) -> ResizeTo | None:
        """The resizing that dlib adds where the number of values changes; ``None`` if it stays."""
        _, rows, columns = output = self.shape((given,))
        if flat_size(output, self.kind) == flat_size(given, self.kind):
            return None
        assert rows is not None and columns is not None  # flat_size knows them
        return ResizeTo(rows, columns)

    def warning(self, inputs: tuple[Shape, ...]) -> str | None:
        if self._resizing(inputs[0]) is None:
            return None
        return f"{self.kind} resizes {shown(inputs[0])} to {shown(self.shape(inputs))}, as in dlib"

    def window(self, inputs: tuple[Shape, ...]) -> Window | None:
        resizing = self._resizing(inputs[0])
        return resizing.window(inputs) if resizing else None

    def views(self, inputs: tuple[Shape, ...]) -> tuple[Window | None, ...]:
        # Values that change places come to lie in cells with values from anywhere.
        moved = self._resizing(inputs[0]) is None and self.shape(inputs) != inputs[0]
        return (SAMPLE,) if moved else super().views(inputs)

    def label(self) -> str:
        sizes = (self.channels, self.rows, self.columns)
        return "as " + "×".join("same" if size == -1 else str(size) for size in sizes)

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        resizing = self._resizing(inputs[0])
        if resizing is not None:
            return resizing.lower(emit, operands, inputs)
        return emit.call("torch.reshape", *operands, (-1, *self.shape(inputs)))


@define(
    "flatten",
    category=Category.RESHAPE,
    source="torch.flatten(x, 1); dlib flatten<k,nr,nc>",
)
@dataclass(frozen=True)
class Flatten(Layer):
    """Everything of a sample in one row: channels×height×width to features.

    dlib's form names the sizes that are flattened, ``flatten<64,7,7>``; it is
    ``reshape_to<64*7*7,1,1>``.
    """

    storage = VIEW
    homogeneous = True

    channels: int | None = arg("channels (dlib k)", None, minimum=1, shown="the input's")
    rows: int | None = arg("rows (dlib nr)", None, minimum=1, shown="the input's")
    columns: int | None = arg("columns (dlib nc)", None, minimum=1, shown="the input's")

    def _reshape(self) -> ReshapeTo | None:
        """The ``reshape_to`` that the form with three sizes stands for; ``None`` without sizes."""
        sizes = (self.channels, self.rows, self.columns)
        if sizes == (None, None, None):
            return None
        if self.channels is None or self.rows is None or self.columns is None:
            raise RuleError(
                "flatten takes three sizes or none", "expected flatten<k,nr,nc>", code="E321"
            )
        return ReshapeTo(self.channels * self.rows * self.columns, 1, 1)

    def seen(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        return tuple(map(as_map, inputs)) if self.channels else inputs

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        reshape = self._reshape()
        return reshape.shape(inputs) if reshape else (flat_size(inputs[0], "flatten"),)

    def warning(self, inputs: tuple[Shape, ...]) -> str | None:
        reshape = self._reshape()
        return reshape.warning(inputs) if reshape else None

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("torch.nn.Flatten")

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        reshape = self._reshape()
        if reshape is not None:
            return reshape.lower(emit, operands, inputs)
        return super().lower(emit, operands, inputs)


@define("extract", category=Category.RESHAPE, source="dlib extract_")
@dataclass(frozen=True)
class Extract(Layer):
    """Neighbouring values of a sample, in their order, as channels×rows×columns."""

    storage = PART
    homogeneous = True
    sees = SAMPLE

    offset: int = arg("values that are left out at the front", minimum=0)
    channels: int = arg("channels of the output (dlib k)", minimum=1)
    rows: int = arg("rows of the output (dlib nr)", minimum=1)
    columns: int = arg("columns of the output (dlib nc)", minimum=1)

    @property
    def _end(self) -> int:
        return self.offset + self.channels * self.rows * self.columns

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        count = flat_size(inputs[0], self.kind)
        if self._end > count:
            raise RuleError(
                f"{self.kind} reaches beyond its input",
                f"expected at least {self._end} values, found {count} ({shown(inputs[0])})",
                code="E311",
            )
        return self.channels, self.rows, self.columns

    def label(self) -> str:
        return f"extract {shown((self.channels, self.rows, self.columns))}"

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        row = emit.call("torch.flatten", *operands, 1)
        part = emit.call("operator.getitem", row, (slice(None), slice(self.offset, self._end)))
        return emit.call("torch.reshape", part, (-1, *self.shape(inputs)))


@define("slice", category=Category.RESHAPE, source="dlib slice_")
@dataclass(frozen=True)
class Slice(MapLayer):
    """A box out of a feature map: some of its channels, rows and columns."""

    storage = PART
    homogeneous = True

    first_channel: int = arg("channels left out at the front (dlib offset_k)", minimum=0)
    first_row: int = arg("rows left out above (dlib offset_nr)", minimum=0)
    first_column: int = arg("columns left out on the left (dlib offset_nc)", minimum=0)
    channels: int = arg("channels of the output (dlib k)", minimum=1)
    rows: int = arg("rows of the output (dlib nr)", minimum=1)
    columns: int = arg("columns of the output (dlib nc)", minimum=1)

    @property
    def _box(self) -> tuple[slice, slice, slice]:
        return (
            slice(self.first_channel, self.first_channel + self.channels),
            slice(self.first_row, self.first_row + self.rows),
            slice(self.first_column, self.first_column + self.columns),
        )

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        sizes = image(inputs[0], self.kind)
        for size, part, axis in zip(sizes, self._box, ("channels", "rows", "columns"), strict=True):
            if size is not None and part.stop > size:
                raise RuleError(
                    f"{self.kind} reaches beyond its input",
                    f"expected at least {part.stop} {axis}, found {shown(inputs[0])}",
                    code="E311",
                )
        return self.channels, self.rows, self.columns

    def views(self, inputs: tuple[Shape, ...]) -> tuple[Window | None, ...]:
        return (Window(sliding(1, 1, -self.first_row), sliding(1, 1, -self.first_column)),)

    def label(self) -> str:
        return f"slice {shown((self.channels, self.rows, self.columns))}"

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        return emit.call("operator.getitem", *operands, (slice(None), *self._box))


@define(
    "transpose", category=Category.RESHAPE, source="dlib transpose_; torch.transpose(x, -2, -1)"
)
@dataclass(frozen=True)
class Transpose(MapLayer):
    """Rows become columns, in every channel; a sequence's tokens become its channels.

    Behind it ``linear`` mixes the tokens of each channel, as in MLP-Mixer.
    """

    storage = VIEW
    homogeneous = True
    order = (0, 2, 1)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        if len(inputs[0]) == 2:
            return inputs[0][::-1]
        channels, height, width = image(inputs[0], self.kind)
        return channels, width, height

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        axes = (1, 2) if len(inputs[0]) == 2 else (2, 3)
        return emit.call("torch.transpose", *operands, *axes)
