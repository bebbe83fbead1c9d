"""The gallery in specs/README.md, and its pictures, are those of the specs."""

import json
import re
import xml.etree.ElementTree as ET

import gallery
import pictures
import pytest
from support.commands import run

import archdsl
from archdsl.frontend.bundled import spec_names

SVG = "{http://www.w3.org/2000/svg}"
RUN = "run python tests/specs/gallery.py"


def test_the_page_is_fresh() -> None:
    text = gallery.README.read_text(encoding="utf-8")
    assert gallery.written(text) == text, RUN


def test_the_chart_is_fresh() -> None:
    assert gallery.CHART.read_bytes() == gallery.accuracies(), RUN


def test_there_is_a_picture_for_every_spec() -> None:
    assert sorted(file.stem for file in pictures.FOLDER.glob("*.svg")) == spec_names(), RUN


@pytest.mark.parametrize("name", spec_names())
def test_pictures_are_fresh_and_small(name: str) -> None:
    assert pictures.is_fresh(archdsl.load(name)), RUN
    file = pictures.path(name)
    assert file.stat().st_size < 25_000
    root = ET.parse(file).getroot()
    assert name in [text.text for text in root.iter(f"{SVG}text")]
    assert root.find(f".//{SVG}script") is None


def test_the_whole_figure_is_fresh() -> None:
    whole = pictures.whole(archdsl.load(pictures.WHOLE.stem))
    assert pictures.WHOLE.read_text(encoding="utf-8") == whole, RUN


def test_a_changed_network_is_not_fresh() -> None:
    assert not pictures.is_fresh(archdsl.load("vgg16", classes=10))


def test_papers_hold_their_networks_together() -> None:
    """Grouped by the paper that a spec quotes, whatever else its first sentence says."""
    members = {
        paper.who: [e.name for e in paper.entries] for paper in gallery.papers(gallery.entries())
    }
    assert {"vgg11", "vgg16_conv1", "vgg19_bn"} <= set(members["Simonyan and Zisserman 2014"])
    assert {"lenet", "lenet5", "lenet_d2l"} <= set(members["LeCun et al. 1998"])
    assert members["Krizhevsky 2014"] == ["alexnet_torchvision"]
    assert members["Zeiler and Fergus 2013"] == ["zfnet"]
    resnets = members["He et al. 2015"]
    assert resnets.index("resnet34") < resnets.index("resnet101")


HOLE = re.compile(r"\S  +\S| [.,:;)]|[:,(] ?[.,:;)]|\b(?:of|as|by|with|from|in|after) ?[.,:;)]|\($")


@pytest.mark.parametrize(
    ("sentence", "left"),
    [
        ('A: He et al. 2015, "Deep", table 1', "A: table 1"),
        ('A: Zagoruyko and Komodakis 2016, "Wide Residual Networks"', "A"),
        ('A: the head of Chen et al. 2017, "R", figure 5, at 1/16', None),
        ('A on a pyramid, as Li et al. 2021 improve it: "Benchmarking"', None),
        ('A as "Dive" has it, after LeCun et al. 1998: sigmoids', 'A as "Dive" has it: sigmoids'),
        ('A has it, after LeCun et al. 1998, "G", figure 2', "A has it, after figure 2"),
        ('A: B 2015, "F", figure 2, by C et al. 2017, "P"', 'A: figure 2, by C et al. 2017, "P"'),
        ("A learns to tell classes apart", None),
    ],
)  # fmt: skip
def test_a_sentence_stays_whole_without_its_paper(sentence: str, left: str | None) -> None:
    assert gallery.without_paper(sentence) == (left or sentence)


def test_no_sentence_has_a_hole() -> None:
    for torn in ("as  improve it", "the head of , figure 5", "a size , b", "in one :", "by ."):
        assert HOLE.search(torn)
    page = gallery.README.read_text(encoding="utf-8").partition(gallery.START)[2]
    headings = [line.strip("# ") for line in page.splitlines() if line.startswith("#")]
    cells = [
        cell.strip()
        for line in page.splitlines()
        if line.startswith("| [")
        for cell in re.split(r"(?<!\\)\|", line.strip("| "))
    ]
    pictured = re.findall('alt="([^"]*)"', page)
    specs = json.loads(run("specs", "--json").stdout)["specs"]
    told = [value for row in specs for value in row.values() if isinstance(value, str)]
    assert len(cells) > 6 * len(spec_names()) and len(pictured) == len(spec_names())
    assert [text for text in (*headings, *cells, *pictured, *told) if HOLE.search(text)] == []
