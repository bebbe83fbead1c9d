"""Combinators and tags make the graphs that their definitions draw; names follow the spec."""

from typing import Any

import networkx as nx
import pytest

import archdsl

IN = "input<4,8,8>"


def graph_of(text: str, **settings: Any) -> nx.MultiDiGraph:
    return archdsl.load(text, **settings).graph


def edges(text: str, **settings: Any) -> set[tuple[str, str, int]]:
    return set(graph_of(text, **settings).edges(keys=True))


def path(graph: nx.MultiDiGraph) -> list[str]:
    """The kinds of the layers of a network without branches, from the input on."""
    (node,) = (n for n in graph if not graph.in_degree(n))
    kinds = []
    while True:
        instance = graph.nodes[node]["instance"]
        kinds.append(instance.layer.kind)
        following = list(graph.successors(node))
        if not following:
            return kinds
        (node,) = following


def shape(text: str, node: str) -> tuple[int, ...]:
    return graph_of(text).nodes[node]["shape"]


# ---- sequence ----


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (f"repeat<3,relu,{IN}>", ["relu"] * 3),
        (f"repeat<0,relu,sig<{IN}>>", ["sig"]),
        (f"repeat<2,relu<con<4,3,3>>,{IN}>", ["con", "relu"] * 2),
        (f"repeat<2,repeat<2,sig<relu>>,{IN}>", ["relu", "sig"] * 4),
        (f"repeat<2,repeat<3,relu>,sig<{IN}>>", ["sig"] + ["relu"] * 6),
        (f"repeat<3,i,when<i == 0,sig,relu>,{IN}>", ["sig", "relu", "relu"]),
        (f"repeat<2,i,repeat<i+1,j,when<i == j,sig,relu>>,{IN}>", ["sig", "relu", "sig"]),
        (f"repeat<0,i,dropout<0.1*i>,sig<{IN}>>", ["sig"]),
        (f"compose<repeat<2,i,when<i == 0,sig,relu>>,htan,{IN}>", ["htan", "sig", "relu"]),
        (f"compose<sig,relu,htan,{IN}>", ["htan", "relu", "sig"]),
        (f"compose<sig<mish>,relu,{IN}>", ["relu", "mish", "sig"]),
        (f"repeat<2,compose<sig,relu>,{IN}>", ["relu", "sig"] * 2),
        (f"when<true,sig,{IN}>", ["sig"]),
        (f"when<false,sig,{IN}>", []),
        (f"when<1 == 2,sig,relu,{IN}>", ["relu"]),
        (f"when<2 >= 1,sig<htan>,relu,mish<{IN}>>", ["mish", "htan", "sig"]),
        (f"param bool b = true; repeat<2,when<b,relu,sig>,{IN}>", ["relu"] * 2),
    ],
)
def test_sequences(text: str, kinds: list[str]) -> None:
    assert path(graph_of(text)) == ["input", *kinds]


def test_a_turn_of_a_repetition_knows_its_number() -> None:
    """Stochastic depth grows linearly (Huang et al. 2016, equation 4): p·l/L in block l of L."""
    text = f"""
    template <float P, typename SUBNET> using block = residual<stochastic_depth<P, relu>, SUBNET>;
    using net_type = repeat<4, l, block<0.2*(l+1)/4>, {IN}>;
    """
    layers = [i.layer for i in archdsl.load(text).checked.instances()]
    drops = [layer.p for layer in layers if layer.kind == "stochastic_depth"]  # type: ignore[attr-defined]
    assert drops == pytest.approx([0.05, 0.1, 0.15, 0.2])
    names = list(graph_of(text))
    assert [name for name in names if name.endswith("drop")] == [
        f"block{number}.body.drop" for number in (1, 2, 3, 4)
    ]


def test_a_template_that_nothing_uses_may_number_its_turns() -> None:
    unused = "template <int N, typename S> using u = repeat<N, i, dropout<0.1*i>, S>;"
    assert path(graph_of(f"{unused} relu<{IN}>")) == ["input", "relu"]
    with pytest.raises(archdsl.ArchError, match="no number 'j'"):
        graph_of(f"{unused.replace('0.1*i', '0.1*j')} relu<{IN}>")


def test_turns_with_numbers_have_an_end() -> None:
    with pytest.raises(archdsl.ArchError, match="more than 10,000 turns"):
        graph_of(f"repeat<1000000,i,dropout<0.1>,{IN}>")


def test_a_repeat_of_tags_means_the_nearest() -> None:
    """Each repetition adds the output of the one before to its own."""
    found = edges(f"repeat<3,add_prev1<relu<tag1>>,{IN}>")
    assert found == {
        ("input", "relu1", 0), ("relu1", "add1", 0), ("input", "add1", 1),
        ("add1", "relu2", 0), ("relu2", "add2", 0), ("add1", "add2", 1),
        ("add2", "relu3", 0), ("relu3", "add3", 0), ("add2", "add3", 1),
    }  # fmt: skip


# ---- branches ----


