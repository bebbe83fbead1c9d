"""What the labels of detectors and segmentation networks mean, by data set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from archdsl.diagnostics import fail, listing, nearest


def class_names(data_set: str) -> Sequence[str]:
    """The classes of a data set, each at the place of its label.

    - ``coco91``: COCO's own numbers, 1 to 90 with holes named ``N/A``; 0 is the background. The
      labels of torchvision's detectors.
    - ``coco80``: the same without holes and background, as YOLO counts.
    - ``voc21``: Pascal VOC with the background at 0, as torchvision's segmentation networks count.
    - ``voc20``: the same without the background.

    Raises ArchError for any other name.
    """
    if data_set not in _NAMES:
        raise fail(
            f"there are no class names for '{data_set}'",
            None,
            f"known are: {listing(_NAMES)}",
            help=nearest(data_set, _NAMES),
        )
    return _NAMES[data_set]()


def _coco91() -> Sequence[str]:
    from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights as Weights

    return tuple(Weights.COCO_V1.meta["categories"])


def _coco80() -> Sequence[str]:
    return tuple(name for name in _coco91()[1:] if name != "N/A")


def _voc21() -> Sequence[str]:
    from torchvision.models.segmentation import FCN_ResNet50_Weights as Weights

    return tuple(Weights.DEFAULT.meta["categories"])


def _voc20() -> Sequence[str]:
    return _voc21()[1:]


_NAMES: Mapping[str, Callable[[], Sequence[str]]] = {
    "coco91": _coco91,
    "coco80": _coco80,
    "voc21": _voc21,
    "voc20": _voc20,
}
