"""Feature maps resized: by a factor, and to a size."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.ir.layer import Category, Dim, MapLayer, Shape, Window, arg, define, image
from archdsl.ir.lowering import Construct, made
from archdsl.ir.storage import KEEPS_NOTHING
from archdsl.ir.window import Reads, blending, repeating, resizing
from archdsl.layers.convolution import times


@dataclass(frozen=True)
class Enlargement(MapLayer):
    """The base of layers that enlarge a feature map by a whole factor."""

    storage = KEEPS_NOTHING
    homogeneous = True

    scale: int = arg("factor for height and width", minimum=1)
    scale_w: int | None = arg("factor for the width alone", None, minimum=1, shown="scale")

    @property
    def scales(self) -> tuple[int, int]:
        """The factors for height and width."""
        return self.scale, self.scale_w or self.scale

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        channels, height, width = image(inputs[0], self.kind)
        rows, columns = self.scales
        return channels, height and height * rows, width and width * columns

    def reads(self, size: Dim, scale: int) -> Reads:
        """The input cells that an output cell sees along an axis."""
        raise NotImplementedError

    def window(self, inputs: tuple[Shape, ...]) -> Window | None:
        _, height, width = image(inputs[0], self.kind)
        rows, columns = self.scales
        return Window(self.reads(height, rows), self.reads(width, columns))

    def label(self) -> str:
        rows, columns = self.scales
        return f"upsample ×{rows}" if rows == columns else f"upsample {times(self.scales)}"

    def factor(self) -> float | tuple[float, float]:
        """The factor as torch takes it: one number where both are equal."""
        rows, columns = self.scales
        return rows if rows == columns else (rows, columns)


@define(
    "upsample",
    category=Category.RESHAPE,
    stem="upsample",
    source="dlib upsample_; torch.nn.Upsample(mode='bilinear')",
)
@dataclass(frozen=True)
class Upsample(Enlargement):
    """Bilinear enlargement; as in dlib the corner cells of input and output coincide."""

    align_corners: bool = arg(
        "the corner cells of input and output coincide (dlib), not their outer edges (torch)",
        True,
        positional=False,
    )

    def reads(self, size: Dim, scale: int) -> Reads:
        if self.align_corners and size is not None:
            return resizing(size, size * scale, nearest=False, corners=True)
        return blending(scale)

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made(
            "torch.nn.Upsample",
            scale_factor=self.factor(),
            mode="bilinear",
            align_corners=self.align_corners,
        )


@define(
    "upsample_nearest",
    category=Category.RESHAPE,
    stem="upsample",
    source="Darknet's [upsample]; torch.nn.Upsample(mode='nearest')",
)
@dataclass(frozen=True)
class UpsampleNearest(Enlargement):
    """Enlargement in which every value becomes a square of equal values."""

    def reads(self, size: Dim, scale: int) -> Reads:
        return repeating(scale)

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("torch.nn.Upsample", scale_factor=self.factor(), mode="nearest")


@define(
    "resize_to",
    category=Category.RESHAPE,
    stem="resize",
    source="dlib resize_to_; torch.nn.Upsample(size, mode='bilinear', align_corners=True)",
)
@dataclass(frozen=True)
class ResizeTo(MapLayer):
    """Bilinear resizing to a size; the corner cells of input and output coincide."""

    storage = KEEPS_NOTHING
    homogeneous = True

    rows: int = arg("rows of the output (dlib NR)", minimum=1)
    columns: int = arg("columns of the output (dlib NC)", minimum=1)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        return image(inputs[0], self.kind)[0], self.rows, self.columns

    def window(self, inputs: tuple[Shape, ...]) -> Window | None:
        _, height, width = inputs[0]
        if not (height and width):
            return None
        return Window(
            resizing(height, self.rows, nearest=False, corners=True),
            resizing(width, self.columns, nearest=False, corners=True),
        )

    def label(self) -> str:
        return f"resize to {times((self.rows, self.columns))}"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made(
            "torch.nn.Upsample", size=(self.rows, self.columns), mode="bilinear", align_corners=True
        )
