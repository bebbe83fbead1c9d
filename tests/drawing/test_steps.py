"""A figure in steps for a talk: one part more in each picture, and nothing moves."""

import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner
from reader import read

import archdsl
from archdsl.cli import main
from archdsl.viz.draw import draw_steps


@pytest.mark.parametrize("name", ["alexnet", "resnet18", "faster_rcnn_vgg16", "unet"])
def test_each_step_has_more_in_the_same_places(name: str) -> None:
    network = archdsl.load(name)
    steps = [step.decode() for step in draw_steps(network.checked)]
    assert steps[-1] == network.draw()
    figures = [read(step) for step in steps]
    assert len(figures) > 3 and len(figures[0].boxes) >= 1
    for fewer, more in pairwise(figures):
        assert (fewer.width, fewer.height) == (more.width, more.height)
        assert fewer.boxes.items() < more.boxes.items()
        assert set(fewer.tips) <= set(more.tips)


def test_no_arrow_leads_to_what_is_not_there_yet() -> None:
    """AlexNet is a chain: with so many boxes it has an arrow less, and one more to its output."""
    *steps, whole = [read(step.decode()) for step in draw_steps(archdsl.load("alexnet").checked)]
    assert [len(step.tips) for step in steps] == [len(step.boxes) - 1 for step in steps]
    assert len(whole.tips) == len(whole.boxes)


def test_the_command_numbers_its_files(tmp_path: Path) -> None:
    words = ["draw", "lenet", "-o", str(tmp_path / "lenet.svg"), "--steps"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    steps = draw_steps(archdsl.load("lenet").checked)
    files = [tmp_path / f"lenet-{number + 1}.svg" for number in range(len(steps))]
    assert sorted(tmp_path.iterdir()) == sorted(files)
    assert [file.read_bytes() for file in files] == steps


@pytest.mark.parametrize("words", [["-o", "x.html"], ["--style", "volumes"], ["--engine", "dot"]])
def test_what_has_no_steps_is_told(words: list[str], tmp_path: Path, monkeypatch: object) -> None:
    done = CliRunner().invoke(main, ["draw", "lenet", "--steps", *words])
    assert done.exit_code == 1
    assert "steps" in done.output


def test_groups_have_ids_and_classes_for_slides() -> None:
    """A box goes by the path of its first layer, its kind, and what it does."""
    root = ET.fromstring(archdsl.load("alexnet").draw(title="A <b> & more") or "")
    groups = [g for g in root.iter("{http://www.w3.org/2000/svg}g") if "id" in g.attrib]
    names = [g.attrib["id"] for g in groups]
    assert len(names) == len(set(names)) > 8
    assert all(re.fullmatch(r"[\w.-]+", name) for name in names)
    first = next(g for g in groups if g.attrib["id"].endswith("conv1"))
    assert first.attrib["class"] == "layer convolution con"
