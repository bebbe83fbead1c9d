"""dlib's own examples, where DLIB_SOURCE names an unpacked source tree.

The names of the networks were read from the sources by eye. The counts of parameters are worked
out from the definitions, or from torchvision's ResNet-34 (21,797,672), which dlib's differs from by
its shortcuts without convolutions (-173,824) and by biases in its convolutions (+7,616).
"""

import os
from pathlib import Path

import pytest

import archdsl
from archdsl.diagnostics import ArchError
from archdsl.frontend.elaborate import collect
from archdsl.frontend.elaborate.assemble import Assembly
from archdsl.frontend.files import read_source
from archdsl.frontend.syntax.parser import parse
from archdsl.layers import definitions

EXAMPLES = Path(os.environ.get("DLIB_SOURCE", ".")) / "examples"
pytestmark = pytest.mark.skipif(
    not (EXAMPLES / "dnn_introduction_ex.cpp").is_file(),
    reason="DLIB_SOURCE names no source tree of dlib with its examples",
)

DETECTION = ["det_bnet_type", "det_anet_type", "seg_bnet_type", "seg_anet_type"]
RESNETS = [
    f"resnet::{use}_{depth}" for use in ("train", "infer") for depth in (18, 34, 50, 101, 152)
]
OWN: dict[str, list[str]] = {
    "dnn_dcgan_train_ex.cpp": ["generator_type", "discriminator_type"],
    "dnn_face_recognition_ex.cpp": ["anet_type"],
    "dnn_imagenet_ex.cpp": ["anet_type"],
    "dnn_imagenet_train_ex.cpp": ["net_type", "anet_type"],
    "dnn_inception_ex.cpp": ["net_type"],
    "dnn_instance_segmentation_ex.cpp": [],
    "dnn_instance_segmentation_ex.h": DETECTION,
    "dnn_instance_segmentation_train_ex.cpp": [],
    "dnn_introduction2_ex.cpp": ["net_type", "net_type2", "test_net_type"],
    "dnn_introduction3_ex.cpp": ["model::train", "model::infer"],
    "dnn_introduction_ex.cpp": ["net_type"],
    "dnn_metric_learning_ex.cpp": ["net_type"],
    "dnn_metric_learning_on_images_ex.cpp": ["net_type", "anet_type"],
    "dnn_mmod_dog_hipsterizer.cpp": ["net_type"],
    "dnn_mmod_ex.cpp": ["net_type"],
    "dnn_mmod_face_detection_ex.cpp": ["net_type"],
    "dnn_mmod_find_cars2_ex.cpp": ["net_type"],
    "dnn_mmod_find_cars_ex.cpp": ["net_type"],
    "dnn_mmod_train_find_cars_ex.cpp": ["net_type"],
    "dnn_self_supervised_learning_ex.cpp": ["model::train", "model::feats"],
    "dnn_semantic_segmentation_ex.cpp": [],
    "dnn_semantic_segmentation_ex.h": ["bnet_type", "anet_type"],
    "dnn_semantic_segmentation_train_ex.cpp": [],
    "dnn_yolo_train_ex.cpp": ["darknet::yolov3_train_type", "darknet::yolov3_infer_type"],
    "resnet.h": RESNETS,
    "slm_advanced_train_ex.cpp": ["net_type", "net_infer", "net_infer"],
    "slm_basic_train_ex.cpp": ["net_type", "net_infer"],
    "slm_data.h": [],
    "slm_defs.h": [],
}
INCLUDED = {
    "dnn_instance_segmentation_ex.cpp": DETECTION,
    "dnn_instance_segmentation_train_ex.cpp": DETECTION,
    "dnn_introduction3_ex.cpp": RESNETS,
    "dnn_semantic_segmentation_ex.cpp": ["bnet_type", "anet_type"],
    "dnn_semantic_segmentation_train_ex.cpp": ["bnet_type", "anet_type"],
}
LENET = 6 * 26 + 16 * (6 * 25 + 1) + 120 * (16 * 7 * 7 + 1) + 84 * 121 + 10 * 85
BATCH_NORM = 2  # of each channel: a factor and an offset
GENERATOR = (
    (100 * 256 * 16 + 256 + BATCH_NORM * 256)
    + (256 * 128 * 9 + 128 + BATCH_NORM * 128)
    + (128 * 64 * 16 + 64 + BATCH_NORM * 64)
    + (64 * 16 + 1)
)
# Fifteen residual blocks of two convolutions with eight filters; the first sees one channel.
RESIDUAL = 2 * (8 * (8 * 9 + 1) + BATCH_NORM * 8)
INTRODUCTION2 = (8 * (9 + 1) + 16 + 8 * (8 * 9 + 1) + 16) + 14 * RESIDUAL + 10 * (8 + 1)
INCEPTION = (
    (10 * 2 + (16 * 2 + 10 * (16 * 9 + 1)) + (16 * 2 + 10 * (16 * 25 + 1)) + 10 * 2)
    + (4 * 41 + 4 * (40 * 9 + 1) + 4 * 41)
    + 32 * (12 * 7 * 7 + 1)
    + 10 * 33
)
RESNET34 = 21_797_672 - 173_824 + 7_616
PARAMETERS = {
    ("dnn_introduction_ex.cpp", "net_type", "1x28x28"): LENET,
    ("dnn_introduction2_ex.cpp", "net_type", "1x28x28"): INTRODUCTION2,
    ("dnn_introduction2_ex.cpp", "test_net_type", "1x28x28"): INTRODUCTION2,
    ("dnn_inception_ex.cpp", "net_type", "1x28x28"): INCEPTION,
    ("dnn_dcgan_train_ex.cpp", "generator_type", "100x1x1"): GENERATOR,
    ("dnn_imagenet_ex.cpp", "anet_type", None): RESNET34,
    ("dnn_imagenet_train_ex.cpp", "net_type", None): RESNET34,
    ("resnet.h", "resnet::train_34", "3x224x224"): RESNET34,
}
OF_ITS_OWN = "'rotary_positional_embedding_' is a layer class of its own"


