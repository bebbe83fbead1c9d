"""dlib's detectors in use: image pyramids, loss_mmod and loss_yolo (dlib dnn/input.h, dnn/loss.h).

dlib's boxes are pixels from left to right, the last one included; here a box ends where its last
pixel ends, so x2 = right + 1 and y2 = bottom + 1. Places are computed in double precision and
rounded where dlib rounds them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from archdsl.backends.torch.detection.images import check_images
from archdsl.backends.torch.detection.values import Batch, Detections, DetectorModule, Size, Target
from archdsl.dlib.options import MMOD_OPTIONS, YOLO_OPTIONS
from archdsl.dlib.stream import ByteReader, MisreadError, Type
from archdsl.layers.dlib_options import (
    AnchorBox,
    BoxOverlap,
    DetectorWindow,
    MmodOptions,
    YoloOptions,
)
from archdsl.layers.pyramid_tiles import Tile, Tiling, step_up, tiled

# ---- image pyramids ----


class PyramidBatch(NamedTuple):
    """Images and their pyramids as one tensor: a Batch with the positions of the copies."""

    tensors: Tensor
    image_sizes: list[Size]
    original_sizes: list[Size]
    targets: list[Target] | None
    tilings: list[Tiling]
    n: int


class PyramidInput(DetectorModule):
    """Image pyramids: each image with its smaller copies tiled in one picture, padded to one
    tensor.

    Each level is made of the one before, bilinear with corners that are aligned. Source: dlib
    input_rgb_image_pyramid, resize_image.
    """

    fitted_to = ("mean",)
    mean: Tensor

    def __init__(self, n: int, padding: int, outer_padding: int, means: Sequence[float]) -> None:
        super().__init__()
        self.n, self.padding, self.outer_padding = n, padding, outer_padding
        self.register_buffer("mean", torch.tensor(means).reshape(-1, 1, 1), persistent=False)

    def forward(self, images: Sequence[Tensor]) -> PyramidBatch:
        """Images C×H×W with values 0..1; raises TypeError or ValueError for others."""
        check_images(images, len(self.mean))
        sizes: list[Size] = [(image.shape[-2], image.shape[-1]) for image in images]
        tilings = [tiled(*size, self.n, self.padding, self.outer_padding) for size in sizes]
        height = max(tiling.height for tiling in tilings)
        width = max(tiling.width for tiling in tilings)
        whole = images[0].new_zeros(len(images), len(self.mean), height, width)
        for picture, image, tiling in zip(whole, images, tilings, strict=True):
            self._fill(picture, image, tiling.tiles)
        return PyramidBatch(whole, sizes, sizes, None, tilings, self.n)

    def _fill(self, picture: Tensor, image: Tensor, tiles: Sequence[Tile]) -> None:
        level = (image * 255 - self.mean) / 256
        for tile in tiles:
            size = tile.height, tile.width
            if size != tuple(level.shape[1:]):
                level = functional.interpolate(
                    level[None], size, mode="bilinear", align_corners=True
                )[0]
            picture[:, tile.top : tile.bottom + 1, tile.left : tile.right + 1] = level

    def extra_repr(self) -> str:
        return f"pyramid_down<{self.n}>, padding={self.padding}, outer={self.outer_padding}"


def _to_image(boxes: Tensor, tiles: Sequence[Tile], n: int) -> Tensor:
    """Boxes on a tiled pyramid (left, top, right, bottom) as boxes in the image.

    The tile that is nearest to a box's centre says how often it is enlarged.
    """
    centres = ((boxes[:, :2] + boxes[:, 2:]) / 2 + 0.5).floor().long()
    corners = torch.tensor(tiles, device=boxes.device)
    outside = torch.maximum(
        torch.maximum(corners[:, :2] - centres[:, None], centres[:, None] - corners[:, 2:]),
        torch.zeros((), dtype=torch.long, device=boxes.device),
    )
    # Of tiles that are equally near, the first counts.
    ranks = outside.square().sum(2) * len(tiles) + torch.arange(len(tiles), device=boxes.device)
    levels = ranks.argmin(1)
    boxes = boxes - corners[levels][:, [0, 1, 0, 1]]
    step = step_up(n)
    move = boxes.new_tensor([step.across, step.down] * 2)
    for level in range(len(tiles) - 1):
        boxes = torch.where((levels > level)[:, None], boxes * step.factor + move, boxes)
    return boxes


# ---- boxes ----


def _rounded(values: Tensor) -> Tensor:
    """Numbers rounded to whole ones, halves away from zero (std::lround)."""
    return values.sign() * (values.abs() + 0.5).floor()


def _suppressed(boxes: Tensor, labels: Tensor | None, overlap: BoxOverlap) -> list[int]:
    """Indices of the boxes that non-maximum suppression keeps; the best come first.

    Boxes are whole numbers (left, top, right, bottom). With ``labels`` only boxes of one label
    suppress each other. Source: dlib test_box_overlap.
    """
    sizes = (boxes[:, 2:] - boxes[:, :2] + 1).clamp(min=0).prod(1)
    alive = torch.ones(len(boxes), dtype=torch.bool, device=boxes.device)
    kept: list[int] = []
    for index in range(len(boxes)):
        if not alive[index]:
            continue
        kept.append(index)
        box = boxes[index]
        low = torch.maximum(boxes[:, :2], box[:2])
        high = torch.minimum(boxes[:, 2:], box[2:])
        inner = (high - low + 1).clamp(min=0).prod(1)
        around = torch.maximum(boxes[:, 2:], box[2:]) - torch.minimum(boxes[:, :2], box[:2]) + 1
        over = (inner / around.prod(1) > overlap.iou_thresh) | (
            inner / torch.minimum(sizes, sizes[index]) > overlap.percent_covered_thresh
        )
        over &= inner > 0
        alive &= ~(over if labels is None else over & (labels == labels[index]))
    return kept


def _found(boxes: Tensor, labels: Tensor, scores: Tensor) -> Target:
    """dlib's boxes as a dict of ``boxes``, ``labels`` and ``scores``."""
    ends = boxes.new_tensor([0, 0, 1, 1])
    return {"boxes": (boxes + ends).float(), "labels": labels, "scores": scores.float()}


