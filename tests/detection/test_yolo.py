"""YOLO's decoding and losses: against loops over the papers' formulas, and arithmetic by hand."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional
from torchvision.ops import batched_nms

from archdsl.backends.torch.detection.yolo import YOLO_V3_ANCHORS, YoloV1, YoloV2, YoloV3, YoloV4

few = settings(max_examples=40, deadline=None)
SIZE = (64, 96)  # height and width differ, so that mixing them up shows


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def iou(a: Any, b: Any) -> float:
    wide = min(a[2], b[2]) - max(a[0], b[0])
    high = min(a[3], b[3]) - max(a[1], b[1])
    common = max(wide, 0) * max(high, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return common / (areas[0] + areas[1] - common)


def target(*objects: tuple[tuple[float, float, float, float], int]) -> dict[str, Tensor]:
    boxes = torch.tensor([box for box, _ in objects]).reshape(-1, 4)
    return {"boxes": boxes, "labels": torch.tensor([n for _, n in objects], dtype=torch.int64)}


def noise(*shape: int, seed: int = 0, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def close(found: Any, expected: Any) -> None:
    torch.testing.assert_close(
        torch.as_tensor(found, dtype=torch.float32),
        torch.as_tensor(expected, dtype=torch.float32),
        rtol=1e-4,
        atol=1e-4,
    )


# ---- decoding, by loops ----


def decoded_v1(grid: Tensor, boxes: int, classes: int) -> list[tuple[list[float], list[float]]]:
    """Section 2: x, y relative to the cell, square roots of w, h relative to the image."""
    side = grid.shape[0]
    found = []
    for row in range(side):
        for column in range(side):
            cell = grid[row, column].tolist()
            for b in range(boxes):
                x, y, w, h, confidence = cell[5 * b : 5 * b + 5]
                cx, cy = (column + x) / side * SIZE[1], (row + y) / side * SIZE[0]
                w, h = w * w * SIZE[1], h * h * SIZE[0]
                box = [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]
                found.append((box, [confidence * p for p in cell[5 * boxes :]]))
    assert all(len(scores) == classes for _, scores in found)
    return found


Anchors = list[list[tuple[float, float]]]


def decoded_anchors(
    maps: list[Tensor], anchors: Anchors, probabilities: Callable[[list[float]], list[float]]
) -> list[tuple[list[float], list[float]]]:
    """YOLO9000, figure 3, for one image's maps of channels × rows × columns."""
    found = []
    for part, group in zip(maps, anchors, strict=True):
        channels, rows, columns = part.shape
        depth = channels // len(group)
        for row in range(rows):
            for column in range(columns):
                for a, (pw, ph) in enumerate(group):
                    tx, ty, tw, th, to, *tc = part[
                        a * depth : (a + 1) * depth, row, column
                    ].tolist()
                    cx = (column + sigmoid(tx)) * SIZE[1] / columns
                    cy = (row + sigmoid(ty)) * SIZE[0] / rows
                    w, h = pw * math.exp(tw), ph * math.exp(th)
                    box = [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]
                    found.append((box, [sigmoid(to) * p for p in probabilities(tc)]))
    return found


def softmax(logits: list[float]) -> list[float]:
    total = sum(map(math.exp, logits))
    return [math.exp(x) / total for x in logits]


def logistic(logits: list[float]) -> list[float]:
    return [sigmoid(x) for x in logits]


PAIR: Anchors = [[(20.0, 10.0), (30.0, 40.0)]]
THREE: Anchors = [[(40.0, 30.0), (60.0, 50.0)], [(20.0, 10.0), (9.0, 24.0), (16.0, 16.0)]]


def v2(**settings: Any) -> YoloV2:
    return YoloV2(3, PAIR[0], **settings)


def v3(**settings: Any) -> YoloV3:
    return YoloV3(3, THREE, **settings)


REACH = 1.2, 1.05


def v4(**settings: Any) -> YoloV4:
    return YoloV4(3, THREE, REACH, **settings)


def maps_of(anchors: Anchors, images: int = 2, seed: int = 0) -> list[Tensor]:
    """Maps of 2×3 cells for the first group of anchors, 4×6 for the second."""
    return [
        noise(images, 8 * len(group), 2 * level, 3 * level, seed=seed + level)
        for level, group in enumerate(anchors, 1)
    ]


