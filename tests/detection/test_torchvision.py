"""Detectors are torchvision's: same parts, same graph, same detections, same losses.

Images are resized to small sizes here: what a detector computes does not depend on them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
import torch
import torchvision
from skimage import data
from support import families
from torch import Tensor, nn
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork

import archdsl
from archdsl.importers.verification import canonical, match, transfer_weights, verify
from archdsl.importers.verification.compare import randomise

SMALL = {"min_size": 96, "max_size": 144}
FIXED: dict[str, int] = {}  # those that resize to one size
DETECTORS = {
    "faster_rcnn_resnet50_fpn": ("fasterrcnn_resnet50_fpn", SMALL),
    "faster_rcnn_resnet50_fpn_v2": ("fasterrcnn_resnet50_fpn_v2", SMALL),
    "mask_rcnn_resnet50_fpn": ("maskrcnn_resnet50_fpn", SMALL),
    "mask_rcnn_resnet50_fpn_v2": ("maskrcnn_resnet50_fpn_v2", SMALL),
    "keypoint_rcnn_resnet50_fpn": ("keypointrcnn_resnet50_fpn", SMALL),
    "retinanet_resnet50_fpn": ("retinanet_resnet50_fpn", SMALL),
    "retinanet_resnet50_fpn_v2": ("retinanet_resnet50_fpn_v2", SMALL),
    "fcos_resnet50_fpn": ("fcos_resnet50_fpn", SMALL),
    "ssd300_vgg16": ("ssd300_vgg16", FIXED),
}
IN_TRAINING = {"keypoint_rcnn_resnet50_fpn": {"train_from": 96}}  # one size, as in use
QUICK = {"faster_rcnn_resnet50_fpn", "fcos_resnet50_fpn"}
SPECS = families.family(DETECTORS, QUICK)


@cache
def reference(name: str) -> nn.Module:
    theirs, sizes = DETECTORS[name]
    options: dict[str, Any] = {"weights": None, "weights_backbone": None, **sizes}
    return torchvision.models.get_model(theirs, **options).eval()


@cache
def pair(name: str) -> tuple[nn.Module, nn.Module]:
    """A detector of torchvision with random weights and statistics, and ours with the same."""
    model = reference(name)
    ours = archdsl.compile(name, **DETECTORS[name][1], **IN_TRAINING.get(name, {}))
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(1)
        randomise(model, (photographs(),))
        found = match(canonical(model), canonical(ours))
        assert found.matched, found.differences
        transfer_weights(found, model, ours)
    return model, ours


@contextmanager
def limited(*networks: nn.Module) -> Iterator[None]:
    """Fewer proposals and detections: heads on regions take most of the time."""
    parts = [part for network in networks for part in network.modules()]
    with pytest.MonkeyPatch.context() as patch:
        for part in parts:
            if isinstance(part, RegionProposalNetwork):
                patch.setitem(part._post_nms_top_n, "testing", 200)
            if isinstance(part, RoIHeads):
                patch.setattr(part, "detections_per_img", 10)
        yield


@pytest.fixture(scope="module", autouse=True)
def _forgotten() -> Iterator[None]:
    """All these detectors together take gigabytes: what runs next has no use for them."""
    yield
    pair.cache_clear()
    reference.cache_clear()


@cache
def photographs() -> list[Tensor]:
    """An upright one and a lying one, RGB with values 0..1."""
    pictures = (data.astronaut()[:400, 100:400], data.coffee()[50:250])
    return [torch.from_numpy(picture.copy()).permute(2, 0, 1) / 255 for picture in pictures]


def assert_same(mine: list[dict[str, Tensor]], theirs: list[dict[str, Tensor]]) -> None:
    assert len(mine) == len(theirs)
    for found, expected in zip(mine, theirs, strict=True):
        assert found.keys() == expected.keys()
        for part, values in expected.items():
            tolerance = 1e-3 if part in ("boxes", "keypoints") else 1e-5
            torch.testing.assert_close(found[part], values, atol=tolerance, rtol=0)


@pytest.mark.parametrize("name", SPECS)
def test_detects_the_same_in_photographs(name: str) -> None:
    """Alone, at two sizes, and in a batch of unequal sizes."""
    model, ours = pair(name)
    model.eval(), ours.eval()
    first, second = photographs()
    with torch.inference_mode(), limited(model, ours):
        for images in ([first], [first[:, ::2, ::2], second]):
            expected = model(images)
            assert any(len(each["boxes"]) for each in expected)
            assert_same(ours(images), expected)


@pytest.mark.parametrize("name", SPECS)
def test_loses_the_same_in_training(name: str) -> None:
    model, ours = pair(name)
    found = verify(ours, model, (3, 120, 150), training=True)
    assert found.matched, found.differences
    assert found.params_equal
    assert found.max_rel_diff is not None and found.max_rel_diff <= 1e-5


def test_what_a_detector_saw_last_is_no_difference() -> None:
    model, ours = pair("faster_rcnn_resnet50_fpn")
    with torch.no_grad():
        model.eval()([torch.rand(3, 64, 96)])
    assert match(canonical(model), canonical(ours)).matched


# torchvision's detectors, built without weights: sums of their parameters.
TOTALS = {
    "faster_rcnn_resnet50_fpn": 41_808_406,
    "mask_rcnn_resnet50_fpn": 44_454_513,
    "keypoint_rcnn_resnet50_fpn": 59_190_378,
    "retinanet_resnet50_fpn": 34_068_119,
    "fcos_resnet50_fpn": 32_322_720,
    "ssd300_vgg16": 35_641_826,
}


@pytest.mark.parametrize("name", TOTALS)
def test_parameters(name: str) -> None:
    assert archdsl.load(name).summary().parameters == TOTALS[name]


def test_parameters_of_the_parts_of_faster_rcnn() -> None:
    rows = archdsl.load("faster_rcnn_resnet50_fpn").summary().rows

    def of(*scopes: str) -> int:
        return sum(row.parameters for row in rows if row.path.startswith(scopes))

    rpn, heads = of("region_proposal_network."), of("fast_rcnn.")
    backbone = sum(row.parameters for row in rows) - rpn - heads
    assert (backbone, rpn, heads) == (26_852_416, 593_935, 14_362_055)


RCNN = """
#include "blocks/resnet.arch"
template <int N, typename SUBNET> using conv3 = con<N,3,3,1,1,SUBNET>;
using net_type = detect<91, repeat<2, relu<fc<1024>>, roi_align<pyramid, 7, samples<512,
    rpn<relu<conv3<256>>, anchors<32,64,128,256,512>, coarser<p6, max_pool<1,1,2,2>,
    tap<pyramid, fpn<con<256,1,1,1,1>, conv3<256>, c2,c3,c4,c5,
    tap<c5, bottleneck_stage<3, 512, 2, tap<c4, bottleneck_stage<6, 256, 2,
    tap<c3, bottleneck_stage<4, 128, 2, tap<c2, bottleneck_stage<3, 64, 1,
    stem<input_images<96,144>>>>>>>>>>>>>>>>>>;
