"""Data sets of torchvision, whose files are there already, stand for folders of pictures."""

import struct
from pathlib import Path

import numpy
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from archdsl.diagnostics import ArchError
from archdsl.training.data import picture_of
from archdsl.training.torchvision_sets import torchvision_set


@pytest.fixture
def mnist(tmp_path: Path) -> Path:
    """64 digits to learn from and 16 others, as MNIST's files have them (28×28, big endian)."""
    folder, known = tmp_path / "MNIST" / "raw", load_digits()
    folder.mkdir(parents=True)
    images = numpy.zeros((80, 28, 28), "uint8")
    images[:, 2:26, 2:26] = numpy.kron(known.images[:80] * 15, numpy.ones((1, 3, 3)))
    for name, part in (("train", slice(0, 64)), ("t10k", slice(64, 80))):
        pictures, labels = images[part], known.target[:80][part].astype("uint8")
        head = struct.pack(">4i", 0x803, len(pictures), 28, 28)
        (folder / f"{name}-images-idx3-ubyte").write_bytes(head + pictures.tobytes())
        head = struct.pack(">2i", 0x801, len(labels))
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(head + labels.tobytes())
    return tmp_path


def test_mnist_is_a_set(mnist: Path) -> None:
    found = torchvision_set("MNIST", mnist)
    assert (len(found.train), len(found.held_out), found.classes[3]) == (64, 16, "3 - three")
    picture, label = picture_of(found.held_out[2].picture)
    assert label == load_digits().target[66]
    expected = load_digits().images[66] * 15 / 255
    assert abs(picture[0, 3:26:3, 3:26:3].numpy() - expected).max() < 1e-6


def test_sets_that_call_their_parts_splits(tmp_path: Path) -> None:
    """The describable textures (DTD) have train, val and test."""
    folder = tmp_path / "dtd" / "dtd"
    (folder / "labels").mkdir(parents=True)
    for part, names in (("train", ["lined/1.jpg", "dotted/2.jpg"]), ("test", ["lined/3.jpg"])):
        (folder / "labels" / f"{part}1.txt").write_text("\n".join(names))
        for name in names:
            place = folder / "images" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 6), (200, 0, 0)).save(place)
    found = torchvision_set("DTD", tmp_path)
    assert (len(found.train), len(found.held_out), found.classes) == (2, 1, ("dotted", "lined"))
    picture, label = picture_of(found.train[1].picture)
    assert picture.shape == (3, 6, 8) and label == 0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Nothing", "torchvision has no data set Nothing"),
        ("vision", "torchvision has no data set vision"),
        ("FakeData", "has no parts train and test"),
        ("CocoDetection", "has no parts train and test"),
        ("EMNIST", "has no parts train and test"),
    ],
)
def test_sets_that_are_none(name: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ArchError, match=words):
        torchvision_set(name, tmp_path)
