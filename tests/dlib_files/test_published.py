"""dlib's published networks: read, written again, and computing what dlib computes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import archdsl
from archdsl.dlib import reading, writing
from archdsl.dlib.respelling import respelled
from archdsl.layers.dlib_options import DetectorWindow
from archdsl.targets import encode, format_of

FACES = Path(__file__).parent.parent / "specs" / "faces"
FACE = np.array(Image.open(FACES / "face.png"))
"""The face of skimage.data.astronaut(), a photograph of NASA, cut out by dlib."""

NUMBERS = np.loadtxt(FACES / "face.txt")
"""What dlib's face_recognition_model_v1 computes of it."""


def test_dlib_reads_the_face_recognition_that_is_written_again(
    published: Path, tmp_path: Path
) -> None:
    dlib = pytest.importorskip("dlib", reason="dlib-bin is not installed")
    weights = published / "dlib_face_recognition_resnet_model_v1.dat"
    network = archdsl.load("dlib_face_recognition").check()
    module = archdsl.compile("dlib_face_recognition", weights=weights)
    again = tmp_path / "again.dat"
    again.write_bytes(encode(format_of(again), network.checked, module))
    found = dlib.face_recognition_model_v1(str(again)).compute_face_descriptor(FACE)
    np.testing.assert_allclose(np.array(found), NUMBERS, rtol=1e-6)


def test_dlib_reads_the_detector_that_is_written_again(published: Path, tmp_path: Path) -> None:
    dlib = pytest.importorskip("dlib", reason="dlib-bin is not installed")
    weights = published / "mmod_human_face_detector.dat"
    saved = reading.read(weights)
    assert saved.loss is not None
    assert saved.loss.values["options"].detector_windows == (DetectorWindow(80, 80),)
    again = tmp_path / "again.dat"
    again.write_bytes(writing.encode(saved))
    data = pytest.importorskip("skimage.data")
    picture = np.ascontiguousarray(data.astronaut()[:256, 100:356])

    def found(path: Path) -> list[tuple[int, int, int, int, float]]:
        detector = dlib.cnn_face_detection_model_v1(str(path))
        return [
            (d.rect.left(), d.rect.top(), d.rect.right(), d.rect.bottom(), d.confidence)
            for d in detector(picture, 0)
        ]

    assert found(weights) and found(again) == found(weights)


def test_a_spec_made_of_the_detector_is_a_detector(published: Path, tmp_path: Path) -> None:
    weights = published / "mmod_human_face_detector.dat"
    text = respelled(reading.read(weights)).replace("bn_con<", "affine<")
    network = archdsl.load(text).check()
    again = tmp_path / "again.dat"
    again.write_bytes(
        encode(format_of(again), network.checked, archdsl.compile(text, weights=weights))
    )
    assert reading.read(again).loss == reading.read(weights).loss._replace(version="loss_mmod_")  # type: ignore[union-attr]


def test_the_detectors_network_is_loaded(published: Path) -> None:
    """Its layers by hand, from the values that the file holds."""
    weights = published / "mmod_human_face_detector.dat"
    saved = reading.read(weights)
    text = respelled(replace(saved, loss=None))
    text = text.replace("input_rgb_image_pyramid<pyramid_down<6>>", "input_rgb_image")
    module = archdsl.compile(text, input="3x60x60", weights=weights)
    x = torch.rand(1, 3, 60, 60) * 255
    expected = (x - torch.tensor([122.782, 117.001, 104.298]).view(3, 1, 1)) / 256
    for record in saved.records():
        values = record.values
        if record.kind.name == "con":
            params = torch.from_numpy(values["params"].ravel().copy())
            kernel = params[: -values["num_filters"]].reshape(values["filters"])
            padding = values["padding_y"], values["padding_x"]
            stride = values["stride_y"], values["stride_x"]
            bias = params[-values["num_filters"] :]
            expected = torch.nn.functional.conv2d(expected, kernel, bias, stride, padding)
        elif record.kind.name == "bn_con":
            gamma, beta = torch.from_numpy(values["params"].ravel().copy()).chunk(2)
            mean = torch.from_numpy(values["running_means"].ravel().copy())
            variance = torch.from_numpy(values["running_variances"].ravel().copy())
            expected = torch.nn.functional.batch_norm(
                expected, mean, variance, gamma, beta, eps=values["eps"]
            )
        else:
            expected = expected.relu()
    with torch.inference_mode():
        torch.testing.assert_close(module(x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_the_whole_path_from_dlib_to_onnx(published: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    weights = published / "dlib_face_recognition_resnet_model_v1.dat"
    network = archdsl.load("dlib_face_recognition").check()
    module = archdsl.compile("dlib_face_recognition", weights=weights)
    content = encode(format_of(Path("face.onnx")), network.checked, module)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"x": FACE.transpose(2, 0, 1)[None].astype(np.float32)})
    np.testing.assert_allclose(found[0], NUMBERS, atol=1e-5)
