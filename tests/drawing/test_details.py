"""Insides of closed blocks beside a figure, as papers draw them, with names for numbers."""

from __future__ import annotations

import pytest
from reader import Figure, read
from test_figures import check_nothing_overlaps, figure

import archdsl
from archdsl.viz.draw.collapse import Levels
from archdsl.viz.draw.diagram import Beside, Detail, Diagram, End
from archdsl.viz.draw.from_network import DiagramBuilder
from archdsl.viz.draw.symbols import Symbols


def diagram(name: str, depth: int, **options: int) -> Diagram:
    builder = DiagramBuilder(archdsl.load(name).checked)
    return builder.diagram(Levels(depth), details=Beside(**options))


def wiring(detail: Detail) -> set[tuple[str, str]]:
    """The lines of a detail by the words of its boxes."""
    words = {box.id: box.title for box in detail.root.boxes()}
    return {(words[edge.source], words[edge.target]) for edge in detail.edges}


def titles(found: Diagram) -> list[str]:
    return [detail.title for detail in found.details]


def test_resnet50_shows_its_bottleneck_and_both_shortcuts() -> None:
    """He et al. 2015, figure 5 (right), and equations 1 and 2: the identity, and a projection."""
    found = diagram("resnet50", 2)
    assert titles(found) == ["A · block_down(N, OUT, STRIDE)", "B · block(N)"]
    down, same = found.details
    assert wiring(same) == {
        ("in", "1×1 conv, N"),
        ("1×1 conv, N", "3×3 conv, N"),
        ("3×3 conv, N", "1×1 conv, 4·N"),
        ("1×1 conv, 4·N", "+"),
        ("in", "+"),
    }
    assert {("in", "1×1 conv, OUT, /STRIDE"), ("1×1 conv, OUT, /STRIDE", "+")} <= wiring(down)
    assert ("1×1 conv, N", "3×3 conv, N, /STRIDE") in wiring(down)
    first = next(box for box in found.root.boxes() if box.title == "B · block")
    assert first.details[0] == "N = 64" and first.times == 2


def test_googlenet_shows_four_branches_by_the_names_of_table_1() -> None:
    """Szegedy et al. 2014, figure 2b."""
    (inception,) = diagram("googlenet", 2).details
    assert inception.title == "A · inception(N1, R3, N3, R5, N5, P)"
    assert wiring(inception) == {
        *(("in", each) for each in ("1×1 conv, N1", "1×1 conv, R3", "1×1 conv, R5")),
        ("in", "3×3 max pool"),
        ("1×1 conv, R3", "3×3 conv, N3"),
        ("1×1 conv, R5", "3×3 conv, N5"),
        ("3×3 max pool", "1×1 conv, P"),
        *((f"{each}, {n}", "concat") for each, n in (("1×1 conv", "N1"), ("3×3 conv", "N3"))),
        ("3×3 conv, N5", "concat"),
        ("1×1 conv, P", "concat"),
    }


def test_in_densenet_every_layer_feeds_all_later_ones() -> None:
    """Huang et al. 2016, figure 1: L(L+1)/2 lines into L layers."""
    found = diagram("densenet121", 1)
    block = next(each for each in found.details if "dense_block" in each.title)
    assert block.title.endswith("(COUNT)")
    layers = [box.id for box in block.root.boxes() if "dense_layer" in box.title]
    assert len(layers) == 4
    into = [edge for edge in block.edges if edge.target in layers]
    assert len(into) == 4 * 5 // 2
    (end,) = [box for box in block.root.boxes() if box.title == "concat"]
    assert end.details == ("of COUNT layers",)
    assert sum(edge.target == end.id for edge in block.edges) == 5


def test_mobilenet_v2_shows_expansion_depthwise_and_projection() -> None:
    """Sandler et al. 2018, table 1: t·k channels, depthwise with the stride, k' channels."""
    (bottleneck,) = diagram("mobilenet_v2", 2).details
    words = [box.title for box in bottleneck.root.boxes()]
    assert words == ["in", "1×1 conv, 6·IN", "3×3 depthwise conv, 6·IN, /STRIDE", "1×1 conv, OUT"]


