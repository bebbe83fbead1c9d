"""Kinds of dlib's poolings and resizings, and of layers that only move values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from archdsl.dlib.kinds.convolution import (
    WINDOW,
    window,
    window_meant,
    window_spelling,
    window_values,
)
from archdsl.dlib.kinds.definition import Field, Kind, Values, double, flag, integer, kind, single
from archdsl.ir.layer import definitions


class _Pooling(Kind):
    needs_output = True
    fields: ClassVar[tuple[Field, ...]] = WINDOW

    def arguments(self, values: Values) -> Mapping[str, Any]:
        return window(values)

    def meant(self, layer: Any, module: Any) -> Mapping[str, Any]:
        return window_meant(layer, self._padding(layer))

    def spelled(self, values: Values) -> str:
        return f"{self.ours[0]}_everything" if self._everything(values) else self.ours[0]

    def spelling(self, values: Values) -> list[str]:
        return [] if self._everything(values) else window_spelling(values)

    def values(self, layer: Any, module: Any, inputs: Any = ()) -> Values:
        return window_values(layer, self._padding(layer))

    def obstacle(self, layer: Any, module: Any, inputs: Any = ()) -> str | None:
        if layer.ceil_mode:
            return "pooling that rounds its size up"
        if getattr(layer, "count_include_pad", False) and any(self._padding(layer)):
            return "pooling that counts the padding"
        return None

    def _everything(self, values: Values) -> bool:
        return list(window(values).values()) == [0, 0, 1, 1, 0, 0]

    def _padding(self, layer: Any) -> tuple[int, int]:
        return (0, 0) if layer.everything else layer._padding()


@kind("max_pool_2", name="max_pool")
class MaxPool(_Pooling):
    ours = ("max_pool",)


@kind("avg_pool_2", name="avg_pool")
class AvgPool(_Pooling):
    ours = ("avg_pool",)


class _Named(Kind):
    """A layer whose arguments stand in its record, under the names of ``names``."""

    names: ClassVar[Mapping[str, str]]
    """Our argument for each field that is one."""

    def arguments(self, values: Values) -> Mapping[str, Any]:
        return {ours: values[theirs] for theirs, ours in self.names.items()}

    def meant(self, layer: Any, module: Any) -> Mapping[str, Any]:
        return {ours: getattr(layer, ours) for ours in self.names.values()}

    def values(self, layer: Any, module: Any, inputs: Any = ()) -> Values:
        given = {theirs: getattr(layer, ours) for theirs, ours in self.names.items()}
        return {**self.defaults(), **given}


def _map(inputs: Any) -> tuple[int, int, int]:
    """Channels, rows and columns; dlib takes features for channels of one cell."""
    shape = tuple(inputs[0])
    return shape if len(shape) == 3 else (*shape, *(1,) * (3 - len(shape)))


@kind("upsample_")
class Upsample(Kind):
    ours = ("upsample",)
    fields: ClassVar[tuple[Field, ...]] = (integer("scale_y", 1), integer("scale_x", 1))

    def arguments(self, values: Values) -> Mapping[str, Any]:
        return {"scale": values["scale_y"], "scale_w": values["scale_x"]}

    def meant(self, layer: Any, module: Any) -> Mapping[str, Any]:
        return {"scale": layer.scale, "scale_w": getattr(layer, "scale_w", None) or layer.scale}

    def spelling(self, values: Values) -> list[str]:
        sides = [str(values["scale_y"]), str(values["scale_x"])]
        return sides[:1] if sides[0] == sides[1] else sides

    def values(self, layer: Any, module: Any, inputs: Any = ()) -> Values:
        meant = self.meant(layer, module)
        return {"scale_y": meant["scale"], "scale_x": meant["scale_w"]}

    def obstacle(self, layer: Any, module: Any, inputs: Any = ()) -> str | None:
        return None if layer.align_corners else "enlargement but with corners aligned"


@kind("reorg_")
class Reorg(_Named):
    ours = ("reorg",)
    names: ClassVar[Mapping[str, str]] = {"row_stride": "row_stride", "col_stride": "col_stride"}
    fields: ClassVar[tuple[Field, ...]] = (integer("row_stride", 2), integer("col_stride", 2))


@kind("resize_to_")
class ResizeTo(_Named):
    ours = ("resize_to",)
    names: ClassVar[Mapping[str, str]] = {"nr": "rows", "nc": "columns"}
    fields: ClassVar[tuple[Field, ...]] = (
        integer("nr", 1),
        integer("nc", 1),
        double("scale_y", 1.0),
        double("scale_x", 1.0),
    )

    def values(self, layer: Any, module: Any, inputs: Any = ()) -> Values:
        values = super().values(layer, module, inputs)
        _, rows, columns = _map(inputs)
        return {**values, "scale_y": values["nr"] / rows, "scale_x": values["nc"] / columns}


@kind("reshape_to_")
class ReshapeTo(_Named):
    """dlib's flatten is a reshape_to as well; a size of -1 is the input's."""

    ours = ("reshape_to", "flatten")
    names: ClassVar[Mapping[str, str]] = {
        "output_k": "channels",
        "output_nr": "rows",
        "output_nc": "columns",
    }
    fields: ClassVar[tuple[Field, ...]] = (
        integer("input_k"),
        integer("input_nr"),
        integer("input_nc"),
        integer("output_k", xml="k"),
        integer("output_nr", xml="nr"),
        integer("output_nc", xml="nc"),
        flag("needs_rescale", False),
    )

    def meant(self, layer: Any, module: Any) -> Mapping[str, Any]:
        if not isinstance(layer, definitions()["reshape_to"].cls):
            return {}
        return {name: size for name, size in super().meant(layer, module).items() if size != -1}

    def values(self, layer: Any, module: Any, inputs: Any = ()) -> Values:
        given, made = _map(inputs), _map((layer.edge_shape(inputs),))
        names = [field.name for field in self.fields[:-1]]
        sizes = dict(zip(names, (*given, *made), strict=True))
        return {**sizes, "needs_rescale": math.prod(given) != math.prod(made)}


_BOX: Mapping[str, str] = {"k": "channels", "nr": "rows", "nc": "columns"}


@kind("extract_")
class Extract(_Named):
    ours = ("extract",)
    names: ClassVar[Mapping[str, str]] = {"offset": "offset", **_BOX}
    fields: ClassVar[tuple[Field, ...]] = (
        integer("offset"),
        integer("k", 1),
        integer("nr", 1),
        integer("nc", 1),
    )


@kind("slice_")
class Slice(_Named):
    ours = ("slice",)
    names: ClassVar[Mapping[str, str]] = {
        "offset_k": "first_channel",
        "offset_nr": "first_row",
        "offset_nc": "first_column",
        **_BOX,
    }
    fields: ClassVar[tuple[Field, ...]] = (
        integer("offset_k"),
        integer("offset_nr"),
        integer("offset_nc"),
        integer("k", 1),
        integer("nr", 1),
        integer("nc", 1),
    )


@kind("transpose_")
class Transpose(Kind):
    ours = ("transpose",)


@kind("tril_")
class Tril(Kind):
    """Three names of ours, by the value right of the diagonal."""

    ours = ("tril", "tril_mask", "tril_diag")
    fields: ClassVar[tuple[Field, ...]] = (integer("diag"), single("diag_value", 0.0))

    def arguments(self, values: Values) -> Mapping[str, Any]:
        return {"diag": values["diag"], "value": values["diag_value"]}

    def meant(self, layer: Any, module: Any) -> Mapping[str, Any]:
        return {"diag": layer.diagonal(), "value": float(np.float32(layer.value()))}

    def spelled(self, values: Values) -> str:
        usual = {0.0: "tril", -math.inf: "tril_mask"}
        return usual.get(values["diag_value"], "tril_diag") if not values["diag"] else "tril_diag"

    def spelling(self, values: Values) -> list[str]:
        if self.spelled(values) != "tril_diag" or not math.isfinite(values["diag_value"]):
            return []
        value = Fraction(values["diag_value"]).limit_denominator(1_000_000)
        return [str(values["diag"]), str(value.numerator), str(value.denominator)]

    def values(self, layer: Any, module: Any, inputs: Any = ()) -> Values:
        return {"diag": layer.diagonal(), "diag_value": layer.value()}
