"""Families of tests: one proof for many networks, of which a few stand for all in the fast run."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest

from archdsl.frontend.bundled import spec_names

ONE_OF_EACH = frozenset({
    "alexnet_torchvision", "cbam_resnet50", "convnext_tiny", "darknet19", "dcgan",
    "deeplabv3_mobilenet_v3_large", "espcn", "ghostnet",
    "densenet121", "dlib_face_recognition", "dlib_mmod_face_detection", "efficientnet_b0",
    "fast_rcnn_vgg16", "faster_rcnn_mobilenet_v3_large_320_fpn", "fcn_resnet50",
    "fcos_resnet50_fpn", "googlenet", "inception_resnet_v1", "inception_v3",
    "keypoint_rcnn_resnet50_fpn", "lenet", "lraspp_mobilenet_v3_large", "mnasnet1_0",
    "mobilenet_v1", "mobilenet_v3_small", "nin", "preact_resnet", "rcnn", "regnet_y_400mf",
    "resnet18", "resnet50", "resnext50_32x4d", "retinanet_resnet50_fpn", "shufflenet_v2_x1_0",
    "squeezenet1_1", "ssd300_vgg16", "ssdlite320_mobilenet_v3_large", "unet", "vgg11_bn",
    "repvgg_a0", "siamese", "vit_b_32", "xception", "yolo_v1_tiny", "yolo_v3",
})  # fmt: skip
"""Of the bundled specs a small one for each way of building; the others are deeper or wider."""
DEEPER = frozenset({
    "convnext_base", "convnext_small", "deeplabv3_resnet101", "densenet161", "densenet169",
    "densenet201", "efficientnet_v2_l", "efficientnet_v2_m", "fcn_resnet101", "resnet101",
    "resnet152", "resnext101_32x8d", "resnext101_64x4d", "vgg13", "vgg13_bn", "vgg19", "vgg19_bn",
    "wide_resnet101_2",
})  # fmt: skip
"""Those that are another one with more blocks or channels, which their totals tell."""
# A spec that was renamed would otherwise leave the fast run without a word.
_NAMED = ONE_OF_EACH | DEEPER
assert set(spec_names()) >= _NAMED, _NAMED - set(spec_names())


def family(
    members: Iterable[Any],
    quick: Collection[Any] | None = None,
    slow: Collection[Any] | None = None,
) -> list[Any]:
    """Parameters of a test, one a member; those that are not ``quick`` are marked slow.

    The fast run proves the quick ones, by default the first alone; ``-m slow`` proves those of
    ``slow``, by default all others but ``DEEPER`` specs, and ``-m exhaustive`` what is left then.
    A quick or slow one that is no member is an error, and so is a family of which no run proves
    any.
    """
    listed = list(members)
    chosen = listed[:1] if quick is None else quick
    further = [m for m in listed if m not in DEEPER] if slow is None else slow
    strangers = [member for member in (*chosen, *further) if member not in listed]
    if strangers or not (chosen or slow):
        raise ValueError(f"these are to be quick or slow, and are no members: {strangers}")
    marks = {True: pytest.mark.slow, False: pytest.mark.exhaustive}
    return [m if m in chosen else pytest.param(m, marks=marks[m in further]) for m in listed]


def specs(names: Iterable[str] | None = None) -> list[Any]:
    """The family of these bundled specs, by default of all; one of each kind is quick."""
    listed = list(spec_names() if names is None else names)
    return family(listed, [name for name in listed if name in ONE_OF_EACH])