def test_units_that_differ_in_rates_alone_are_drawn_once() -> None:
    """Tan and Le 2019, table 1. The rate of unit i of 16 is 0.2·i/16 (Huang et al. 2016)."""
    found = diagram("efficientnet_b0", 2)
    assert titles(found) == ["A · mbconv", "B · mbconv(K, IN, OUT, STRIDE)", "C · unit(K, N)"]
    units = [box for box in found.root.boxes() if box.title == "C · unit"]
    assert [box.times for box in units] == [1, 1, 2, 2, 3]
    assert units[-1].details[0] == "K = 5, N = 192"
    (body,) = [b for b in found.details[2].root.boxes() if "stochastic" in "".join(b.details)]
    assert body.details[-1] == "stochastic depth 0.025–0.175"  # units 2 to 14
    stages = [frame for frame in found.root.frames() if frame.title == "stage"]
    assert len(stages) == 5


def test_many_numbers_of_a_block_have_their_names() -> None:
    found = DiagramBuilder(archdsl.load("googlenet").checked).diagram(Levels(2))
    first = next(box for box in found.root.boxes() if box.title == "inception")
    assert first.small_lines[-2:] == ("N1 = 64, R3 = 96, N3 = 128", "R5 = 16, N5 = 32, P = 32")


def test_a_stage_of_any_length_is_one_kind() -> None:
    details = diagram("faster_rcnn_resnet50_fpn", 1).details
    (stage,) = [each for each in details if "bottleneck_stage" in each.title]
    assert stage.title.endswith(" · bottleneck_stage(COUNT, N, STRIDE)")
    frames = {frame.title: frame for frame in stage.root.frames()}
    assert frames["block"].times_shown == "(COUNT−1)"


@pytest.mark.parametrize(
    ("name", "block"),
    [
        ("deeplabv3_resnet50", "aspp"),  # Chen et al. 2017, figure 5
        ("yolo_v4", "csp_stage"),  # Bochkovskiy et al. 2020, section 3.4: Wang et al. 2019
        ("shufflenet_v2_x1_0", "unit_down"),  # Ma et al. 2018, figure 3d
    ],
)
def test_what_branches_is_beside_the_figure_before_what_repeats(name: str, block: str) -> None:
    found = figure(name)
    check_nothing_overlaps(found)
    words = [text.words for text, _ in found.inside]
    assert any(each.endswith(f" · {block}") for each in words)


def test_a_pyramid_of_rates_comes_before_the_stages_of_its_backbone() -> None:
    """Of one kind of block DeepLab's reader needs figure 5 of Chen et al. 2017: five branches."""
    (only,) = diagram("deeplabv3_resnet50", 2, most=1).details
    assert only.title == "A · aspp"
    (end,) = [box.id for box in only.root.boxes() if box.title == "concat"]
    assert sum(edge.target == end for edge in only.edges) == 5


def test_blocks_of_other_layers_are_other_kinds() -> None:
    text = """
    template <int N, typename SUBNET> using one = relu<con<N,3,3,1,1,relu<con<N,3,3,1,1,SUBNET>>>>;
    template <int N, typename SUBNET> using two = sig<con<N,3,3,1,1,relu<con<N,3,3,1,1,SUBNET>>>>;
    using net_type = fc<2,two<16,one<16,one<8,input<3,8,8>>>>>;
    """
    builder = DiagramBuilder(archdsl.load(text).checked)
    assert titles(builder.diagram(Levels(1), details=Beside())) == ["A · one(N)", "B · two"]


def test_several_inputs_have_a_place_each() -> None:
    """Redmon and Farhadi 2018: maps of a coarser scale, and those of the body, are concatenated."""
    up = next(each for each in diagram("yolo_v3", 1).details if "up" in each.title)
    assert {("in 2", "concat")} <= wiring(up) and ("in 1", "1×1 conv, N") in wiring(up)


def test_a_join_with_the_activation_behind_its_block_is_part_of_the_block() -> None:
    """Ding et al. 2021, figure 2: 3×3 and 1×1, summed, then a ReLU."""
    first = diagram("repvgg_a0", 2).details[0]
    assert ("1×1 conv, 48, /2", "+") in wiring(first) and ("3×3 conv, 48, /2", "+") in wiring(first)
    (end,) = [part for part in first.root.walk() if isinstance(part, End)]
    (join,) = [box for box in first.root.boxes() if box.title == "+"]
    assert end.source == join.id


