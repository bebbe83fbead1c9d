"""The kinds of networks that can be trained: what they read, lose, and are measured by."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics.classification import MulticlassConfusionMatrix
from torchmetrics.detection import MeanAveragePrecision

from archdsl.api import Network
from archdsl.backends.torch import losses
from archdsl.backends.torch.detection.dlib import Configured, Mmod
from archdsl.diagnostics import fail
from archdsl.inference.predictor import (
    Classifier,
    Detector,
    Predictor,
    Segmenter,
    fitted,
    pixels,
)
from archdsl.ir.build import MAIN_OUTPUT
from archdsl.ir.edges import Detections, Images
from archdsl.layers.inputs import PixelValues, TensorInput, known_size
from archdsl.training import augment
from archdsl.training.data import (
    IGNORED,
    Pictures,
    Read,
    Sample,
    Wanted,
    read_classified,
    read_mapped,
    read_objects,
)
from archdsl.training.recipe import Recipe


class Task(Protocol):
    """A kind of network in training."""

    score: str
    """The measure that is the better the larger it is."""
    learns_from: str
    """The form of its pictures, in words."""
    metric: Any
    """Of torchmetrics; it gathers what ``measure`` gives it."""

    def completed(self, recipe: Recipe) -> Recipe:
        """The recipe with the values of torchvision's reference for those left open."""

    def require(self, pictures: Pictures) -> None:
        """Raise ArchError where the classes are not as many as the network's."""

    def reader(self, augmentation: str) -> Read:
        """Reads a sample as the network takes it."""

    def collated(self, items: Sequence[Any]) -> tuple[Any, Any]:
        """Samples as a batch: images and targets."""

    def loss(self, net: nn.Module, images: Any, targets: Any, recipe: Recipe | None) -> Tensor:
        """The loss in training mode; the plain one, without smoothing and mixing, for ``None``."""

    def measure(self, net: nn.Module, images: Any, targets: Any) -> Tensor | None:
        """Give a batch to the metric in evaluation mode; its loss, if there is one then."""

    def measures(self) -> dict[str, float]:
        """The values of the metric, the score among them."""

    def files(self, classes: Sequence[str]) -> dict[str, str]:
        """Texts to be kept of the metric, by the name of their file."""


def task_of(network: Network, predictor: Predictor) -> Task:
    """The task that fits a network, given the predictor that its outputs have."""
    for kind, task in _TASKS.items():
        if isinstance(predictor, kind):
            made: Task = task(network, predictor)
            return made
    raise AssertionError(predictor)


class _Scored:
    """The base of classifiers and segmentation networks: scores of classes, a confusion matrix."""

    score = "accuracy"
    _auxiliary = 0.3
    """Weight of the loss of an auxiliary head: Szegedy et al. 2014, section 5."""

    def __init__(self, network: Network, predictor: Predictor) -> None:
        self._input = _input(network)
        self._channels, self._rows, self._columns = known_size(network.summary().input)
        self.classes = predictor.classes
        self._labels = self.classes
        criterion = getattr(predictor.module, "criterion", None)
        self._cost = _cost(criterion, network)
        self.metric: Any = MulticlassConfusionMatrix(self._labels, ignore_index=None)

    def require(self, pictures: Pictures) -> None:
        if len(pictures.classes) != self._labels:
            raise _differing(len(pictures.classes), self._labels, pictures.classes)

    def collated(self, items: Sequence[Any]) -> tuple[Tensor, Any]:
        images, targets = zip(*items, strict=True)
        made = targets if isinstance(targets[0], Tensor) else map(torch.tensor, targets)
        return torch.stack(images), torch.stack(tuple(made))

    def loss(self, net: nn.Module, images: Any, targets: Any, recipe: Recipe | None) -> Tensor:
        smoothing = 0.0
        if recipe is not None:
            smoothing = recipe.label_smoothing
            if recipe.augment == "strong" and targets.dim() == 1 and self._cost is _cross_entropy:
                images, targets = augment.mixed(images, targets, self._labels)
        return self._total(net(images), targets, smoothing)

    def _total(self, result: Any, targets: Tensor, smoothing: float) -> Tensor:
        if isinstance(result, Tensor):
            return self._cost(result, targets, smoothing)
        main = self._cost(result[MAIN_OUTPUT], targets, smoothing)
        others = [o for name, o in result.items() if name != MAIN_OUTPUT]
        return main + self._auxiliary * sum(self._cost(o, targets, smoothing) for o in others)

    def measure(self, net: nn.Module, images: Any, targets: Any) -> Tensor | None:
        result = net(images)
        scores = result if isinstance(result, Tensor) else result[MAIN_OUTPUT]
        counted = targets != IGNORED if targets.dim() > 1 else torch.ones_like(targets).bool()
        self.metric.update(scores.float().argmax(1)[counted], targets[counted])
        return self._cost(scores, targets, 0.0)

    def measures(self) -> dict[str, float]:
        matrix = self.metric.compute().double()
        return {"accuracy": (matrix.trace() / matrix.sum()).item()}

    def files(self, classes: Sequence[str]) -> dict[str, str]:
        text = io.StringIO()
        table = csv.writer(text)
        table.writerow(["true \\ predicted", *classes])
        for name, row in zip(classes, self.metric.compute().tolist(), strict=True):
            table.writerow([name, *row])
        return {"confusion.csv": text.getvalue()}


