"""Pictures with label maps as students have them: palettes, ignored pixels, and what is wrong."""

from pathlib import Path

import numpy
import pytest
from PIL import Image
from support.commands import run

NETWORK = "using net_type = con<3,1,1,1,1,relu<con<4,3,3,1,1,input<3,16,16>>>>;"
SIDE = 16


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four pictures with maps of the labels 0, 1 and 2, each a third of the rows or so."""
    rows = numpy.arange(SIDE, dtype=numpy.uint8)[:, None] * 3 // SIDE
    labels = numpy.broadcast_to(rows, (SIDE, SIDE)).astype(numpy.uint8)
    for name in ("images", "labels"):
        (tmp_path / "data" / name).mkdir(parents=True)
    for index in range(4):
        picture = Image.fromarray(numpy.stack([labels * 100 + index] * 3, 2))
        picture.save(tmp_path / "data" / "images" / f"{index}.png")
        Image.fromarray(labels).save(tmp_path / "data" / "labels" / f"{index}.png")
    (tmp_path / "net.arch").write_text(NETWORK)
    return tmp_path / "data"


def trained(folder: Path, *options: object) -> tuple[int, str]:
    told = run(
        "train", folder.with_name("net.arch"), "--data", folder, "-o", folder.with_name("run"),
        "--epochs", 1, "--batch", 2, *options,
    )  # fmt: skip
    return told.exit_code, told.output


def written(folder: Path, index: int, labels: numpy.ndarray, *, palette: bool = False) -> None:
    image = Image.fromarray(labels.astype(numpy.uint8), mode="P" if palette else "L")
    if palette:
        image.putpalette([value for entry in range(256) for value in (entry, 255 - entry, 7)])
    image.save(folder / "labels" / f"{index}.png")


def test_palettes_hold_labels_and_255_counts_for_nothing(folder: Path) -> None:
    """Of 16×16 pixels in the one picture that is held out, 8×16 are ignored."""
    labels = numpy.zeros((SIDE, SIDE))
    labels[:8], labels[8:12], labels[12:] = 255, 1, 2
    for index in range(4):
        written(folder, index, labels, palette=True)
    code, output = trained(folder)
    assert code == 0, output
    rows = (folder.with_name("run") / "confusion.csv").read_text().splitlines()[1:]
    counts = [[int(cell) for cell in row.split(",")[-3:]] for row in rows[-3:]]
    assert [sum(row) for row in counts] == [0, 4 * SIDE, 4 * SIDE]


def test_labels_beyond_the_classes_are_named(folder: Path) -> None:
    for index in range(4):
        written(folder, index, numpy.full((SIDE, SIDE), 7))
    code, output = trained(folder)
    assert code == 1 and "have 8 classes" in output and "tells 3 apart" in output
    (folder / "classes.txt").write_text("sky\nsea\nsand\n")
    code, output = trained(folder)
    assert code == 1 and ".png has the label 7, and there are 3 classes" in output


@pytest.mark.parametrize("named", [True, False])
def test_a_broken_map_is_named_or_left_out(named: bool, folder: Path) -> None:
    (folder / "labels" / "1.png").write_bytes(b"nothing")
    if named:
        (folder / "classes.txt").write_text("sky\nsea\nsand\n")
    code, output = trained(folder, "--skip-broken")
    assert code == 0 and "left out" in output and "labels/1.png" in output


def test_maps_of_another_size_are_named_with_both(folder: Path) -> None:
    for index in range(4):
        written(folder, index, numpy.zeros((8, 12)))
    (folder / "classes.txt").write_text("sky\nsea\nsand\n")
    code, output = trained(folder)
    assert code == 1 and "differ in size: 16×16 and 12×8" in output and "--skip-broken" in output


def test_a_picture_without_a_map_is_named(folder: Path) -> None:
    (folder / "labels" / "3.png").unlink()
    code, output = trained(folder)
    assert code == 1 and "there is no label map of" in output and "3.png" in output


def test_maps_without_any_class(folder: Path) -> None:
    for index in range(4):
        written(folder, index, numpy.full((SIDE, SIDE), 255))
    code, output = trained(folder)
    assert code == 1 and "has a class" in output and "255" in output


def test_colours_are_no_labels(folder: Path) -> None:
    for file in (folder / "labels").iterdir():
        Image.open(file).convert("RGB").save(file)
    (folder / "classes.txt").write_text("sky\nsea\nsand\n")
    code, output = trained(folder)
    assert code == 1 and "is no label map: expected palette or grey, found RGB" in output