def test_residual() -> None:
    assert edges(f"residual<con<4,3,3>,{IN}>") == {
        ("input", "body.conv", 0), ("body.conv", "add", 0), ("input", "add", 1),
    }  # fmt: skip
    found = edges(f"residual<relu<con<6,3,3>>,con<6,1,1>,{IN}>")
    assert found == {
        ("input", "body.conv", 0), ("body.conv", "body.relu", 0), ("input", "shortcut.conv", 0),
        ("body.relu", "add", 0), ("shortcut.conv", "add", 1),
    }  # fmt: skip


def test_residual_is_dlibs_add_prev() -> None:
    """The same graph as dlib's own way of writing it, apart from names."""
    ours = graph_of(f"relu<residual<con<4,3,3,con<4,3,3>>,{IN}>>")
    theirs = graph_of(f"relu<add_prev1<con<4,3,3,con<4,3,3,tag1<{IN}>>>>>")
    assert [d for _, d in ours.in_degree()] == [d for _, d in theirs.in_degree()]
    assert [d for _, d in ours.out_degree()] == [d for _, d in theirs.out_degree()]


@pytest.mark.parametrize("name", ["parallel", "inception3"])
def test_parallel(name: str) -> None:
    text = f"{name}<con<2,1,1>,relu<con<3,3,3>>,max_pool<3,3,1,1>,{IN}>"
    assert edges(text) == {
        ("input", "branch1.conv", 0), ("input", "branch2.conv", 0), ("input", "branch3.pool", 0),
        ("branch2.conv", "branch2.relu", 0),
        ("branch1.conv", "concat", 0), ("branch2.relu", "concat", 1), ("branch3.pool", "concat", 2),
    }  # fmt: skip
    assert shape(text, "concat") == (2 + 3 + 4, 8, 8)


def test_parallel_of_one_branch_joins_nothing() -> None:
    assert len(graph_of(f"parallel<relu,{IN}>")) == 2


def test_inception_is_dlibs_concat_of_tags() -> None:
    """dlib: inception2<B1,B2> = concat2<itag1,itag2, itag1<B1<iskip<itag2<B2<itag0<S>>>>>>>."""
    ours = graph_of(f"inception2<con<2,1,1>,con<3,3,3>,{IN}>")
    theirs = graph_of(
        "template <typename S> using i0 = add_tag_layer<1000,S>;"
        "template <typename S> using i1 = add_tag_layer<1001,S>;"
        "template <typename S> using i2 = add_tag_layer<1002,S>;"
        "template <typename S> using iskip = add_skip_layer<i0,S>;"
        f"concat2<i1,i2,i1<con<2,1,1,iskip<i2<con<3,3,3,i0<{IN}>>>>>>>"
    )
    for found in (ours, theirs):
        (join,) = (n for n in found if found.nodes[n]["instance"].layer.kind == "concat")
        sources = found.nodes[join]["instance"].inputs
        assert [found.nodes[n]["shape"][0] for n in sources] == [2, 3]


def test_dense() -> None:
    """Huang et al., equation 2: each layer takes the input and all outputs before."""
    text = f"dense<con<3,3,3>,3,{IN}>"
    assert edges(text) == {
        ("input", "conv1", 0),
        ("input", "concat1", 0), ("conv1", "concat1", 1), ("concat1", "conv2", 0),
        ("input", "concat2", 0), ("conv1", "concat2", 1), ("conv2", "concat2", 2),
        ("concat2", "conv3", 0),
        ("input", "concat3", 0), ("conv1", "concat3", 1), ("conv2", "concat3", 2),
        ("conv3", "concat3", 3),
    }  # fmt: skip
    assert [shape(text, f"concat{n}")[0] for n in (1, 2, 3)] == [4 + 3, 4 + 6, 4 + 9]


def test_scale() -> None:
    """The join takes the features first, then the gate's numbers."""
    graph = graph_of(f"scale<sig<con<4,1,1,avg_pool_everything>>,relu<{IN}>>")
    (join,) = (n for n, degree in graph.in_degree() if degree == 2)
    features, numbers = graph.nodes[join]["instance"].inputs
    assert features == "relu"
    inside = [numbers]
    while inside[-1] != features:
        inside += graph.predecessors(inside[-1])
    kinds = [graph.nodes[n]["instance"].layer.kind for n in inside]
    assert kinds == ["sig", "con", "avg_pool", "relu"]
    assert graph.nodes[numbers]["shape"] == (4, 1, 1)
    assert graph.nodes[join]["shape"] == (4, 8, 8)


def test_branch_and_outputs() -> None:
    text = f"outputs<a=fc<2>,b=fc<3,relu>,branch<side,fc<5>,sig<{IN}>>>"
    network = archdsl.load(text).check().checked
    assert network.outputs == {"a": "a.fc", "b": "b.fc", "side": "side.fc"}
    assert edges(text) == {
        ("input", "sig", 0), ("sig", "side.fc", 0), ("sig", "a.fc", 0),
        ("sig", "b.relu", 0), ("b.relu", "b.fc", 0),
    }  # fmt: skip
    assert archdsl.load(text).summary().outputs == {"side": (5,), "a": (2,), "b": (3,)}


