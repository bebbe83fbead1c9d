"""Volumes are to the scale that their caption states, say what the network says, and fit a page.

The reader of figures here knows SVG and the meaning of its classes, and nothing of archdsl.
"""

import itertools
import json
import math
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner
from font_widths import font

import archdsl
from archdsl.cli import main
from archdsl.ir.network import Network
from archdsl.viz.draw import draw

SVG = "{http://www.w3.org/2000/svg}"
CLASSIFIERS = (
    *("lenet", "lenet5", "alexnet", "alexnet_paper", "zfnet", "vgg11", "vgg13", "vgg16", "vgg19"),
    *("nin", "googlenet", "inception_v3", "resnet18", "resnet50", "resnet152", "densenet121"),
    *("mobilenet_v2", "mobilenet_v3_large", "xception", "efficientnet_v2_m", "convnext_tiny"),
)
OTHERS = ("vit_b_16", "fcn_resnet50", "deeplabv3_resnet50", "lraspp_mobilenet_v3_large", "unet")
NETWORKS = (*CLASSIFIERS, *OTHERS, "yolo_v2")
A4_WIDTH = 595.28
"""Points."""


def volumes(checked: Network, **options: Any) -> bytes:
    return draw(checked, ".svg", style="volumes", **options)


class Rectangle(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Rectangle", room: float = 0.0) -> bool:
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return across > room and down > room


class Block(NamedTuple):
    """A slice: its front, and where its back is."""

    front: Rectangle
    side: tuple[tuple[float, float], ...]

    @property
    def away(self) -> tuple[float, float]:
        xs, ys = zip(*self.side, strict=True)
        return max(xs) - min(xs), max(ys) - min(ys) - (self.front.bottom - self.front.top)


@dataclass
class Volume:
    title: str
    description: str
    slices: list[Block]
    whole: Rectangle
    lines: list[str]
    texts: list[Rectangle]
    shortcuts: list[bool]
    """Whether each arc is dashed."""
    image: bool

    @property
    def shape(self) -> list[int]:
        return [int(size) for size in self.lines[0].split("×")]


@dataclass
class Figure:
    width: float
    height: float
    volumes: list[Volume]
    windows: list[tuple[tuple[float, float], ...]]
    jumps: list[bool]
    words: list[Rectangle]
    caption: str
    smallest: float


def rectangle(points: list[tuple[float, float]]) -> Rectangle:
    xs, ys = zip(*points, strict=True)
    return Rectangle(min(xs), min(ys), max(xs), max(ys))


def points(polygon: ET.Element) -> list[tuple[float, float]]:
    return [tuple(map(float, pair.split(","))) for pair in polygon.attrib["points"].split()]  # type: ignore[misc]


def covered(text: ET.Element) -> Rectangle:
    """What a text covers, by the font itself."""
    size = float(text.get("font-size", "11"))
    bold = text.get("font-weight") == "bold"
    width = font(bold).getlength(text.text or "") / 2048 * size
    x, y = float(text.attrib["x"]), float(text.attrib["y"])
    left = x - width / 2 if text.get("text-anchor") == "middle" else x
    return Rectangle(left, y - 0.72 * size, left + width, y + 0.21 * size)


def read(svg: bytes) -> Figure:
    root = ET.fromstring(svg)
    groups = [g for g in root.iter(f"{SVG}g") if g.get("class") == "volume"]
    labels = [g for g in root.iter(f"{SVG}g") if g.get("class") == "label"]
    polygons = list(root.iter(f"{SVG}polygon"))
    texts = list(root.iter(f"{SVG}text"))
    own = {text for label in labels for text in label.iter(f"{SVG}text")}
    return Figure(
        float(root.attrib["width"]),
        float(root.attrib["height"]),
        [volume(group, label) for group, label in zip(groups, labels, strict=True)],
        [tuple(points(p)) for p in polygons if p.get("class") == "window"],
        ["stroke-dasharray" in p.attrib for p in root if p.get("class") == "jump"],
        [covered(text) for text in texts],
        " ".join(text.text or "" for text in texts if text not in own),
        min(float(text.get("font-size", root.attrib["font-size"])) for text in texts),
    )


def volume(group: ET.Element, label: ET.Element) -> Volume:
    parts = [(p.get("class"), points(p)) for p in group.iter(f"{SVG}polygon")]
    fronts = [rectangle(p) for name, p in parts if name == "front"]
    sides = [tuple(p) for name, p in parts if name == "side"]
    texts = list(label.iter(f"{SVG}text"))
    return Volume(
        group.findtext(f"{SVG}title") or "",
        group.findtext(f"{SVG}desc") or "",
        [Block(*pair) for pair in zip(fronts, sides, strict=True)],
        rectangle([p for name, ps in parts if name != "head" for p in ps]),
        [(text.text or "").replace("\N{NO-BREAK SPACE}", " ") for text in texts],
        [covered(text) for text in texts],
        ["stroke-dasharray" in p.attrib for p in group.iter(f"{SVG}path")],
        any(name == "picture" for name, _ in parts),
    )


@cache
def network(name: str) -> archdsl.Network:
    return archdsl.load(name)


@cache
def figure(name: str) -> Figure:
    return read(volumes(network(name).checked))


def shapes(name: str) -> list[str]:
    return [volume.lines[0] for volume in figure(name).volumes]


# ---- what papers say ----


def test_lenet5_is_figure_2_of_lecun_et_al() -> None:
    """INPUT 32x32, C1 6@28x28, S2 6@14x14, C3 16@10x10, S4 16@5x5, C5 120, F6 84, OUTPUT 10."""
    expected = ["1×32×32", "6×28×28", "6×14×14", "16×10×10", "16×5×5", "120×1×1", "84", "10"]
    assert shapes("lenet5") == expected


def test_alexnet_is_figure_2_of_krizhevsky_et_al() -> None:
    """Filters and strides of section 3.5, on both GPUs together; sizes of figure 2."""
    found = figure("alexnet_paper").volumes
    boxes = [v for v in found if len(v.shape) == 3 and "conv" in v.title]
    assert [v.shape[:2] for v in boxes] == [[96, 55], [256, 27], [384, 13], [256, 13]]
    assert " ".join(boxes[0].lines[1:]) == "11×11 conv, 96, /4"
    assert [len(v.slices) for v in boxes] == [1, 1, 2, 1]
    assert [v.shape for v in found[-3:]] == [[4096], [4096], [1000]]


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("vgg11", [1, 1, 2, 2, 2]),
        ("vgg13", [2, 2, 2, 2, 2]),
        ("vgg16", [2, 2, 3, 3, 3]),
        ("vgg19", [2, 2, 4, 4, 4]),
    ],
)
def test_vgg_is_table_1_of_simonyan_and_zisserman(name: str, layers: list[int]) -> None:
    found = [v for v in figure(name).volumes if "conv" in v.title]
    assert [len(v.slices) for v in found] == layers
    assert [v.shape for v in found] == [
        [64, 224, 224],
        [128, 112, 112],
        [256, 56, 56],
        [512, 28, 28],
        [512, 14, 14],
    ]
    assert sum("pool" in v.title for v in figure(name).volumes) == 5


