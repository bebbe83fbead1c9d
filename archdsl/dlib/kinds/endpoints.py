"""Kinds of dlib's inputs and losses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from archdsl.dlib import stream
from archdsl.dlib.kinds.definition import (
    Field,
    Kind,
    Values,
    array,
    double,
    integer,
    kind,
    single,
    single_digits,
    spelled_value,
    tag_name,
)
from archdsl.dlib.options import MMOD_OPTIONS, YOLO_OPTIONS
from archdsl.ir.block import Label
from archdsl.ir.layer import Layer
from archdsl.layers.dlib_detection import DetectorWindow as OurWindow
from archdsl.layers.dlib_options import BoxOverlap, MmodOptions, YoloOptions

_COLOURS = (
    single("red", 122.782, xml="r"),
    single("green", 117.001, xml="g"),
    single("blue", 104.298, xml="b"),
)
_RGB = (
    "input_rgb_image",
    "input_rgb_image_sized",
    "input_rgb_image_pair",
    "input_rgb_image_pyramid",
)
_PYRAMID = (integer("pyramid_padding", 10), integer("pyramid_outer_padding", 11))


def _paddings(values: Values) -> Mapping[str, Any]:
    """The paddings of a pyramid, by the names of our module's attributes."""
    return {
        "padding": values["pyramid_padding"],
        "outer_padding": values["pyramid_outer_padding"],
    }


def _padded(module: Any) -> Values:
    """The same, back."""
    return {
        "pyramid_padding": module.padding,
        "pyramid_outer_padding": module.outer_padding,
    }


class InputKind(Kind):
    """The base of inputs."""


class _Rgb(InputKind):
    """Inputs with a mean colour. dlib reads them into each other, and so do we."""

    fields: ClassVar[tuple[Field, ...]] = _COLOURS
    also = _RGB

    def colours(self, values: Values) -> list[float]:
        return [values[field.name] for field in _COLOURS]

    def settings(self, values: Values) -> Mapping[str, Any]:
        return {"mean": self.colours(values)}

    def numbers(self, values: Values) -> Mapping[str, Any]:
        colours = map(single_digits, self.colours(values))
        names = (field.name for field in _COLOURS)
        return {**self.settings(values), **dict(zip(names, colours, strict=True))}

    def spelling(self, values: Values) -> list[str]:
        defaults = [field.default for field in _COLOURS]
        names = [field.name for field in _COLOURS]
        if self.colours(values) == defaults:
            return []
        return [f"{n}={spelled_value(v)}" for n, v in zip(names, self.colours(values), strict=True)]

    def values(self, layer: Any, module: Any, inputs: Any = ()) -> Values:
        red, green, blue = array(module.mean).ravel().tolist()
        return {**self.defaults(), "red": red, "green": green, "blue": blue}


@kind("input_rgb_image")
class InputRgbImage(_Rgb):
    ours = ("input_rgb_image",)


@kind("input_rgb_image_sized")
class InputRgbImageSized(_Rgb):
    ours = ("input_rgb_image_sized",)
    fields: ClassVar[tuple[Field, ...]] = (*_COLOURS, integer("nr", 1), integer("nc", 1))

    def arguments(self, values: Values) -> Mapping[str, Any]:
        return {"height": values["nr"], "width": values["nc"]}

    def meant(self, layer: Any, module: Any) -> Mapping[str, Any]:
        # dlib reads a sized input into one without a size.
        size = layer.size()[1:] if super().is_ours(layer) else ()
        return dict(zip(("height", "width"), size, strict=False))

    def spelling(self, values: Values) -> list[str]:
        sides = [str(values["nr"]), str(values["nc"])]
        return (sides[:1] if sides[0] == sides[1] else sides) + super().spelling(values)

    def values(self, layer: Any, module: Any, inputs: Any = ()) -> Values:
        _, rows, columns = layer.size()
        return {**super().values(layer, module, inputs), "nr": rows, "nc": columns}


@kind("input_rgb_image_pair")
class InputRgbImagePair(_Rgb):
    ours = ("input_rgb_image_pair",)


@kind("input_rgb_image_pyramid", "input_rgb_image_pyramid2")
class InputRgbImagePyramid(_Rgb):
    ours = ("input_rgb_image_pyramid",)
    fields: ClassVar[tuple[Field, ...]] = (
        *_COLOURS,
        *(f._replace(since="input_rgb_image_pyramid2") for f in _PYRAMID),
    )

    def settings(self, values: Values) -> Mapping[str, Any]:
        return {**super().settings(values), **_paddings(values)}

    def values(self, layer: Any, module: Any, inputs: Any = ()) -> Values:
        return {**super().values(layer, module, inputs), **_padded(module)}