def test_the_main_output_comes_first() -> None:
    summary = archdsl.load(f"fc<7,branch<late,fc<2>,relu<branch<early,fc<3>,{IN}>>>>").summary()
    assert list(summary.outputs.items()) == [("output", (7,)), ("early", (3,)), ("late", (2,))]


def test_a_network_in_each_branch_is_the_same_input() -> None:
    """A branch that is written down to the input means the one input of the network."""
    assert edges(f"parallel<relu<{IN}>,sig<{IN}>,{IN}>") == {
        ("input", "branch1.relu", 0), ("input", "branch2.sig", 0),
        ("branch1.relu", "concat", 0), ("branch2.sig", "concat", 1),
    }  # fmt: skip


# ---- tags ----


def test_tags_add_no_layers() -> None:
    assert path(graph_of(f"relu<tag1<sig<tag2<{IN}>>>>")) == ["input", "sig", "relu"]


def test_skip_and_add_prev() -> None:
    found = edges(f"add_prev2<con<4,1,1,skip2<relu<tag1<sig<tag2<{IN}>>>>>>>")
    assert {("input", "conv", 0), ("conv", "add", 0), ("input", "add", 1)} <= found
    assert ("relu", "conv", 0) not in found


def test_concat_of_tags() -> None:
    text = f"concat3<tag2,tag1,tag2,tag2<con<3,3,3,tag1<{IN}>>>>"
    assert edges(text) == {
        ("input", "conv", 0), ("conv", "concat", 0), ("input", "concat", 1), ("conv", "concat", 2),
    }  # fmt: skip
    assert shape(text, "concat") == (3 + 4 + 3, 8, 8)


def test_tags_inside_a_branch_stay_inside() -> None:
    """The tag1 of a residual's body is not that of what comes behind it."""
    text = f"add_prev1<residual<add_prev1<relu<tag1<sig>>>,tag1<{IN}>>>"
    found = edges(text)
    join = next(a for a in graph_of(text) if not list(graph_of(text).successors(a)))
    assert ("input", join, 1) in found
    inner = next(b for a, b, key in found if a == "body.sig" and key == 1)
    assert inner.startswith("body.")


# ---- names ----

NAMED = """\
template <int N, typename SUBNET> using conv_bn = bn_con<con<N,3,3,SUBNET>>;
template <int N, typename SUBNET> using unit = relu<residual<conv_bn<N,relu<conv_bn<N>>>,SUBNET>>;
template <int N, typename SUBNET> using stage = repeat<2,unit<N>,SUBNET>;
template <typename SUBNET> using stem = relu<conv_bn<4,SUBNET>>;
using net_type = fc<3,fc<5,stage<4,stage<4,stem<input<3,8,8>>>>>>;
"""


def test_names_follow_the_templates() -> None:
    """A scope per template instance, counted from the input where there are several."""
    names = set(graph_of(NAMED))
    assert {"input", "fc1", "fc2", "stem.conv_bn.conv", "stem.conv_bn.bn", "stem.relu"} <= names
    for stage in ("stage1", "stage2"):
        for unit in ("unit1", "unit2"):
            for layer in ("body.conv_bn1.conv", "body.conv_bn1.bn", "body.relu",
                          "body.conv_bn2.conv", "body.conv_bn2.bn", "add", "relu"):  # fmt: skip
                assert f"{stage}.{unit}.{layer}" in names
    assert len(names) == 1 + 3 + 4 * 7 + 2
    graph = graph_of(NAMED)
    assert list(graph.successors("fc1")) == ["fc2"]
    assert graph.nodes["fc1"]["shape"] == (5,)
    assert list(graph.successors("stem.relu")) == [
        "stage1.unit1.body.conv_bn1.conv",
        "stage1.unit1.add",
    ]


def test_instances_carry_where_they_are_written() -> None:
    instance = graph_of(NAMED).nodes["stage2.unit1.body.conv_bn2.conv"]["instance"]
    assert instance.span.text == "con"
    assert instance.span.position == (1, 58)
    titles = [frame.instance for frame in instance.scope.frames()]
    assert titles == ["conv_bn<4>", "unit<4>", "stage<4>"]


def test_a_module_has_the_names_of_the_graph() -> None:
    module = archdsl.compile(NAMED)
    assert module.stem.conv_bn.conv.weight.shape == (4, 3, 3, 3)
    assert module.get_submodule("stage2.unit1.body.conv_bn2.conv").out_channels == 4
    assert module.fc2.out_features == 3


def test_nodes_stand_in_an_order_that_can_be_executed() -> None:
    graph = graph_of(NAMED)
    place = {node: index for index, node in enumerate(graph)}
    assert all(place[a] < place[b] for a, b in graph.edges())


def test_edges_carry_the_shape_of_what_flows() -> None:
    graph = graph_of(f"fc<3,max_pool<2,2,2,2,{IN}>>")
    found = {(a, b): data["shape"] for a, b, data in graph.edges(data=True)}
    assert found == {("input", "pool"): (4, 8, 8), ("pool", "fc"): (4, 4, 4)}
    assert archdsl.load(f"relu<{IN}>").graph.nodes["relu"]["shape"] == (4, 8, 8)