# ---- detectors ----


class _Configured(DetectorModule):
    """The base of detectors with options; they are part of the state_dict, as dlib writes them."""

    fitted_to = ("options",)

    def __init__(self, options: Any, form: Type, threshold: float) -> None:
        super().__init__()
        self.options = options
        self.threshold = threshold
        self._form = form

    def get_extra_state(self) -> Tensor:
        return torch.tensor(list(self._form.write(self.options)), dtype=torch.uint8)

    def set_extra_state(self, state: Tensor) -> None:
        """Take options over; raises ValueError where these are none."""
        try:
            options = self._form.read(ByteReader(bytes(state.tolist())))
        except (MisreadError, TypeError) as error:
            raise ValueError(f"these are no options of a detector: {error}") from None
        self.options = options

    def label_names(self) -> tuple[str, ...]:
        """Names of the labels by number; empty where they are not known."""
        raise NotImplementedError

    def told(self) -> dict[str, Any]:
        """Settings that it decides by, by the names of a spec's arguments."""
        return {"threshold": self.threshold, **self.options.told()}

    def _results(self, seen: Any, found: Callable[[int], Target]) -> Detections:
        """Detections for every sample of the network's input, a batch or a tensor."""
        if self.training:
            raise RuntimeError(
                "dlib's detectors are for use here, they are trained with dlib: "
                "module.eval() detects"
            )
        batch = seen
        if isinstance(seen, Tensor):
            sizes: list[Size] = [(seen.shape[-2], seen.shape[-1])] * len(seen)
            batch = Batch(seen, sizes, sizes, None)
        results = [found(index) for index in range(len(batch.tensors))]
        return Detections(results, batch, {})


