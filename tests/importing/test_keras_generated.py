"""Keras models of random layers and arguments: their specs compute the same, or are refused."""

import inspect
import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
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

ACTIVATIONS = [
    "linear",
    "relu",
    "relu6",
    "sigmoid",
    "tanh",
    "softmax",
    "softplus",
    "swish",
    "silu",
    "gelu",
    "mish",
    "elu",
    "hard_swish",
    "hard_silu",
    "leaky_relu",
    "hard_sigmoid",
    "selu",
    "softsign",
    "exponential",
    "log_softmax",
    "celu",
]


class Draw:
    """Random layers for maps of four channels."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def pick(self, *values: Any) -> Any:
        return values[self.rng.integers(len(values))]

    def flag(self) -> bool:
        return bool(self.rng.integers(2))

    def pair(self, low: int, high: int) -> Any:
        first, second = (int(value) for value in self.rng.integers(low, high + 1, 2))
        return self.pick(first, (first, second))

    def format(self) -> str:
        return str(self.pick(*["channels_last"] * 6, "channels_first"))

    def activation(self) -> Any:
        layers: list[Callable[[], Any]] = [
            lambda: L.LeakyReLU(0.1, name="relu"),
            lambda: L.ReLU(max_value=3.0, name="relu"),
            lambda: L.ELU(0.3),
            lambda: L.Softmax(),
        ]
        return self.pick(*layers)() if self.rng.random() < 0.2 else self.pick(*ACTIVATIONS, None)

    def shared(self) -> dict[str, Any]:
        return {
            "padding": self.pick("same", "valid"),
            "use_bias": self.flag(),
            "activation": self.activation(),
        }

    def conv(self) -> Any:
        strides = self.pair(1, 3)
        dilation = self.pick(1, 1, 2, (2, 1)) if strides in (1, (1, 1)) else 1
        return L.Conv2D(
            self.pick(4, 8),
            self.pair(1, 4),
            strides=strides,
            dilation_rate=dilation,
            groups=self.pick(1, 1, 2, 4),
            data_format=self.format(),
            **self.shared(),
        )

    def depthwise(self) -> Any:
        multiplier = self.pick(1, 2, 3)
        return L.DepthwiseConv2D(
            self.pair(1, 4),
            strides=self.pick(1, 2, 3),
            depth_multiplier=multiplier,
            **self.shared(),
        )

    def separable(self) -> Any:
        multiplier = self.pick(1, 2)
        return L.SeparableConv2D(
            self.pick(3, 5), self.pair(1, 4), depth_multiplier=multiplier, **self.shared()
        )

    def transposed(self) -> Any:
        more = self.pick(None, None, None, 0)
        return L.Conv2DTranspose(
            self.pick(3, 5),
            self.pair(1, 5),
            strides=self.pair(1, 3),
            output_padding=more,
            **self.shared(),
        )

    def norm(self) -> Any:
        scales = {"center": self.flag(), "scale": self.flag(), "axis": self.pick(-1, -1, 3, 1)}
        epsilon = self.pick({}, {"epsilon": 0.5}, {"epsilon": 1e-5})
        groups = self.pick(1, 2, 4, -1)
        return self.pick(
            lambda: L.BatchNormalization(momentum=self.pick(0.99, 0.9), **scales, **epsilon),
            lambda: L.LayerNormalization(**scales, **epsilon),
            lambda: L.GroupNormalization(groups=groups, **scales, **epsilon),
        )()

    def pool(self) -> Any:
        kind = self.pick(L.MaxPooling2D, L.AveragePooling2D)
        strides = self.pick(None, None, 1, 2, 3)
        padding = self.pick("same", "valid")
        return kind(self.pair(1, 4), strides=strides, padding=padding, data_format=self.format())

    def everywhere(self) -> Any:
        kind = self.pick(L.GlobalMaxPooling2D, L.GlobalAveragePooling2D)
        return kind(keepdims=self.flag())

    def activated(self) -> Any:
        limit, slope = self.pick(None, None, 6.0, 2.5), self.pick(0.0, 0.0, 0.1)
        threshold = self.pick(0.0, 0.0, 0.0, 0.3)
        return self.pick(
            lambda: L.ReLU(max_value=limit, negative_slope=slope, threshold=threshold),
            lambda: L.LeakyReLU(),
            lambda: L.PReLU(shared_axes=self.pick(None, [1, 2], [1, 2], [1])),
            lambda: L.LeakyReLU(negative_slope=float(self.rng.random())),
            lambda: L.ELU(alpha=self.pick(1.0, 0.4)),
            lambda: L.Softmax(axis=self.pick(-1, -1, 3, 1, 2)),
            lambda: L.Activation(self.pick(*ACTIVATIONS)),
        )()

    def only_trained(self) -> Any:
        return self.pick(
            lambda: L.Dropout(0.3),
            lambda: L.Dropout(0.3, noise_shape=(None, 1, 1, 1)),
            lambda: L.Dropout(0.3, noise_shape=(None, 1, 1, 4)),
            lambda: L.SpatialDropout2D(0.3),
            lambda: L.GaussianNoise(0.2),
        )()

    def moved(self) -> Any:
        sides = self.pick(1, (1, 2), ((1, 0), (2, 1)))
        return self.pick(
            lambda: L.ZeroPadding2D(sides),
            lambda: L.Cropping2D(sides),
            lambda: L.UpSampling2D(self.pair(1, 3), interpolation="nearest"),
            lambda: L.UpSampling2D(self.pick(2, 3), interpolation="bilinear"),
            lambda: L.Reshape(self.pick((-1,), (8, 9, 4), (72, 4))),
            lambda: L.Permute(self.pick((1, 2, 3), (3, 1, 2))),
            lambda: L.Rescaling(0.5, offset=self.pick(0.0, 0.1)),
            lambda: L.Flatten(),
        )()

    def dense(self) -> Any:
        return L.Dense(self.pick(3, 5), use_bias=self.flag(), activation=self.activation())

    def single(self) -> Any:
        return self.pick(
            *[self.conv] * 3,
            self.depthwise,
            self.separable,
            self.transposed,
            *[self.norm, self.pool] * 2,
            self.everywhere,
            self.activated,
            self.only_trained,
            *[self.moved] * 2,
            self.dense,
        )()

    def joined(self, x: Any) -> Any:
        parts = [L.Conv2D(4, 1)(x) for _ in range(self.pick(2, 2, 3))]
        if self.rng.random() < 0.3:
            parts = [L.Flatten()(part) for part in parts]
        kinds = [L.Add, L.Multiply, L.Average, L.Maximum, L.Subtract]
        kind = self.pick(*kinds, None)
        if kind is None:
            return L.Concatenate(axis=self.pick(-1, -1, -1, 1))(parts)
        return kind()(parts[:2] if kind is L.Subtract else parts)

    def model(self) -> Any:
        entry = keras.Input((9, 8, 4))
        x = L.Conv2D(4, self.pick(1, 2))(entry)
        for _ in range(self.pick(1, 1, 2)):
            way = self.rng.random()
            if way < 0.2:
                x = self.joined(x)
            elif way < 0.3:
                inner = [keras.Input(x.shape[1:]), self.single(), self.single()]
                x = keras.Sequential(inner)(x)
            else:
                x = self.single()(x)
        if self.rng.random() < 0.4:
            x = L.Dense(3)(L.Flatten()(x))
        return keras.Model(entry, x)


def shortened(text: str) -> str:
    """A description without what Keras would take anyway, so that defaults are compared too."""
    document = json.loads(text)
    waiting = list(document["config"]["layers"])
    while waiting:
        layer = waiting.pop()
        config = layer["config"]
        waiting += config.get("layers", [])
        if layer["module"] != "keras.layers":
            continue
        signature = inspect.signature(getattr(L, layer["class_name"]))
        for name, parameter in signature.parameters.items():
            default = parameter.default
            default = list(default) if isinstance(default, tuple) else default
            of_both = [default, default]
            own = config.get("pool_size") if name == "strides" and default is None else default
            if name in config and name != "name" and config[name] in (default, of_both, own):
                del config[name]
    return json.dumps(document)


def outcome(seed: int, file: Path) -> str:
    """What came of a random model; the test fails where its spec computes something else."""
    try:
        model = Draw(seed).model()
    except (ValueError, IndexError):
        return "no model of Keras"
    text = model.to_json()
    file.write_text(shortened(text) if seed % 2 else text)
    try:
        network = load_source(Source("m", written(reader.read(str(file), ImportOptions())))).checked
    except ArchError:
        return "refused"
    proof = reader.proof(network, str(file))
    if proof.same is None:
        assert "pads averages with the values at the edge" in proof.lines[0]
        return "not compared"
    assert proof.same, (seed, proof.lines, file.read_text())
    return "same"


@pytest.mark.parametrize(
    "seeds", [range(60), pytest.param(range(60, 300), marks=pytest.mark.slow)], ids=["some", "many"]
)
def test_random_models_compute_what_keras_computes(tmp_path: Path, seeds: range) -> None:
    found = Counter(outcome(seed, tmp_path / "m.json") for seed in seeds)
    assert found["same"] > 0.4 * len(seeds)
    assert found["refused"] > 0 and found["not compared"] < 0.05 * len(seeds)
