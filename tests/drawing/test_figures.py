"""Figures fit a page, and nothing in them lies on anything else; read from the SVG itself."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner
from reader import Figure, read
from routes import check_nothing_overlaps, check_routes
from support import families

import archdsl
from archdsl.cli import main
from archdsl.viz.draw import COLOURS, DIRECTIONS, DrawOptions
from archdsl.viz.draw.figure import fitted
from archdsl.viz.draw.svg import svg_text

A4 = 595.0, 842.0


def figure(name: str, **options: object) -> Figure:
    svg = archdsl.load(name).draw(**options)
    assert svg is not None
    return read(svg)


def check_straight(points: Sequence[tuple[float, float]]) -> None:
    """No line leans, or has a step that looks like a mistake."""
    for (ax, ay), (bx, by) in pairwise(points):
        across, along = abs(ax - bx), abs(ay - by)
        assert min(across, along) <= 0.6, points
        assert not 0.6 < max(across, along) < 2, points


@pytest.mark.parametrize("name", families.specs())
def test_the_default_figure_is_a_page(name: str) -> None:
    fit, theme = fitted(archdsl.load(name).checked, DrawOptions())
    for edge in fit.page.placed.edges:
        check_straight(edge.points)
    check_routes(fit.page.placed)
    found = read(svg_text(fit, theme))
    long, short = max(found.width, found.height), min(found.width, found.height)
    assert long <= 1.6 * short + 0.2
    scale = min(A4[1] / long, A4[0] / short)
    smallest = min(text.size for text in [*found.free, *(text for text, _ in found.inside)])
    assert smallest * scale >= 7
    assert len(found.boxes) >= 4
    check_nothing_overlaps(found)
    assert all(
        area.x0 >= 0 and area.x1 <= found.width and area.y0 >= 0 and area.y1 <= found.height
        for area in [*found.boxes.values(), *(text.area for text in found.free)]
    )


@pytest.mark.parametrize("name", ["resnet18", "inception_v3", "unet", "fcos_resnet50_fpn"])
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("depth", [1, 9])
def test_nothing_overlaps_in_any_direction(name: str, direction: str, depth: int) -> None:
    check_nothing_overlaps(figure(name, depth=depth, direction=direction))


@pytest.mark.parametrize("direction", ["TB", "LR", "snake"])
@pytest.mark.parametrize("name", ["unet", "resnet18", "fcn_resnet50", "densenet121"])
def test_arrows_touch_what_they_point_at(name: str, direction: str) -> None:
    figure = read(archdsl.load(name).draw(depth=1 + (name != "unet"), direction=direction) or "")
    ends = [text.area for text in figure.free]
    assert len(figure.tips) > 5
    for x, y in figure.tips:
        touched = (
            (min(abs(x - area.x0), abs(x - area.x1)) < 1 and area.y0 - 1 < y < area.y1 + 1)
            or (min(abs(y - area.y0), abs(y - area.y1)) < 1 and area.x0 - 1 < x < area.x1 + 1)
            for area in figure.boxes.values()
        )
        near_an_end = (
            area.x0 - 9 < x < area.x1 + 9 and area.y0 - 12 < y < area.y1 + 9 for area in ends
        )
        assert any(touched) or any(near_an_end), (x, y)


def test_every_module_of_googlenet_is_a_box_and_opens_to_four_branches() -> None:
    """Szegedy et al. 2014, figure 2b: 1x1; 1x1 and 3x3; 1x1 and 5x5; pooling and 1x1."""
    closed = figure("googlenet", details="none")
    assert sum(text.words == "inception" for text, _ in closed.inside) == 9
    opened = figure("googlenet", expand=("inception",), details="none")
    assert len(opened.boxes) == len(closed.boxes) + 9 * 7  # six convolutions, pooling, concat
    check_nothing_overlaps(opened)


def test_googlenet_has_seven_stages() -> None:
    """Zhang et al., Dive into Deep Learning, figure 7.4.2: the input, five blocks, the head."""
    found = figure("googlenet", depth=1, details="none")
    assert len(found.boxes) == 7
    words = [text.words for text, _ in found.inside]
    sizes = ["64×56×56", "192×28×28", "480×14×14", "832×7×7", "1024×7×7", "1000"]
    assert set(sizes) <= set(words)


def test_patterns_close_what_is_open() -> None:
    """VGG-16 has five stages; around them are its input, three fc and the pooling before them."""
    found = figure("vgg16", depth=9, collapse=("vgg_stage",), details="none")
    assert len(found.boxes) == 1 + 5 + 4


def test_a_pattern_that_fits_nothing_is_told() -> None:
    with pytest.raises(archdsl.ArchError, match="no block is called like that"):
        archdsl.load("vgg16").draw(expand=("inception*",))


def test_without_fusing_every_layer_is_a_box() -> None:
    network = archdsl.load("lenet")
    assert len(figure("lenet", fuse=False).boxes) == len(network.graph)


@pytest.mark.parametrize("style", ["paper", "slide", "dark", "mono"])
@pytest.mark.parametrize("colour", COLOURS)
def test_styles_and_colours(style: str, colour: str) -> None:
    """A scale's ends are the least and the most: convolutions of LeNet see 5 pixels and more."""
    found = figure("lenet", style=style, colour=colour)
    check_nothing_overlaps(found)
    words = " ".join(text.words for text in found.free)
    told = {"category": "convolution", "params": "parameters: 156", "macs": "MACs:",
            "memory": "memory of outputs:", "receptive-field": "receptive field: 1 px"}  # fmt: skip
    assert told[colour] in words