class Mmod(_Configured):
    """loss_mmod's detections: a window wherever a score is above the threshold (to_label)."""

    options: MmodOptions

    def __init__(
        self,
        windows: tuple[tuple[int, int, str], ...],
        threshold: float,
        nms: float,
        covered: float,
        regression: bool,
        stride: tuple[float, float],
        first: tuple[float, float],
    ) -> None:
        """Windows are width, height and label of each channel.

        ``stride`` and ``first``, in rows and columns, give the positions of the scores in pixels of
        the network's input. Boxes are suppressed by an intersection above ``nms``, or above
        ``covered`` of either.
        """
        options = MmodOptions(
            tuple(DetectorWindow(*window) for window in windows),
            overlaps_nms=BoxOverlap(nms, covered),
            use_bounding_box_regression=regression,
        )
        super().__init__(options, MMOD_OPTIONS, threshold)
        self.stride, self.first = stride, first

    def label_names(self) -> tuple[str, ...]:
        names = dict.fromkeys(window.label for window in self.options.detector_windows)
        return tuple(names) if any(names) else ()

    def forward(self, scores: Tensor, seen: Any) -> Detections:
        """Scores N×C×h×w; ``seen`` is the network's input: a tensor, or a batch of images."""
        windows = len(self.options.detector_windows)
        wanted = windows * (5 if self.options.use_bounding_box_regression else 1)
        if scores.shape[1] != wanted:
            raise ValueError(
                f"loss_mmod has {windows} detector windows and needs {wanted} channels; "
                f"the network gives {scores.shape[1]}"
            )
        return self._results(seen, lambda index: self._image(scores[index], seen, index))

    def _image(self, maps: Tensor, seen: Any, index: int) -> Target:
        names = self.label_names() or ("",)
        windows = self.options.detector_windows
        scores = maps[: len(windows)]
        at = (scores > self.threshold).nonzero()
        sizes = maps.new_tensor([(w.width, w.height) for w in windows], dtype=torch.double)
        labels = at.new_tensor([names.index(w.label) for w in windows])
        middle = torch.stack(
            [at[:, axis] * self.stride[axis - 1] + self.first[axis - 1] for axis in (2, 1)],
            1,
        ).double()
        if isinstance(seen, PyramidBatch):
            # Pictures that are smaller than others of the batch are padded; nothing is there.
            tiling = seen.tilings[index]
            end = middle.new_tensor([tiling.width, tiling.height])
            whole = seen.tensors.shape[-1] == tiling.width, seen.tensors.shape[-2] == tiling.height
            inside = ((middle < end) | middle.new_tensor(whole, dtype=torch.bool)).all(1)
            at, middle = at[inside], middle[inside]
        half = (sizes[at[:, 0]] - 1) / 2
        boxes = torch.cat([middle - half, middle + half], 1)
        if isinstance(seen, PyramidBatch):
            boxes = _to_image(boxes, seen.tilings[index].tiles, seen.n)
        if self.options.use_bounding_box_regression:
            boxes = _regressed(boxes, self._deltas(maps, at))
        boxes = _rounded(boxes)
        found = scores[at[:, 0], at[:, 1], at[:, 2]]
        best = found.argsort(descending=True, stable=True)
        kept = best[_suppressed(boxes[best], None, self.options.overlaps_nms)]
        return _found(boxes[kept], labels[at[kept, 0]], found[kept])

    def _deltas(self, maps: Tensor, at: Tensor) -> Tensor:
        first = len(self.options.detector_windows) + 4 * at[:, 0]
        deltas = [maps[first + part, at[:, 1], at[:, 2]] for part in range(4)]
        return torch.stack(deltas, 1).double()

    def extra_repr(self) -> str:
        windows = ", ".join(
            f"{w.width}×{w.height} {w.label}".strip() for w in self.options.detector_windows
        )
        return f"{windows}; above {self.threshold:g}"


def _regressed(boxes: Tensor, deltas: Tensor) -> Tensor:
    """Boxes moved by parts of their sides, which are stretched by exponents."""
    sides = boxes[:, 2:] - boxes[:, :2]
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2 + deltas[:, :2] * sides
    half = sides * deltas[:, 2:].exp() / 2
    return torch.cat([middle - half, middle + half], 1)


