"""The chart of ``archdsl compare --plot``: places, areas and words of its bubbles."""

import itertools
import json
import math
import subprocess
import sys
import xml.etree.ElementTree as ET
from functools import partial
from pathlib import Path

import pytest
from support import commands

from archdsl.viz.chart import ChartPoint, chart
from archdsl.viz.chart.plan import FRAME, planned

SVG = "{http://www.w3.org/2000/svg}"
FIGURE_2 = ["alexnet", "vgg16", "vgg19", "googlenet_paper", "resnet18", "resnet34", "resnet50",
            "resnet101", "resnet152", "inception_v3", "inception_v4"]  # fmt: skip

compare = partial(commands.run, "compare")


def bubbles(svg: bytes) -> dict[str, tuple[float, float, float]]:
    """Centre and radius of every network's bubble."""
    found = {}
    for group in ET.fromstring(svg).iterfind(f".//{SVG}g[@class='network']"):
        circle = group.find(f"{SVG}circle")
        assert circle is not None
        x, y, radius = (float(circle.attrib[key]) for key in ("cx", "cy", "r"))
        found[group.findtext(f"{SVG}title") or ""] = (x, y, radius)
    return found


def texts(svg: bytes, where: str = "") -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iterfind(f".//{SVG}text{where}")]


def points(count: int) -> list[ChartPoint]:
    """Networks all over the place."""
    return [
        ChartPoint(f"net{n}", (n * 7919 % 97) * 10**8, 55 + n * 31 % 29, 10**5 * (1 + n * n))
        for n in range(count)
    ]


def test_places_are_the_networks_figures(tmp_path: Path) -> None:
    """Canziani et al. 2016, figure 2: operations to the right, accuracy upwards."""
    done = compare(*FIGURE_2, "--plot", tmp_path / "out.svg", "--json")
    assert done.exit_code == 0, done.output
    specs = json.loads(done.stdout)["specs"]
    found = bubbles((tmp_path / "out.svg").read_bytes())
    assert set(found) == set(FIGURE_2)
    for one, two in itertools.permutations(specs, 2):
        (x1, y1, r1), (x2, y2, r2) = found[one["name"]], found[two["name"]]
        assert (x1 < x2) == (one["macs"] < two["macs"])
        assert (y1 > y2) == (one["top1"] < two["top1"])  # y of an SVG grows downwards
        assert (r1 / r2) ** 2 == pytest.approx(one["params"] / two["params"], rel=0.002)


def test_distances_are_linear_from_zero_operations() -> None:
    points = [
        ChartPoint("a", 10**9, 60, 5),
        ChartPoint("b", 3 * 10**9, 70, 5),
        ChartPoint("c", 4 * 10**9, 90, 5),
        ChartPoint("zero", 0, 60, 5),
    ]
    found = bubbles(chart(points))
    x = {name: place[0] - found["zero"][0] for name, place in found.items()}
    y = {name: found["zero"][1] - place[1] for name, place in found.items()}
    assert x["b"] == pytest.approx(3 * x["a"], abs=0.01)
    assert x["c"] == pytest.approx(4 * x["a"], abs=0.01)
    assert y["c"] == pytest.approx(3 * y["b"], abs=0.01)


def test_ticks_are_where_their_values_are() -> None:
    plan = planned(points(20))
    (one, two, *_) = sorted(plan.bubbles, key=lambda bubble: bubble.point.macs)
    per_giga = (two.circle.x - one.circle.x) / ((two.point.macs - one.point.macs) / 1e9)
    for tick in plan.across:
        expected = one.circle.x + (float(tick.text) - one.point.macs / 1e9) * per_giga
        assert tick.at == pytest.approx(expected, abs=0.01)
    assert 4 <= len(plan.across) <= 10 and 4 <= len(plan.up) <= 10


def test_the_legend_is_the_papers() -> None:
    svg = chart([ChartPoint("a", 10**9, 60, 144_000_000)])
    legend = ET.fromstring(svg).find(f".//{SVG}g[@class='legend']")
    assert legend is not None
    radii = [float(circle.attrib["r"]) for circle in legend.iter(f"{SVG}circle")]
    sizes = [5, 35, 65, 95, 125, 155]
    assert [text.text for text in legend.iter(f"{SVG}text")][2:] == [str(size) for size in sizes]
    radius = bubbles(svg)["a"][2]
    for size, other in zip(sizes, radii, strict=True):
        assert (other / radius) ** 2 == pytest.approx(size / 144, rel=0.002)