def test_googlenet_has_a_volume_for_every_output_size_of_table_1() -> None:
    found = [v for v in figure("googlenet").volumes if "inception" in v.title]
    assert [(v.shape[0], len(v.slices)) for v in found] == [
        *((256, 1), (480, 1)),  # 3a, 3b
        *((512, 3), (528, 1), (832, 1)),  # 4a to 4c, 4d, 4e
        *((832, 1), (1024, 1)),  # 5a, 5b
    ]


def test_resnet_has_a_shortcut_around_every_block() -> None:
    """He et al. 2015, table 1; projections where a stage begins."""
    found = [v for v in figure("resnet50").volumes if v.shortcuts]
    assert [v.shape[:2] for v in found] == [[256, 56], [512, 28], [1024, 14], [2048, 7]]
    assert found[1].shortcuts == [True, False, False, False]
    # Of six slices the first three and the last are drawn; the label counts all.
    assert [len(v.slices) for v in found] == [3, 4, 4, 3]
    assert found[2].lines[1:] == ["block_down", "bottleneck ×5"]


def test_unet_has_the_four_arrows_of_its_figure() -> None:
    """Ronneberger et al. 2015, figure 1, "copy and crop"."""
    assert figure("unet").jumps == [False] * 4
    assert sum(v.title.endswith("concat") for v in figure("unet").volumes) == 4


def test_lraspp_has_its_low_level_branch_as_an_arc() -> None:
    """Howard et al. 2019, figure 10: a 1x1 convolution of the features at an eighth."""
    assert figure("lraspp_mobilenet_v3_large").jumps == [True]


# ---- what is written ----