class Yolo(_Configured):
    """loss_yolo's detections from anchors on the maps of several tags (to_label)."""

    options: YoloOptions

    def __init__(
        self,
        maps: tuple[tuple[int, tuple[tuple[int, int], ...]], ...],
        threshold: float,
        nms: float,
        covered: float,
        classwise: bool,
        labels: tuple[str, ...] = (),
    ) -> None:
        """Maps are the number of a tag and the anchors there (width, height), if they are known."""
        options = YoloOptions(
            tuple((tag, tuple(AnchorBox(*each) for each in sizes)) for tag, sizes in maps if sizes),
            labels,
            overlaps_nms=BoxOverlap(nms, covered),
            classwise_nms=classwise,
        )
        super().__init__(options, YOLO_OPTIONS, threshold)
        self.tags = tuple(tag for tag, _ in maps)

    def label_names(self) -> tuple[str, ...]:
        return self.options.labels

    def forward(self, maps: list[Tensor], seen: Any) -> Detections:
        """A map N×C×h×w for each tag; ``seen`` is the network's input."""
        anchors = dict(self.options.anchors)
        for tag, level in zip(self.tags, maps, strict=True):
            self._check(tag, anchors.get(tag, ()), level)
        size = (seen if isinstance(seen, Tensor) else seen.tensors).shape[-2:]
        return self._results(seen, lambda index: self._image([m[index] for m in maps], size))

    def _check(self, tag: int, anchors: Sequence[AnchorBox], level: Tensor) -> None:
        if not anchors:
            warnings.warn(
                f"loss_yolo finds nothing at tag{tag}: it has no anchors yet. They come with "
                "dlib's weights, or from yolo_anchors<...> in the spec",
                stacklevel=2,
            )
            return
        classes = len(self.options.labels) or level.shape[1] // len(anchors) - 5
        if level.shape[1] != len(anchors) * (5 + classes):
            raise ValueError(
                f"loss_yolo has {len(anchors)} anchors and {classes} classes at tag{tag} and needs "
                f"{len(anchors) * (5 + classes)} channels; the network gives {level.shape[1]}"
            )

    def _image(self, maps: list[Tensor], size: Sequence[int]) -> Target:
        anchors = dict(self.options.anchors)
        parts = [
            self._decoded(level, anchors[tag], size)
            for tag, level in zip(self.tags, maps, strict=True)
            if tag in anchors
        ]
        if not parts:
            nothing = maps[0].new_zeros(0)
            return _found(nothing.reshape(0, 4), nothing.long(), nothing)
        boxes, labels, scores = (torch.cat(column) for column in zip(*parts, strict=True))
        best = scores.argsort(descending=True, stable=True)
        of_one = labels[best] if self.options.classwise_nms else None
        kept = best[_suppressed(_rounded(boxes[best]), of_one, self.options.overlaps_nms)]
        return _found(boxes[kept], labels[kept], scores[kept])

    def _decoded(
        self, level: Tensor, anchors: Sequence[AnchorBox], size: Sequence[int]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Boxes, labels and scores of a map, whatever overlaps."""
        rows, columns = level.shape[1:]
        values = level.reshape(len(anchors), -1, rows, columns).double()
        confidences = values[:, 4:5] * values[:, 5:]
        scores, labels = confidences.max(1)
        at = ((values[:, 4] > self.threshold) & (scores > self.threshold)).nonzero(as_tuple=True)
        which, row, column = at
        x, y, w, h = values[which, :4, row, column].unbind(1)
        across, down = size[1] / columns, size[0] / rows
        # Centres may lie half a cell outside of their own, so that borders are reached.
        middle = torch.stack([(2 * x - 0.5 + column) * across, (2 * y - 0.5 + row) * down], 1)
        sides = values.new_tensor([(anchor.width, anchor.height) for anchor in anchors])[which]
        half = (torch.stack([w / (1 - w), h / (1 - h)], 1) * sides - 1) / 2
        boxes = torch.cat([middle - half, middle + half], 1)
        return boxes, labels[at], scores[at]

    def extra_repr(self) -> str:
        tags = ", ".join(f"{len(boxes)} anchors at tag{tag}" for tag, boxes in self.options.anchors)
        return f"{tags or 'no anchors'}; above {self.threshold:g}"
