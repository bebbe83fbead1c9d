"""R-CNN, Fast R-CNN and Faster R-CNN as published: figures by hand, decisions by plain loops."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import vgg16
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.ops import MultiScaleRoIAlign, roi_pool

import archdsl
from archdsl.backends.torch import flat
from archdsl.backends.torch.detection.svm import SvmDetections
from archdsl.backends.torch.detection.values import Batch, Regions, Samples


def conv(filters: int, kernel: int, channels: int) -> int:
    return filters * (kernel * kernel * channels + 1)


def fc(outputs: int, inputs: int) -> int:
    return outputs * (inputs + 1)


VGG16 = (
    conv(64, 3, 3) + conv(64, 3, 64) + conv(128, 3, 64) + conv(128, 3, 128)
    + conv(256, 3, 128) + 2 * conv(256, 3, 256)
    + conv(512, 3, 256) + 5 * conv(512, 3, 512)
)  # fmt: skip
FAST = fc(4096, 512 * 7 * 7) + fc(4096, 4096) + fc(21, 4096) + fc(4 * 21, 4096)


def row(summary: Any, end: str) -> Any:
    (found,) = [row for row in summary.rows if row.path.endswith(end)]
    return found


# ---- parameters and sizes ----


def test_rcnn_by_arithmetic() -> None:
    """Girshick et al. 2014: AlexNet to fc7, an SVM for 20 classes, regressors behind pool5."""
    summary = archdsl.load("rcnn").summary()
    alexnet = conv(96, 11, 3) + conv(256, 5, 48) + conv(384, 3, 256) + conv(384, 3, 192)
    alexnet += conv(256, 3, 192) + fc(4096, 256 * 6 * 6) + fc(4096, 4096)
    assert summary.parameters == alexnet + fc(20, 4096) + fc(80, 256 * 6 * 6) == 57_687_524
    # Section 2.2: 2000 features of 4096 numbers; the network runs for each region.
    assert row(summary, "warp").shape.shape == (3, 227, 227)
    assert str(row(summary, "hidden2.fc").shape) == "2,000 of 4096"
    one = archdsl.load("alexnet_paper").summary().macs - 1000 * 4096
    assert summary.macs == 2000 * (one + 20 * 4096 + 80 * 9216)


def test_fast_rcnn_by_arithmetic() -> None:
    summary = archdsl.load("fast_rcnn_vgg16").summary()
    assert summary.parameters == VGG16 + FAST == 134_690_729
    assert str(row(summary, "roi_pool").shape) == "2,000 of 512×7×7"


def test_faster_rcnn_by_arithmetic() -> None:
    """Figure 3: k = 9; k numbers tell objects here, where the paper's cls layer has 2k."""
    network = archdsl.load("faster_rcnn_vgg16", min_size=640, max_size=1056)
    summary = network.summary()
    proposals = conv(512, 3, 512) + conv(9, 1, 512) + conv(36, 1, 512)
    assert proposals == 512 * 512 * 9 + 512 + 512 * 9 + 9 + 512 * 36 + 36
    assert summary.parameters == VGG16 + proposals + FAST == 137_073_622
    assert row(summary, "objectness").shape == (9, 40, 66)
    assert str(row(summary, "roi_pool").shape) == "300 of 512×7×7"
    # Section 3.1: an effective receptive field of 228 pixels for VGG.
    assert tuple(row(summary, "objectness").receptive_field) == (228, 228)


# ---- Faster R-CNN ----


class MaxPooledRegions(MultiScaleRoIAlign):  # type: ignore[misc]
    """RoI pooling where torchvision expects RoI align."""

    def __init__(self) -> None:
        super().__init__(["0"], 7, 2)

    def forward(self, x: Any, boxes: Any, image_shapes: Any) -> Tensor:
        return roi_pool(x["0"], boxes, 7, 1 / 16)


def in_order(module: nn.Module) -> list[nn.Parameter]:
    """The parameters of a compiled network as data reaches them."""
    nodes = (node for node in flat(module).graph.nodes if node.op == "call_module")
    return [p for node in nodes for p in module.get_submodule(node.target).parameters()]


