"""Names of the classes of detectors and segmentation networks, by data set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.diagnostics import ArchError, fail, listing, nearest
from archdsl.frontend.files import read_source
from archdsl.frontend.header import facts

if TYPE_CHECKING:
    from archdsl.api import Network


def class_names(data_set: str) -> Sequence[str]:
    """The classes of a data set, each at the place of its label.

    - ``coco91``: COCO's own numbers, 1 to 90 with holes named ``N/A``; 0 is the background. The
      labels of torchvision's detectors.
    - ``coco80``: the same without holes and background, as YOLO counts.
    - ``voc21``: Pascal VOC with the background at 0, as torchvision's segmentation networks count.
    - ``voc20``: the same without the background.
    - ``imagenet1000``: ImageNet's, as torchvision's classifiers count.

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


def fitting_names(classes: str | None, count: int) -> Sequence[str]:
    """The names that a spec's line ``// classes: ...`` gives to so many classes.

    A data set (``coco91``), or the names themselves with commas between. None of them where there
    are not as many: ``-D classes=...`` made another network of the spec.

    A single word may be the name of the only class. Raises ArchError where it is none, and names no
    data set.
    """
    if classes is None:
        return ()
    if count == 1 and classes not in _NAMES:
        return (classes,)
    listed = [name.strip() for name in classes.split(",")]
    names = listed if len(listed) > 1 else class_names(classes)
    return names if len(names) == count else ()


def known_names(network: Network, classes: int, own: Sequence[str] = ()) -> Sequence[str]:
    """The names of so many classes: those that a run learned, those of its weights, or the spec's.

    Where the network tells the background apart, it is the first. Empty where none are known.
    """
    learned = () if network.run is None else network.run.classes
    if len(learned) == classes - 1 > 0:
        learned = ("background", *learned)
    return learned or own or fitting_names(facts(network.source).classes, classes)


def chosen_names(choice: str, count: int) -> Sequence[str]:
    """The names that a user asks for: a data set, ``coco`` or ``voc``, or a file, a name a line.

    Raises ArchError where these are not as many as the classes, or cannot be had.
    """
    members = [name for name in _NAMES if name == choice or name.rstrip("0123456789") == choice]
    lists = [class_names(name) for name in members] or [_listed(Path(choice))]
    fitting = next((names for names in lists if len(names) == count), None)
    if fitting is None:
        raise fail(
            f"--names {choice} does not fit the network",
            None,
            f"expected names of {count} classes, found {' or '.join(str(len(n)) for n in lists)}",
            help="where a network tells the background apart, this is the first class",
        )
    return fitting


def _listed(path: Path) -> Sequence[str]:
    try:
        return read_source(path).text.strip().splitlines()
    except ArchError as error:
        known = f"expected a file with a name on every line, coco, voc, or {listing(_NAMES)}"
        raise ArchError(replace(error.diagnostics[0], notes=(known,))) from None


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


def _imagenet1000() -> Sequence[str]:
    from torchvision.models import ResNet18_Weights as Weights

    return tuple(Weights.DEFAULT.meta["categories"])


_NAMES: Mapping[str, Callable[[], Sequence[str]]] = {
    "coco91": _coco91,
    "coco80": _coco80,
    "voc21": _voc21,
    "voc20": _voc20,
    "imagenet1000": _imagenet1000,
}
