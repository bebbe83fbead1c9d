"""The options of dlib's detectors as plain records with dlib's names and defaults.

Source: dlib/dnn/loss.h (mmod_options, yolo_options), dlib/image_processing/box_overlap_testing.h.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class BoxOverlap:
    """Boxes overlap if their IoU, or the covered part of either, is above its threshold."""

    iou_thresh: float = 0.5
    percent_covered_thresh: float = 1.0

    def __str__(self) -> str:
        return f"IoU {self.iou_thresh:g}, covered {self.percent_covered_thresh:g}"


@dataclass(frozen=True)
class DetectorWindow:
    """The size of the window that finds a class, in pixels of the image pyramid."""

    width: int
    height: int
    label: str = ""

    def __str__(self) -> str:
        return f"{self.width}×{self.height} {self.label}".strip()


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

    def told(self) -> dict[str, Any]:
        """Classes it finds and boxes that suppress each other, by the names of arguments."""
        windows = [
            {"width": each.width, "height": each.height, "label": each.label}
            for each in self.detector_windows
        ]
        return {
            "windows": windows,
            "nms": self.overlaps_nms.iou_thresh,
            "covered": self.overlaps_nms.percent_covered_thresh,
            "regression": self.use_bounding_box_regression,
        }


@dataclass(frozen=True)
class AnchorBox:
    """The size of an anchor, in pixels of the network's input."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}×{self.height}"


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

    def told(self) -> dict[str, Any]:
        """Classes it finds and boxes that suppress each other, by the names of arguments."""
        return {
            "anchors": {
                f"tag{tag}": [[each.width, each.height] for each in boxes]
                for tag, boxes in self.anchors
            },
            "labels": list(self.labels),
            "nms": self.overlaps_nms.iou_thresh,
            "covered": self.overlaps_nms.percent_covered_thresh,
            "classwise": self.classwise_nms,
        }


def option_words(name: str, value: Any) -> str:
    """An option of a detector as a line for people: ``windows 80×80 face, 40×90``."""
    if name == "windows":
        sizes = (f"{each['width']}×{each['height']} {each['label']}".strip() for each in value)
        return f"windows {', '.join(sizes) or 'of 80×80 until weights are loaded'}"
    if name == "anchors":
        maps = (
            f"{tag}: {', '.join(f'{width}×{height}' for width, height in boxes)}"
            for tag, boxes in value.items()
        )
        return f"anchors {'; '.join(maps) or 'come with weights'}"
    if name == "labels":
        return f"labels {', '.join(value) or 'come with weights'}"
    return f"{name} {str(value).lower() if isinstance(value, bool) else f'{value:g}'}"
