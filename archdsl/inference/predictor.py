"""Detections, segmentations and classifications of photographs by a compiled network."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from archdsl.api import Network
from archdsl.backends.torch.trial_run import device_of, trial_input
from archdsl.diagnostics import ArchError, fail
from archdsl.inference.pictures import annotated, captioned, chosen, name_of
from archdsl.inference.rle import run_lengths
from archdsl.inference.segments import areas, coloured
from archdsl.inference.tasks import task_of
from archdsl.ir.edges import Shape, shown
from archdsl.layers.inputs import PixelValues, TensorInput, known_size


class Prediction(Protocol):
    """The result for one picture."""

    def png(self) -> bytes:
        """The picture with it, as a PNG file."""

    def document(self) -> dict[str, Any]:
        """For JSON, without the picture."""

    def __str__(self) -> str:
        """In a few words."""


@dataclass(frozen=True)
class Objects:
    """Objects: boxes, labels and scores, perhaps masks and keypoints, in pixels of the picture."""

    picture: Tensor
    found: dict[str, Tensor]
    names: Sequence[str]

    def png(self) -> bytes:
        return annotated(self.picture, self.found, self.names, threshold=0)

    def document(self) -> dict[str, Any]:
        columns = {key: value.tolist() for key, value in self.found.items() if key != "masks"}
        objects = []
        for index, label in enumerate(columns["labels"]):
            each = {
                "box": columns["boxes"][index],
                "label": label,
                "name": name_of(label, self.names) if self.names else None,
                "score": columns["scores"][index],
            }
            if "masks" in self.found:
                each["mask"] = run_lengths(self.found["masks"][index, 0] > 0.5)
            if "keypoints" in columns:
                each["keypoints"] = columns["keypoints"][index]
                each["keypoint_scores"] = columns["keypoints_scores"][index]
            objects.append(each)
        return {"detections": objects}

    def __str__(self) -> str:
        labels = Counter(name_of(label, self.names) for label in self.found["labels"].tolist())
        return ", ".join(f"{count} {name}" for name, count in labels.items()) or "nothing found"


@dataclass(frozen=True)
class Segments:
    """The class of every pixel of a picture."""

    picture: Tensor
    classes: Tensor
    names: Sequence[str]

    def png(self) -> bytes:
        return coloured(self.picture, self.classes, self.names)

    def document(self) -> dict[str, Any]:
        return {
            "segments": [
                {
                    "label": label,
                    "name": name_of(label, self.names) if self.names else None,
                    "pixels": pixels,
                    "mask": run_lengths(self.classes == label),
                }
                for label, pixels in areas(self.classes)
            ]
        }

    def __str__(self) -> str:
        whole = self.classes.numel()
        shares = [
            f"{name_of(label, self.names)} {pixels / whole:.0%}"
            for label, pixels in areas(self.classes)
        ]
        return ", ".join(shares)


_SHOWN = 5
"""Number of likeliest classes that are shown."""


@dataclass(frozen=True)
class Classes:
    """The likeliest classes of a picture, the best first."""

    picture: Tensor
    labels: Sequence[int]
    probabilities: Sequence[float]
    names: Sequence[str]

    def png(self) -> bytes:
        return captioned(self.picture, str(self).split(", "))

    def document(self) -> dict[str, Any]:
        return {
            "classes": [
                {
                    "label": label,
                    "name": name_of(label, self.names) if self.names else None,
                    "probability": probability,
                }
                for label, probability in zip(self.labels, self.probabilities, strict=True)
            ]
        }

    def __str__(self) -> str:
        return ", ".join(
            f"{name_of(label, self.names).replace(',', '')} {probability:.1%}"
            for label, probability in zip(self.labels, self.probabilities, strict=True)
        )


def pixels(picture: Tensor, expected: PixelValues) -> Tensor:
    """A picture (3, height, width) with values 0..1 as the values that a network expects."""
    if expected.grey:
        return (picture * 255).round().sum(0, keepdim=True).div(3).floor() / 255
    mean, deviation = (
        picture.new_tensor(each)[:, None, None] for each in (expected.mean, expected.deviation)
    )
    return (picture * expected.scale - mean) / deviation


def of_channels(picture: Tensor, channels: int) -> Tensor:
    """A picture (3, height, width) as one of so many channels: a single one is their mean."""
    return picture.mean(0, keepdim=True) if channels == 1 else picture


class Predictor:
    """A network with the method that turns pictures into predictions; base of the three kinds."""

    def __init__(
        self, network: Network, module: nn.Module, output: str | None, classes: int
    ) -> None:
        """``output`` names the output that is used, where the network has several."""
        self.network, self.module, self.classes = network, module.eval(), classes
        self.output = output
        self._device = device_of(module)
        first = next(network.checked.instances()).layer
        assert isinstance(first, TensorInput)
        self._input = first

    @property
    def own_names(self) -> Sequence[str]:
        """The names of classes that came with the weights; empty where there are none."""
        return ()

    @property
    def options(self) -> Mapping[str, Any]:
        """Settings of a detector, as its weights have them; empty for other networks."""
        return {}

    @property
    def takes_proposals(self) -> bool:
        """True if the network needs region proposals with every picture."""
        return "proposals" in trial_input(self.network.checked)

    def predict(
        self,
        picture: Tensor,
        names: Sequence[str] = (),
        *,
        threshold: float = 0.5,
        proposals: Tensor | None = None,
    ) -> Prediction:
        """The result for a picture (3, height, width) with values from 0 to 1.

        ``names`` has the names of the classes, ``threshold`` is the least score of an object,
        ``proposals`` are boxes n×4 for networks that take some.
        """
        raise NotImplementedError

    def _run(self, module: nn.Module, images: Any, **more: Any) -> Any:
        with torch.inference_mode():
            result = module(images, **more)
        return result if self.output is None else result[self.output]

    def _pixels(self, picture: Tensor) -> Tensor:
        return pixels(picture, self._input.expected).to(self._device)


class Detector(Predictor):
    """A network that gives detections, of images or of a tensor of pixels.

    For a tensor of known size, a picture is resized to fit into it, and black is added at the right
    and the bottom.
    """

    @property
    def own_names(self) -> Sequence[str]:
        names: Sequence[str] = self._of_part("label_names") or ()
        return names

    @property
    def options(self) -> Mapping[str, Any]:
        options: Mapping[str, Any] = self._of_part("told") or {}
        return options

    def _of_part(self, method: str) -> Any:
        """The result of a method of the part of the module that has one, ``None`` without."""
        found = (getattr(part, method, None) for part in self.module.modules())
        return next((told() for told in found if told is not None), None)

    def predict(
        self,
        picture: Tensor,
        names: Sequence[str] = (),
        *,
        threshold: float = 0.5,
        proposals: Tensor | None = None,
    ) -> Objects:
        more = {} if proposals is None else {"proposals": [proposals.to(self._device)]}
        seen = self.network.checked.shape(self.network.checked.input)
        if isinstance(seen, tuple):
            found = self._in_tensor(picture, seen)
        else:
            (found,) = self._run(self.module, [self._pixels(picture)], **more)
        return Objects(picture, chosen(found, threshold), names)

    def _in_tensor(self, picture: Tensor, shape: Shape) -> dict[str, Tensor]:
        """Detections in pixels of the picture."""
        height, width = picture.shape[1:]
        seen, size = fitted(picture, shape[1] or height, shape[2] or width)
        (found,) = self._run(self.module, self._pixels(seen)[None])
        factors = found["boxes"].new_tensor([width / size[1], height / size[0]] * 2)
        return {**found, "boxes": found["boxes"] * factors}


class Segmenter(Predictor):
    """A network that gives every pixel scores of classes.

    A picture is resized to the shorter side of the network's input, and the scores back.
    """

    @cached_property
    def _size(self) -> tuple[int, int, int]:
        channels, height, width = known_size(self.network.summary().input)
        return channels, height, width

    def predict(
        self,
        picture: Tensor,
        names: Sequence[str] = (),
        *,
        threshold: float = 0.5,
        proposals: Tensor | None = None,
    ) -> Segments:
        height, width = picture.shape[1:]
        channels, *sides = self._size
        factor = min(sides) / min(height, width)
        module, size = self._sized(max(1, round(height * factor)), max(1, round(width * factor)))
        seen = of_channels(_resized(picture, size), channels)
        scores = self._run(module, self._pixels(seen)[None])
        scores = functional.interpolate(scores, (height, width), mode="bilinear")
        return Segments(picture, scores[0].argmax(0).cpu(), names)

    def _sized(self, height: int, width: int) -> tuple[nn.Module, tuple[int, int]]:
        """The network for a size with the same weights; for its own size if it has no other."""
        channels, *sides = self._size
        if [height, width] != sides:
            other = self.network.sized((channels, height, width))
            # Some networks have one size: others do not fit, or ask for other weights.
            with contextlib.suppress(ArchError, RuntimeError):
                task = task_of(other.check().summary())
                if task is not None and task.kind == "segment":
                    module = other.to_torch(device=str(self._device))
                    module.load_state_dict(self.module.state_dict())
                    return module.eval(), (height, width)
        return self.module, (sides[0], sides[1])


class Classifier(Predictor):
    """A network that gives a picture scores of classes.

    A picture is resized so that its shorter side fits the network's input, and cut in the middle.
    """

    def predict(
        self,
        picture: Tensor,
        names: Sequence[str] = (),
        *,
        threshold: float = 0.5,
        proposals: Tensor | None = None,
    ) -> Classes:
        """``threshold`` is ignored: the likeliest classes are given in any case."""
        with torch.inference_mode():
            result = self._run(self.module, self.seen(picture))
            best = self._probabilities(result)[0].cpu().topk(min(_SHOWN, self.classes))
        return Classes(picture, best.indices.tolist(), best.values.tolist(), names)

    def seen(self, picture: Tensor) -> Tensor:
        """A picture (3, height, width), 0 to 1, as the network's input: 1×C×H×W."""
        channels, rows, columns = known_size(self.network.summary().input)
        cut = centre_cut(picture, rows, columns)
        return self._pixels(of_channels(cut, channels))[None]

    def _probabilities(self, output: Tensor) -> Tensor:
        """Class probabilities: those of the network's loss, or else the softmax of the output."""
        decision = getattr(self.module, "decision", None)
        decided = {} if decision is None else decision(output)
        if "probabilities" in decided:
            found: Tensor = decided["probabilities"]
            return found
        if (output >= 0).all() and output.sum(1).sub(1).abs().max() < 1e-4:
            return output  # the network ends in a softmax
        return output.softmax(1)