class Classification(_Scored):
    """Classes of pictures, as torchvision's references/classification trains them."""

    learns_from = "a folder of pictures for each class"

    def completed(self, recipe: Recipe) -> Recipe:
        return recipe.completed(epochs=90, batch=32, rate=0.1, images=256, schedule="step")

    def reader(self, augmentation: str) -> Read:
        change = augment.of_pictures(augmentation, self._rows, self._columns)
        values = partial(pixels, expected=self._input.expected)
        return partial(read_classified, change=change, pixels=values, channels=self._channels)


class Segmentation(_Scored):
    """Classes of pixels, as torchvision's references/segmentation trains them."""

    score = "mean_iou"
    learns_from = "pictures and label maps, in folders images and labels"
    _auxiliary = 0.5

    def completed(self, recipe: Recipe) -> Recipe:
        return recipe.completed(epochs=30, batch=8, rate=0.01, images=32, schedule="poly")

    def reader(self, augmentation: str) -> Read:
        change = augment.of_labels(augmentation, self._rows, self._columns)
        values = partial(pixels, expected=self._input.expected)
        return partial(
            read_mapped,
            change=change,
            pixels=values,
            channels=self._channels,
            classes=self.classes,
        )

    def measures(self) -> dict[str, float]:
        matrix = self.metric.compute().double()
        right = matrix.diagonal()
        union = matrix.sum(0) + matrix.sum(1) - right
        iou = right[union > 0] / union[union > 0]
        return super().measures() | {"mean_iou": iou.mean().item()}


class Detection:
    """Objects in pictures, as torchvision's references/detection trains them."""

    score = "map50"
    learns_from = "a COCO file of objects (.json) or dlib's imglab's (.xml)"

    def __init__(self, network: Network, predictor: Predictor) -> None:
        edge = next(e for e in network.summary().outputs.values() if isinstance(e, Detections))
        self._output, self._first = predictor.output, int(edge.background)
        self._masks = "masks" in edge.parts
        self._tensor = not isinstance(network.checked.shape(network.checked.input), Images)
        self._input = _input(network)
        self._size = known_size(network.summary().input) if self._tensor else ()
        self._of_dlib = next(
            (part for part in predictor.module.modules() if isinstance(part, Configured)), None
        )
        self.wanted = Wanted(predictor.own_names, everything=self._of_dlib is not None)
        if "keypoints" in edge.parts or predictor.takes_proposals:
            raise fail(
                f"{network.name} learns from more than boxes and masks, and is not trained here"
            )
        self.classes = edge.classes
        kinds: Any = ("bbox", "segm") if self._masks else ("bbox",)
        self.metric: Any = MeanAveragePrecision(iou_type=kinds, backend="faster_coco_eval")

    def completed(self, recipe: Recipe) -> Recipe:
        if isinstance(self._of_dlib, Mmod):
            # dnn_mmod_ex.cpp; the loss is a mean over places and pictures, whatever their number.
            return recipe.completed(150, 8, 0.1, recipe.batch or 8, "plateau")
        if self._of_dlib is not None:
            # dnn_yolo_train_ex.cpp; dlib's solver sums the pictures' gradients.
            return recipe.completed(150, 8, 0.001, 1, "plateau")
        return recipe.completed(epochs=26, batch=2, rate=0.02, images=16, schedule="step")

    def require(self, pictures: Pictures) -> None:
        found = len(pictures.classes) + self._first
        if found != self.classes:
            raise _differing(found, self.classes, pictures.classes, background=bool(self._first))
        if self._of_dlib is not None:
            self._of_dlib.name_labels(pictures.classes)

    def reader(self, augmentation: str) -> Read:
        change = augment.of_boxes(augmentation)
        read = partial(read_objects, change=change, first=self._first, masks=self._masks)
        return partial(_as_taken, read=read, size=self._size[1:], expected=self._input.expected)

    def collated(self, items: Sequence[Any]) -> tuple[Any, Any]:
        images, targets = zip(*items, strict=True)
        return torch.stack(images) if self._tensor else list(images), list(targets)

    def loss(self, net: nn.Module, images: Any, targets: Any, recipe: Recipe | None) -> Tensor:
        found: Mapping[str, Tensor] = net(images, targets)
        return torch.stack([part.mean() for part in found.values()]).sum()

    def measure(self, net: nn.Module, images: Any, targets: Any) -> None:
        result = net(images)
        found = result if self._output is None else result[self._output]
        kept = ("boxes", "labels", "scores", "masks")
        predicted = [{k: v.cpu() for k, v in each.items() if k in kept} for each in found]
        wanted = [{k: v.cpu() for k, v in each.items()} for each in targets]
        wanted = [each | {"iscrowd": each.pop("ignore").int()} for each in wanted]
        if self._masks:
            predicted = [p | {"masks": p["masks"][:, 0] > 0.5} for p in predicted]
            wanted = [w | {"masks": w["masks"].bool()} for w in wanted]
        self.metric.update(predicted, wanted)

    def measures(self) -> dict[str, float]:
        found = self.metric.compute()
        prefix = "bbox_" if self._masks else ""
        named = {"map": f"{prefix}map", "map50": f"{prefix}map_50", "map75": f"{prefix}map_75"}
        if self._masks:
            named["mask_map50"] = "segm_map_50"
        return {name: found[key].item() for name, key in named.items()}

    def files(self, classes: Sequence[str]) -> dict[str, str]:
        text = "".join(f"{name},{value}\n" for name, value in self.measures().items())
        return {"map.csv": f"measure,value\n{text}"}