@kind("input_grayscale_image_pyramid")
class InputGrayscaleImagePyramid(InputKind):
    ours = ("input_grayscale_image_pyramid",)
    fields: ClassVar[tuple[Field, ...]] = _PYRAMID

    def settings(self, values: Values) -> Mapping[str, Any]:
        return _paddings(values)

    def values(self, layer: Any, module: Any, inputs: Any = ()) -> Values:
        return _padded(module)


class _Plain(InputKind):
    """Inputs without a record. Their files do not say what a matrix consists of."""

    also = ("input",)


@kind("input<matrix>")
class InputMatrix(_Plain):
    xml_names = ("input",)
    written = ("input",)

    def is_ours(self, layer: Any) -> bool:
        return self.takes(layer) and (layer.pixels.divisor != 1 or layer.pixels.channels == 1)


@kind("input<array<matrix>>")
class InputPlanes(_Plain):
    written = ("input",)

    def is_ours(self, layer: Layer) -> bool:
        return self.takes(layer)


@kind("input<array2d>")
class InputArray2d(_Plain):
    pass


@kind("input_tensor")
class InputTensor(_Plain):
    ours = ("input_tensor",)


# ---- losses ----


class LossKind(Kind):
    """The base of losses; most have no record. Their numbers serve training alone."""

    def channels(self, values: Values) -> int | None:
        """The number of channels that its options ask of the layer right below, if they do."""
        return None

    reads_tags: ClassVar[bool] = False
    """True if it reads the maps at tags."""

    def tags_read(self, values: Values) -> tuple[int, ...]:
        """The numbers of the tags that it reads, that of the largest anchors first."""
        return ()

    def renamed(self, values: Values) -> Mapping[str, str]:
        """Labels that are no names, with the names that stand for them in a spec."""
        return {}

    def values(self, layer: Layer, module: Any, inputs: Any = ()) -> Values:
        return {f.name: getattr(layer, f.name, f.default) for f in self.fields}


def _loss(name: str, *fields: Field, versions: tuple[str, ...] = ()) -> None:
    namespace = {"fields": fields, "ours": (name,), "__doc__": f"dlib's {name}."}
    kind(*(versions or (f"{name}_",)), name=name)(type(name, (LossKind,), namespace))


for _name in (
    "loss_binary_hinge",
    "loss_binary_log",
    "loss_multiclass_log",
    "loss_multiclass_log_weighted",
    "loss_ranking",
    "loss_mean_squared",
    "loss_mean_squared_multioutput",
    "loss_binary_log_per_pixel",
    "loss_multiclass_log_per_pixel",
    "loss_multiclass_log_per_pixel_weighted",
    "loss_mean_squared_per_pixel",
    "loss_mean_squared_per_channel_and_pixel",
    "loss_dot",
):
    _loss(_name)

_loss(
    "loss_multimulticlass_log",
    Field("labels", stream.mapping(stream.TEXT, stream.vector(stream.TEXT)), ()),
)
_loss(
    "loss_multibinary_log",
    double("gamma", 0.0, since="loss_multibinary_log_2"),
    versions=("loss_multibinary_log_", "loss_multibinary_log_2"),
)


@kind("loss_metric_", "loss_metric_2")
class LossMetric(LossKind):
    ours = ("loss_metric",)
    fields: ClassVar[tuple[Field, ...]] = (
        single("margin", 0.1, since="loss_metric_2"),
        single("dist_thresh", 0.75, since="loss_metric_2", xml="distance_threshold"),
    )

    def values(self, layer: Layer, module: Any, inputs: Any = ()) -> Values:
        # dlib's own defaults; those above are what the older files mean.
        margin, threshold = getattr(layer, "margin", 0.04), getattr(layer, "threshold", 0.6)
        return {"margin": margin, "dist_thresh": threshold}


_loss("loss_epsilon_insensitive", double("eps", 1.0, xml="epsilon"))
_loss("loss_barlow_twins", single("lambda", 0.0051))


def as_name(label: str) -> str:
    """A label as a spec can write it: ``traffic_light`` for ``traffic light``."""
    name = re.sub(r"[^A-Za-z0-9_]+", "_", label)
    return f"_{name}" if name[:1].isdigit() else name


def _behind(label: str) -> str:
    return f",{as_name(label)}" if label else ""