def fitted(picture: Tensor, rows: int, columns: int) -> tuple[Tensor, tuple[int, int]]:
    """A picture (C, height, width) resized to fit into rows×columns, and its size in there.

    Black is added at the right and the bottom.
    """
    height, width = picture.shape[1:]
    scale = min(rows / height, columns / width)
    size = min(rows, max(1, round(height * scale))), min(columns, max(1, round(width * scale)))
    made = picture.new_zeros(len(picture), rows, columns)
    made[:, : size[0], : size[1]] = _resized(picture, size)
    return made, size


def centre_cut(picture: Tensor, rows: int, columns: int) -> Tensor:
    """A picture (C, height, width) resized to cover rows×columns, and cut in the middle."""
    height, width = picture.shape[1:]
    factor = max(rows / height, columns / width)
    size = max(rows, round(height * factor)), max(columns, round(width * factor))
    top, left = (size[0] - rows) // 2, (size[1] - columns) // 2
    return _resized(picture, size)[:, top : top + rows, left : left + columns]


def _resized(picture: Tensor, size: tuple[int, int]) -> Tensor:
    made = functional.interpolate(picture[None], size, mode="bilinear", antialias=True)
    return made[0].clamp(0, 1)


def predictor(network: Network, module: nn.Module) -> Predictor:
    """The predictor that fits the outputs of a network; its module is put in eval mode.

    Raises ArchError where the network gives neither detections nor classes.
    """
    summary = network.summary()
    task = task_of(summary)
    if task is not None:
        return _PREDICTORS[task.kind](network, module, task.output, task.classes)
    gives = ", ".join(f"{name} {shown(edge)}" for name, edge in summary.outputs.items())
    raise fail(
        f"{network.name} is no detector",
        None,
        "expected a network that gives detections, or scores of classes for a picture or its every "
        f"pixel; it takes {shown(summary.input)} and gives {gives}",
        help="faster_rcnn_resnet50_fpn is a detector, fcn_resnet50 finds the class of every pixel",
    )


def classifier(network: Network, module: nn.Module) -> Classifier | None:
    """A classifier, its module put in eval mode; ``None`` if the network does not classify."""
    task = task_of(network.summary())
    if task is None or task.kind != "classify":
        return None
    return Classifier(network, module, task.output, task.classes)


_PREDICTORS: Mapping[str, type[Predictor]] = {
    "detect": Detector,
    "segment": Segmenter,
    "classify": Classifier,
}