def test_v1_decodes_as_loops_do() -> None:
    grid = noise(2, 3, 3, 2 * 5 + 4).abs()
    boxes, scores = YoloV1(4, 2, 3).decode(grid, SIZE)
    for image in range(2):
        expected = decoded_v1(grid[image], 2, 4)
        close(boxes[image], [box for box, _ in expected])
        close(scores[image], [score for _, score in expected])


@pytest.mark.parametrize(
    ("module", "anchors", "probabilities"), [(v2(), PAIR, softmax), (v3(), THREE, logistic)]
)
def test_anchors_decode_as_loops_do(module: Any, anchors: Anchors, probabilities: Any) -> None:
    maps = maps_of(anchors)
    boxes, scores = module.decode(maps if len(maps) > 1 else maps[0], SIZE)
    for image in range(2):
        expected = decoded_anchors([part[image] for part in maps], anchors, probabilities)
        close(boxes[image], [box for box, _ in expected])
        close(scores[image], [score for _, score in expected])


@pytest.mark.parametrize("squared", [False, True])
def test_v4_decodes_as_loops_do(squared: bool) -> None:
    """get_yolo_box of yolo_layer.c, behind scal_add_cpu: x·s - (s - 1)/2, and (2w)² if new."""
    maps = [part.sigmoid() for part in maps_of(THREE)] if squared else maps_of(THREE)
    boxes, scores = v4(squared=squared).decode(maps, SIZE)
    expected = []
    for part, group, reach in zip(maps, THREE, REACH, strict=True):
        _, rows, columns = part[0].shape
        for row in range(rows):
            for column in range(columns):
                for a, (pw, ph) in enumerate(group):
                    values = part[0, 8 * a : 8 * a + 8, row, column].tolist()
                    x, y, w, h, *chances = values
                    if squared:
                        w, h = (2 * w) ** 2 * pw, (2 * h) ** 2 * ph
                    else:
                        x, y, *chances = map(sigmoid, (x, y, *chances))
                        w, h = pw * math.exp(w), ph * math.exp(h)
                    cx = (column + reach * x - (reach - 1) / 2) * SIZE[1] / columns
                    cy = (row + reach * y - (reach - 1) / 2) * SIZE[0] / rows
                    box = [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]
                    expected.append((box, [chances[0] * p for p in chances[1:]]))
    close(boxes[0], [box for box, _ in expected])
    close(scores[0], [score for _, score in expected])


# ---- known boxes, there and back ----


@st.composite
def distinct_cells(draw: st.DrawFn, side: int = 4) -> dict[str, Tensor]:
    """Boxes inside the image whose centres are in different cells of a grid."""
    cells = draw(st.lists(st.integers(0, side**2 - 1), min_size=1, max_size=6, unique=True))
    within = st.floats(0.05, 0.95)
    objects = []
    for cell in cells:
        row, column = divmod(cell, side)
        cx, cy = (column + draw(within)) / side, (row + draw(within)) / side
        w, h = (2 * min(c, 1 - c) * draw(st.floats(0.1, 1)) for c in (cx, cy))
        box = ((cx - w / 2) * SIZE[1], (cy - h / 2) * SIZE[0])
        objects.append(
            ((*box, box[0] + w * SIZE[1], box[1] + h * SIZE[0]), draw(st.integers(0, 2)))
        )
    return target(*objects)


