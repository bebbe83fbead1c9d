"""The options of dlib's detectors (loss_mmod, loss_yolo) as dlib's files hold them."""

from __future__ import annotations

from archdsl.dlib import stream
from archdsl.dlib.stream import Cursor, Type, double, flag, integer, text, vector
from archdsl.layers.dlib_options import (
    AnchorBox,
    BoxOverlap,
    DetectorWindow,
    MmodOptions,
    YoloOptions,
)


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


_ANCHORS = stream.mapping(stream.INTEGER, vector(Type(_read_anchor, _write_anchor)))
_LABELS = vector(stream.TEXT)


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