@pytest.mark.parametrize("parameters", [0, 100, 10**6, 10**9, 7 * 10**10])
def test_the_legend_covers_any_size(parameters: int) -> None:
    plan = planned([ChartPoint("a", 10**9, 60, parameters)])
    assert float(plan.sizes[-1][1]) >= parameters / 1e6
    assert len(plan.sizes) <= 6
    assert plan.bubbles[0].circle.radius <= plan.sizes[-1][0].radius


@pytest.mark.parametrize("count", [1, 2, 15, 60])
def test_bubbles_stay_inside_the_frame(count: int) -> None:
    for bubble in planned(points(count)).bubbles:
        x, y, radius = bubble.circle
        assert FRAME.left < x - radius and x + radius < FRAME.right
        assert FRAME.top < y - radius and y + radius < FRAME.bottom


def test_labels_do_not_lie_on_each_other(tmp_path: Path) -> None:
    names = [*FIGURE_2, "mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large", "squeezenet1_0",
             "densenet121", "densenet201", "xception"]  # fmt: skip
    documents = json.loads(compare(*names, "--json").stdout)["specs"]
    plan = planned([ChartPoint(d["name"], d["macs"], d["top1"], d["params"]) for d in documents])
    boxes = [bubble.label.box for bubble in plan.bubbles]
    assert all(one.common(two) == 0 for one, two in itertools.combinations(boxes, 2))
    assert all(box.common(FRAME) == pytest.approx(box.area) for box in boxes)


_CAPITALS = 0.716
"""Height of Arial's capitals over its size, by its OS/2 table."""


def is_beside(text: ET.Element, y: float) -> None:
    """The capitals of a text are as far above a height as below it."""
    size = float(text.attrib.get("font-size", "11"))
    assert float(text.attrib["y"]) - y == pytest.approx(size * _CAPITALS / 2, abs=1)


def test_words_stand_where_their_boxes_are() -> None:
    plan = planned(points(20))
    root = ET.fromstring(chart(points(20)))
    labels = {e.text: e for e in root.iterfind(f".//{SVG}text[@class='label']")}
    for bubble in plan.bubbles:
        box, text = bubble.label.box, labels[bubble.point.name]
        assert float(text.attrib["x"]) == pytest.approx((box.left + box.right) / 2, abs=0.01)
        assert text.attrib["text-anchor"] == "middle"
        is_beside(text, (box.top + box.bottom) / 2)


def test_words_of_the_axes_stand_at_their_lines() -> None:
    plan = planned(points(20))
    grid = ET.fromstring(chart(points(20))).findall(f"{SVG}g")[0]
    lines = [{k: float(v) for k, v in e.attrib.items()} for e in grid.iter(f"{SVG}line")]
    words = list(grid.iter(f"{SVG}text"))
    assert [text.text for text in words] == [tick.text for tick in (*plan.across, *plan.up)]
    for line, text in zip(lines, words, strict=True):
        x, y = float(text.attrib["x"]), float(text.attrib["y"])
        if line["x1"] == line["x2"]:
            assert (line["y1"], line["y2"]) == (FRAME.top, FRAME.bottom)
            assert x == line["x1"] and FRAME.bottom + 8 < y < FRAME.bottom + 30
            assert text.attrib["text-anchor"] == "middle"
        else:
            assert (line["x1"], line["x2"]) == (FRAME.left, FRAME.right)
            is_beside(text, line["y1"])
            assert FRAME.left - 20 < x < FRAME.left and text.attrib["text-anchor"] == "end"


def test_words_of_the_legend_stand_beside_its_circles() -> None:
    root = ET.fromstring(chart([ChartPoint("a", 10**9, 60, 144_000_000)]))
    legend = root.find(f".//{SVG}g[@class='legend']")
    assert legend is not None
    circles = [
        {k: float(e.attrib[k]) for k in ("cx", "cy", "r")} for e in legend.iter(f"{SVG}circle")
    ]
    heading, *sizes = list(legend.iter(f"{SVG}text"))[1:]
    for circle, text in zip(circles, sizes, strict=True):
        is_beside(text, circle["cy"])
        assert float(text.attrib["x"]) > circle["cx"] + circle["r"]
    tops = [circle["cy"] - circle["r"] for circle in circles]
    bottoms = [circle["cy"] + circle["r"] for circle in circles]
    assert min(tops) > float(heading.attrib["y"]) and max(bottoms) < FRAME.bottom
    assert all(above < below for above, below in zip(bottoms, tops[1:], strict=False))