def _as_taken(
    sample: Sample, read: Read, size: Sequence[int], expected: PixelValues
) -> tuple[Tensor, dict[str, Tensor]]:
    """A picture with its objects as a network takes it: of its rows and columns, if it has any."""
    picture, target = read(sample)
    if size:
        height, width = picture.shape[1:]
        picture, (rows, columns) = fitted(picture, *size)
        factors = target["boxes"].new_tensor([columns / width, rows / height] * 2)
        target = target | {"boxes": target["boxes"] * factors}
    return pixels(picture, expected), target


_TASKS: Mapping[type[Predictor], Callable[[Network, Predictor], Any]] = {
    Detector: Detection,
    Segmenter: Segmentation,
    Classifier: Classification,
}


def _input(network: Network) -> TensorInput:
    layer = next(network.checked.instances()).layer
    assert isinstance(layer, TensorInput)
    return layer


def _differing(found: int, wanted: int, names: Sequence[str], *, background: bool = False) -> Any:
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    more = " and the background" if background else ""
    return fail(
        f"the pictures have {found} classes{more and ', the background among them'}, "
        f"the network tells {wanted} apart",
        None,
        f"found {shown}{more}",
        help=f"-D classes={found}, where the spec has such a param",
    )


# ---- what dlib's losses are given ----

Cost = Callable[[Tensor, Tensor, float], Tensor]
"""The cost of scores (N, K, ...) for labels, with label smoothing."""


def _cross_entropy(scores: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    ignored = IGNORED if labels.dim() == 3 else -100  # torch's own default, for no class
    return functional.cross_entropy(scores, labels, label_smoothing=smoothing, ignore_index=ignored)


def _per_pixel(scores: Tensor, labels: Tensor, _: float) -> Tensor:
    seen = torch.where(labels == IGNORED, losses.IGNORED, labels)
    cost: Tensor = losses.PixelMulticlassLog()(scores, seen)
    return cost


def _one_against_all(criterion: nn.Module) -> Cost:
    def cost(scores: Tensor, labels: Tensor, _: float) -> Tensor:
        signs = 2 * functional.one_hot(labels, scores.shape[1]).to(scores) - 1
        result: Tensor = criterion(scores, signs.view_as(scores))
        return result

    return cost


def _cost(criterion: nn.Module | None, network: Network) -> Cost:
    if criterion is None or type(criterion) is nn.CrossEntropyLoss:
        return _cross_entropy
    if isinstance(criterion, losses.PixelMulticlassLog):
        return _per_pixel
    if isinstance(criterion, losses.MultibinaryLog):
        return _one_against_all(criterion)
    raise fail(
        f"{network.name} has a loss that labels of classes are no target of",
        None,
        f"{type(criterion).__name__} needs a loop of its own: module.criterion(output, target)",
    )