@pytest.mark.parametrize("name", NETWORKS)
def test_sizes_are_those_of_the_summary(name: str) -> None:
    done = CliRunner().invoke(main, ["summary", name, "--json"])
    document = json.loads(done.stdout)
    made = iter([layer["shape"] for layer in document["layers"]])
    found = figure(name).volumes
    for volume in found:  # in the order of the layers
        assert any(volume.shape == shape for shape in made), volume.title
    assert found[0].shape == document["input"]
    assert found[0].image
    if name in CLASSIFIERS:
        assert found[-1].shape[0] == document["outputs"]["output"][0]


@pytest.mark.parametrize("name", NETWORKS)
def test_filters_are_channels(name: str) -> None:
    for volume in figure(name).volumes:
        words = " ".join(volume.lines[1:])
        for filters in re.findall(r"conv, (\d+)|fc (\d+)", words):
            assert int("".join(filters)) == volume.shape[0]
        kernel = re.match(r"(\d+)×(\d+) max pool, /2", words)
        assert kernel is None or kernel[1] == kernel[2]


@pytest.mark.parametrize("name", ["vgg16", "resnet18", "mobilenet_v2", "googlenet"])
def test_descriptions_share_out_all_parameters(name: str) -> None:
    told = [re.search(r"([\d,]+) parameters", v.description) for v in figure(name).volumes]
    parameters = sum(int(found[1].replace(",", "")) for found in told if found)
    assert parameters == network(name).summary().parameters


def test_side_outputs_are_named() -> None:
    found = read(volumes(archdsl.load("googlenet", aux=True).checked))
    assert "Not drawn: aux1, aux2." in found.caption or "Not drawn: aux2, aux1." in found.caption
    assert [v.lines for v in found.volumes] == [v.lines for v in figure("googlenet").volumes]


# ---- where it is ----


def test_an_encoder_and_its_decoder_are_a_u() -> None:
    """Ronneberger et al. 2015, figure 1: maps of one size are on one level, skips go across."""
    found = figure("unet")
    levels: dict[int, list[Volume]] = {}
    for one in found.volumes:
        levels.setdefault(one.shape[1], []).append(one)
    assert sorted(levels) == [32, 64, 128, 256, 512]
    axes = []
    for _, volumes in sorted(levels.items()):
        middles = {round((v.whole.top + v.whole.bottom) / 2, 1) for v in volumes}
        assert max(middles) - min(middles) <= 0.1
        axes.append(max(middles))
    assert axes == sorted(axes, reverse=True)
    joins = [v for v in found.volumes if v.lines[1] == "concat"]
    ways = [v for v in found.volumes if "max" not in " ".join(v.lines) and v not in joins]
    for join in joins:  # the encoder's maps are on the left of the decoder's
        level = [v for v in ways if v.shape[1] == join.shape[1]]
        assert min(v.whole.left for v in level) < join.whole.left
    assert len(found.jumps) == 4


@pytest.mark.parametrize(
    ("scale", "grown"),
    [("linear", lambda n: n), ("sqrt", lambda n: n**0.5), ("log", lambda n: math.log2(1 + n))],
)
def test_a_scale_is_what_its_name_says(scale: str, grown: Any) -> None:
    """Fronts of LeNet-5 are 28 rows high, and 14, and 10."""
    found = read(volumes(archdsl.load("lenet5").checked, scale=scale))
    boxes = [v for v in found.volumes if len(v.shape) == 3 and v.shape[1] > 1]
    heights = {v.shape[1]: v.slices[0].front.bottom - v.slices[0].front.top for v in boxes}
    largest = max(heights)
    for size, height in heights.items():
        assert height / heights[largest] == pytest.approx(grown(size) / grown(largest), abs=0.01)
    words = {"linear": "proportional", "sqrt": "square root", "log": "logarithm"}[scale]
    assert words in found.caption


def test_only_volumes_have_a_scale() -> None:
    with pytest.raises(archdsl.ArchError, match="only volumes have a scale"):
        archdsl.load("lenet").draw(scale="log")


def powers(caption: str) -> tuple[float, float]:
    found = re.search(r"Heights and widths (.*), depths and lengths of bars (.*?)\.(?!\d)", caption)
    assert found is not None
    face, channel = (_power(words) for words in found.groups())
    return face, channel


def _power(words: str) -> float:
    if words.startswith("are proportional to"):
        return 1.0
    if words.startswith("grow with the square root of"):
        return 0.5
    return float(words.rpartition(" to the power ")[2])