def test_a_name_is_near_its_bubble_or_tied_to_it() -> None:
    # So many names at one place that some are far away.
    crowd = planned([ChartPoint(f"network{n}", 10**9 + n, 60, 10**6) for n in range(30)])
    tied = [bubble for bubble in crowd.bubbles if bubble.label.line is not None]
    assert tied
    for bubble in tied:
        (x, y, radius), box, line = bubble.circle, bubble.label.box, bubble.label.line
        assert line is not None
        assert math.dist((x, y), line[:2]) == pytest.approx(radius)
        assert box.holds(*line[2:]) and math.dist((x, y), line[2:]) > radius
    for bubble in crowd.bubbles:
        if bubble.label.line is None:  # near enough to be taken for its own
            (x, y, radius), box = bubble.circle, bubble.label.box
            nearest = min(max(x, box.left), box.right), min(max(y, box.top), box.bottom)
            assert math.dist((x, y), nearest) < radius + 8


def test_equal_networks_give_equal_bytes() -> None:
    assert chart(points(12)) == chart(points(12)) == chart(points(12)[::-1])


@pytest.mark.parametrize(
    "name", ['<script>alert("x")</script>', '"><g onload="x">', "a\x00b\x1b[31m", "&amp;&#x0;", ""]
)
def test_a_hostile_name_stays_text(name: str) -> None:
    svg = chart([ChartPoint(name, 10**9, 60, 10**6), ChartPoint("b", 2 * 10**9, 70, 10**6)])
    root = ET.fromstring(svg)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "title", "desc", "rect", "g", "line", "circle", "text",
    }  # fmt: skip
    assert not any(key.startswith("on") for element in root.iter() for key in element.attrib)
    seen = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
    assert sorted(texts(svg, "[@class='label']")) == sorted([seen, "b"])


def test_networks_without_an_accuracy_are_named(tmp_path: Path) -> None:
    done = compare("vgg16", "vgg16_bn", "unet", "--plot", tmp_path / "out.svg")
    assert done.exit_code == 0
    assert "vgg16_bn, unet" in done.stderr
    assert set(bubbles((tmp_path / "out.svg").read_bytes())) == {"vgg16"}
    assert "138,357,544" in done.stdout


def test_nothing_to_plot_is_an_error(tmp_path: Path) -> None:
    done = compare("unet", "vgg16_bn", "--plot", tmp_path / "out.svg", "--json")
    assert done.exit_code == 1
    assert "none of these networks has a reported accuracy" in done.stderr
    assert list(json.loads(done.stdout)) == ["errors"]
    assert not (tmp_path / "out.svg").exists()


def test_other_suffixes_are_refused(tmp_path: Path) -> None:
    done = compare("vgg16", "--plot", tmp_path / "out.png")
    assert done.exit_code == 1
    assert ".svg" in done.stderr
    assert not (tmp_path / "out.png").exists()


def test_a_bubble_says_what_it_is() -> None:
    svg = chart([ChartPoint("vgg16", 15_470_264_320, 73.0, 138_357_544)])
    assert ET.fromstring(svg).findtext(f".//{SVG}desc") == (
        "15.5 billion multiply-accumulates, 73% top-1, 138 million parameters"
    )
    x, y, radius = bubbles(svg)["vgg16"]
    assert math.isfinite(x + y + radius)


def test_comparing_loads_no_more_than_it_needs(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom archdsl.cli import main\n"
        "main(['compare', 'lenet'], standalone_mode=False)\n"
        "assert 'archdsl.backends.formats' not in sys.modules\n"
        "main(['compare', 'vgg16', '--plot', 'out.svg'], standalone_mode=False)\n"
        "assert not {'torch', 'matplotlib', 'numpy'} & set(sys.modules)\n"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(root)!r})\n{code}"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
