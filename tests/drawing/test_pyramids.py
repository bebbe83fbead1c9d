"""Detectors are drawn as figure 2 of Faster R-CNN, pyramids as figure 3 of their paper."""

import pytest
from reader import Figure, read
from test_figures import check_nothing_overlaps

import archdsl
from archdsl.ir.layer import Category
from archdsl.viz.draw import diagram_of
from archdsl.viz.draw.collapse import Levels


def figure(name: str, **options: object) -> Figure:
    svg = archdsl.load(name).draw(**options)
    assert svg is not None
    return read(svg)


def middles(found: Figure, words: str) -> list[tuple[float, float]]:
    """The middles of the boxes with a heading, from the top down."""
    areas = [area for text, area in found.inside if text.words == words]
    return sorted(((a.x0 + a.x1) / 2, (a.y0 + a.y1) / 2) for a in areas)


@pytest.mark.parametrize(
    ("name", "levels"),
    [
        ("faster_rcnn_resnet50_fpn", 4),  # Lin et al. 2017, section 4.1: C2 to C5
        ("mask_rcnn_resnet50_fpn", 4),
        ("retinanet_resnet50_fpn", 3),  # Lin et al. 2017 (RetinaNet), section 4: C3 to C5
        ("faster_rcnn_mobilenet_v3_large_fpn", 2),  # as torchvision: both ends of the last stage
    ],
)
def test_a_pyramid_is_a_column_beside_its_backbone(name: str, levels: int) -> None:
    """Lin et al. 2017, figure 3: a level of the pyramid stands beside what it takes."""
    found = figure(name)
    lateral = middles(found, "1×1 conv, 256")[:levels]
    smooth = middles(found, "3×3 conv, 256")
    resized = middles(found, "nearest resize")
    assert len(lateral) == levels and len(resized) == levels - 1
    assert len({x for x, _ in lateral}) == len({x for x, _ in resized}) == 1
    rows = sorted(y for _, y in lateral)
    beside = [y for x, y in smooth if x > resized[0][0]]
    assert all(any(abs(y - other) < 0.1 for other in beside) for y in rows)
    taps = [a for a in found.boxes.values() if a.x1 < lateral[0][0]]
    heights = sorted((a.y0 + a.y1) / 2 for a in taps)
    assert all(any(abs(y - other) < 0.1 for other in heights) for y in rows)
    ((_, foot),) = middles(found, "images")
    assert foot > rows[-1]  # the image is at the foot of the backbone


@pytest.mark.parametrize("name", ["faster_rcnn_vgg16", "faster_rcnn_resnet50_fpn"])
def test_edges_say_what_a_detector_passes_on(name: str) -> None:
    """Ren et al. 2015, figure 2: feature maps, proposals; Girshick 2015, figure 1: two outputs."""
    words = [text.words for text in figure(name).free]
    for told in ("features", "objectness", "scores", "boxes"):
        assert told in words
    assert any(text.endswith(" proposals") for text in words)


@pytest.mark.parametrize("name", ["faster_rcnn_resnet50_fpn", "mask_rcnn_resnet50_fpn"])
def test_what_finds_objects_has_the_colour_of_detection(name: str) -> None:
    boxes = {
        box.title.partition("<")[0]: box.category
        for box in diagram_of(archdsl.load(name).checked, Levels(1)).boxes()
    }
    assert boxes["region_proposal_network"] is boxes["fast_rcnn"] is Category.DETECTION
    assert boxes["feature_pyramid"] is Category.JOIN
    assert boxes["bottleneck_stage"] is Category.CONVOLUTION
    assert boxes.get("mask_branch", Category.DETECTION) is Category.DETECTION


def test_convolutions_on_every_map_have_their_colour() -> None:
    """Liu et al. 2016, figure 2: SSD's heads take feature maps and give such."""
    found = diagram_of(archdsl.load("ssd300_vgg16").checked, Levels(1)).boxes()
    heads = [box.category for box in found if box.kind == "head"]
    assert heads == [Category.CONVOLUTION] * 2


@pytest.mark.slow
def test_the_heads_of_mask_rcnn_are_details() -> None:
    """He et al. 2017, figures 1 and 4: RoIAlign, a box head and a mask head of convolutions."""
    found = figure("mask_rcnn_resnet50_fpn")
    check_nothing_overlaps(found)
    words = [text.words for text, _ in found.inside]
    for heading in ("A · region_proposal_network", "B · fast_rcnn", "C · mask_branch"):
        assert words.count(heading) == 2  # the block, and its detail
    assert {"RoI align, 7×7", "RoI align, 14×14", "fc 1024", "3×3 conv, 256 ×4"} <= set(words)


@pytest.mark.slow
def test_a_detail_has_room_below_a_backbone() -> None:
    found = figure("faster_rcnn_mobilenet_v3_large_fpn")
    check_nothing_overlaps(found)
    (box,) = middles(found, "3×3 conv, 16, /2")
    (end,) = middles(found, "best 100, NMS 0.5")
    (image,) = middles(found, "images")
    assert box[0] < end[0] and image[1] < box[1] < end[1]
