"""The figure of a difference: both networks in one diagram, with marks for what changed."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner

import archdsl
from archdsl.analysis.diff import Status, difference
from archdsl.cli import main
from archdsl.viz.diff import picture
from archdsl.viz.diff.merge import Merger
from archdsl.viz.draw import DrawOptions, diagram_of
from archdsl.viz.draw.collapse import Levels
from archdsl.viz.draw.diagram import Box, ChangeMark, Cluster, Diagram

SVG = "{http://www.w3.org/2000/svg}"


def merged(before: str, after: str, depth: int | None = None, *, fold: bool = True) -> Diagram:
    networks = [archdsl.load(text).checked for text in (before, after)]
    merger = Merger(*networks, difference(*networks), fold=fold, fuse=True)
    return merger.diagram(Levels(depth))


def marked(diagram: Diagram, mark: ChangeMark | None) -> list[Box]:
    return [box for box in diagram.root.boxes() if box.mark is mark]


def around(diagram: Diagram, box: Box) -> Cluster:
    parts = [diagram.root, *diagram.root.walk()]
    return next(c for c in parts if isinstance(c, Cluster) and box in c.children)


def test_what_was_added_is_marked() -> None:
    """Simonyan and Zisserman 2014, table 1, columns D and E: three convolutions more."""
    diagram = merged("vgg16", "vgg19")
    added = marked(diagram, ChangeMark.ADDED)
    assert [box.title for box in added] == [f"3×3 conv, {n}" for n in (256, 512, 512)]
    assert not marked(diagram, ChangeMark.REMOVED) and not marked(diagram, ChangeMark.CHANGED)
    names = {box.id for box in added}
    for edge in diagram.edges:
        new = bool(names & {edge.source, edge.target})
        assert edge.mark is (ChangeMark.ADDED if new else None)


NAMELESS = """using net_type = fc<10,repeat<{},residual<compose<relu,con<16,3,3,1,1>>>,
    con<16,7,7,2,2,input<3,32,32>>>>;"""


def test_equal_blocks_without_a_name_are_one_frame() -> None:
    """Three sums and convolutions of both networks, and three of the one after."""
    for few, many, mark in ((3, 6, ChangeMark.ADDED), (6, 3, ChangeMark.REMOVED)):
        diagram = merged(NAMELESS.format(few), NAMELESS.format(many))
        frames = [(frame.title, frame.times, frame.mark) for frame in diagram.root.frames()]
        assert frames == [("residual", 3, None), ("residual", 3, mark)]
        assert [box.mark for box in diagram.root.boxes()] == [None] * 4 + [mark] * 2 + [None]


def test_a_block_without_a_name_that_is_there_once_has_no_frame() -> None:
    diagram = merged(NAMELESS.format(1), NAMELESS.format(2))
    assert not list(diagram.root.frames())
    assert len(list(diagram.root.boxes())) == 7


def test_what_is_gone_stands_where_it_was() -> None:
    diagram = merged("vgg19", "vgg16")
    gone = marked(diagram, ChangeMark.REMOVED)
    assert [box.title for box in gone] == [f"3×3 conv, {n}" for n in (256, 512, 512)]
    for box in gone:
        inside = around(diagram, box).children
        place = inside.index(box)
        before, behind = inside[place - 1], inside[place + 1]
        assert isinstance(before, Box) and isinstance(behind, Box)
        assert before.title == box.title and "pool" in behind.title
        lines = {(e.source, e.target): e.mark for e in diagram.edges}
        assert lines[before.id, box.id] is lines[box.id, behind.id] is ChangeMark.REMOVED
        assert lines[before.id, behind.id] is None  # in both networks, if through other layers


def test_equal_blocks_are_drawn_once_but_apart_from_those_added() -> None:
    """He et al. 2015, table 1: 6 blocks or 23 in conv4_x, the first of another kind."""
    for names, mark in (
        (("resnet50", "resnet101"), ChangeMark.ADDED),
        (("resnet101", "resnet50"), ChangeMark.REMOVED),
    ):
        diagram = merged(*names, depth=2)
        (box,) = marked(diagram, mark)
        assert box.times == 17
        inside = [c for c in around(diagram, box).children if isinstance(c, Box)]
        assert [(c.title, c.times) for c in inside[1:]] == [(box.title, 5), (box.title, 17)]
        assert not marked(diagram, ChangeMark.CHANGED)


def test_what_changed_says_what_it_was() -> None:
    diagram = merged("resnet50", "wide_resnet50_2", depth=1)
    changed = marked(diagram, ChangeMark.CHANGED)
    assert len(changed) == 4
    assert changed[0].details[-1] == "was bottleneck_stage<3,64,1>"
    changed = marked(merged("googlenet", "googlenet_paper"), ChangeMark.CHANGED)
    (pool,) = (box for box in changed if "was 2×2 max pool, /2" in box.details)
    assert pool.shape == "832×7×7"


def test_a_layer_that_a_box_lost() -> None:
    spec = "fc<10,relu<{}con<8,3,3,1,1,input<3,8,8>>>{}"
    diagram = merged(spec.format("bn_con<", ">>"), spec.format("", ">"))
    (box,) = marked(diagram, ChangeMark.CHANGED)
    assert box.details == ("relu", "no batch norm")


def test_blocks_are_open_whose_parts_stand_alone_in_the_other_network() -> None:
    """googlenet has stages, bn_inception has their blocks beside each other."""
    diagram = merged("googlenet", "bn_inception", depth=1)
    titles = [box.title for box in marked(diagram, ChangeMark.REMOVED)]
    # Nine blocks and two poolings become eight blocks and two reductions.
    assert titles == ["3×3 max pool, /2", "2×2 max pool, /2", "inception"]
    assert not any("stage" in line for box in diagram.root.boxes() for line in box.details)


@pytest.mark.parametrize("name", ["resnet18", "googlenet", "mobilenet_v3_small", "densenet121"])
def test_equal_networks_are_drawn_as_one(name: str) -> None:
    diagram = merged(name, name)
    assert not any(box.mark for box in diagram.root.boxes())
    assert not any(edge.mark for edge in diagram.edges)
    plain = diagram_of(archdsl.load(name).checked, fold=False)
    whole = merged(name, name, fold=False)
    assert [b.id for b in whole.root.boxes()] == [b.id for b in plain.root.boxes()]
    assert [(e.source, e.target) for e in whole.edges] == [
        (e.source, e.target) for e in plain.edges
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("alexnet", "vgg11"),
        ("mobilenet_v2", "mobilenet_v3_large"),
        ("unet", "deeplabv3_resnet50"),
        ("densenet121", "densenet169"),
        ("resnet50", "densenet121"),
        ("faster_rcnn_resnet50_fpn", "mask_rcnn_resnet50_fpn"),
        ("mask_rcnn_resnet50_fpn", "faster_rcnn_resnet50_fpn"),
        ("inception_v3", "inception_v4"),
    ],
)
@pytest.mark.parametrize("depth", [1, 2, None])
def test_every_layer_is_drawn_and_lines_lead_on(before: str, after: str, depth: int | None) -> None:
    networks = [archdsl.load(name).checked for name in (before, after)]
    found = difference(*networks)
    diagram = Merger(*networks, found, fold=False, fuse=True).diagram(Levels(depth))
    names = [part.id for part in (diagram.root, *diagram.root.walk())]
    assert len(names) == len(set(names))
    order = {box.id: place for place, box in enumerate(diagram.root.boxes())}
    assert all(order[edge.source] < order[edge.target] for edge in diagram.edges)
    # Nothing is left without a line but inputs and what only gives outputs.
    connected = {name for edge in diagram.edges for name in (edge.source, edge.target)}
    assert connected == set(order)
    counts = found.counts()
    assert bool(marked(diagram, ChangeMark.ADDED)) <= bool(counts[Status.ADDED])
    if depth is None:
        heads = {c.before.path for c in found.root.layers() if c.before and not c.after}
        gone = {box.id.removesuffix(" (removed)") for box in marked(diagram, ChangeMark.REMOVED)}
        assert gone <= heads
    end = diagram.root.children[-1]
    assert end in diagram.ends and end.mark is None


def test_an_output_that_is_gone() -> None:
    text = """
        template <typename SUBNET> using head = fc<10,SUBNET>;
        using net_type = fc<5,relu<branch<side,head,{}<input<3,8,8>>>>>;
    """
    diagram = merged(text.format("relu"), "fc<5,relu<relu<input<3,8,8>>>>")
    ends = [end for end in diagram.ends if end.mark is ChangeMark.REMOVED]
    assert [end.title for end in ends] == ["side 10"]
    (gone,) = marked(diagram, ChangeMark.REMOVED)
    assert ends[0].source == gone.id


def test_formats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    starts = {"svg": b"<svg", "png": b"\x89PNG", "pdf": b"%PDF"}
    for suffix, start in starts.items():
        done = CliRunner().invoke(main, ["diff", "vgg11", "vgg13", "-o", f"out.{suffix}"])
        assert done.exit_code == 0
        assert Path(f"out.{suffix}").read_bytes().startswith(start)
    root = ET.parse("out.svg").getroot()
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert "vgg11 → vgg13" in texts and "added" in texts
    done = CliRunner().invoke(main, ["diff", "vgg11", "vgg13", "-o", "out.gif"])
    assert done.exit_code == 1 and not Path("out.gif").exists()
    assert ".svg, .png, .pdf" in done.stderr


def test_every_style_has_marks() -> None:
    networks = [archdsl.load(name).checked for name in ("vgg11", "vgg13")]
    found = difference(*networks)
    pictures = {
        picture(*networks, found, ".svg", DrawOptions(style=style))
        for style in ("paper", "slide", "dark", "mono")
    }
    assert len(pictures) == 4


def test_the_same_figure_in_every_process() -> None:
    """Digests of parts differ from process to process, what they decide does not."""
    script = (
        "import archdsl, sys\n"
        "from archdsl.analysis.diff import difference\n"
        "from archdsl.viz.diff import picture\n"
        "from archdsl.viz.draw import DrawOptions\n"
        "nets = [archdsl.load(n).checked for n in ('googlenet', 'bn_inception')]\n"
        "sys.stdout.buffer.write(picture(*nets, difference(*nets), '.svg', DrawOptions()))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1 and b"<svg" in outputs.pop()


def test_a_block_of_many_numbers_says_which_changed() -> None:
    spec = """template <int A, int B, int C, int D, typename SUBNET>
        using two = con<D,C,C,1,1,con<A,B,B,1,1,SUBNET>>;
        using net_type = fc<10,two<8,3,{},16,max_pool<2,2,2,2,input<3,8,8>>>>;"""
    diagram = merged(spec.format(1), spec.format(3), depth=1)
    (box,) = [each for each in marked(diagram, ChangeMark.CHANGED) if each.block]
    assert box.title == "two" and box.details[-1] == "was C = 1"