def test_a_block_that_gives_two_tensors_has_two_ends() -> None:
    text = """
    template <typename SUBNET> using body = tag1<relu<con<4,3,3,1,1,con<4,3,3,1,1,SUBNET>>>>;
    template <typename SUBNET> using two = con<4,1,1,1,1,body<SUBNET>>;
    using net_type = add_prev1<con<4,3,3,1,1,two<input<3,8,8>>>>;
    """
    builder = DiagramBuilder(archdsl.load(text).checked)
    (detail,) = builder.diagram(Levels(1), details=Beside()).details
    ends = {part.source for part in detail.root.walk() if isinstance(part, End)}
    assert len(ends) == 2 and ends <= {box.id for box in detail.root.boxes()}


@pytest.mark.parametrize("name", ["resnet50", "googlenet", "densenet121", "yolo_v3", "swin_t"])
@pytest.mark.parametrize(
    "style", ["paper", *(pytest.param(each, marks=pytest.mark.slow) for each in ("slide", "mono"))]
)
def test_details_lie_beside_the_figure(name: str, style: str) -> None:
    found = figure(name, details="all", style=style)
    check_nothing_overlaps(found)
    assert any(name.startswith("A/") for name in found.boxes)


def test_details_can_be_left_out() -> None:
    assert not any("/" in name for name in figure("resnet50", details="none").boxes)


def places(found: Figure) -> dict[str, tuple[float, float]]:
    boxes = found.boxes.items()
    return {name: ((a.x0 + a.x1) / 2, (a.y0 + a.y1) / 2) for name, a in boxes}


TAGGED = """
template <typename SUBNET> using itag = add_tag_layer<1000,SUBNET>;
template <template <typename> class TAG, int N, typename SUBNET>
using down = max_pool<2,2,2,2,TAG<relu<con<N,3,3,1,1,SUBNET>>>>;
template <template <typename> class TAG, int N, typename SUBNET>
using up = relu<con<N,3,3,1,1,concat2<itag,TAG,itag<cont<N,2,2,2,2,SUBNET>>>>>;
using net_type = con<2,1,1,1,1,up<tag1,8,up<tag2,16,up<tag3,32,relu<con<64,3,3,1,1,
                 down<tag3,32,down<tag2,16,down<tag1,8,input<1,64,64>>>>>>>>>>;
"""


@pytest.mark.parametrize("network", ["unet", TAGGED])
def test_an_encoder_and_its_decoder_are_a_u(network: str) -> None:
    """Ronneberger et al. 2015, figure 1: skips are level, one side goes down and one up."""
    loaded = archdsl.load(network)
    svg = loaded.draw()
    assert svg is not None
    found = read(svg)
    check_nothing_overlaps(found)
    at = places(found)
    graph = loaded.checked.graph
    joins = [path for path in graph if "concat" in path]
    pools = [path for path in graph if path.rpartition(".")[2].startswith("pool")]
    assert len(joins) == len(pools) > 2
    assert len({round(at[path][0]) for path in joins}) == 1
    assert len({round(at[path][0]) for path in pools}) == 1
    assert at[joins[0]][0] > at[pools[0]][0] + 100
    assert [at[path][1] for path in pools] == sorted(at[path][1] for path in pools)
    assert [at[path][1] for path in joins] == sorted((at[p][1] for p in joins), reverse=True)
    level = {round(at[path][1]) for path in joins}
    left = {round(y) for x, y in at.values() if abs(x - at[pools[0]][0]) < 1}
    assert level <= left


def test_numbers_are_said_by_the_parameters_that_they_follow() -> None:
    symbols = Symbols([{"N": 64, "S": 1, "K": 3}, {"N": 128, "S": 2, "K": 3}])
    assert symbols.names == ()
    assert symbols.number([64, 128]) == "N"
    assert symbols.names == ("N",)
    assert symbols.number([256, 512]) == "4·N"
    assert symbols.number([16, 32]) == "N/4"
    assert symbols.number([65, 129]) == "(N+1)"
    assert symbols.number([64, 256]) == "N·S"
    assert symbols.number([5, 5]) == "5"
    assert symbols.number([7, 3]) == "3–7"
    assert symbols.words(["3×3 conv, 64", "3×3 conv, 128, /2"]) == "3×3 conv, N, /S"