@pytest.mark.slow
@pytest.mark.parametrize("training", [False, True], ids=["eval", "training"])
def test_faster_rcnn_equals_torchvisions_of_the_same_parts(training: bool) -> None:
    """Detections and losses; torchvision's head has no dropout, so none is active."""
    backbone = vgg16(weights=None, init_weights=False).features[:-1]
    backbone.out_channels = 512
    model = FasterRCNN(
        backbone,
        min_size=96,
        max_size=160,
        size_divisible=16,
        rpn_anchor_generator=AnchorGenerator(((128, 256, 512),), ((0.5, 1.0, 2.0),)),
        rpn_pre_nms_top_n_train=12000,
        rpn_pre_nms_top_n_test=6000,
        rpn_post_nms_top_n_train=2000,
        rpn_post_nms_top_n_test=300,
        box_roi_pool=MaxPooledRegions(),
        box_head=TwoMLPHead(512 * 7 * 7, 4096),
        box_predictor=FastRCNNPredictor(4096, 21),
        box_nms_thresh=0.3,
        box_batch_size_per_image=128,
    )
    module = archdsl.compile("faster_rcnn_vgg16", min_size=96, max_size=160)
    for own, theirs in zip(in_order(module), model.parameters(), strict=True):
        assert own.shape == theirs.shape
        theirs.data = own.data
    for part in module.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
    images = [torch.rand(3, 100, 130), torch.rand(3, 120, 90)]
    boxes = torch.tensor([[10.0, 20.0, 60.0, 90.0], [30.0, 5.0, 85.0, 50.0]])
    targets = [{"boxes": boxes, "labels": torch.tensor([3, 20])}] * 2 if training else None
    results = []
    for each in (module, model):
        torch.manual_seed(1)
        with torch.no_grad():
            results.append(each.train(training)(images, targets))
    mine, theirs = results
    if training:
        assert mine == theirs
        assert mine["loss_box_reg"] > 0
        return
    for ours, other in zip(mine, theirs, strict=True):
        assert len(other["boxes"])
        assert all(torch.equal(ours[part], other[part]) for part in other)


# ---- the decisions of R-CNN ----

SIZE = (60, 80)
CLASSES = 3


def regions(count: int) -> Tensor:
    corner = torch.rand(count, 2) * torch.tensor([50.0, 30.0])
    return torch.cat([corner, corner + 5 + torch.rand(count, 2) * 25], 1)


def batch(targets: Any = None, images: int = 1) -> Batch:
    return Batch(torch.zeros(images, 3, *SIZE), [SIZE] * images, [SIZE] * images, targets)


def moved(region: list[float], move: list[float]) -> list[float]:
    """Appendix C, equations 1 to 4, cut at the image."""
    x1, y1, x2, y2 = region
    wide, high = x2 - x1, y2 - y1
    x, y = wide * move[0] + x1 + wide / 2, high * move[1] + y1 + high / 2
    wide, high = wide * math.exp(move[2]), high * math.exp(move[3])
    edges = (x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)
    return [min(max(e, 0), SIZE[1 - i % 2]) for i, e in enumerate(edges)]


