"""What is wrong in a COCO file is said of the annotation that has it, in its own words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from shapes import SPEC
from support.commands import run

from archdsl.training.data import Sample, split

SIDE = 64
Document = dict[str, Any]


def document() -> Document:
    """Four pictures with an object each, of two categories."""
    numbers = range(4)
    return {
        "images": [
            {"id": n, "file_name": f"{n}.png", "width": SIDE, "height": SIDE} for n in numbers
        ],
        "annotations": [
            {"id": 70 + n, "image_id": n, "category_id": 5, "bbox": [5, 5, 30, 30]} for n in numbers
        ],
        "categories": [{"id": 5, "name": "cat"}, {"id": 9, "name": "dog"}],
    }


def told(folder: Path, content: object, *options: object) -> tuple[int, str]:
    for n in range(4):
        Image.new("RGB", (SIDE, SIDE), (60 * n, 0, 99)).save(folder / f"{n}.png")
    (folder / "small.arch").write_text(SPEC.replace("detect<4", "detect<3"))
    file = folder / "coco.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    result = run(
        "train", folder / "small.arch", "--data", file, "-o", folder / "run", "--epochs", 1,
        *options,
    )  # fmt: skip
    return result.exit_code, result.output


def changed(name: str, value: object) -> Callable[[Document], None]:
    """Changes a fact of the second annotation."""
    return lambda content: content["annotations"][1].update({name: value})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (changed("category_id", 6), "annotation 71 is of category 6, which is none of 5, 9"),
        (changed("image_id", 99), "annotation 71 is of image 99, which is not among the images"),
        (changed("bbox", [1, 2, 3]), "annotation 71 has the bbox [1, 2, 3]: expected x, y, width"),
        (changed("bbox", list("abcd")), "annotation 71 has the bbox ['a', 'b', 'c', 'd']"),
        (
            changed("bbox", [64, 2, 9, 9]),
            "annotation 71 has a bbox outside of its picture of 64×64",
        ),
        (lambda content: content["annotations"][1].pop("bbox"), "something has no 'bbox'"),
        (lambda content: content.pop("categories"), "something has no 'categories'"),
        (lambda content: content.update(images=[1, 2]), "lists of objects with numbers"),
        (lambda content: content.update(annotations=[]), "no pictures with objects"),
    ],
)
def test_faults_are_named(change: Callable[[Document], object], words: str, tmp_path: Path) -> None:
    content = document()
    change(content)
    code, output = told(tmp_path, content)
    assert code == 1 and words in output, output


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is not a COCO file of objects"),
        ("[1, 2]", "lists of objects with numbers"),
        ("\x00", "is not a COCO file of objects"),
    ],
)
def test_other_files_are_refused(content: str, words: str, tmp_path: Path) -> None:
    code, output = told(tmp_path, content)
    assert code == 1 and words in output, output


def test_pictures_that_are_not_there(tmp_path: Path) -> None:
    content = document()
    for each in content["images"]:
        each["file_name"] = "nowhere.png"
    code, output = told(tmp_path, content, "--skip-broken")
    assert code == 1 and "none of the pictures can be read" in output and "nowhere.png" in output


def test_a_picture_that_is_held_out_and_not_there_is_left_out(tmp_path: Path) -> None:
    """The other one that is held out is measured, and drawn at the end."""
    content = document()
    _, held_out = split([Sample(n, None) for n in range(4)], 0.5, 0)
    content["images"][held_out[0].picture]["file_name"] = "nowhere.png"
    code, output = told(tmp_path, content, "--skip-broken", "--split", "0.5")
    assert code == 0, output
    assert "left out: cannot read" in output and "nowhere.png" in output
    assert len(list((tmp_path / "run" / "pictures").iterdir())) == 1


@pytest.mark.parametrize(
    ("spec", "data", "words"),
    [
        ("lenet", "coco.json", "learns from a folder of pictures for each class"),
        ("small.arch", ".", "learns from a COCO file of objects (.json)"),
        ("small.arch", "torchvision:CIFAR10", "learns from a COCO file of objects (.json)"),
    ],
)
def test_each_kind_of_network_has_its_form_of_pictures(
    spec: str, data: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told(tmp_path, "{")
    found = run("train", spec, "--data", data, "-o", "run")
    assert found.exit_code == 1 and words in found.output
