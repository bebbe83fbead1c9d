"""Augmentation of pictures with what is marked on them, by torchvision.transforms.v2."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms import v2

from archdsl.inference.predictor import centre_cut

Transform = Callable[..., Any]

_RESIZE = 256 / 224
"""The shorter side before a crop, by the crop's side: Krizhevsky et al. 2012, section 4.1."""


def of_pictures(name: str, rows: int, columns: int) -> Transform:
    """Makes a picture (3, height, width), 0 to 1, one of 3×rows×columns."""
    size = (rows, columns)
    made: Mapping[str, Callable[[], list[Any]]] = {
        "none": lambda: [v2.Lambda(lambda picture: centre_cut(picture, rows, columns))],
        "standard": lambda: [v2.RandomResizedCrop(size), v2.RandomHorizontalFlip()],
        "strong": lambda: [
            v2.RandomResizedCrop(size),
            v2.RandomHorizontalFlip(),
            v2.ToDtype(torch.uint8, scale=True),
            v2.RandAugment(),
            v2.ToDtype(torch.float32, scale=True),
        ],
        "alexnet": lambda: [
            v2.Lambda(
                lambda p: centre_cut(p, round(rows * _RESIZE), round(columns * _RESIZE)),
            ),
            v2.RandomCrop(size),
            v2.RandomHorizontalFlip(),
            v2.ColorJitter(0.2, 0.2, 0.2),
        ],
    }
    changed: Transform = v2.Compose(made[name]())
    return changed


def of_boxes(name: str) -> Transform:
    """Changes a picture together with its boxes and masks (tv_tensors)."""
    flip = v2.RandomHorizontalFlip()
    made: Mapping[str, Callable[[], list[Any]]] = {
        "none": list,
        "standard": lambda: [flip],
        "strong": lambda: [v2.RandomPhotometricDistort(), v2.RandomIoUCrop(), flip],
        "alexnet": lambda: [v2.ColorJitter(0.2, 0.2, 0.2), flip],
    }
    clean = v2.SanitizeBoundingBoxes(labels_getter=_of_each_box)
    changed: Transform = v2.Compose([*made[name](), clean])
    return changed


def _of_each_box(sample: Any) -> tuple[Tensor, ...]:
    """The parts of a target that have a value for each box, besides masks."""
    return tuple(sample[1][name] for name in ("labels", "ignore"))


def of_labels(name: str, rows: int, columns: int) -> Transform:
    """Makes a picture and its label map (tv_tensors) rows×columns."""
    size = (rows, columns)
    crop = v2.RandomResizedCrop(size, scale=(0.5, 1.0))
    flip = v2.RandomHorizontalFlip()
    made: Mapping[str, Callable[[], list[Any]]] = {
        "none": lambda: [v2.Resize(size)],
        "standard": lambda: [crop, flip],
        "strong": lambda: [crop, flip, v2.RandomPhotometricDistort()],
        "alexnet": lambda: [crop, flip, v2.ColorJitter(0.2, 0.2, 0.2)],
    }
    changed: Transform = v2.Compose(made[name]())
    return changed


def mixed(
    images: Tensor, targets: Tensor, classes: int, alpha: float = 0.2
) -> tuple[Tensor, Tensor]:
    """A batch and its class probabilities mixed with itself (Zhang et al. 2018, "mixup")."""
    result: tuple[Tensor, Tensor] = v2.MixUp(alpha=alpha, num_classes=classes)(images, targets)
    return result