@pytest.mark.parametrize("name", NETWORKS)
def test_lengths_are_to_the_stated_scale(name: str) -> None:
    face, channel = powers(figure(name).caption)
    heights, across, along, depths = [], [], [], []
    for volume in figure(name).volumes:
        sequence = len(volume.shape) == 2
        channels, height, width = [*volume.shape, 1, 1][:3]
        if sequence:
            channels, height, width = volume.shape[1], volume.shape[0], 1
        for front, _ in volume.slices:
            if height == width == 1:
                depths.append((front.bottom - front.top) / channels**channel)
                continue
            heights.append((front.bottom - front.top) / height**face)
            if not volume.image:
                depths.append((front.right - front.left) / channels**channel)
        if height != 1 or width != 1:
            across += [block.away[0] / width**face for block in volume.slices]
            along += [block.away[1] / width**face for block in volume.slices]
    for lengths in (heights, across, along):
        # to the hundredth of a pixel that coordinates are written with
        assert max(lengths) == pytest.approx(min(lengths), rel=0.03)
    assert max(depths) == pytest.approx(min(depths), rel=0.03)


@pytest.mark.parametrize("name", NETWORKS)
def test_more_is_never_drawn_smaller(name: str) -> None:
    found = [v for v in figure(name).volumes if len(v.shape) == 3 and v.shape[1] > 1]
    for one, other in itertools.combinations(found, 2):
        for axis, length in ((1, 3), (0, 2)):
            if one.image or other.image:
                continue
            less, more = sorted((one, other), key=lambda v: v.shape[axis])
            assert extent(less, length) <= extent(more, length) + 0.03


def extent(volume: Volume, side: int) -> float:
    front = volume.slices[0].front
    return front[side] - front[side - 2]


def test_windows_are_to_scale() -> None:
    """LeNet's scale is linear: its first window is 5 of 28 pixels high and wide."""
    found = figure("lenet")
    assert powers(found.caption)[0] == 1
    side = rectangle(list(found.volumes[0].slices[0].side))
    window = rectangle(list(found.windows[0]))
    assert (window.right - window.left) / (side.right - side.left) == pytest.approx(5 / 28, 0.01)
    assert (window.bottom - window.top) / (side.bottom - side.top) == pytest.approx(5 / 28, 0.01)
    assert side.left <= window.left < window.right <= side.right
    assert len(found.windows) == 4  # two convolutions, two poolings


@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_lies_on_anything_else(name: str) -> None:
    found = figure(name)
    solids = [volume.whole for volume in found.volumes]
    for one, other in itertools.combinations(solids, 2):
        assert not one.meets(other)
    for one, other in itertools.combinations(found.words, 2):
        assert not one.meets(other, 0.5)
    for solid, text in itertools.product(solids, found.words):
        assert not solid.meets(text)
    page = Rectangle(0, 0, found.width, found.height)
    for part in (*solids, *found.words):
        assert page.left < part.left and part.right < page.right
        assert page.top < part.top and part.bottom < page.bottom


@pytest.mark.parametrize("name", NETWORKS)
def test_a_label_is_under_its_volume(name: str) -> None:
    for volume in figure(name).volumes:
        middle = (volume.texts[0].left + volume.texts[0].right) / 2
        assert volume.whole.left < middle < volume.whole.right
        assert 0 < volume.texts[0].top - volume.whole.bottom < 12


@pytest.mark.parametrize("name", NETWORKS)
def test_slices_stand_side_by_side(name: str) -> None:
    for volume in figure(name).volumes:
        for (one, _), (other, _) in itertools.pairwise(volume.slices):
            assert one.right < other.left < one.right + 25
            assert (one.top, one.bottom) == (other.top, other.bottom)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_figure_is_a_page(name: str) -> None:
    found = figure(name)
    assert 1 / 1.6 <= found.width / found.height <= 1.6
    assert found.smallest * A4_WIDTH / found.width >= 7


# ---- options, errors, safety ----


def test_templates_are_closed_at_a_depth() -> None:
    found = read(volumes(network("vgg16").checked, depth=1))
    stages = [v for v in found.volumes if "vgg_stage" in v.title]
    assert [v.shape for v in stages] == [
        *([64, 112, 112], [128, 56, 56], [256, 28, 28], [512, 14, 14], [512, 7, 7])
    ]


