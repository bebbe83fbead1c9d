"""Kinds of dlib's layers that read a tagged layer as second input. Specs make them through
combinators.

The tag is no part of the record; XML has it, in the field ``tags``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from archdsl.dlib.kinds.definition import Field, Kind, Values, alias, integer, kind


class Join(Kind):
    """The base: ``combinators`` of the catalogue make it."""

    combinators: ClassVar[tuple[str, ...]]
    tags: ClassVar[int] = 1
    """Number of tags that it names; 0: as many as its record says."""

    def tag_count(self, values: Values) -> int:
        return self.tags

    def spelled(self, values: Values) -> str:
        return self.combinators[0]


@kind("add_prev_")
class AddPrev(Join):
    combinators = ("add_prev",)


@kind("mult_prev_")
class MultPrev(Join):
    combinators = ("mult_prev",)


@kind("multm_prev_")
class MultmPrev(Join):
    combinators = ("multm_prev",)


@kind("resize_prev_to_tagged_")
class ResizePrevToTagged(Join):
    combinators = ("resize_like", "resize_prev_to_tagged")

    def spelled(self, values: Values) -> str:
        return "resize_prev_to_tagged"

    def obstacle(self, layer: Any, module: Any) -> str | None:
        return None if layer.align_corners else "resizing but with corners aligned"


_SCRATCH = (alias("reshape_scales", transient=True), alias("reshape_src", transient=True))


@kind("scale_prev_")
class ScalePrev(Join):
    """The record's two fields are scratch space of the gradient."""

    combinators = ("scale_prev",)
    fields: ClassVar[tuple[Field, ...]] = _SCRATCH


@kind("scale_")
class Scale(Join):
    combinators = ("scale", "scale_tagged")
    fields: ClassVar[tuple[Field, ...]] = _SCRATCH


@kind("concat_")
class Concat(Join):
    combinators = ("concat_tags", "parallel")
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
