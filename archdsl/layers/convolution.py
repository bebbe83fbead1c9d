"""Convolution and transposed convolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from archdsl.ir.edges import EdgeType, product
from archdsl.ir.layer import (
    Category,
    Dim,
    MapLayer,
    RuleError,
    Shape,
    Window,
    alias,
    arg,
    define,
    elements,
    image,
    shown,
)
from archdsl.ir.lowering import Construct, made
from archdsl.ir.storage import KEEPS_INPUT
from archdsl.ir.window import sliding, spreading
from archdsl.layers.initial import Initialised

Pair = tuple[int, int]


def resolve(given: int | None, both: int | None, computed: int) -> int:
    """An argument of one axis: the one given for the axis, else for both, else ``computed``."""
    if given is not None:
        return given
    return both if both is not None else computed


def slid(size: Dim, kernel: int, stride: int, padding: int, *, ceil: bool = False) -> Dim:
    """Number of positions that a sliding window takes along an axis of ``size`` cells.

    Rounds down as dlib and torch do. With ``ceil`` rounds up, but no window starts beyond the
    input and its left padding (torch's rule for ``ceil_mode``).
    """
    if size is None:
        return None
    room = size + 2 * padding - kernel
    if not ceil:
        return room // stride + 1
    count = -(-room // stride) + 1
    return count - 1 if (count - 1) * stride >= size + padding else count


def uncovered(size: Dim, kernel: int, stride: int, padding: int, count: Dim) -> int:
    """Number of cells of an axis beyond the last of ``count`` positions of a window.

    0 where the window is smaller than its stride, since it leaves out cells everywhere then, and
    where a size is open.
    """
    if size is None or count is None or kernel < stride:
        return 0
    return max(0, size - ((count - 1) * stride + kernel - padding))


def require_fit(kind: str, shape: Shape, kernel: Pair, padding: Pair) -> None:
    """Raise RuleError if a window is larger than the padded input."""
    for size, k, p, axis in zip(shape[1:], kernel, padding, ("height", "width"), strict=True):
        if size is not None and k > size + 2 * p:
            padded = f" (padded to {size + 2 * p})" if p else ""
            raise RuleError(
                f"the {kernel[0]}×{kernel[1]} window of {kind} is larger than its input",
                f"expected a {axis} of at least {k - 2 * p}, found {shown(shape)}{padded}",
                help="use a smaller window, more padding, or fewer strides before this layer",
                code="E303",
            )


def times(pair: tuple[int | float, int | float]) -> str:
    return f"{pair[0]}×{pair[1]}"


@dataclass(frozen=True)
class SlidingWindow(MapLayer):
    """The base of layers that slide a window over a feature map, with the window's arguments."""

    kernel_h: int = arg("rows of the window (dlib nr); 0: the whole input", minimum=0)
    kernel_w: int = arg("columns of the window (dlib nc); 0: the whole input", minimum=0)
    stride_h: int = arg("vertical stride", 1, minimum=1, cpp_default=False)
    stride_w: int = arg("horizontal stride", 1, minimum=1, cpp_default=False)
    padding_h: int | None = arg(
        "rows of padding above and below", None, minimum=0, shown="kernel_h/2 at stride 1, else 0"
    )
    padding_w: int | None = arg(
        "columns of padding left and right", None, minimum=0, shown="kernel_w/2 at stride 1, else 0"
    )
    padding: int | None = arg(
        "padding_h and padding_w at once", None, minimum=0, positional=False, shown="not set"
    )

    @property
    def _spacing(self) -> int:
        """Distance of neighbouring cells of the window."""
        return 1

    def _padding(self) -> Pair:
        # dlib: half the window at stride 1, else nothing; none for a window of the whole input.
        # dlib has no dilation; the distance between cells widens "half the window" with it.
        half_h = self.kernel_h // 2 * self._spacing if self.stride_h == 1 else 0
        half_w = self.kernel_w // 2 * self._spacing if self.stride_w == 1 else 0
        return (
            resolve(self.padding_h, self.padding, half_h),
            resolve(self.padding_w, self.padding, half_w),
        )

    def asserted(self, samples: int | None, inputs: tuple[EdgeType, ...]) -> None:
        kernel, axes = (self.kernel_h, self.kernel_w), ("rows", "columns")
        written = SlidingWindow._padding(self)  # a pooling of everything leaves it out
        for side, padding, axis in zip(kernel, written, axes, strict=True):
            if padding and padding >= side:
                most = f"at most {side - 1}" if side else "none around a window of the whole input"
                raise RuleError(
                    f"dlib's {self.kind}_ takes less padding than its window is large",
                    f"expected {most} for {side} {axis}, found {padding}",
                    code="E307",
                )

    def effective(self) -> dict[str, Any]:
        padding_h, padding_w = self._padding()
        padding = {"padding_h": padding_h, "padding_w": padding_w, "padding": None}
        return super().effective() | padding

    def _extent(self, shape: Shape) -> Pair | None:
        """Rows and columns from the first to the last cell of the window; ``None`` if not known."""
        raise NotImplementedError

    def unseen(self, inputs: tuple[Shape, ...]) -> tuple[int, int]:
        _, height, width = image(inputs[0], self.kind)
        extent, padding = self._extent(inputs[0]), self._padding()
        if extent is None:
            return 0, 0
        _, rows, columns = self.shape(inputs)
        return (
            uncovered(height, extent[0], self.stride_h, padding[0], rows),
            uncovered(width, extent[1], self.stride_w, padding[1], columns),
        )

    def window(self, inputs: tuple[Shape, ...]) -> Window | None:
        extent = self._extent(inputs[0])
        if extent is None:
            return None
        spacing = self._spacing
        (above, left), (rows, columns) = self._padding(), extent
        return Window(
            sliding((rows - 1) // spacing + 1, self.stride_h, above, spacing),
            sliding((columns - 1) // spacing + 1, self.stride_w, left, spacing),
            (rows // 2 - above, columns // 2 - left),
        )


@dataclass(frozen=True)
class _FilterBank(MapLayer):
    """The base of convolutions: a layer with one output channel for each filter."""

    filters: int = arg("number of filters, the channels of the output", minimum=1)


@define(
    "con",
    category=Category.CONVOLUTION,
    stem="conv",
    source="dlib con_; torch.nn.Conv2d",
)
@dataclass(frozen=True)
class Convolution(Initialised, SlidingWindow, _FilterBank):
    """Convolution of a feature map, padded with zeros, with a bank of filters."""

    linear = True
    storage = KEEPS_INPUT

    dilation: int = arg("distance of neighbouring filter taps", 1, minimum=1, positional=False)
    groups: int = arg(
        "channels are split into so many independent convolutions; 0: depthwise, one per channel",
        1,
        minimum=0,
        positional=False,
    )
    bias: bool = arg("add a learned value per filter", True, positional=False)

    def _kernel(self, shape: Shape) -> Pair:
        _, height, width = image(shape, "con")
        kernel = self.kernel_h or height, self.kernel_w or width
        if kernel[0] is None or kernel[1] is None:
            raise RuleError(
                "a filter as large as the input needs an input of known size",
                f"found {shown(shape)}",
                help="give the size with --input CxHxW",
                code="E305",
            )
        return kernel[0], kernel[1]

    @property
    def _spacing(self) -> int:
        return self.dilation

    def _extent(self, shape: Shape) -> Pair:
        rows, columns = self._kernel(shape)
        return (rows - 1) * self.dilation + 1, (columns - 1) * self.dilation + 1

    def _groups(self, channels: int) -> int:
        return self.groups or channels

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        channels, height, width = image(inputs[0], "con")
        extent, padding = self._extent(inputs[0]), self._padding()
        groups = self._groups(channels)
        for count, what in ((channels, "input channels"), (self.filters, "filters")):
            if count % groups:
                raise RuleError(
                    f"{groups} groups do not divide {count} {what}",
                    f"expected channels and filters in equal groups, found {shown(inputs[0])}",
                    code="E306",
                )
        require_fit("con", inputs[0], extent, padding)
        return (
            self.filters,
            slid(height, extent[0], self.stride_h, padding[0]),
            slid(width, extent[1], self.stride_w, padding[1]),
        )

    def _weights(self, shape: Shape) -> int:
        channels = image(shape, "con")[0]
        kernel = self._kernel(shape)
        return self.filters * (channels // self._groups(channels)) * kernel[0] * kernel[1]

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        return self._weights(inputs[0]) + (self.filters if self.bias else 0)

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int | None:
        return product(self._weights(inputs[0]), elements(output[1:]))

    def label(self) -> str:
        return self._label(depthwise=self.groups == 0)

    def label_for(self, inputs: tuple[EdgeType, ...]) -> str:
        seen = inputs[0]
        channels = seen[0] if isinstance(seen, tuple) else None
        return self._label(depthwise=self.groups == 0 or 1 < self.groups == channels)

    def _label(self, *, depthwise: bool) -> str:
        kernel = times((self.kernel_h, self.kernel_w)) if self.kernel_h else "full"
        parts = [f"{kernel} {'depthwise ' if depthwise else ''}conv", str(self.filters)]
        if self.stride_h != 1 or self.stride_w != 1:
            same = self.stride_h == self.stride_w
            parts.append(
                f"/{self.stride_h}" if same else f"/{times((self.stride_h, self.stride_w))}"
            )
        if self.groups != 1 and not depthwise:
            parts.append(f"groups {self.groups}")
        if self.dilation != 1:
            parts.append(f"dilation {self.dilation}")
        return ", ".join(parts)

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        channels = image(inputs[0], "con")[0]
        kernel = self._kernel(inputs[0])
        return made(
            "torch.nn.Conv2d",
            channels,
            self.filters,
            kernel,
            stride=(self.stride_h, self.stride_w),
            padding=self._padding(),
            dilation=self.dilation,
            groups=self._groups(channels),
            bias=self.bias,
        )


@define(
    "cont",
    category=Category.CONVOLUTION,
    stem="deconv",
    source="dlib cont_; torch.nn.ConvTranspose2d",
)
@dataclass(frozen=True)
class TransposedConvolution(Initialised, SlidingWindow, _FilterBank):
    """Transposed convolution: enlarges a feature map by its stride."""

    linear = True
    storage = KEEPS_INPUT

    kernel_h: int = arg("rows of a filter (dlib nr)", minimum=1)
    kernel_w: int = arg("columns of a filter (dlib nc)", minimum=1)
    stride_h: int = arg("vertical enlargement", 1, minimum=1, cpp_default=False)
    stride_w: int = arg("horizontal enlargement", 1, minimum=1, cpp_default=False)
    padding_h: int | None = arg(
        "rows cut from the output's top and bottom",
        None,
        minimum=0,
        shown="kernel_h/2 at stride 1, else 0",
    )
    padding_w: int | None = arg(
        "columns cut from the output's left and right",
        None,
        minimum=0,
        shown="kernel_w/2 at stride 1, else 0",
    )
    output_padding: int = arg(
        "rows and columns added to the output's bottom and right", 0, minimum=0, positional=False
    )
    groups: int = arg("independent groups of channels", 1, minimum=1, positional=False)
    bias: bool = arg("add a learned value per filter", True, positional=False)

    def unseen(self, inputs: tuple[Shape, ...]) -> tuple[int, int]:
        return 0, 0  # every input cell is multiplied by the filter

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        channels, height, width = image(inputs[0], "cont")
        for count, what in ((channels, "input channels"), (self.filters, "filters")):
            if count % self.groups:
                raise RuleError(f"{self.groups} groups do not divide {count} {what}", code="E306")
        stride = min(self.stride_h, self.stride_w)
        if self.output_padding >= stride and self.output_padding:
            raise RuleError(
                "the output padding of cont is not smaller than its stride",
                f"expected less than {stride}, found {self.output_padding}",
                code="E313",
            )
        padding = self._padding()

        def enlarged(size: Dim, kernel: int, stride: int, cut: int) -> Dim:
            if size is None:
                return None
            return (size - 1) * stride + kernel - 2 * cut + self.output_padding

        output = (
            self.filters,
            enlarged(height, self.kernel_h, self.stride_h, padding[0]),
            enlarged(width, self.kernel_w, self.stride_w, padding[1]),
        )
        if any(size is not None and size < 1 for size in output):
            raise RuleError(
                "the padding of cont cuts its whole output away",
                f"from {shown(inputs[0])} to {shown(output)}",
                code="E313",
            )
        return output

    def _weights(self, shape: Shape) -> int:
        channels = image(shape, "cont")[0]
        return channels * (self.filters // self.groups) * self.kernel_h * self.kernel_w

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        return self._weights(inputs[0]) + (self.filters if self.bias else 0)

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int | None:
        # A filter is laid down once for every input cell.
        return product(self._weights(inputs[0]), elements(inputs[0][1:]))

    def window(self, inputs: tuple[Shape, ...]) -> Window | None:
        above, left = self._padding()
        return Window(
            spreading(self.kernel_h, self.stride_h, above),
            spreading(self.kernel_w, self.stride_w, left),
            (
                (above - self.kernel_h // 2) / self.stride_h,
                (left - self.kernel_w // 2) / self.stride_w,
            ),
        )

    def label(self) -> str:
        kernel = times((self.kernel_h, self.kernel_w))
        enlarged = f", ×{self.stride_h}" if self.stride_h != 1 else ""
        return f"{kernel} transposed conv, {self.filters}{enlarged}"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made(
            "torch.nn.ConvTranspose2d",
            image(inputs[0], "cont")[0],
            self.filters,
            (self.kernel_h, self.kernel_w),
            stride=(self.stride_h, self.stride_w),
            padding=self._padding(),
            output_padding=self.output_padding,
            groups=self.groups,
            bias=self.bias,
        )


alias(
    "depthwise",
    Convolution,
    "Convolution of every channel by itself; filters must be a multiple of the channels.",
    "torch.nn.Conv2d with groups = channels",
    groups=0,
)
