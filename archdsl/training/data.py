"""Pictures to learn from: a folder for each class, files of objects, label maps."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Dataset, DistributedSampler
from torchvision import tv_tensors

from archdsl.diagnostics import ArchError, fail, listing
from archdsl.diagnostics.foreign import DAMAGED, parsing
from archdsl.frontend.files import read_source
from archdsl.inference.pictures import SUFFIXES, opened_picture, read_picture
from archdsl.inference.predictor import of_channels
from archdsl.text.input import read_whole
from archdsl.training import imglab
from archdsl.training.marked import Marked, Objects

IGNORED = 255
"""The label of pixels that count for nothing, as Pascal VOC has it."""


class Sample(NamedTuple):
    """A picture's file and what is known of it: a label, a file of labels, or COCO's objects."""

    picture: Any
    known: Any


@dataclass(frozen=True)
class Pictures:
    """The samples to learn from, those held out, and the names of the classes."""

    train: Sequence[Sample]
    held_out: Sequence[Sample]
    classes: tuple[str, ...]


def split(samples: Sequence[Sample], share: float, seed: int) -> tuple[list[Sample], list[Sample]]:
    """The samples in two parts, of which the second has a share, drawn by a seed."""
    order = torch.randperm(len(samples), generator=torch.Generator().manual_seed(seed)).tolist()
    count = min(max(1, round(len(samples) * share)), len(samples) - 1)
    held = set(order[:count])
    return (
        [sample for index, sample in enumerate(samples) if index not in held],
        [sample for index, sample in enumerate(samples) if index in held],
    )


def class_folders(path: Path, share: float, seed: int) -> Pictures:
    """A folder for each class, by themselves or in folders ``train`` and ``val``."""
    root = path / "train" if (path / "train").is_dir() else path
    classes = tuple(sorted(f.name for f in _entries(root) if f.is_dir() and f.name[0] != "."))
    found = _labelled(root, classes)
    if len(classes) < 2 or not found:
        raise fail(
            f"there are no pictures to learn from in {root}",
            None,
            "expected a folder of pictures (JPEG, PNG) for each class, and two classes at least",
            f"found {listing(classes, 4) if classes else 'no folders'}",
        )
    empty = [name for index, name in enumerate(classes) if all(s.known != index for s in found)]
    if empty:
        raise fail(f"there are no pictures in {listing([str(root / name) for name in empty], 4)}")
    if root == path:
        return Pictures(*split(found, share, seed), classes)
    held_out = _labelled(path / "val", classes)
    if not held_out:
        raise fail(f"there are no pictures in {path / 'val'} to measure by")
    other = {f.name for f in _entries(path / "val") if f.is_dir()} - set(classes)
    if other:
        raise fail(f"{path / 'val'} has classes that {root} has not: {listing(sorted(other), 4)}")
    return Pictures(found, held_out, classes)


def _labelled(root: Path, classes: Sequence[str]) -> list[Sample]:
    return [
        Sample(file, label) for label, name in enumerate(classes) for file in _pictures(root / name)
    ]


def _pictures(folder: Path) -> list[Path]:
    return sorted(f for f in folder.rglob("*") if f.suffix.lower() in SUFFIXES and f.is_file())


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise fail(f"cannot read the folder {folder}: {error.strerror or error}") from None


def label_maps(path: Path, share: float, seed: int) -> Pictures:
    """Pictures in ``images``, label maps of the same names (PNG) in ``labels``.

    ``classes.txt`` may name the classes, one on every line. Without it they are 0 to the largest
    label of all maps.
    """
    maps = {file.stem: file for file in _pictures(path / "labels")}
    pictures = _pictures(path / "images")
    samples = [Sample(file, maps[file.stem]) for file in pictures if file.stem in maps]
    if len(samples) < 2:
        raise fail(
            f"there are no pictures with label maps in {path}",
            None,
            "expected a folder images, and a folder labels with PNG files of the same names",
        )
    if len(samples) < len(pictures):
        lacking = [str(file) for file in pictures if file.stem not in maps]
        raise fail(
            f"there is no label map of {listing(lacking, 4)}",
            None,
            f"expected PNG files of the same names in {path / 'labels'}",
        )
    named = path / "classes.txt"
    if named.is_file():
        lines = read_source(named).text.split("\n")
        classes = tuple(line.strip() for line in lines if line.strip())
    else:
        most = max((_largest(sample.known) for sample in samples), default=-1)
        if most < 0:
            raise fail(
                f"no label map in {path / 'labels'} has a class",
                None,
                f"found only {IGNORED}, which counts for nothing, or files that cannot be read",
            )
        classes = tuple(f"class {label}" for label in range(most + 1))
    return Pictures(*split(samples, share, seed), classes)


def _largest(path: Path) -> int:
    """The largest label of a map; -1 without any, and where it cannot be read when it is its turn.

    Training names such a file, or leaves it out.
    """
    try:
        labels = read_labels(path)
    except ArchError:
        return -1
    return int(labels[labels != IGNORED].amax()) if (labels != IGNORED).any() else -1


def read_labels(path: Path) -> Tensor:
    """A label map (height, width): a PNG file of palette or grey values, read as they are."""
    import numpy

    with opened_picture(path, "PNG") as opened:
        if opened.mode not in ("P", "L", "I", "I;16", "1"):
            raise fail(f"{path} is no label map: expected palette or grey, found {opened.mode}")
        return torch.from_numpy(numpy.array(opened).astype("int64"))


@dataclass(frozen=True)
class Wanted:
    """The objects that a detector can learn from."""

    names: Sequence[str] = ()
    """Names of its classes in order; empty where it takes those of the file."""
    everything: bool = False
    """True if pictures without objects teach it something too, and boxes that are ignored."""


def objects(path: Path, images: Path | None, share: float, seed: int, wanted: Wanted) -> Pictures:
    """Objects by COCO's JSON or by imglab's XML (dlib).

    ``images`` is the folder of pictures, by default the file's own.
    """
    folder = images or path.parent
    read = imglab.read if path.suffix.lower() == ".xml" else _read_coco
    found = read(path)
    names = tuple(wanted.names) or found.classes
    unknown = [name for name in found.classes if name not in names]
    if unknown:
        raise fail(
            f"the network does not tell {listing(unknown, 4)} of {path} apart",
            None,
            f"it has windows or labels for {listing(names, 4)}",
        )
    places = [names.index(name) for name in found.classes]
    samples = []
    for file, marks in found.marked:
        known = [
            Marked(mark.box, places[mark.label], mark.outline, mark.ignored)
            for mark in marks
            if wanted.everything or not mark.ignored
        ]
        # Pictures without objects teach nothing that torchvision's references would use.
        if known or wanted.everything:
            samples.append(Sample(folder / file, known))
    if len(samples) < 2 or not any(sample.known for sample in samples):
        raise fail(f"{path} has no pictures with objects to learn from", code=DAMAGED)
    return Pictures(*split(samples, share, seed), names)


def _read_coco(path: Path) -> Objects:
    """The objects of a file of COCO's."""
    with parsing(path, "a COCO file of objects"):
        document = json.loads(read_whole(path, 30))
        try:
            return _objects(document, path)
        except KeyError as error:
            raise fail(
                f"{path} is no COCO file of objects", None, f"something has no {error}"
            ) from None
        except (AttributeError, TypeError):
            raise fail(
                f"{path} is no COCO file of objects",
                None,
                "expected images, annotations and categories, lists of objects with numbers (id)",
            ) from None


