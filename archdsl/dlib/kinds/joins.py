"""Kinds of dlib's layers that read a tagged layer as second input. Specs make them through
combinators.

The tag is no part of the record; XML has it, in the field ``tags``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from archdsl.dlib.kinds.definition import Field, Kind, Values, alias, integer, kind
from archdsl.ir.layer import as_map


class Join(Kind):
    """The base: ``combinators`` of the catalogue make it."""

    combinators: ClassVar[tuple[str, ...]]
    written: ClassVar[tuple[str, ...]]
    """The layer that these combinators make, which is what it is read as, too."""
    tags: ClassVar[int] = 1
    """Number of tags that it names; 0: as many as its record says."""

    def tag_count(self, values: Values) -> int:
        return self.tags

    def spelled(self, values: Values) -> str:
        return self.combinators[0]


@kind("add_prev_")
class AddPrev(Join):
    combinators = ("add_prev",)
    written = ("add_padded",)


@kind("mult_prev_")
class MultPrev(Join):
    combinators = ("mult_prev",)
    written = ("mult",)


@kind("multm_prev_")
class MultmPrev(Join):
    combinators = ("multm_prev",)
    written = ("matrix_product",)


@kind("resize_prev_to_tagged_")
class ResizePrevToTagged(Join):
    combinators = ("resize_like", "resize_prev_to_tagged")
    written = ("resize_to_match",)

    def spelled(self, values: Values) -> str:
        return "resize_prev_to_tagged"

    def obstacle(self, layer: Any, module: Any, inputs: Any = ()) -> str | None:
        return None if layer.align_corners else "resizing but with corners aligned"


_SCRATCH = (alias("reshape_scales", transient=True), alias("reshape_src", transient=True))


class _Scaled(Join):
    """Products with a number per channel; the record's two fields are the gradient's scratch."""

    written = ("gate",)
    fields: ClassVar[tuple[Field, ...]] = _SCRATCH

    def obstacle(self, layer: Any, module: Any, inputs: Any = ()) -> str | None:
        gate = as_map(inputs[1])
        return None if gate[1:] == (1, 1) else "gate but with one number per channel"


@kind("scale_prev_")
class ScalePrev(_Scaled):
    combinators = ("scale_prev",)


@kind("scale_")
class Scale(_Scaled):
    combinators = ("scale", "scale_tagged")


@kind("concat_")
class Concat(Join):
    combinators = ("concat_tags", "parallel")
    written = ("concat",)
    tags = 0
    fields: ClassVar[tuple[Field, ...]] = (integer("count", 2),)

    def tag_count(self, values: Values) -> int:
        return int(values["count"])

    def arguments(self, values: Values) -> Mapping[str, Any]:
        return {"number of branches": values["count"]}

    def spelling(self, values: Values) -> list[str]:
        return []

    def spelled(self, values: Values) -> str:
        return "concat_tags"
