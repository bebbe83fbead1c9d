"""Images of several sizes in training, as torchvision's Keypoint R-CNN has them."""

import pytest
import torch
import torchvision

import archdsl
from archdsl.importers.verification import canonical, match, reference, verify

KEYPOINTS = "keypoint_rcnn_resnet50_fpn"


def test_keypoint_rcnn_draws_from_the_sizes_of_torchvision() -> None:
    with torch.device("meta"):
        model = canonical(reference("torchvision:keypointrcnn_resnet50_fpn"))
        assert match(model, canonical(archdsl.load(KEYPOINTS).to_torch())).matched
        other = match(model, canonical(archdsl.load(KEYPOINTS, train_from=672).to_torch()))
    assert not other.matched
    assert any("640" in difference for difference in other.differences), other.differences


@pytest.mark.slow
def test_losses_of_drawn_sizes_are_torchvisions() -> None:
    model = torchvision.models.detection.keypointrcnn_resnet50_fpn(
        weights=None, weights_backbone=None, min_size=(96, 112, 128), max_size=200
    )
    network = archdsl.load(KEYPOINTS, min_size=128, max_size=200, train_from=96, train_step=16)
    found = verify(network.to_torch(), model.eval(), (3, 130, 170), training=True)
    assert found.matched, found.differences
    assert found.max_abs_diff == 0


def test_all_sizes_are_drawn_in_training_and_the_last_in_use() -> None:
    """Of an image 60 high and 90 wide the shorter side becomes 32, 40 or 48, as 24 is below 30."""
    text = "relu<input_images<48,96,divisible=1,train_from=30,train_step=8>>"
    module = archdsl.compile(text)
    image = [torch.rand(3, 60, 90)]
    torch.manual_seed(0)
    assert {module.train()(image).shape[2] for _ in range(40)} == {32, 40, 48}
    assert {module.eval()(image).shape[2] for _ in range(10)} == {48}


def test_sizes_in_training_are_not_above_the_one_in_use() -> None:
    with pytest.raises(
        archdsl.ArchError, match=r"(?s)do not end at min_size.*48 at most, found 56"
    ):
        archdsl.compile("relu<input_images<48,96,train_from=56>>")