def test_what_a_text_repeats_is_a_block_without_a_template() -> None:
    """Thirty turns of two convolutions are 60 maps, too many for a page: a slice is a turn."""
    turn = "compose<relu,con<16,3,3,1,1>,relu,con<8,3,3,1,1>>"
    text = f"fc<9,avg_pool_everything<repeat<30,{turn},con<16,3,3,1,1,input<3,8,8>>>>>"
    found = read(volumes(archdsl.load(text).checked))
    assert found.volumes[2].lines == ["16×8×8", "compose ×30"]
    assert len(found.volumes) == 5


def test_a_block_without_a_name_is_told_by_its_size() -> None:
    body = "compose<con<4,3,3,1,1>,relu,con<4,3,3,1,1>>"
    found = read(volumes(archdsl.load(f"relu<residual<{body},input<4,8,8>>>").checked))
    assert found.volumes[1].lines == ["4×8×8", "5 layers"]


def test_options_of_all_drawings() -> None:
    svg = volumes(network("lenet").checked, title="A <b>", legend=False, font="Comic'; x")
    root = ET.fromstring(svg)
    assert root.attrib["font-family"].startswith("'Comic x', ")
    assert "A <b>" in read(svg).caption
    assert "pooling" in figure("lenet").caption
    assert "pooling" not in read(svg).caption


@pytest.mark.parametrize(
    "options", [{"collapse": ("stem",)}, {"colour": "macs"}, {"direction": "LR"}, {"fold": False}]
)
def test_options_of_diagrams_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(archdsl.ArchError, match=f"no option '{next(iter(options))}'"):
        volumes(network("lenet").checked, **options)


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
def test_the_command_draws(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"lenet.{suffix}"
    done = CliRunner().invoke(main, ["draw", "lenet", "--style", "volumes", "-o", str(path)])
    assert done.exit_code == 0, done.output
    begins = {"svg": b"<svg", "png": b"\x89PNG", "pdf": b"%PDF"}[suffix]
    assert path.read_bytes().startswith(begins)


def refusal(name: str) -> str:
    done = CliRunner().invoke(main, ["draw", name, "--style", "volumes", "-o", "x.svg"])
    assert done.exit_code == 1
    assert not Path("x.svg").exists()
    return done.stderr


@pytest.mark.parametrize("name", ["faster_rcnn_resnet50_fpn", "ssd300_vgg16", "yolo_v3"])
def test_detectors_on_several_maps_are_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = refusal(name)
    assert "no chain of feature maps" in said
    assert "without --style volumes" in said


def test_open_sizes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("open.arch").write_text("using net_type = con<4,3,3,1,1,input<matrix<float>>>;")
    assert "--input CxHxW" in refusal("open.arch")
    sized = ["draw", "open.arch", "--style", "volumes", "--input", "1x9x9", "-o", "x.svg"]
    assert CliRunner().invoke(main, sized).exit_code == 0


NASTY = ("<b>&amp;\"'", "a\nb\x07\x1b", "\u202eright to left \u05e9\u05dc\u05d5\u05dd", "🧠" * 30)


@pytest.mark.parametrize("name", [*NASTY, "w" * 250])
def test_names_cannot_break_a_figure(name: str, tmp_path: Path) -> None:
    spec = tmp_path / f"{name}.arch"
    spec.write_text("using net_type = fc<10,max_pool<2,2,2,2,con<4,3,3,1,1,input<1,8,8>>>>;")
    svg = volumes(archdsl.load(spec).checked)
    found = read(svg)
    assert [v.lines[0] for v in found.volumes] == ["1×8×8", "4×8×8", "4×4×4", "10"]
    kinds = {element.tag.removeprefix(SVG) for element in ET.fromstring(svg).iter()}
    expected = {"svg", "title", "desc", "rect", "text", "g", "polygon", "line", "circle", "path"}
    assert kinds <= expected
    title = ET.fromstring(svg).findtext(f"{SVG}title") or ""
    assert len(title) == len(name)
    assert all(word.right < found.width for word in found.words)


def test_a_single_layer_is_a_figure() -> None:
    found = read(volumes(archdsl.load("relu<input<1,1,1>>").checked))
    assert [v.lines[0] for v in found.volumes] == ["1×1×1"]


def test_the_same_bytes_in_every_process_and_no_torch() -> None:
    program = (
        "import sys, hashlib, archdsl\n"
        "for name in ('densenet121', 'unet'):\n"
        "    text = archdsl.load(name).draw(style='volumes')\n"
        "    print(hashlib.sha256(text.encode()).hexdigest())\n"
        "assert 'torch' not in sys.modules\n"
    )
    found = set()
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        found.add(done.stdout)
    assert len(found) == 1