"""


def test_the_whole_detector_in_one_text_is_the_same() -> None:
    found = match(
        canonical(reference("faster_rcnn_resnet50_fpn")), canonical(archdsl.compile(RCNN))
    )
    assert found.matched, found.differences


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("anchors<32,64,128,256,512>", "anchors<32,64,128,256,500>", "AnchorGrid"),
        ("anchors<32,64,128,256,512>", "anchors<32,64,128,256,512,aspect=3>", "AnchorGrid"),
        ("512>, coarser", "512>, nms=0.6, coarser", "ProposalFilter"),
        ("512>, coarser", "512>, train_after_nms=1000, coarser", "ProposalFilter"),
        ("samples<512,", "samples<256,", "RegionSampling"),
        ("roi_align<pyramid, 7,", "roi_align<pyramid, 7, sampling=1,", "RegionAlign"),
        ("detect<91,", "detect<91, score=0.1,", "RegionDetections"),
        ("detect<91,", "detect<90,", "out_features is 91"),
        ("input_images<96,144>", "input_images<96,150>", "ImageBatch"),
        ("input_images<96,144>", "input_images<96,144,red=0.5>", "ImageBatch"),
        ("max_pool<1,1,2,2>", "max_pool<2,2,2,2>", "kernel_size"),
        ("relu<conv3<256>>", "conv3<256>", "relu"),
        ("tap<c3, bottleneck_stage<4, 128, 2, tap<c2, ",
         "tap<c2, tap<c3, bottleneck_stage<4, 128, 2, ", "fpn.inner_blocks.0"),
    ],
)  # fmt: skip
def test_near_misses_are_refused(old: str, new: str, words: str) -> None:
    assert old in RCNN
    ours = archdsl.compile(RCNN.replace(old, new))
    found = match(canonical(reference("faster_rcnn_resnet50_fpn")), canonical(ours))
    assert not found.matched
    assert any(words in difference for difference in found.differences), found.differences
