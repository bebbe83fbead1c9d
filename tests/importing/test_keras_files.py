"""Keras's own files: their weights in a compiled network, and what is refused in them."""

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.commands import run

import archdsl
from archdsl.diagnostics import ArchError
from archdsl.importers import ImportOptions
from archdsl.importers import keras as reader

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
h5py = pytest.importorskip("h5py")
L = keras.layers


def network() -> Any:
    """Two parts with layers of the same names, rows of features in Keras's order, two outputs."""

    def part(name: str) -> Any:
        layers = [keras.Input((9, 8, 4)), L.Conv2D(4, 1, name="c"), L.BatchNormalization(name="b")]
        return keras.Sequential(layers, name=name)

    entry = keras.Input((9, 8, 4))
    x = part("second")(part("first")(entry))
    rows = L.Concatenate()([L.Flatten()(x), L.Flatten()(L.MaxPooling2D()(x))])
    rows = L.BatchNormalization(scale=False, name="norm")(rows)
    heads = [L.Dense(5, name="up")(rows), L.Dense(5, name="down")(rows)]
    model = keras.Model(entry, heads)
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.1, 0.9, value.shape) for value in model.get_weights()])
    return model


def test_the_weights_of_a_file_come_along(tmp_path: Path) -> None:
    model, file, spec = network(), tmp_path / "net.keras", tmp_path / "net.arch"
    model.compile("adam", "mse")
    model.save(file)
    (tmp_path / "net.json").write_text(model.to_json())
    model.save_weights(tmp_path / "net.weights.h5")
    done = run("import", file, "-o", spec)
    assert done.exit_code == 0, done.output
    assert "as Keras's with the file's weights" in done.output
    x = np.random.default_rng(1).random((2, 9, 8, 4), dtype=np.float32)
    theirs = dict(zip(("up", "down"), model.predict_on_batch(x), strict=True))
    for weights in (file, tmp_path / "net.weights.h5"):
        module = archdsl.compile(spec, weights=str(weights)).eval()
        with torch.no_grad():
            ours = module(torch.from_numpy(x.transpose(0, 3, 1, 2)))
        for name, values in theirs.items():
            np.testing.assert_allclose(ours[name].numpy(), values, rtol=1e-4)


def test_weights_without_a_description_ask_for_it(tmp_path: Path) -> None:
    model, spec = network(), tmp_path / "net.arch"
    (tmp_path / "net.json").write_text(model.to_json())
    model.save_weights(tmp_path / "other.weights.h5")
    assert run("import", tmp_path / "net.json", "-o", spec).exit_code == 0
    with pytest.raises(ArchError, match=r"there is no .*other\.json"):
        archdsl.compile(spec, weights=str(tmp_path / "other.weights.h5"))


def archive(tmp_path: Path, **members: bytes) -> Path:
    """A file of Keras's with members in place of its own, or beside them."""
    made = tmp_path / "made.keras"
    model = keras.Sequential([keras.Input((4, 4, 3)), L.Conv2D(2, 1, name="c")])
    model.save(made)
    with zipfile.ZipFile(made) as opened:
        parts = {name: opened.read(name) for name in opened.namelist()} | members
    file = tmp_path / "net.keras"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in parts.items():
            opened.writestr(name, content)
    return file