def test_the_same_bytes_every_time() -> None:
    one, two = (archdsl.load("mobilenet_v3_large").draw() for _ in range(2))
    assert one == two


HOSTILE = ["<b>&amp;\"'", "a\nb", "שלום עולם", "🦊🦊", "x" * 300, "\u202eevil"]


@pytest.mark.parametrize("title", HOSTILE)
def test_hostile_titles_stay_on_the_page(title: str) -> None:
    found = figure("lenet", title=title)
    check_nothing_overlaps(found)
    assert all(text.area.x0 >= 0 and text.area.x1 <= found.width for text in found.free)


def test_a_font_cannot_break_out() -> None:
    svg = archdsl.load("lenet").draw(font="x'\"><script>")
    assert svg is not None
    assert "<script" not in svg
    assert "'xscript', " in svg


def test_the_command_takes_it_all(tmp_path: Path) -> None:
    target = tmp_path / "x.svg"
    words = ["draw", "googlenet", "-o", str(target), "--depth", "1", "--style", "dark"]
    words += ["--direction", "LR", "--colour", "macs", "--title", "Nine", "--no-legend"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    same = archdsl.load("googlenet").draw(
        depth=1, style="dark", direction="LR", colour="macs", title="Nine", legend=False
    )
    assert target.read_text() == same


def test_a_block_goes_by_the_last_part_of_its_path() -> None:
    network = archdsl.load("googlenet")
    assert network.draw(expand=("inception1",)) == network.draw(expand=("*inception1",))
    with pytest.raises(archdsl.ArchError, match="did you mean 'inception1'"):
        network.draw(expand=("incepton1",))


@pytest.mark.parametrize("name", ["googlenet", "resnet152", "vgg19", "mobilenet_v2"])
def test_a_slide_has_few_boxes_in_large_type(name: str) -> None:
    found = figure(name, style="slide")
    assert found.width / found.height == pytest.approx(16 / 9, abs=0.01)
    smallest = min(text.size for text in [*found.free, *(text for text, _ in found.inside)])
    assert smallest * 960 / found.width >= 13
    assert len(found.boxes) <= 13
    check_nothing_overlaps(found)


@pytest.mark.parametrize("name", ["googlenet_paper", "resnet34", "alexnet"])
def test_from_left_to_right_it_goes_on_in_the_next_row(name: str) -> None:
    found = figure(name, direction="LR", page="16:9", depth=9)
    assert found.width / found.height == pytest.approx(16 / 9, abs=0.01)
    assert min(A4) * 3 > found.height > 300  # one row of googlenet_paper is 19 times as wide
    check_nothing_overlaps(found)


@pytest.mark.parametrize(
    ("page", "shape"), [("4:3", 4 / 3), ("16:9", 16 / 9), ("120x80", 3 / 2), ("100x240", 5 / 12)]
)
def test_a_page_has_the_shape_that_is_asked_for(page: str, shape: float) -> None:
    found = figure("vgg16", page=page)
    assert found.width / found.height == pytest.approx(shape, abs=0.01)
    check_nothing_overlaps(found)


@pytest.mark.parametrize("page", ["letter", "0x5", "12", "1e3x2", "99999x1", "-1x5"])
def test_pages_that_are_none_are_told(page: str) -> None:
    with pytest.raises(archdsl.ArchError, match="there is no page"):
        archdsl.load("lenet").draw(page=page)
