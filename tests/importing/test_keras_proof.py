"""Specs of small Keras models against Keras itself, through the command's own comparison."""

import os
from pathlib import Path
from typing import Any

import pytest

from archdsl.api import load_source
from archdsl.diagnostics import ArchError
from archdsl.diagnostics.source import Source
from archdsl.importers import ImportOptions
from archdsl.importers import keras as reader
from archdsl.importers.outlining.writer import written

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
L = keras.layers


def proven(tmp_path: Path, *layers: Any, size: tuple[int, ...] = (9, 8, 4)) -> bool | None:
    model = keras.Sequential([keras.Input(size), *layers])
    file = tmp_path / "m.json"
    file.write_text(model.to_json())
    network = load_source(Source("m", written(reader.read(str(file), ImportOptions())))).checked
    return reader.proof(network, str(file)).same


@pytest.mark.parametrize(
    "make",
    [
        lambda: L.Conv2D(6, (2, 3), strides=2, padding="same", activation="gelu"),
        lambda: L.Conv2D(6, 3, dilation_rate=2, groups=2, padding="same", use_bias=False),
        lambda: L.DepthwiseConv2D(3, strides=2, depth_multiplier=2, padding="same"),
        lambda: L.DepthwiseConv2D(4, padding="valid", activation="silu"),
        lambda: L.SeparableConv2D(5, 3, depth_multiplier=2, padding="same"),
        lambda: L.Conv2DTranspose(5, 3, strides=2, padding="same"),
        lambda: L.Conv2DTranspose(5, 4, strides=2, padding="same"),
        lambda: L.Conv2DTranspose(5, 3, strides=2),
        lambda: L.BatchNormalization(),
        lambda: L.BatchNormalization(scale=False, center=False, epsilon=0.1),
        lambda: L.LayerNormalization(),
        lambda: L.LeakyReLU(),
        lambda: L.LeakyReLU(negative_slope=0.05),
        lambda: L.ReLU(max_value=6.0),
        lambda: L.ReLU(max_value=2.0),
        lambda: L.ELU(alpha=0.5),
        lambda: L.Softmax(),
        lambda: L.Activation("softmax"),
        lambda: L.Activation("gelu"),
        lambda: L.Activation("hard_sigmoid"),
        lambda: L.MaxPooling2D(3),
        lambda: L.MaxPooling2D(3, strides=2, padding="same"),
        lambda: L.AveragePooling2D((3, 2)),
        lambda: L.GlobalAveragePooling2D(),
        lambda: L.GlobalMaxPooling2D(keepdims=True),
        lambda: L.ZeroPadding2D(((1, 2), (0, 3))),
        lambda: L.Cropping2D(((1, 2), (0, 3))),
        lambda: L.UpSampling2D((2, 3)),
        lambda: L.UpSampling2D(2, interpolation="bilinear"),
        lambda: L.Dense(3, activation="tanh"),
    ],
)
def test_a_layer_computes_what_keras_computes(tmp_path: Path, make: Any) -> None:
    assert proven(tmp_path, L.Conv2D(4, 1), make())


def test_averages_that_backends_of_keras_disagree_about_are_not_compared(tmp_path: Path) -> None:
    pool = L.AveragePooling2D(2, strides=1, padding="same")  # padding at one side only
    assert proven(tmp_path, L.Conv2D(4, 1), pool) is None


def test_a_row_of_features(tmp_path: Path) -> None:
    assert proven(tmp_path, L.Dense(5, activation="relu"), L.Dense(3), size=(7,))


def test_a_file_that_names_other_modules_is_not_run(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((4, 4, 3)), L.ReLU()])
    file = tmp_path / "m.json"
    file.write_text(model.to_json().replace('"module": "keras.layers"', '"module": "os.path"'))
    network = load_source(Source("m", written(reader.read(str(file), ImportOptions())))).checked
    with pytest.raises(ArchError, match=r"names the module os\.path"):
        reader.proof(network, str(file))