def overlap(a: list[float], b: list[float]) -> float:
    wide, high = (min(a[i + 2], b[i + 2]) - max(a[i], b[i]) for i in (0, 1))
    shared = max(wide, 0) * max(high, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return shared / (sum(areas) - shared)


@pytest.mark.parametrize("seed", range(4))
def test_decisions_of_the_svms_against_loops(seed: int) -> None:
    torch.manual_seed(seed)
    boxes, values, deltas = regions(40), torch.randn(40, CLASSES), torch.randn(40, 4 * CLASSES) / 5
    found: list[tuple[float, int, list[float]]] = []
    for machine in range(CLASSES):
        rated = sorted(
            (
                (
                    values[r, machine].item(),
                    moved(boxes[r].tolist(), deltas[r].tolist()[4 * machine : 4 * machine + 4]),
                )
                for r in range(40)
                if values[r, machine] > 0.2
            ),
            reverse=True,
        )
        kept: list[list[float]] = []
        for value, box in rated:
            if all(overlap(box, other) <= 0.3 for other in kept):
                kept.append(box)
                found.append((value, machine + 1, box))
    found = sorted(found, reverse=True)[:12]
    module = SvmDetections(0.2, 0.3, 12).eval()
    (result,) = module(values, deltas, Regions([boxes], batch(), {})).results
    assert result["scores"].tolist() == [value for value, _, _ in found]
    assert result["labels"].tolist() == [label for _, label, _ in found]
    assert torch.allclose(result["boxes"], torch.tensor([box for _, _, box in found]), atol=1e-4)


def test_two_images_are_decided_apart() -> None:
    torch.manual_seed(0)
    boxes, values = [regions(5), regions(8)], torch.randn(13, CLASSES)
    deltas = torch.randn(13, 4 * CLASSES) / 5
    module = SvmDetections(0.0, 0.3, 100).eval()
    together = module(values, deltas, Regions(boxes, batch(images=2), {})).results
    for index, rows in enumerate((slice(0, 5), slice(5, 13))):
        (alone,) = module(values[rows], deltas[rows], Regions([boxes[index]], batch(), {})).results
        assert all(torch.equal(alone[part], together[index][part]) for part in alone)


def test_losses_of_the_svms_against_loops() -> None:
    torch.manual_seed(0)
    boxes, aims = regions(6), regions(2)
    values, deltas = 2 * torch.randn(6, CLASSES), torch.randn(6, 4 * CLASSES)
    labels, matched = [0, 2, 0, 3, 2, 0], [0, 0, 0, 1, 0, 0]
    target = {"boxes": aims, "labels": torch.tensor([2, 3])}
    hinge = error = 0.0
    for r, label in enumerate(labels):
        for machine in range(CLASSES):
            sign = 1 if machine + 1 == label else -1
            hinge += max(0.0, 1 - sign * values[r, machine].item())
        if label:  # appendix C, equations 6 to 9
            (x1, y1, x2, y2), (u1, v1, u2, v2) = boxes[r].tolist(), aims[matched[r]].tolist()
            wanted = (
                ((u1 + u2) - (x1 + x2)) / 2 / (x2 - x1),
                ((v1 + v2) - (y1 + y2)) / 2 / (y2 - y1),
                math.log((u2 - u1) / (x2 - x1)),
                math.log((v2 - v1) / (y2 - y1)),
            )
            given = deltas[r, 4 * (label - 1) : 4 * label].tolist()
            error += sum((a - b) ** 2 for a, b in zip(given, wanted, strict=True))
    samples = Samples([torch.tensor(matched)], [torch.tensor(labels)], [torch.zeros(6, 4)])
    found = SvmDetections(0.0, 0.3, 100).train()(
        values, deltas, Regions([boxes], batch([target]), {}, samples)
    )
    assert found.losses["loss_classifier"].item() == pytest.approx(hinge / 6, rel=1e-5)
    assert found.losses["loss_box_reg"].item() == pytest.approx(error / 6, rel=1e-5)


SMALL = """
svm_detect<4, pixels, tap<pixels, warp<8,context=1,
samples<16,positive=0.6,negative=0.3,region_proposals<50,input_images<60,80,divisible=1>>>>>>
"""


def test_a_small_rcnn_learns() -> None:
    """One image, one object: the loss falls, and images without objects have a loss too."""
    torch.manual_seed(0)
    module = archdsl.compile(SMALL).train()
    image = torch.rand(3, *SIZE)
    some = {"boxes": torch.tensor([[10.0, 10.0, 40.0, 50.0]]), "labels": torch.tensor([2])}
    none = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    steps = torch.optim.SGD(module.parameters(), 1e-3)
    proposals = [regions(40), regions(40)]
    before = after = 0.0
    for step in range(100):
        losses = module([image, image], [some, none], proposals=proposals)
        total = losses["loss_classifier"] + losses["loss_box_reg"]
        assert total.isfinite()
        steps.zero_grad()
        total.backward()
        steps.step()
        before, after = (total.item() if step == 0 else before), total.item()
    assert after < before / 2


def test_rcnn_runs() -> None:
    """At the size of the paper: 227×227 for each of three regions, of images as they are."""
    module = archdsl.compile("rcnn", min_size=60, max_size=80).eval()
    with torch.no_grad():
        (found,) = module([torch.rand(3, *SIZE)], proposals=[regions(3)])
    assert set(found) == {"boxes", "labels", "scores"}
    assert (found["scores"] > 0).all()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("svm_detect<4, x, relu<tap<x,input_images<60,80>>>>", "needs features of regions"),
        ("svm_detect<4, y, warp<8,region_proposals<5,input_images<60,80>>>>", "no place 'y'"),
        ("svm_detect<4, x, warp<8,region_proposals<5,tap<x,input_images<60,80>>>>>",
         "needs features of regions"),
    ],
)  # fmt: skip
def test_svms_in_the_wrong_place(text: str, words: str) -> None:
    with pytest.raises(archdsl.ArchError, match=words):
        archdsl.compile(text)