def _overlap(found: BoxOverlap, usual: BoxOverlap) -> list[str]:
    """The arguments of what suppresses, where they are not the usual ones."""
    given = {"nms": found.iou_thresh, "covered": found.percent_covered_thresh}
    defaults = usual.iou_thresh, usual.percent_covered_thresh
    return [
        f"{name}={spelled_value(value)}"
        for (name, value), default in zip(given.items(), defaults, strict=True)
        if value != default
    ]


class _Detector(LossKind):
    """Losses with options, which a module keeps. XML leaves them out."""

    def stated(self, values: Values) -> bool:
        """True if a file has the options."""
        raise NotImplementedError

    def settings(self, values: Values) -> Mapping[str, Any]:
        return {"options": values["options"]} if self.stated(values) else {}

    def values(self, layer: Any, module: Any, inputs: Any = ()) -> Values:
        return {**self.defaults(), "options": module.options}


@kind("loss_mmod_")
class LossMmod(_Detector):
    ours = ("loss_mmod", "mmod_detections")
    fields: ClassVar[tuple[Field, ...]] = (Field("options", MMOD_OPTIONS, MmodOptions()),)

    def stated(self, values: Values) -> bool:
        return bool(values["options"].detector_windows)

    def settled(self, layer: Any, values: Values) -> Any:
        if not self.stated(values):
            return layer
        options: MmodOptions = values["options"]
        return replace(
            layer,
            windows=tuple(
                OurWindow(each.width, each.height, Label(each.label))
                for each in options.detector_windows
            ),
            nms=options.overlaps_nms.iou_thresh,
            covered=options.overlaps_nms.percent_covered_thresh,
            regression=options.use_bounding_box_regression,
        )

    def channels(self, values: Values) -> int | None:
        options: MmodOptions = values["options"]
        each = 5 if options.use_bounding_box_regression else 1
        return each * len(options.detector_windows) or None

    def spelling(self, values: Values) -> list[str]:
        options: MmodOptions = values["options"]
        windows = [
            f"detector_window<{each.width},{each.height}{_behind(each.label)}>"
            for each in options.detector_windows
        ]
        regression = ["regression=true"] if options.use_bounding_box_regression else []
        return windows + _overlap(options.overlaps_nms, MmodOptions().overlaps_nms) + regression

    def renamed(self, values: Values) -> Mapping[str, str]:
        labels = {each.label for each in values["options"].detector_windows}
        return {label: as_name(label) for label in labels if label != as_name(label)}


@kind("loss_yolo_")
class LossYolo(_Detector):
    ours = ("loss_yolo", "yolo_detections")
    reads_tags = True
    fields: ClassVar[tuple[Field, ...]] = (
        integer("count"),
        Field("options", YOLO_OPTIONS, YoloOptions()),
    )

    def stated(self, values: Values) -> bool:
        return bool(values["options"].anchors)

    def settled(self, layer: Any, values: Values) -> Any:
        if not self.stated(values):
            return layer
        options: YoloOptions = values["options"]
        known = {tag: tuple((e.width, e.height) for e in boxes) for tag, boxes in options.anchors}
        return replace(
            layer,
            maps=tuple((tag, known.get(tag, sizes)) for tag, sizes in layer.maps),
            labels=options.labels or layer.labels,
            nms=options.overlaps_nms.iou_thresh,
            covered=options.overlaps_nms.percent_covered_thresh,
            classwise=options.classwise_nms,
        )

    def tags_read(self, values: Values) -> tuple[int, ...]:
        def largest(at: tuple[int, Any]) -> int:
            return max((box.width * box.height for box in at[1]), default=0)

        anchors = sorted(values["options"].anchors, key=largest, reverse=True)
        return tuple(tag for tag, _ in anchors)

    def spelling(self, values: Values) -> list[str]:
        options: YoloOptions = values["options"]
        maps = []
        for tag, boxes in options.anchors:
            sizes = (f"{each.width},{each.height}" for each in boxes)
            maps.append(f"yolo_anchors<{tag_name(tag)},{','.join(sizes)}>")
        names = map(as_name, options.labels)
        labels = [f"yolo_labels<{','.join(names)}>"] if options.labels else []
        classwise = [] if options.classwise_nms else ["classwise=false"]
        overlap = _overlap(options.overlaps_nms, YoloOptions().overlaps_nms)
        return maps + labels + overlap + classwise

    def renamed(self, values: Values) -> Mapping[str, str]:
        labels = values["options"].labels
        return {label: as_name(label) for label in labels if label != as_name(label)}

    def values(self, layer: Any, module: Any, inputs: Any = ()) -> Values:
        return {**super().values(layer, module, inputs), "count": len(layer.maps)}