def same_objects(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    def rows(objects: dict[str, Tensor]) -> Tensor:
        together = torch.cat([objects["labels"][:, None].float(), objects["boxes"]], 1)
        order = sorted(
            range(len(together)), key=lambda i: [round(x, 1) for x in together[i].tolist()]
        )
        return together[order]

    torch.testing.assert_close(rows(found), rows(expected), rtol=0, atol=0.02)


@few
@given(distinct_cells())
def test_v1_gives_back_what_it_encodes(wanted: dict[str, Tensor]) -> None:
    module = YoloV1(3, 2, 4, nms_threshold=0.999).eval()
    grid = module.target_grid([wanted], SIZE)
    # The second box of each cell is silenced: it would be the same one again.
    grid[..., 9] = 0
    (found,) = module(grid, SIZE)
    same_objects(found, wanted)
    close(found["scores"], torch.ones(len(wanted["labels"])))


@few
@given(distinct_cells(), st.sampled_from(["v2", "v3"]))
def test_anchors_give_back_known_boxes(wanted: dict[str, Tensor], which: str) -> None:
    """Written into the maps by the inverse of figure 3, at an anchor that cycles."""
    options: dict[str, Any] = {"nms_threshold": 0.999}
    module = (YoloV2(3, PAIR[0], **options) if which == "v2" else YoloV3(3, PAIR, **options)).eval()
    part = torch.full((1, 16, 4, 4), -10.0)
    for n, (box, label) in enumerate(zip(wanted["boxes"].tolist(), wanted["labels"], strict=True)):
        cx, cy = (box[0] + box[2]) / 2 / SIZE[1] * 4, (box[1] + box[3]) / 2 / SIZE[0] * 4
        w, h = box[2] - box[0], box[3] - box[1]
        pw, ph = PAIR[0][n % 2]
        row, column = int(cy), int(cx)
        cell = part[0, 8 * (n % 2) : 8 * (n % 2) + 8, row, column]
        cell[:5] = torch.tensor(
            [logit(cx - column), logit(cy - row), math.log(w / pw), math.log(h / ph), 9]
        )
        cell[5 + int(label)] = 10
    (found,) = module(part if which == "v2" else [part], SIZE)
    same_objects(found, wanted)


# ---- which boxes are reported ----


@pytest.mark.parametrize("which", ["v1", "v2", "v3"])
def test_suppression_is_torchvisions(which: str) -> None:
    """All boxes above the threshold, clipped by hand, through torchvision's own function."""
    options: dict[str, Any] = {
        "score_threshold": 0.05,
        "nms_threshold": 0.3,
        "max_detections": 1000,
    }
    maps = [noise(1, 5, 5, 2 * 5 + 3, seed=5).abs()] if which == "v1" else maps_of(THREE, 1, seed=5)
    module: Any = YoloV1(3, 2, 5, **options) if which == "v1" else v3(**options)
    if which == "v2":
        module, maps = v2(**options), maps_of(PAIR, 1, seed=7)
    raw: Any = maps if which == "v3" else maps[0]
    boxes, scores = module.decode(raw, SIZE)
    flat, places, labels = [], [], []
    for box, row in zip(boxes[0].tolist(), scores[0].tolist(), strict=True):
        for label, score in enumerate(row):
            inside = [min(max(v, 0), SIZE[1 - k % 2]) for k, v in enumerate(box)]
            if score > 0.05 and inside[0] < inside[2] and inside[1] < inside[3]:
                flat.append(score)
                labels.append(label)
                places.append(inside)
    every, their_scores, their_labels = map(torch.tensor, (places, flat, labels))
    kept = batched_nms(every, their_scores, their_labels, 0.3)
    (found,) = module.eval()(raw, SIZE)
    assert 1 < len(kept) < len(every)
    close(found["boxes"], every[kept])
    close(found["scores"], their_scores[kept])
    assert found["labels"].tolist() == their_labels[kept].tolist()


def test_overlapping_boxes_of_different_classes_both_stay() -> None:
    grid = torch.zeros(1, 1, 1, 2 * 5 + 2)
    grid[..., :5] = torch.tensor([0.5, 0.5, 0.5, 0.5, 1.0])
    grid[..., 5:10] = torch.tensor([0.5, 0.5, 0.51, 0.5, 0.9])
    grid[..., 10:] = torch.tensor([1.0, 0.6])
    (found,) = YoloV1(2, 2, 1).eval()(grid, SIZE)
    close(found["scores"], [1.0, 0.6])
    assert found["labels"].tolist() == [0, 1]
    close(found["boxes"][0], [SIZE[1] * 3 / 8, SIZE[0] * 3 / 8, SIZE[1] * 5 / 8, SIZE[0] * 5 / 8])


def test_boxes_are_clipped_and_limited() -> None:
    grid = noise(2, 4, 4, 8).abs()
    module = YoloV1(3, 1, 4, score_threshold=0.0, nms_threshold=1.0, max_detections=5).eval()
    for found in module(grid, SIZE):
        assert len(found["scores"]) == 5
        assert found["scores"].tolist() == sorted(found["scores"].tolist(), reverse=True)
        assert found["boxes"].min() >= 0
        assert found["boxes"][:, 2].max() <= SIZE[1] and found["boxes"][:, 3].max() <= SIZE[0]


def test_the_best_are_found_among_many() -> None:
    """So few are reported that only some of the boxes above the threshold are looked at."""
    grid = torch.full((1, 10, 10, 6), 0.5)
    grid[..., 4] = 0.5 + torch.arange(100).reshape(10, 10) / 1000
    (found,) = YoloV1(1, 1, 10, score_threshold=0.1, max_detections=1).eval()(grid, SIZE)
    close(found["scores"], [0.5 * 0.599])


def test_nothing_above_the_threshold() -> None:
    (found,) = YoloV1(3, 1, 2).eval()(torch.zeros(1, 2, 2, 8), SIZE)
    assert found["boxes"].shape == (0, 4)
    assert found["labels"].dtype == torch.int64


# ---- losses, by hand ----


def test_v1_loss_is_equation_3() -> None:
    """One object in the right one of two columns; the second box of its cell overlaps more."""
    grid = torch.zeros(2, 2, 2, 2 * 5 + 2)
    grid[0, 0, 1] = torch.tensor([0.5, 0.5, 0.2, 0.2, 0.3, 0.5, 0.25, 0.5, 0.5, 0.6, 0.7, 0.4])
    grid[0, 1, 0, 4] = 0.5
    grid[0, 1, 0, 10] = 0.9  # an empty cell has no class loss
    grid[1, 0, 0, 9] = -0.2
    # Centre at 3/4 of the width and 1/4 of the height; half as wide, a quarter as high.
    box = (48.0, 8.0, 96.0, 24.0)
    losses = YoloV1(2, 2, 2)(grid, SIZE, [target((box, 1)), target()])
    # The second box: a quarter of both sides, centre at 3/4 and 1/8 of the image.
    second = (60.0, 0.0, 84.0, 16.0)
    # Its two rows from 8 to 16 are inside the object.
    common = 24 * 8
    overlap = common / (24 * 16 + 48 * 16 - common)
    assert iou(second, box) == pytest.approx(overlap)
    xy = (0.5 - 0.5) ** 2 + (0.25 - 0.5) ** 2
    wh = (0.5 - math.sqrt(0.5)) ** 2 + (0.5 - math.sqrt(0.25)) ** 2
    expected = {
        "loss_box": 5 * (xy + wh) / 2,
        "loss_object": (0.6 - overlap) ** 2 / 2,
        "loss_no_object": 0.5 * (0.3**2 + 0.5**2 + 0.2**2) / 2,
        "loss_class": (0.7**2 + 0.6**2) / 2,
    }
    assert list(losses) == list(expected)
    for name, value in expected.items():
        assert losses[name].item() == pytest.approx(value, abs=1e-6), name


def test_v1_takes_the_nearest_box_where_none_overlaps() -> None:
    grid = torch.zeros(1, 1, 1, 2 * 5 + 1)
    grid[..., :10] = torch.tensor([0.9, 0.9, 0.1, 0.1, 0.5, 0.4, 0.4, 0.1, 0.1, 0.7])
    losses = YoloV1(1, 2, 1)(grid, (100, 100), [target(((10.0, 10.0, 30.0, 30.0), 0))])
    # The second one, at 0.4, is nearer to 0.2; it learns an overlap of zero.
    assert losses["loss_object"].item() == pytest.approx(0.7**2)
    assert losses["loss_no_object"].item() == pytest.approx(0.5 * 0.5**2)
    side = math.sqrt(0.2)
    assert losses["loss_box"].item() == pytest.approx(5 * 2 * (0.2**2 + (0.1 - side) ** 2))


OBJECTS = (((10.0, 12.0, 50.0, 42.0), 2), ((70.0, 30.0, 79.0, 54.0), 0))


def losses_by_hand(
    maps: list[Tensor], anchors: Anchors, objects: Any, ignore: float, third: bool
) -> dict[str, float]:
    """The sums over one image, prediction by prediction."""
    decoded = decoded_anchors(maps, anchors, logistic if third else softmax)
    places = []
    for level, (part, group) in enumerate(zip(maps, anchors, strict=True)):
        for row in range(part.shape[1]):
            for column in range(part.shape[2]):
                places += [(level, row, column, a) for a in range(len(group))]
    learning: dict[tuple[int, int, int, int], Any] = {}
    for box, label in objects:
        w, h = box[2] - box[0], box[3] - box[1]
        shapes = {
            (level, a): iou((0, 0, w, h), (0, 0, *sides))
            for level, group in enumerate(anchors)
            for a, sides in enumerate(group)
        }
        level, a = max(shapes, key=lambda key: shapes[key])
        rows, columns = maps[level].shape[1:]
        cx, cy = (box[0] + box[2]) / 2 * columns / SIZE[1], (box[1] + box[3]) / 2 * rows / SIZE[0]
        learning[level, int(cy), int(cx), a] = (box, label, cx - int(cx), cy - int(cy))
    total = dict.fromkeys(("loss_box", "loss_object", "loss_no_object", "loss_class"), 0.0)
    for place, (predicted, _) in zip(places, decoded, strict=True):
        level, row, column, a = place
        tx, ty, tw, th, to, *tc = maps[level][8 * a : 8 * a + 8, row, column].tolist()
        if place not in learning:
            if max((iou(predicted, box) for box, _ in objects), default=0) <= ignore:
                o = sigmoid(to)
                total["loss_no_object"] += -math.log(1 - o) if third else o * o / 2
            continue
        box, label, x, y = learning[place]
        w, h = box[2] - box[0], box[3] - box[1]
        weight = 2 - w * h / (SIZE[0] * SIZE[1])
        off = 0.0
        for t, wanted in ((tx, x), (ty, y)):
            s = sigmoid(t)
            if third:
                off += -wanted * math.log(s) - (1 - wanted) * math.log(1 - s)
            else:
                off += (s - wanted) ** 2 / 2
        for t, side, prior in zip((tw, th), (w, h), anchors[level][a], strict=True):
            off += (t - math.log(side / prior)) ** 2 / 2
        total["loss_box"] += weight * off
        if third:
            total["loss_object"] += -math.log(sigmoid(to))
            for c, t in enumerate(tc):
                total["loss_class"] += -math.log(sigmoid(t) if c == label else 1 - sigmoid(t))
        else:
            total["loss_object"] += 5 * (sigmoid(to) - iou(predicted, box)) ** 2 / 2
            total["loss_class"] += -math.log(softmax(tc)[label])
    return total


def complete_iou(a: Any, b: Any) -> float:
    """Zheng et al. 2020, equations 4 to 8: overlap, distance of the centres, shape."""
    wide, high = max(a[2], b[2]) - min(a[0], b[0]), max(a[3], b[3]) - min(a[1], b[1])
    off = (a[0] + a[2] - b[0] - b[2]) ** 2 / 4 + (a[1] + a[3] - b[1] - b[3]) ** 2 / 4
    angles = [math.atan((box[2] - box[0]) / (box[3] - box[1])) for box in (a, b)]
    shape = 4 / math.pi**2 * (angles[0] - angles[1]) ** 2
    common = iou(a, b)
    return common - off / (wide**2 + high**2) - shape * shape / (1 - common + shape)


@pytest.mark.parametrize("squared", [False, True])
def test_v4_losses_by_hand(squared: bool) -> None:
    """One box of 20x12, whose shape overlaps enough with two anchors of three at one cell."""
    anchors = [[(20.0, 10.0), (3.0, 40.0), (24.0, 16.0)]]
    part = noise(1, 3 * 7, 2, 3, seed=2)
    part = part.sigmoid() if squared else part
    box = (40.0, 6.0, 60.0, 18.0)  # its centre is in the second column of the first row
    shapes = [iou((0, 0, 20, 12), (0, 0, *sides)) for sides in anchors[0]]
    assert shapes[0] > shapes[2] > 0.213 and shapes[1] < 0.2
    module = YoloV4(2, anchors, [1.2], squared=squared, ignore_threshold=1.0)
    losses = module([part], SIZE, [target((box, 1))])
    boxes = module.decode([part], SIZE)[0][0]
    chance = (lambda x: x) if squared else sigmoid
    total = dict.fromkeys(losses, 0.0)
    for row in range(2):
        for column in range(3):
            for a in range(3):
                values = part[0, 7 * a : 7 * a + 7, row, column].tolist()
                o, c0, c1 = map(chance, values[4:])
                if (row, column) != (0, 1) or a == 1:
                    total["loss_no_object"] += o * o / 2 if squared else -math.log(1 - o)
                    continue
                found = boxes[(row * 3 + column) * 3 + a].tolist()
                total["loss_box"] += (0.05 if squared else 0.07) * (1 - complete_iou(found, box))
                if squared:
                    total["loss_object"] += (1 - o) ** 2 / 2
                    total["loss_class"] += 0.5 * (c0**2 + (1 - c1) ** 2) / 2
                else:
                    total["loss_object"] += -math.log(o)
                    total["loss_class"] += -math.log(1 - c0) - math.log(c1)
    for name, value in losses.items():
        assert value.item() == pytest.approx(total[name], rel=1e-4), name


@pytest.mark.parametrize("ignore", [0.1, 0.5])
@pytest.mark.parametrize("third", [False, True], ids=["v2", "v3"])
def test_anchor_losses_by_hand(third: bool, ignore: float) -> None:
    anchors = THREE if third else PAIR
    module: Any = (v3 if third else v2)(ignore_threshold=ignore)
    maps = maps_of(anchors, 2, seed=3)
    objects = [OBJECTS, OBJECTS[:1]]
    losses = module(maps if third else maps[0], SIZE, [target(*some) for some in objects])
    sums = [
        losses_by_hand([part[image] for part in maps], anchors, some, ignore, third)
        for image, some in enumerate(objects)
    ]
    for name, value in losses.items():
        expected = sum(image[name] for image in sums) / 2
        assert value.item() == pytest.approx(expected, rel=1e-4), name
        assert expected > 0
    # Both thresholds must tell something apart here.
    other = losses_by_hand([part[0] for part in maps], anchors, OBJECTS, 0.9, third)
    if ignore == 0.1:
        assert other["loss_no_object"] > sums[0]["loss_no_object"]


def test_gradients_of_v3_are_truth_minus_prediction() -> None:
    """YOLOv3, section 2.1, for all four coordinates; a box of the whole image weighs 1."""
    raw = noise(1, 6, 1, 1, seed=2).requires_grad_()
    module = YoloV3(1, [[(SIZE[1] / 2, SIZE[0] / 3)]])
    losses = module([raw], SIZE, [target(((0.0, 0.0, float(SIZE[1]), float(SIZE[0])), 0))])
    losses["loss_box"].backward()
    assert raw.grad is not None
    tx, ty, tw, th = raw.flatten()[:4].tolist()
    expected = [sigmoid(tx) - 0.5, sigmoid(ty) - 0.5, tw - math.log(2), th - math.log(3)]
    close(raw.grad.flatten()[:4], expected)


def test_overlaps_are_learned_from_but_do_not_learn() -> None:
    """The overlap is a target for objectness; boxes learn from their own loss alone."""
    first = YoloV1(3, 1, 2)
    grid = (first.target_grid([target(OBJECTS[0])], SIZE) + 0.1).requires_grad_()
    first(grid, SIZE, [target(OBJECTS[0])])["loss_object"].backward()
    raw = maps_of(PAIR, 1)[0].requires_grad_()
    v2()(raw, SIZE, [target(OBJECTS[0])])["loss_object"].backward()
    assert grid.grad is not None and raw.grad is not None
    assert grid.grad.any(0).any(0).any(0).nonzero().flatten().tolist() == [4]
    assert raw.grad.any(3).any(2).any(0).nonzero().flatten().tolist() in ([4], [12])


# ---- what both modes have to bear ----

Maps = Tensor | list[Tensor]


def cases() -> list[Any]:
    grid = noise(2, 4, 4, 13)
    return [
        pytest.param(YoloV1(3, 2, 4), grid, id="v1"),
        pytest.param(v2(), maps_of(PAIR)[0], id="v2"),
        pytest.param(v3(), maps_of(THREE), id="v3"),
    ]


@pytest.mark.parametrize(("module", "raw"), cases())
def test_training_without_an_object(module: Any, raw: Maps) -> None:
    losses = module.train()(raw, SIZE, [target(), target()])
    assert losses["loss_no_object"] > 0
    assert all(losses[n] == 0 for n in ("loss_box", "loss_object", "loss_class"))


@pytest.mark.parametrize(("module", "raw"), cases())
def test_of_two_objects_in_one_place_the_first_stays(module: Any, raw: Maps) -> None:
    one, other = ((8.0, 8.0, 32.0, 24.0), 1), ((9.0, 9.0, 33.0, 25.0), 2)
    single = module.train()(raw, SIZE, [target(one), target()])
    both = module(raw, SIZE, [target(one, other), target()])
    for name in ("loss_box", "loss_object", "loss_class"):
        assert both[name] == single[name] != 0


@pytest.mark.parametrize(("module", "raw"), cases())
def test_a_centre_on_the_edge_belongs_to_the_last_cell(module: Any, raw: Maps) -> None:
    edge = ((86.0, 54.0, 106.0, 74.0), 1)  # annotations may reach beyond the image
    losses = module.train()(raw, SIZE, [target(edge), target()])
    assert all(torch.isfinite(value) for value in losses.values())
    assert losses["loss_box"] > 0


@pytest.mark.parametrize(("module", "raw"), cases())
@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (None, "a target for each of 2 images, found none"),
        ([target()], "each of 2 images, found 1"),
        (
            [target(((5.0, 5.0, 5.0, 9.0), 0)), target()],
            "target 0 has a box without width",
        ),
        (
            [target(((5.0, math.nan, 7.0, 9.0), 0)), target()],
            "target 0 has a box without width",
        ),
        (
            [target(), target(((5.0, 5.0, 6.0, 9.0), 3))],
            "labels from 3 to 3; .* from 0 to 2",
        ),
        (
            [{"boxes": torch.zeros(3), "labels": torch.zeros(3)}, target()],
            "boxes of target 0",
        ),
    ],
)
def test_targets_that_cannot_be_learned(module: Any, raw: Maps, targets: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        module.train()(raw, SIZE, targets)


def test_maps_of_another_network() -> None:
    with pytest.raises(ValueError, match=r"channels, found \[24\]"):
        v2()(torch.zeros(1, 24, 2, 2), SIZE, [target()])
    with pytest.raises(ValueError, match=r"expected a grid"):
        YoloV1()(torch.zeros(1, 7, 7, 25), SIZE, [target()])


@pytest.mark.parametrize(("module", "raw"), cases())
def test_settings_are_shown_and_there_are_no_weights(module: Any, raw: Maps) -> None:
    shown = repr(module)
    for setting in ("classes=3", "score_threshold=", "nms_threshold=", "max_detections=100"):
        assert setting in shown
    assert not module.state_dict()
    assert "20×10" in repr(v2())
    assert "ignore_threshold=0.5" in repr(v3())


def test_anchors_of_coco() -> None:
    """Section 2.3 lists nine clusters; large ones go with the coarse map."""
    flat = [sides for group in YOLO_V3_ANCHORS for sides in group]
    assert {(10, 13), (373, 326)} <= set(flat) and len(flat) == 9
    assert max(w * h for w, h in YOLO_V3_ANCHORS[2]) < min(w * h for w, h in YOLO_V3_ANCHORS[0])


# ---- learning ----


@pytest.mark.parametrize("which", ["v1", "v2", "v3", "v4"])
def test_free_numbers_learn_two_objects(which: str) -> None:
    """Gradient descent on the network's output itself ends at the objects."""
    torch.manual_seed(4)
    module: Any = {"v1": YoloV1(3, 2, 4), "v2": v2(), "v3": v3(), "v4": v4()}[which]
    maps = (
        [torch.rand(1, 4, 4, 13)] if which == "v1" else maps_of(PAIR if which == "v2" else THREE, 1)
    )
    maps = [part.requires_grad_() for part in maps]
    raw: Any = maps if which in ("v3", "v4") else maps[0]
    wanted = target(*OBJECTS)
    optimizer = torch.optim.Adam(maps, lr=0.1)
    history = []
    for _ in range(250):
        optimizer.zero_grad()
        loss = sum(module(raw, SIZE, [wanted]).values())
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    assert history[-1] < 0.1 * history[0]
    with torch.no_grad():
        (found,) = module.eval()(raw, SIZE)
    order = found["labels"].argsort(descending=True)
    assert found["labels"][order].tolist() == [2, 0]
    assert functional.l1_loss(found["boxes"][order], wanted["boxes"]) < 1
