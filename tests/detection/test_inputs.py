"""What a running detector is given wrongly is told in words, before anything is computed."""

from typing import Any

import pytest
import torch
from shapes import PARTS
from torch import Tensor, nn

import archdsl


@pytest.fixture(scope="module")
def module() -> nn.Module:
    """Finds three classes, their masks, and two keypoints of each."""
    return archdsl.load(PARTS).to_torch(seed=0)


def image() -> Tensor:
    return torch.rand(3, 60, 90)


def target(**changed: Any) -> dict[str, Any]:
    """What one object's target is, but for what is changed; ``None`` leaves a part out."""
    parts = {
        "boxes": torch.tensor([[5.0, 5.0, 40.0, 40.0]]),
        "labels": torch.tensor([1]),
        "masks": torch.ones(1, 60, 90, dtype=torch.uint8),
        "keypoints": torch.full((1, 2, 3), 20.0),
    }
    return {name: part for name, part in (parts | changed).items() if part is not None}


def test_what_is_right_is_learned_from(module: nn.Module) -> None:
    losses = module.train()([image()], [target()])
    assert {"loss_classifier", "loss_mask", "loss_keypoint"} < losses.keys()
    assert all(loss.isfinite() for loss in losses.values())


def test_an_image_without_objects_is_learned_from(module: nn.Module) -> None:
    empty = target(
        boxes=torch.zeros(0, 4),
        labels=torch.zeros(0, dtype=torch.int64),
        masks=torch.zeros(0, 60, 90),
        keypoints=torch.zeros(0, 2, 3),
    )
    losses = module.train()([image()], [empty])
    assert all(loss.isfinite() for loss in losses.values())


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        ([(255 * image()).byte()], TypeError, r"image 0 holds uint8 values.*image / 255"),
        ([image(), torch.rand(1, 9, 9)], ValueError, r"image 1 has the shape \(1, 9, 9\).*3×H×W"),
        (image(), TypeError, r"found one tensor of shape \(3, 60, 90\).*given as \[image\]"),
        ("photo.jpg", TypeError, r"expected a list of images.*object of type str"),
        (["photo.jpg"], TypeError, r"image 0 is an object of type str; expected a tensor 3×H×W"),
        ([], TypeError, r"expected a list of images.*found an empty list"),
        (None, TypeError, r"expected a list of images.*NoneType"),
        ([image().numpy()], TypeError, r"image 0 is an object of type ndarray"),
        ([torch.rand(3, 0, 5)], ValueError, r"image 0 has the shape \(3, 0, 5\)"),
    ],
)
def test_images(module: nn.Module, images: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        module.eval()(images)


@pytest.mark.parametrize(
    ("targets", "error", "message"),
    [
        (None, ValueError, r"needs targets: module\(images, targets\).*module\.eval\(\)"),
        (target(), ValueError, r"a target for each of 1 images, found an object of type dict"),
        ([], ValueError, r"a target for each of 1 images, found 0"),
        ([[1]], TypeError, r"target 0 is an object of type list; expected a dict"),
        ([target(boxes=None)], ValueError, r"target 0 has no boxes: it has labels, masks"),
        ([target(labels=None)], ValueError, r"target 0 has no labels"),
        (
            [target(boxes=torch.tensor([[5.0, 5.0, 5.0, 9.0]]))],
            ValueError,
            r"target 0 has a box without width or height: \[5\.0, 5\.0, 5\.0, 9\.0\].*x1 < x2",
        ),
        ([target(boxes=torch.tensor([[5, 5, 9, 9]]))], TypeError, r"integers; expected floats"),
        ([target(boxes=torch.rand(4))], ValueError, r"expected a tensor n×4, found \(4,\)"),
        ([target(labels=torch.tensor([4]))], ValueError, r"from 4 to 4.*labels from 1 to 3 apart"),
        ([target(labels=torch.tensor([0]))], ValueError, r"from 0 to 0.*labels from 1 to 3 apart"),
        ([target(labels=torch.tensor([1, 1]))], ValueError, r"1 boxes and 2 labels"),
        ([target(labels=torch.tensor([1.0]))], TypeError, r"expected int64, found torch\.float32"),
        ([target(masks=None)], ValueError, r"target 0 has no masks: it has boxes, labels"),
        (
            [target(masks=torch.ones(1, 30, 30))],
            ValueError,
            r"masks of target 0: expected 1×60×90 for 1 boxes.*found \(1, 30, 30\)",
        ),
        ([target(masks=torch.ones(2, 60, 90))], ValueError, r"expected 1×60×90"),
        ([target(masks=[1])], ValueError, r"expected 1×60×90.*found an object of type list"),
        ([target(keypoints=None)], ValueError, r"target 0 has no keypoints"),
        ([target(keypoints=torch.ones(1, 2))], ValueError, r"expected 1×\?×3.*found \(1, 2\)"),
        (
            [target(keypoints=torch.ones(1, 5, 3))],
            ValueError,
            r"target 0 has 5 keypoints for each box; the head finds 2",
        ),
    ],
)
def test_targets(module: nn.Module, targets: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        module.train()([image()], targets)


GIVEN = """detect<3, fc<16, roi_pool<maps, 3, region_proposals<20,
           tap<maps, con<8,3,3,2,2,padding=1, input_images_sized<64>>>>>>>"""


@pytest.mark.parametrize(
    "proposals", [None, [], torch.rand(3, 4), [torch.rand(3, 5)], [torch.rand(4)], ["boxes"]]
)
def test_proposals(proposals: Any) -> None:
    module = archdsl.load(GIVEN).to_torch(seed=0).eval()
    with pytest.raises(ValueError, match=r"proposals.*tensors? n×4"):
        module([image()], proposals=proposals)
