"""Overviews: template instances as boxes, with what they give and cost."""

from pathlib import Path

import networkx as nx
import pytest
from click.testing import CliRunner
from support import families

import archdsl
from archdsl.cli import main
from archdsl.viz.draw import Box, Cluster, Diagram, diagram_of
from archdsl.viz.draw.collapse import Levels, collapsed
from archdsl.viz.draw.fusion import fused


def overview(text: str, depth: int = 1) -> Diagram:
    return diagram_of(archdsl.load(text).checked, Levels(depth))


def boxes(root: Cluster) -> list[Box]:
    return list(root.boxes())


STAGE = """
template <int N, typename SUBNET> using body = con<N,3,3,1,1,relu<con<N,3,3,1,1,SUBNET>>>;
template <int N, typename SUBNET> using block = relu<residual<body<N>,SUBNET>>;
using net_type = fc<10,max_pool<2,2,2,2,repeat<5,block<16>,con<16,3,3,1,1,input<3,8,8>>>>>;
"""


def test_an_instance_is_a_box_with_its_output_and_cost() -> None:
    """Two convolutions of 16 filters of 3×3×16 and a bias each, at 8×8 places."""
    assert 2 * 16 * (9 * 16 + 1) == 4640
    assert 2 * 64 * 16 * 9 * 16 == 294_912
    found = {box.title: box for box in boxes(overview(STAGE).root)}
    assert list(found) == ["input", "3×3 conv, 16", "block<16>", "2×2 max pool, /2", "fc 10"]
    block = found["block<16>"]
    assert block.block and block.times == 5
    assert block.details == ("16×8×8", "each 4.64 k params, 295 k MACs")
    assert found["2×2 max pool, /2"].shape == "16×4×4"
    assert not found["fc 10"].block


def test_lines_do_not_repeat_what_blocks_tell() -> None:
    found = overview(STAGE)
    assert [edge.label for edge in found.edges] == ["3×8×8", "", "", "16×4×4"]
    assert "parameters" in found.totals


def test_the_second_level_opens_the_first() -> None:
    found = overview(STAGE, 2)
    (frame,) = found.root.frames()
    assert (frame.title, frame.times) == ("block<16>", 5)
    assert [box.title for box in frame.boxes()] == ["body<16>", "+"]


def test_deep_enough_it_has_the_boxes_of_the_full_drawing() -> None:
    full = diagram_of(archdsl.load(STAGE).checked)
    assert [box.id for box in boxes(overview(STAGE, 9).root)] == [b.id for b in boxes(full.root)]


def test_equal_blocks_of_unequal_input_do_not_fold() -> None:
    text = """
    template <int N, typename SUBNET> using two = con<N,3,3,1,1,relu<con<N,3,3,1,1,SUBNET>>>;
    using net_type = fc<2,two<8,two<8,two<8,input<3,8,8>>>>>;
    """
    found = [box for box in boxes(overview(text).root) if box.block]
    assert [(box.title, box.times) for box in found] == [("two<8>", 1), ("two<8>", 2)]


def test_an_activation_behind_one_of_two_blocks_keeps_them_apart() -> None:
    text = """
    template <int N, typename SUBNET> using two = con<N,3,3,1,1,relu<con<N,3,3,1,1,SUBNET>>>;
    using net_type = fc<2,max_pool<2,2,2,2,relu<two<8,two<8,input<8,8,8>>>>>>;
    """
    found = [box for box in boxes(overview(text).root) if box.block]
    assert [(box.title, box.times) for box in found] == [("two<8>", 1), ("two<8>", 1)]


def test_a_number_behind_its_name_does_not_make_an_instance_another_thing() -> None:
    text = """
    template <int N, typename SUBNET> using b3 = con<N,3,3,1,1,relu<con<N,3,3,1,1,SUBNET>>>;
    using half2 = max_pool<2,2,2,2,con<8,3,3,1,1>>;
    using net_type = fc<2,half2<b3<8,b3<4,residual<b3<4>,con<4,1,1,1,1,input<3,8,8>>>>>>>;
    """
    found = [box.title for box in boxes(overview(text).root) if box.block]
    assert found == ["body: b3<4>", "b3<4>", "b3<8>", "half2"]


def test_resnet50_is_table_1() -> None:
    """He et al. 2015, table 1: output sizes, and blocks per stage; channels as in figure 5."""
    found = [(box.title, box.shape) for box in boxes(overview("resnet50").root)]
    assert found == [
        ("input", "3×224×224"),
        ("stem", "64×56×56"),
        ("bottleneck_stage<3,64,1>", "256×56×56"),
        ("bottleneck_stage<4,128,2>", "512×28×28"),
        ("bottleneck_stage<6,256,2>", "1024×14×14"),
        ("bottleneck_stage<3,512,2>", "2048×7×7"),
        ("classifier<1000>", "1000"),
    ]


def test_a_template_within_itself_is_opened() -> None:
    """The U-Net's four levels are one template; each has a copy that goes around what is below."""
    titles = [box.title for box in boxes(overview("unet").root)]
    assert titles.count("concat") == 4 and "identity" not in titles  # the copy is a line
    assert titles.count("bottom") == 1
    assert [titles.count(f"twice<{n}>") for n in (64, 128, 256, 512)] == [2, 2, 2, 2]


@pytest.mark.parametrize("name", families.specs())
def test_every_layer_is_in_one_box(name: str) -> None:
    network = archdsl.load(name).checked
    for depth in (1, 2):
        groups = collapsed(network, fused(network), Levels(depth))
        layers = [layer.path for group in groups.values() for layer in group.layers]
        assert sorted(layers) == sorted(i.path for i in network.instances() if i.layer.drawn)
        graph = nx.DiGraph([(s, head) for head, group in groups.items() for s in group.sources])
        assert nx.is_directed_acyclic_graph(graph)
        assert set(graph) == set(groups)


@pytest.mark.parametrize("name", families.specs())
def test_every_spec_has_an_overview_of_a_page(name: str) -> None:
    found = overview(name)
    assert 4 <= len(boxes(found.root)) <= 40
    drawn = {box.id for box in boxes(found.root)}
    assert all(edge.source in drawn and edge.target in drawn for edge in found.edges)
    assert all(end.source in drawn for end in found.ends)


def test_a_long_overview_is_quick() -> None:
    block = "template <typename SUBNET> using b = con<8,3,3,1,1,max_pool<3,3,1,1,SUBNET>>;"
    text = f"{block} using net_type = fc<10,{'b<' * 3000}input<8,16,16>{'>' * 3001};"
    found = overview(text)
    assert [box.times for box in boxes(found.root)] == [1, 3000, 1]
    assert len(found.edges) == 2


def test_the_command(tmp_path: Path) -> None:
    target = tmp_path / "out.dot"
    done = CliRunner().invoke(main, ["draw", "vgg16", "--depth=1", "--details=none", "-o", target])
    assert done.exit_code == 0, done.output
    assert "vgg_stage<2,64>" in target.read_text()
    archdsl.load("vgg16").draw(tmp_path / "api.dot", depth=1, details="none")
    assert (tmp_path / "api.dot").read_bytes() == target.read_bytes()
    assert CliRunner().invoke(main, ["draw", "vgg16", "--depth", "0"]).exit_code == 2
