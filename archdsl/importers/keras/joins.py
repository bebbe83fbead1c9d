"""The classes of Keras that join values, or move them about."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from archdsl.importers.draft import Draft
from archdsl.importers.keras.config import Entry
from archdsl.importers.made_layers import makes
from archdsl.importers.windows import known
from archdsl.ir.layer import RuleError, image, shown
from archdsl.layers.joins import Add, BroadcastSum, Concat, Gate, Mult
from archdsl.layers.linear import Multiply
from archdsl.layers.padding import Pad
from archdsl.layers.pooling import flat_size
from archdsl.layers.reshape import Flatten, ReshapeTo, Slice
from archdsl.layers.resize import Upsample, UpsampleNearest

Handler = Callable[[Draft, Entry, Sequence[int]], int]

# ---- joins ----


@makes(Add, BroadcastSum)
def _add(draft: Draft, _: Entry, inputs: Sequence[int]) -> int:
    if len(inputs) == 2 and len({draft.shape(index) for index in inputs}) == 2:
        return draft.add(BroadcastSum(), *_map_first(draft, inputs))
    return draft.add(Add(), *inputs)


def _map_first(draft: Draft, inputs: Sequence[int]) -> list[int]:
    """Two operands, the larger before the one that is one number per channel or per place."""
    return sorted(inputs, key=lambda index: -flat_size(draft.shape(index), "a sum or product"))


@makes(Add, Multiply)
def _subtract(draft: Draft, _: Entry, inputs: Sequence[int]) -> int:
    first, second = inputs
    return draft.add(Add(), first, draft.add(Multiply(-1.0), second))


@makes(Add, Multiply)
def _average(draft: Draft, _: Entry, inputs: Sequence[int]) -> int:
    return draft.add(Multiply(1 / len(inputs)), draft.add(Add(), *inputs))


@makes(Add, Multiply)
def _scaled_sum(draft: Draft, entry: Entry, inputs: Sequence[int]) -> int:
    """Inception-ResNet's residual: the body counts a fraction."""
    shortcut, body = inputs
    return draft.add(Add(), shortcut, draft.add(Multiply(entry.number("scale", 1.0)), body))


@makes(Concat)
def _concatenate(draft: Draft, entry: Entry, inputs: Sequence[int]) -> int:
    if not entry.channels_axis("axis", len(draft.shape(inputs[0]))):
        raise RuleError("concatenation along another axis than the channels")
    return draft.add(Concat(), *inputs)


@makes(Mult, Gate)
def _multiply(draft: Draft, _: Entry, inputs: Sequence[int]) -> int:
    if len(inputs) != 2:
        raise RuleError("a product has two factors", f"found {len(inputs)}")
    if len({draft.shape(index) for index in inputs}) == 1:
        return draft.add(Mult(), *inputs)
    return draft.add(Gate(), *_map_first(draft, inputs))


# ---- shapes ----


@makes(Flatten)
def _flatten(draft: Draft, _: Entry, inputs: Sequence[int]) -> int:
    shape = draft.shape(inputs[0])
    if len(shape) == 3 and shape[1:] != (1, 1) and shape[0] != 1:
        draft.note(
            "Keras flattens height×width×channels, a spec channels×height×width: rows of features, "
            "and weights behind, stand in another order."
        )
    return draft.add(Flatten(), inputs[0])


@makes(Flatten, ReshapeTo)
def _reshape(draft: Draft, entry: Entry, inputs: Sequence[int]) -> int:
    shape = draft.shape(inputs[0])
    target = entry.config.get("target_shape")
    if not (isinstance(target, list) and target) or any(type(size) is not int for size in target):
        raise entry.wrong("target_shape", "a list of whole numbers")
    alone = shape[1:] in ((), (1, 1))  # then there is but one order
    if alone and len(target) == 1:
        return draft.add(Flatten(), inputs[0])
    channels = target[-1] if target[-1] != -1 else shape[0]
    if alone and len(target) == 3 and target[:2] == [1, 1] and channels == shape[0]:
        return draft.add(ReshapeTo(shape[0] or 1, 1, 1), inputs[0])
    raise RuleError(
        "values are reshaped as no layer of the catalogue does it",
        f"from {shown(shape)} to {target}, which counts channels last",
    )


@makes(Pad)
def _zeros(draft: Draft, entry: Entry, inputs: Sequence[int]) -> int:
    return draft.add(Pad(*entry.sides("padding")), inputs[0])


@makes(Slice)
def _crop(draft: Draft, entry: Entry, inputs: Sequence[int]) -> int:
    top, bottom, left, right = entry.sides("cropping")
    height, width = known(draft, inputs[0])
    box = (
        image(draft.shape(inputs[0]), "Cropping2D")[0],
        height - top - bottom,
        width - left - right,
    )
    return draft.add(Slice(0, top, left, *box), inputs[0])


@makes(UpsampleNearest, Upsample)
def _upsample(draft: Draft, entry: Entry, inputs: Sequence[int]) -> int:
    rows, columns = entry.pair("size", 2)
    second = None if rows == columns else columns
    way = entry.text("interpolation", "nearest")
    if way == "nearest":
        return draft.add(UpsampleNearest(rows, second), inputs[0])
    if way == "bilinear":
        return draft.add(Upsample(rows, second, align_corners=False), inputs[0])
    raise RuleError(f"the catalogue does not resize by {way}", "expected nearest or bilinear")


JOINS: dict[str, Handler] = {
    "CustomScaleLayer": _scaled_sum,
    "Add": _add,
    "Subtract": _subtract,
    "Average": _average,
    "Concatenate": _concatenate,
    "Multiply": _multiply,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "ZeroPadding2D": _zeros,
    "Cropping2D": _crop,
    "UpSampling2D": _upsample,
}
