"""dlib's detectors learn as dlib's: values and gradients that dlib printed for the same boxes.

``oracle/losses/losses.cpp`` has the boxes; its pictures are those of ``support/losses.py``.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from support.losses import different, shares
from torch import Tensor, nn

import archdsl
from archdsl.layers.dlib_options import BoxOverlap

ORACLE = Path(__file__).parents[1] / "oracle" / "losses"
DLIB: dict[str, Any] = json.loads((ORACLE / "losses.json").read_text())
CAT, DOG = 0, 1
BOXES = [
    (3, 2, 11, 7, CAT), (10, 1, 13, 11, DOG), (0, 0, 19, 13, CAT), (4, 2, 12, 7, CAT),
    (12, 6, 19, 11, CAT), (11, 2, 14, 12, DOG), (9, 8, 17, 13, CAT),
]  # fmt: skip
IGNORED = 4
NOTHING = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
PLAIN = """loss_mmod<detector_window<9,6,cat>,detector_window<4,11,dog>,nms=0.3,covered=0.8,%s
           avg_pool<3,2,2,3,input<2,14,20>>>"""
MOVING = """loss_mmod<detector_window<9,6,cat>,detector_window<4,11,dog>,nms=0.3,covered=0.8,
            regression=true,avg_pool<3,2,2,3,avg_pool<3,3,1,1,input<10,14,20>>>>"""
YOLO = """loss_yolo<yolo_anchors<tag1,3,5,6,4>, yolo_anchors<tag2,9,8,5,12>,
          tag2<max_pool<2,2,2,2,tag1<input<14,8,8>>>>>"""


def target(boxes: list[tuple[int, ...]], ignored: int | None = None) -> dict[str, Tensor]:
    """dlib's boxes end with their last pixel, those of a target where it ends."""
    made = torch.tensor([box[:4] for box in boxes]).float() + torch.tensor([0, 0, 1, 1])
    ignore = torch.tensor([index == ignored for index in range(len(boxes))])
    labels = torch.tensor([box[4] for box in boxes])
    return {"boxes": made, "labels": labels, "ignore": ignore}


def options(module: nn.Module, **changed: Any) -> None:
    """Set dlib's options that a spec does not state."""
    loss: Any = module.loss
    loss.options = dataclasses.replace(loss.options, **changed)


def learned(module: nn.Module, kind: str, x: Any, targets: Any) -> tuple[float, list[Tensor]]:
    """The loss and the gradients of what the loss reads."""
    read: list[Tensor] = []

    def hook(_: Any, inputs: Any) -> Any:
        first = inputs[0] if isinstance(inputs[0], list) else [inputs[0]]
        read.extend(each.detach().requires_grad_() for each in first)
        return (read if isinstance(inputs[0], list) else read[0], *inputs[1:])

    module.loss.register_forward_pre_hook(hook)  # type: ignore[operator, union-attr]
    (found,) = module.train()(x, targets).items()
    assert found[0] == kind
    found[1].backward()
    gradients = [each.grad for each in read]
    return found[1].item(), [each for each in gradients if each is not None]


def same(found: Tensor, expected: list[float], factor: float = 1) -> None:
    assert found.abs().sum() > 0
    wanted = torch.tensor(expected).reshape(found.shape)
    torch.testing.assert_close(found * factor, wanted, rtol=1e-4, atol=2e-6)


ANY_SCALE = {
    "loss_per_false_alarm": 0.5,
    "loss_per_missed_target": 2.0,
    "truth_match_iou_threshold": 0.3,
}


@pytest.mark.parametrize(
    ("case", "text", "changed"),
    [
        ("mmod_learns", PLAIN % "", {"assume_image_pyramid": False}),
        ("mmod_learns_of_any_scale", PLAIN % "", ANY_SCALE),
        ("mmod_learns_regression", MOVING, {**ANY_SCALE, "bbr_lambda": 10.0}),
    ],
)
def test_max_margin_learns_as_dlibs(case: str, text: str, changed: dict[str, Any]) -> None:
    module = archdsl.compile(text)
    options(module, **changed, overlaps_ignore=BoxOverlap(0.5, 0.5))
    channels, seed = (10, 2) if "regression" in case else (2, 1)
    x = torch.cat([different(seed + more, 1, channels, 14, 20) for more in (0, 4)])
    loss, (gradient,) = learned(module, "mmod", x, [target(BOXES, IGNORED), NOTHING])
    assert loss == pytest.approx(DLIB[case]["loss"], rel=1e-5)
    same(gradient, DLIB[case]["gradient"])


def test_places_go_through_a_pyramid() -> None:
    index = torch.arange(4800).reshape(60, 80)
    image = torch.stack(
        [index**2 * 7 % 251, index**2 % 241 + index % 11, index * 29 % 256]
    ).float() / 255  # fmt: skip
    module = archdsl.compile(
        "loss_mmod<detector_window<16,16,a>,detector_window<12,20,b>,detector_window<20,12,c>,"
        "avg_pool<5,5,2,2,input_rgb_image_pyramid<pyramid_down<4>>>>"
    )
    seen = [(5, 6, 30, 33, 0), (40, 10, 56, 38, 1), (20, 30, 70, 58, 2), (60, 2, 75, 17, 0)]
    loss, (gradient,) = learned(module, "mmod", [image], [target(seen)])
    case = DLIB["mmod_learns_pyramid"]
    assert loss == pytest.approx(case["loss"], rel=1e-5)
    same(gradient, case["gradient"])


@pytest.mark.parametrize("which", range(3))
def test_yolo_learns_as_dlibs(which: int) -> None:
    """dlib's gradients are summed over the pictures, ours are their mean."""
    module = archdsl.compile(YOLO)
    if which:
        options(
            module, iou_anchor_threshold=0.25 if which == 1 else 0.0, iou_ignore_threshold=0.4,
            lambda_obj=2.0, lambda_box=0.5, lambda_cls=3.0, gamma_obj=2.0, gamma_cls=1.5,
        )  # fmt: skip
    x = torch.cat([shares(1, 1, 14, 8, 8), shares(3, 1, 14, 8, 8)])
    first = [(0, 1, 3, 4, 1), (2, 3, 7, 6, 0), (1, 1, 6, 7, 0), (5, 0, 7, 2, 1), (-9, 2, -3, 6, 0)]
    truth = [target(first, 3), target([(4, 4, 6, 5, 1)])]
    loss, gradients = learned(module, "yolo", x, truth)
    case = DLIB[f"yolo_learns {which}"]
    assert loss == pytest.approx(case["loss"], rel=1e-5)
    for gradient, tag in zip(gradients, ("tag1", "tag2"), strict=True):
        same(gradient, case[tag], factor=2)


def test_what_is_lacking_is_said() -> None:
    module = archdsl.compile(PLAIN % "").train()
    x = different(1, 1, 2, 14, 20)
    with pytest.raises(ValueError, match="needs targets"):
        module(x)
    with pytest.raises(ValueError, match="labels from 2 to 2"):
        module(x, [target([(1, 2, 3, 4, 2)])])
    bare = "loss_yolo<tag1,tag1<input<14,6,8>>>"
    with pytest.warns(match="no anchors yet"), pytest.raises(ValueError, match="yolo_anchors"):
        archdsl.compile(bare).train()(shares(1, 1, 14, 6, 8), [target([(1, 1, 3, 4, 1)])])
