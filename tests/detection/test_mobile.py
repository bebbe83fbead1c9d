"""Detectors on MobileNetV3-Large are torchvision's: same graph, same numbers, same losses."""

import shutil
from pathlib import Path

import pytest
import torch
import torchvision

import archdsl
from archdsl.frontend.bundled import specs_folder
from archdsl.importers.verification import canonical, match, reference, verify

MODELS = {
    "faster_rcnn_mobilenet_v3_large_fpn": "fasterrcnn_mobilenet_v3_large_fpn",
    "faster_rcnn_mobilenet_v3_large_320_fpn": "fasterrcnn_mobilenet_v3_large_320_fpn",
    "ssdlite320_mobilenet_v3_large": "ssdlite320_mobilenet_v3_large",
}
SMALL = {"min_size": 128, "max_size": 200}
IMAGE = (3, 130, 170)


@pytest.mark.parametrize("name", MODELS)
def test_the_same_graph_and_parameters_at_full_size(name: str) -> None:
    network = archdsl.load(name)
    with torch.device("meta"):
        model = reference(f"torchvision:{MODELS[name]}")
        found = match(canonical(model), canonical(network.to_torch()))
    assert found.matched, found.differences
    published = torchvision.models.get_model_weights(MODELS[name]).DEFAULT.meta["num_params"]
    own = sum(parameter.numel() for parameter in model.parameters())
    assert network.summary().parameters == own
    # Published weights have constants in place of the norms' parameters.
    assert own == published or name.startswith("faster")


@pytest.mark.parametrize("training", [False, True], ids=["eval", "training"])
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("faster_rcnn_mobilenet_v3_large_fpn", marks=pytest.mark.slow),
        "faster_rcnn_mobilenet_v3_large_320_fpn",
        pytest.param("ssdlite320_mobilenet_v3_large", marks=pytest.mark.slow),
    ],
)
def test_equals_torchvision_exactly(name: str, training: bool) -> None:
    size = {} if name.startswith("ssd") else SMALL
    model = torchvision.models.get_model(
        MODELS[name], weights=None, weights_backbone=None, **size
    ).eval()
    found = verify(archdsl.load(name, **size).to_torch(), model, IMAGE, training=training)
    assert found.matched, found.differences
    assert found.params_equal
    assert found.max_abs_diff == 0


def changed(folder: Path, name: str, file: str, old: str, new: str) -> archdsl.Network:
    """A spec with a change in itself, or in one of its blocks."""
    shutil.copytree(specs_folder() / "blocks", folder / "blocks")
    shutil.copy(specs_folder() / f"{name}.arch", folder)
    path = folder / f"{file}.arch"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    return archdsl.load(folder / f"{name}.arch")


@pytest.mark.parametrize(
    ("name", "file", "old", "new", "words"),
    [
        ("faster_rcnn_mobilenet_v3_large_fpn", "blocks/faster_rcnn_mobilenet",
         "<32,64,128,256,512,everywhere=true>", "<32,64,128,octaves=5>", "AnchorGrid"),
        ("faster_rcnn_mobilenet_v3_large_fpn", "blocks/faster_rcnn_mobilenet", "score=0.05",
         "score=0.0", "ProposalFilter"),
        ("faster_rcnn_mobilenet_v3_large_fpn", "blocks/faster_rcnn_mobilenet", "batch_norm<SUBNET>",
         "batch_norm<momentum=0.01,SUBNET>", "momentum"),
        ("faster_rcnn_mobilenet_v3_large_320_fpn", "faster_rcnn_mobilenet_v3_large_320_fpn",
         "<classes, 150,", "<classes, 200,", "ProposalFilter"),
        ("ssdlite320_mobilenet_v3_large", "ssdlite320_mobilenet_v3_large", "momentum=0.03",
         "momentum=0.01", "momentum"),
        ("ssdlite320_mobilenet_v3_large", "ssdlite320_mobilenet_v3_large", "0.95 - 0.2",
         "0.9 - 0.2", "DefaultBoxes"),
        ("ssdlite320_mobilenet_v3_large", "ssdlite320_mobilenet_v3_large", "true, hardswish, 2",
         "true, relu, 2", "relu"),
        ("ssdlite320_mobilenet_v3_large", "ssdlite320_mobilenet_v3_large", "nms=0.55,", "",
         "SsdDetections"),
    ],
)  # fmt: skip
def test_near_misses_are_refused(
    tmp_path: Path, name: str, file: str, old: str, new: str, words: str
) -> None:
    module = changed(tmp_path, name, file, old, new)
    with torch.device("meta"):
        model = reference(f"torchvision:{MODELS[name]}")
        found = match(canonical(model), canonical(module.to_torch()))
    assert not found.matched
    assert any(words in difference for difference in found.differences), found.differences


def test_five_sizes_do_not_go_on_three_maps_one_by_one(tmp_path: Path) -> None:
    name = "faster_rcnn_mobilenet_v3_large_fpn"
    network = changed(
        tmp_path, name, "blocks/faster_rcnn_mobilenet", "everywhere=true", "everywhere=false"
    )
    with pytest.raises(
        archdsl.ArchError, match=r"(?s)size for each of 3 maps, found 5.*everywhere"
    ):
        network.summary()