def _objects(document: Any, path: Path) -> Objects:
    """The pictures with the objects in them, and the classes, of a document of COCO's."""
    categories = sorted(document["categories"], key=lambda each: each["id"])
    places = {each["id"]: place for place, each in enumerate(categories)}
    shown = {each["id"]: each for each in document["images"]}
    by_image: dict[Any, list[Marked]] = {number: [] for number in shown}
    for each in document["annotations"]:
        wrong = _fault(each, places, shown)
        if wrong is not None:
            raise fail(f"{path}: annotation {each.get('id', '')} {wrong}")
        x, y, width, height = each["bbox"]
        if width > 0 and height > 0:
            box = (x, y, x + width, y + height)
            label, crowd = places[each["category_id"]], bool(each.get("iscrowd"))
            by_image[each["image_id"]].append(Marked(box, label, each.get("segmentation"), crowd))
    marked = [(_text(each["file_name"]), by_image[number]) for number, each in shown.items()]
    return Objects(marked, tuple(_text(each["name"]) for each in categories))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _fault(annotation: Any, places: Mapping[Any, int], images: Mapping[Any, Any]) -> str | None:
    """The fault of an annotation of COCO's, in words that follow its name."""
    category, image = annotation["category_id"], annotation["image_id"]
    if category not in places:
        return f"is of category {category}, which is none of {listing(list(map(str, places)), 4)}"
    if image not in images:
        return f"is of image {image}, which is not among the images"
    box = annotation["bbox"]
    if not isinstance(box, list) or [type(side) in (int, float) for side in box] != [True] * 4:
        return f"has the bbox {box}: expected x, y, width and height"
    width, height = (images[image].get(side) for side in ("width", "height"))
    if width and height and (box[0] >= width or box[1] >= height):
        return f"has a bbox outside of its picture of {width}×{height}: {box}"
    return None


def masks_of(segmentation: Any, height: int, width: int) -> Tensor:
    """The mask (height, width) of an object of COCO: polygons, or run lengths."""
    from faster_coco_eval.core import mask

    if isinstance(segmentation, dict):
        packed = segmentation
        if isinstance(packed["counts"], list):
            packed = mask.frPyObjects(packed, height, width)
    else:
        packed = mask.merge(mask.frPyObjects(segmentation, height, width))
    return torch.from_numpy(mask.decode(packed))


# ---- reading, in order ----

Read = Callable[[Sample], Any]
"""Reads a sample: a picture and its target, as the network takes them."""


