"""Diagrams have the right boxes, frames and edges, and hostile text cannot break them."""

import struct
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from support import families

import archdsl
from archdsl.diagnostics.source import Source
from archdsl.viz.draw import PICTURES, Box, Cluster, Diagram, diagram_of, draw

SVG = "{http://www.w3.org/2000/svg}"


def diagram(text: str, *, fold: bool = True) -> Diagram:
    return diagram_of(archdsl.load(text).checked, fold=fold)


def clusters(root: Cluster) -> list[Cluster]:
    return list(root.frames())


def boxes(root: Cluster) -> list[Box]:
    return list(root.boxes())


def texts(svg: bytes) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter(f"{SVG}text")]


def test_convolution_norm_and_activation_share_a_box() -> None:
    found = diagram("fc<10,relu<bn_con<con<16,3,3,2,2,max_pool<2,2,2,2,input<3,32,32>>>>>>")
    assert [(box.title, box.details) for box in boxes(found.root)] == [
        ("input", ()),
        ("2×2 max pool, /2", ()),
        ("3×3 conv, 16, /2", ("batch norm", "relu")),
        ("fc 10", ()),
    ]
    # 32/2 = 16; (16 - 3) / 2 + 1 = 7, since dlib pads nothing at stride 2
    assert [edge.label for edge in found.edges] == ["3×32×32", "3×16×16", "16×7×7"]
    assert [end.title for end in found.ends] == ["10"]


def test_a_layer_that_others_read_stays_visible() -> None:
    """The activation belongs to one of two readers, so it may not hide in the convolution's box."""
    found = diagram("add_prev1<relu<tag1<con<4,3,3,1,1,input<4,8,8>>>>>")
    titles = [box.title for box in boxes(found.root)]
    assert titles == ["input", "3×3 conv, 4", "relu", "+"]
    into_sum = {edge.source for edge in found.edges if edge.target == "add"}
    assert into_sum == {"conv", "relu"}


STAGE = """
template <int N, typename SUBNET> using block = relu<residual<con<N,3,3,1,1,relu<con<N,3,3,1,1>>>,SUBNET>>;
using net_type = fc<10,repeat<5,block<16>,con<16,3,3,1,1,input<3,8,8>>>>;
"""  # noqa: E501


def test_equal_blocks_fold() -> None:
    found = diagram(STAGE)
    (frame,) = clusters(found.root)
    assert (frame.title, frame.times) == ("block<16>", 5)
    assert len(boxes(found.root)) == 3 + 3  # input, stem, fc; two convolutions and a sum
    drawn = {box.id for box in boxes(found.root)}
    assert all(edge.source in drawn and edge.target in drawn for edge in found.edges)
    assert {(edge.source, edge.target) for edge in found.edges} == {
        ("input", "conv"),
        ("conv", "block1.body.conv1"),
        ("conv", "block1.add"),
        ("block1.body.conv1", "block1.body.conv2"),
        ("block1.body.conv2", "block1.add"),
        ("block1.add", "fc"),
    }


def test_without_folding_every_block_is_drawn() -> None:
    found = diagram(STAGE, fold=False)
    assert len(boxes(found.root)) == 3 + 5 * 3
    assert [frame.times for frame in clusters(found.root)] == [1] * 5


def test_blocks_with_other_inputs_do_not_fold() -> None:
    """The first of three halves another size than the second, so that they are not equal."""
    text = """
    template <typename SUBNET> using half = max_pool<2,2,2,2,relu<con<8,3,3,1,1,SUBNET>>>;
    using net_type = half<half<half<input<8,32,32>>>>;
    """
    assert [frame.times for frame in clusters(diagram(text).root)] == [1, 1, 1]


def test_a_block_whose_output_is_read_elsewhere_does_not_fold() -> None:
    text = """
    template <typename SUBNET> using two = con<8,3,3,1,1,relu<con<8,3,3,1,1,SUBNET>>>;
    using net_type = add_prev1<two<two<tag1<two<input<8,32,32>>>>>>;
    """
    found = diagram(text)
    times = [frame.times for frame in clusters(found.root)]
    assert sum(times) == 3
    assert times[0] == 1


