"""Data sets of torchvision as pictures to learn from."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torchvision import datasets

from archdsl.diagnostics import fail
from archdsl.training.data import Pictures, Sample

_PARTS: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]] = (
    ({"train": True}, {"train": False}),
    ({"split": "train"}, {"split": "test"}),
    ({"split": "trainval"}, {"split": "test"}),
    ({"split": "train"}, {"split": "val"}),
)
"""The ways in which data sets are asked for what is to be learned from, and what is held out."""


def torchvision_set(name: str, folder: Path) -> Pictures:
    """A data set of torchvision with labelled pictures, downloaded into a folder where need be."""
    kind = getattr(datasets, name, None)
    if not isinstance(kind, type) or not issubclass(kind, datasets.VisionDataset):
        raise fail(f"torchvision has no data set {name}", None, "expected such as CIFAR10 or MNIST")
    train, held_out = _parts(name, kind, folder)
    classes = getattr(train, "classes", None)
    if classes is None:
        raise fail(f"torchvision:{name} does not tell the names of its classes")
    learned, other = (
        [Sample((part, i), None) for i in range(len(part))] for part in (train, held_out)
    )
    return Pictures(learned, other, tuple(map(str, classes)))


def _parts(name: str, kind: type, folder: Path) -> tuple[Any, Any]:
    taken = inspect.signature(kind).parameters
    try:
        for ways in _PARTS:
            if "download" in taken and taken.keys() >= ways[0].keys():
                try:
                    first, second = (kind(folder, **way, download=True) for way in ways)
                except ValueError:
                    continue  # it has no part of that name
                return first, second
    except (OSError, RuntimeError) as error:
        raise fail(f"cannot download torchvision:{name}", None, str(error)) from None
    raise fail(f"torchvision:{name} has no parts train and test of labelled pictures")
