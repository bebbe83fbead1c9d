"""Poolings, resizing, and what moves values about without changing them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from archdsl.dlib.kinds.convolution import (
    WINDOW,
    window,
    window_meant,
    window_spelling,
    window_values,
)
from archdsl.dlib.kinds.definition import Field, Kind, Values, double, flag, integer, kind, single


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

    def obstacle(self, layer: Any, module: Any) -> str | None:
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


class _Same(Kind):
    """A layer whose arguments have the same names and order in dlib's record and in ours."""

    def arguments(self, values: Values) -> Mapping[str, Any]:
        return {field.name: values[field.name] for field in self.fields}

    def meant(self, layer: Any, module: Any) -> Mapping[str, Any]:
        return {f.name: getattr(layer, f.name) for f in self.fields if hasattr(layer, f.name)}

    def values(self, layer: Any, module: Any, inputs: Any = ()) -> Values:
        return {**self.defaults(), **self.meant(layer, module)}


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

    def obstacle(self, layer: Any, module: Any) -> str | None:
        return None if layer.align_corners else "enlargement but with corners aligned"


@kind("reorg_")
class Reorg(_Same):
    ours = ("reorg",)
    fields: ClassVar[tuple[Field, ...]] = (integer("row_stride", 2), integer("col_stride", 2))


@kind("resize_to_")
class ResizeTo(Kind):
    fields: ClassVar[tuple[Field, ...]] = (
        integer("nr", 1),
        integer("nc", 1),
        double("scale_y", 1.0),
        double("scale_x", 1.0),
    )


@kind("reshape_to_")
class ReshapeTo(Kind):
    fields: ClassVar[tuple[Field, ...]] = (
        integer("input_k"),
        integer("input_nr"),
        integer("input_nc"),
        integer("output_k", xml="k"),
        integer("output_nr", xml="nr"),
        integer("output_nc", xml="nc"),
        flag("needs_rescale", False),
    )


@kind("extract_")
class Extract(_Same):
    ours = ("extract",)
    fields: ClassVar[tuple[Field, ...]] = (
        integer("offset"),
        integer("k", 1),
        integer("nr", 1),
        integer("nc", 1),
    )


@kind("slice_")
class Slice(_Same):
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
    fields: ClassVar[tuple[Field, ...]] = (integer("diag"), single("diag_value", 0.0))