def example(name: str) -> Path:
    return EXAMPLES / name


def assembled(name: str) -> Assembly:
    return collect(parse(read_source(example(name)))).assembly


def test_every_example_is_listed() -> None:
    found = {p.name for kind in ("dnn_*", "slm_*") for p in example(".").glob(kind)}
    assert found <= OWN.keys()


@pytest.mark.parametrize("name", OWN)
def test_names_of_networks(name: str) -> None:
    assembly = assembled(name)
    networks = [*assembly.candidates, *assembly.suspects]
    own = [c.name or "" for c in networks if c.own and not c.variable]
    assert sorted(own) == sorted(OWN[name])
    included = sorted(c.name or "" for c in networks if not c.own)
    assert included == sorted(INCLUDED.get(name, []))


@pytest.mark.parametrize(
    ("name", "net"),
    [(name, net) for name in OWN for net in (*OWN[name], *INCLUDED.get(name, [])[:1])],
)
def test_networks_expand(name: str, net: str) -> None:
    """Nothing keeps a network from being expanded but layers that the catalogue lacks."""
    try:
        archdsl.load(example(name), net=net)
        messages = []
    except ArchError as error:
        messages = [diagnostic.message for diagnostic in error.diagnostics]
    strange = [m for m in messages if not m.startswith("unknown layer") and OF_ITS_OWN not in m]
    # What is said besides follows from a tag that is not known.
    assert all(m == "a tag belongs here" or "stands where a" in m for m in strange), strange
    unknown = {m.split("'")[1] for m in messages if m.startswith("unknown layer")}
    assert not unknown & definitions().keys()


@pytest.mark.parametrize(("name", "net", "size"), PARAMETERS)
def test_parameters(name: str, net: str, size: str | None) -> None:
    network = archdsl.load(example(name), net=net, input=size)
    assert network.summary().parameters == PARAMETERS[name, net, size]