def test_side_outputs_have_names() -> None:
    found = diagram_of(archdsl.load("googlenet", aux=True).checked)
    assert {end.title for end in found.ends} == {"1000", "aux1 1000", "aux2 1000"}
    assert sum("aux" in frame.title for frame in clusters(found.root)) == 2


def test_dense_blocks_have_few_edges() -> None:
    """Of 58 dense layers each adds a few edges, not one to every layer behind it."""
    found = diagram_of(archdsl.load("densenet121").checked)
    assert len(found.edges) < 3 * len(boxes(found.root))


@pytest.mark.parametrize("name", families.specs())
def test_every_parameter_layer_of_every_spec_is_drawn(name: str) -> None:
    network = archdsl.load(name)
    found = diagram_of(network.checked, fold=False)
    drawn = [box.category for box in boxes(found.root)]
    for category in ("convolution", "fully connected", "pooling", "join"):
        there = [i.layer.category.value for i in network.checked.instances()]
        assert [c.value for c in drawn].count(category) == there.count(category)


def test_googlenet_as_svg() -> None:
    svg = archdsl.load("googlenet").draw(details="none")
    assert svg is not None
    words = texts(svg.encode())
    assert "googlenet" in words
    assert any("6,624,904 parameters" in word for word in words)
    assert words.count("inception") == 9
    assert any("1024×7×7" in word for word in words)


def test_the_same_network_gives_the_same_bytes() -> None:
    first, second = (draw(archdsl.load("resnet18").checked, ".svg") for _ in range(2))
    assert first == second


def test_png_has_a_size() -> None:
    png = draw(archdsl.load("lenet").checked, ".png")
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    assert height > width > 200


def test_other_suffixes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(archdsl.ArchError, match="cannot draw"):
        archdsl.load("lenet").draw(tmp_path / "x.bmp")
    assert {".svg", ".png", ".pdf", ".dot", ".html"} <= PICTURES.keys()


HOSTILE = [
    '<script>alert("x")</script>',
    'a"]; evil [label="',
    "x\\",
    "</TD></TABLE>> ; x -> y",
    "a\x00b\x1b[31m",
    "&amp;&#x0;%s",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_name_stays_text(name: str, tmp_path: Path) -> None:
    """Of all that reaches a drawing, only the file's name is free text."""
    source = Source(name, "fc<3,input<2,4,4>>", tmp_path / f"{name.replace('/', '_')}.arch")
    network = archdsl.api.load_source(source)
    svg = draw(network.checked, ".svg")
    root = ET.fromstring(svg)  # well-formed
    assert root.find(f".//{SVG}script") is None
    named = [
        g.findtext(f"{SVG}title") for g in root.iter(f"{SVG}g") if g.find(f"{SVG}desc") is not None
    ]
    assert named == ["input", "fc"]
    assert {element.tag for element in root.iter()} == {
        f"{SVG}{name}" for name in ("svg", "title", "desc", "rect", "g", "path", "text")
    }


def test_a_long_chain_is_drawn() -> None:
    text = "fc<10," + "con<8,3,3,1,1,max_pool<3,3,1,1," * 1000 + "input<3,16,16>" + ">" * 2001
    found = diagram(text, fold=False)
    assert len(boxes(found.root)) == 2002
    assert draw(archdsl.load(text).checked, ".dot", fold=False).count(b"->") == 2002


def test_layers_in_one_order_fold_without_a_template() -> None:
    """The first convolution has three channels to read, so that the second is its like at best."""
    text = "fc<10," + "con<8,3,3,1,1,max_pool<3,3,1,1," * 1000 + "input<3,16,16>" + ">" * 2001
    (frame,) = diagram(text).root.frames()
    assert frame.times in (998, 999)
    assert len(boxes(frame)) == 2


def test_frozen_layers_are_marked() -> None:
    found = diagram("fc<2,max_pool<2,2,2,2,frozen<compose<relu,con<4,3,3,1,1>>,input<3,8,8>>>>")
    assert {box.title: box.frozen for box in boxes(found.root)} == {
        "input": False,
        "3×3 conv, 4": True,
        "2×2 max pool, /2": False,
        "fc 2": False,
    }