@dataclass(frozen=True)
class Item:
    """A sample as the network takes it, or the reason why there is none."""

    value: Any
    broken: tuple[str, ...] = ()


class Split(Dataset[Item]):
    """Samples by (epoch, index), which together with the seed decide about all that is drawn."""

    def __init__(self, samples: Sequence[Sample], read: Read, seed: int, skip: bool) -> None:
        self.samples, self.read, self.seed, self.skip = samples, read, seed, skip

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, key: tuple[int, int]) -> Item:
        epoch, index = key
        broken: list[str] = []
        # torch.manual_seed takes as long as reading a small picture: it seeds all devices.
        before = torch.get_rng_state()
        seed = hash((self.seed, epoch, index)) & 0x7FFF_FFFF_FFFF_FFFF
        try:
            for step in range(len(self.samples)):
                torch.default_generator.manual_seed(seed)
                try:
                    sample = self.samples[(index + step) % len(self.samples)]
                    return Item(self.read(sample), tuple(broken))
                except ArchError as error:
                    broken.append(str(error.diagnostics[0].message))
                    if not self.skip:
                        break
        finally:
            torch.set_rng_state(before)
        return Item(None, tuple(broken))


class Order(DistributedSampler[Any]):
    """The keys of a split for one of several processes, in another order in each epoch.

    All of them together take the same samples in a step, however many they are.
    """

    def __iter__(self) -> Iterator[Any]:
        return ((self.epoch, index) for index in super().__iter__())


class Turns(Order):
    """The keys of a split for one of several processes, in order, none of them twice."""

    def __iter__(self) -> Iterator[Any]:
        return ((0, index) for index in range(self.rank, len(self.dataset), self.num_replicas))  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(range(self.rank, len(self.dataset), self.num_replicas))  # type: ignore[arg-type]


def picture_of(source: Any) -> tuple[Tensor, Any]:
    """A picture (3, height, width), 0 to 1, of a file or of a place in a data set; and a label."""
    if isinstance(source, tuple):
        part, index = source
        image, label = part[index]
        from torchvision.transforms import v2

        return v2.functional.to_dtype(
            v2.functional.to_image(image.convert("RGB")), scale=True
        ), label
    return read_picture(source), None


def read_classified(sample: Sample, change: Any, pixels: Any, channels: int) -> tuple[Tensor, int]:
    """A changed picture as the network's input takes it, and its label."""
    picture, label = picture_of(sample.picture)
    picture = of_channels(change(picture), channels)
    return pixels(picture), sample.known if label is None else int(label)


def read_mapped(
    sample: Sample, change: Any, pixels: Any, channels: int, classes: int
) -> tuple[Tensor, Tensor]:
    """A changed picture and its label map, whose labels are below a number of classes."""
    picture, labels = read_picture(sample.picture), read_labels(sample.known)
    if picture.shape[1:] != labels.shape:
        sizes = (f"{width}×{height}" for height, width in (picture.shape[1:], labels.shape))
        raise fail(f"{sample.picture} and {sample.known} differ in size: {' and '.join(sizes)}")
    unknown = labels[(labels != IGNORED) & ((labels < 0) | (labels >= classes))]
    if len(unknown):
        raise fail(
            f"{sample.known} has the label {int(unknown[0])}, and there are {classes} classes",
            None,
            f"expected labels from 0 to {classes - 1}, and {IGNORED} for what counts for nothing",
        )
    changed, mapped = change(tv_tensors.Image(picture), tv_tensors.Mask(labels))
    seen = of_channels(changed.as_subclass(Tensor), channels)
    return pixels(seen), mapped.as_subclass(Tensor)


def read_objects(
    sample: Sample, change: Any, first: int, masks: bool
) -> tuple[Tensor, dict[str, Tensor]]:
    """A changed picture, and of its objects boxes, labels (from ``first`` on), perhaps masks.

    ``ignore`` is true for those that are ignored.
    """
    picture = read_picture(sample.picture)
    height, width = picture.shape[1:]
    boxes = torch.tensor([mark.box for mark in sample.known], dtype=torch.float32).reshape(-1, 4)
    target: dict[str, Any] = {
        "boxes": tv_tensors.BoundingBoxes(boxes, format="XYXY", canvas_size=(height, width)),
        "labels": torch.tensor([mark.label for mark in sample.known], dtype=torch.int64) + first,
        "ignore": torch.tensor([mark.ignored for mark in sample.known], dtype=torch.bool),
    }
    if masks:
        drawn = torch.stack([masks_of(mark.outline, height, width) for mark in sample.known])
        target["masks"] = tv_tensors.Mask(drawn)
    changed, target = change(tv_tensors.Image(picture), target)
    return changed.as_subclass(Tensor), {k: v.as_subclass(Tensor) for k, v in target.items()}


__all__ = [
    "Item",
    "Order",
    "Pictures",
    "Sample",
    "Split",
    "Turns",
    "Wanted",
    "class_folders",
    "label_maps",
    "objects",
    "picture_of",
    "read_classified",
    "read_mapped",
    "read_objects",
]