def values(leads: str) -> bytes:
    """An HDF5 file whose layer has a kernel that is not in it."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        group = file.create_group("layers/c/vars")
        if leads == "link":
            group["0"] = h5py.ExternalLink("/etc/other.h5", "/values")
        elif leads == "external":
            group.create_dataset("0", (1, 1, 3, 2), "f4", external=[("/etc/passwd", 0, 24)])
        else:
            group.create_dataset("0", (2**20, 2**20), "f4", chunks=(1, 1024))
    return content.getvalue()


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"../evil.txt": b"x"}, "found '../evil.txt'"),
        ({"/etc/evil": b"x"}, "found '/etc/evil'"),
        ({"config.json": b" " * (65 * 2**20)}, "config.json unpacks to 68,157,440 bytes"),
        ({"model.weights.h5": bytes(2**24)}, "model.weights.h5 unpacks to 16,777,216 bytes"),
        ({"model.weights.h5": values("link")}, "0 is a link to another place"),
        ({"model.weights.h5": values("external")}, "0 has its values in another place"),
        ({"model.weights.h5": values("bomb")}, "unpack to 4,398,046,511,104 bytes"),
        ({"model.weights.h5": b"no HDF5"}, "is not a file of weights of Keras that can be read"),
        ({"config.json": b"{"}, "is no JSON"),
        ({"metadata.json": b"{"}, "is not a model of Keras"),
    ],
)
def test_harmful_files_are_refused(tmp_path: Path, members: dict[str, bytes], message: str) -> None:
    done = run("import", archive(tmp_path, **members), "-o", tmp_path / "net.arch")
    assert done.exit_code == 1 and message in done.stderr.replace("\n", " ")
    assert not (tmp_path / "net.arch").exists()


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('"module": "keras.initializers"', '"module": "os.path"', "the module os.path"),
        ('"module": "keras.initializers"', '"module": "keras.utils"', "the module keras.utils"),
        ('"class_name": "Zeros"', '"class_name": "utils.get_file"', "the class utils.get_file"),
    ],
)
def test_files_that_name_other_modules_are_not_run(
    tmp_path: Path, old: str, new: str, named: str
) -> None:
    with zipfile.ZipFile(archive(tmp_path)) as opened:
        text = opened.read("config.json").decode()
    assert old in text
    file = archive(tmp_path, **{"config.json": text.replace(old, new).encode()})
    done = run("import", file, "-o", tmp_path / "net.arch")
    assert done.exit_code == 1 and f"names {named}" in done.stderr


def test_the_version_in_a_file_decides(tmp_path: Path) -> None:
    """Version 2's hard_sigmoid has another slope."""
    model = keras.Sequential([keras.Input((4, 4, 3)), L.Activation("hard_sigmoid")])
    text = model.to_json().encode()
    about = json.dumps({"keras_version": "2.15.0"}).encode()
    assert reader.read(str(archive(tmp_path, **{"config.json": text})), ImportOptions())
    file = archive(tmp_path, **{"config.json": text, "metadata.json": about})
    with pytest.raises(ArchError, match="no layer for the activation hard_sigmoid"):
        reader.read(str(file), ImportOptions())


def test_a_model_inside_that_is_applied_twice_has_one_set_of_weights(tmp_path: Path) -> None:
    """A siamese network, as Keras's guide to the functional API has it."""
    layers = keras.layers
    inner = keras.Input((12, 12, 1))
    x = layers.Conv2D(4, 3, activation="relu")(inner)
    tower = keras.Model(inner, layers.Dense(6)(layers.GlobalAveragePooling2D()(x)), name="tower")
    first, rest = keras.Input((12, 12, 1)), layers.Conv2D(1, 1, name="other")
    ends = tower(first), tower(rest(first))
    model = keras.Model(first, layers.Dense(1)(layers.Subtract()(list(ends))))
    file = tmp_path / "twins.keras"
    model.save(file)
    done = run("import", file, "-o", tmp_path / "twins.arch")
    assert done.exit_code == 0, done.output
    text = (tmp_path / "twins.arch").read_text()
    assert text.count("shared<tower,") == 2, text
    assert archdsl.load(tmp_path / "twins.arch").summary().parameters == model.count_params()
    data = np.random.default_rng(0).random((2, 12, 12, 1), dtype=np.float32)
    module = archdsl.compile(tmp_path / "twins.arch", weights=str(file)).eval()
    with torch.no_grad():
        found = module(torch.from_numpy(data.transpose(0, 3, 1, 2)))
    expected = model(data, training=False)
    assert np.allclose(found.numpy(), keras.ops.convert_to_numpy(expected), atol=1e-5)
