"""The options that dlib's detectors keep in their files: of loss_mmod and of loss_yolo.

Plain records with dlib's names and defaults (dlib/dnn/loss.h, box_overlap_testing.h).
"""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.dlib.stream import (
    INTEGER,
    TEXT,
    Cursor,
    Type,
    double,
    flag,
    integer,
    mapping,
    text,
    vector,
)


@dataclass(frozen=True)
class BoxOverlap:
    """Boxes overlap if their IoU, or the covered part of either, is above its threshold."""

    iou_thresh: float = 0.5
    percent_covered_thresh: float = 1.0


@dataclass(frozen=True)
class DetectorWindow:
    """The size of the window that finds a class, in pixels of the image pyramid."""

    width: int
    height: int
    label: str = ""


@dataclass(frozen=True)
class MmodOptions:
    """dlib's mmod_options (King 2015, Max-Margin Object Detection)."""

    detector_windows: tuple[DetectorWindow, ...] = ()
    loss_per_false_alarm: float = 1.0
    loss_per_missed_target: float = 1.0
    truth_match_iou_threshold: float = 0.5
    overlaps_nms: BoxOverlap = BoxOverlap(0.4)
    overlaps_ignore: BoxOverlap = BoxOverlap()
    assume_image_pyramid: bool = True
    use_bounding_box_regression: bool = False
    bbr_lambda: float = 100.0


@dataclass(frozen=True)
class AnchorBox:
    """The size of an anchor, in pixels of the network's input."""

    width: int
    height: int


@dataclass(frozen=True)
class YoloOptions:
    """dlib's yolo_options. ``anchors`` holds pairs of a tag's number and the anchors there."""

    anchors: tuple[tuple[int, tuple[AnchorBox, ...]], ...] = ()
    labels: tuple[str, ...] = ()
    iou_ignore_threshold: float = 0.7
    iou_anchor_threshold: float = 1.0
    classwise_nms: bool = True
    overlaps_nms: BoxOverlap = BoxOverlap(0.45)
    lambda_obj: float = 1.0
    lambda_box: float = 1.0
    lambda_cls: float = 1.0
    gamma_obj: float = 0.0
    gamma_cls: float = 0.0


def _read_overlap(cursor: Cursor) -> BoxOverlap:
    return BoxOverlap(cursor.real(), cursor.real())


def _write_overlap(value: BoxOverlap) -> bytes:
    return double(value.iou_thresh) + double(value.percent_covered_thresh)


def _read_window(cursor: Cursor) -> DetectorWindow:
    version = cursor.version(1, 2, of="a detector window")
    width, height = cursor.integer(), cursor.integer()
    return DetectorWindow(width, height, cursor.text() if version == 2 else "")


def _write_window(value: DetectorWindow) -> bytes:
    return integer(2) + integer(value.width) + integer(value.height) + text(value.label)


_WINDOWS = vector(Type(_read_window, _write_window))


def _read_mmod(cursor: Cursor) -> MmodOptions:
    version = cursor.version(1, 2, 3, 4, of="mmod_options")
    if version == 1:
        windows: tuple[DetectorWindow, ...] = (DetectorWindow(cursor.integer(), cursor.integer()),)
    else:
        windows = _WINDOWS.read(cursor)
    false_alarm, missed, match = cursor.real(), cursor.real(), cursor.real()
    nms, ignore = _read_overlap(cursor), _read_overlap(cursor)
    pyramid = bool(cursor.byte()) if version >= 3 else True
    if version < 4:
        return MmodOptions(windows, false_alarm, missed, match, nms, ignore, pyramid)
    return MmodOptions(
        windows, false_alarm, missed, match, nms, ignore, pyramid, cursor.flag(), cursor.real()
    )


def _write_mmod(value: MmodOptions) -> bytes:
    return b"".join(
        (
            integer(4),
            _WINDOWS.write(value.detector_windows),
            double(value.loss_per_false_alarm),
            double(value.loss_per_missed_target),
            double(value.truth_match_iou_threshold),
            _write_overlap(value.overlaps_nms),
            _write_overlap(value.overlaps_ignore),
            bytes([value.assume_image_pyramid]),
            flag(value.use_bounding_box_regression),
            double(value.bbr_lambda),
        )
    )


def _read_anchor(cursor: Cursor) -> AnchorBox:
    cursor.integer("the version of an anchor box")  # dlib reads it and does not care
    return AnchorBox(cursor.integer(), cursor.integer())


def _write_anchor(value: AnchorBox) -> bytes:
    return integer(0) + integer(value.width) + integer(value.height)


_ANCHORS = mapping(INTEGER, vector(Type(_read_anchor, _write_anchor)))
_LABELS = vector(TEXT)


def _read_yolo(cursor: Cursor) -> YoloOptions:
    version = cursor.version(1, 2, of="yolo_options")
    anchors, labels = _ANCHORS.read(cursor), _LABELS.read(cursor)
    ignore, anchor, classwise = cursor.real(), cursor.real(), cursor.flag()
    nms = _read_overlap(cursor)
    lambdas = cursor.real(), cursor.real(), cursor.real()
    gammas = (cursor.real(), cursor.real()) if version == 2 else (0.0, 0.0)
    return YoloOptions(anchors, labels, ignore, anchor, classwise, nms, *lambdas, *gammas)


def _write_yolo(value: YoloOptions) -> bytes:
    return b"".join(
        (
            integer(2),
            _ANCHORS.write(value.anchors),
            _LABELS.write(value.labels),
            double(value.iou_ignore_threshold),
            double(value.iou_anchor_threshold),
            flag(value.classwise_nms),
            _write_overlap(value.overlaps_nms),
            double(value.lambda_obj),
            double(value.lambda_box),
            double(value.lambda_cls),
            double(value.gamma_obj),
            double(value.gamma_cls),
        )
    )


MMOD_OPTIONS = Type(_read_mmod, _write_mmod)
YOLO_OPTIONS = Type(_read_yolo, _write_yolo)
