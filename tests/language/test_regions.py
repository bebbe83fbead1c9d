"""Regions: a network is a tree in which equal parts are one object, and the flat graph a view."""

from __future__ import annotations

import pytest

import archdsl
from archdsl.analysis import lint
from archdsl.api import Network
from archdsl.frontend.elaborate import Limits
from archdsl.ir import network as model
from archdsl.ir.block import Tag
from archdsl.ir.layer import Layer
from archdsl.ir.region import MAIN, Region, distinct
from archdsl.layers.combinators import Repeat

BLOCKS = """
template <typename S> using one = relu<S>;
template <typename S> using cbr = relu<bn_con<con<8,3,3,1,1,S>>>;
template <typename S> using body = con<8,3,3,1,1,relu<con<8,3,3,1,1,S>>>;
template <typename S> using res = relu<residual<body,S>>;
template <typename S> using tagged = relu<add_prev1<con<8,3,3,1,1,tag1<S>>>>;
template <typename S> using older = tag1<add_prev1<con<8,3,3,1,1,S>>>;
template <typename S> using turn = tag2<skip1<tag3<skip2<tag1<skip3<S>>>>>>;
template <typename S> using two_back = add_prev2<con<8,3,3,1,1,turn<S>>>;
template <typename S> using tapped = tap<p,resize_like<tag1,at<p,con<8,3,3,1,1,S>>>>;
template <typename S> using halved = max_pool<2,2,2,2,con<8,3,3,1,1,S>>;
template <typename S> using none = S;
template <typename S> using behind = tag1<relu<skip1<S>>>;
template <typename S> using named = compose<sig,relu,S>;
"""  # fmt: skip
MILLION = 1_000_000


def load(text: str, limit: int = 10**9) -> Network:
    return archdsl.load(BLOCKS + text, limits=Limits(layers=limit))


def judged(monkeypatch: pytest.MonkeyPatch, text: str) -> tuple[int, int]:
    """Calls of shape rules, and layers of flat graphs, that check and its line cost."""
    calls: list[Layer] = []
    flat: list[int] = []
    rule, flatten = Layer.edge_shape, model.flatten

    def counted(self: Layer, inputs):
        calls.append(self)
        return rule(self, inputs)

    def measured(*arguments):
        made = flatten(*arguments)
        flat.append(len(made.instances))
        return made

    with monkeypatch.context() as patch:
        patch.setattr(Layer, "edge_shape", counted)
        patch.setattr(model, "flatten", measured)
        network = load(text)
        assert str(network.check().summary())
        assert isinstance(network.advice, tuple)
    return len(calls), sum(flat)


@pytest.mark.parametrize("block", ["one", "cbr", "res", "tagged", "relu", "older"])
def test_a_million_runs_cost_what_a_hundred_do(monkeypatch, block):
    def text(runs: int) -> str:
        return f"using net_type = fc<10,repeat<{runs},{block},tag1<input<8,16,16>>>>;"

    few, many = judged(monkeypatch, text(100)), judged(monkeypatch, text(MILLION))
    assert many == few
    assert few[0] < 10 and few[1] < 40


def test_totals_of_a_million_runs():
    """By hand: two 3×3 convolutions of 8 channels with a bias on 16×16."""
    summary = load(f"using net_type = repeat<{MILLION},res,input<8,16,16>>;").summary()
    weights = 8 * 8 * 3 * 3
    assert summary.parameters == MILLION * 2 * (weights + 8)
    assert summary.macs == MILLION * 2 * weights * 16 * 16
    assert summary.network.layers == 1 + MILLION * 5
    assert summary.outputs == {"output": (8, 16, 16)}


def test_the_limit_on_layers_holds_as_before():
    text = f"using net_type = repeat<{MILLION},cbr,input<8,16,16>>;"
    with pytest.raises(archdsl.ArchError, match="layers"):
        load(text, limit=3 * MILLION - 1)
    assert load(text, limit=3 * MILLION + 1).check()


REPEATED = [
    "one", "cbr", "res", "tagged", "older", "two_back", "tapped", "halved", "none", "behind",
    "named", "relu", "con<8,3,3,1,1>", "compose<relu,con<8,3,3,1,1>>", "skip1", "residual<cbr>",
    "parallel<cbr,one>", "dense<con<2,3,3,1,1>,2>", "scale<compose<sig,fc<8>>>",
]  # fmt: skip


@pytest.mark.parametrize("runs", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("block", REPEATED)
def test_repeat_is_the_block_written_so_often(block, runs):
    """A template with a subnet of its own, nested by hand, gives the same layers and edges."""
    before = "tap<p,tag3<relu<tag2<relu<tag1<con<8,3,3,1,1,input<8,32,32>>>>>>>>"
    behind = "add_prev1<add_prev2<add_prev3<{}>>>" if block != "dense" else "{}"
    once = f"compose<{block}>" if "<" not in block and block == "skip1" else block
    nested = before
    for _ in range(runs):
        nested = f"compose<{once},{nested}>" if "<" in once else f"{once}<{nested}>"
    repeated = load(f"using net_type = {behind.format(f'repeat<{runs},{block},{before}>')};")
    by_hand = load(f"using net_type = {behind.format(nested)};")
    assert edges(repeated) == edges(by_hand)
    assert repeated.summary().parameters == sum(row.parameters for row in repeated.summary().rows)
    assert repeated.summary().macs == sum(row.macs for row in repeated.summary().rows)
    assert repeated.checked.layers == len(repeated.graph)


def edges(network: Network) -> list[tuple[str, tuple[str, ...], object]]:
    model = network.checked
    return [(i.path, i.inputs, model.shape(i.path)) for i in model.instances()]


def only(network: Network, template: str) -> Region:
    """The only region of a template."""
    (found,) = (r for r in distinct(network.checked.root) if r.template == template)
    return found


def test_equal_blocks_are_one_region_that_knows_what_it_reads_and_sets():
    network = load(
        """
        // Adds what was there.
        template <int N, typename S> using back = relu<add_prev5<con<N,3,3,1,1,S>>>;
        using net_type = back<8,relu<tag6<back<8,tag5<input<8,4,4>>>>>>;
        """
    )
    region = only(network, "back")
    assert region.inputs == (MAIN, 5)
    assert region.title == "back<8>"
    assert region.numbers == (("N", 8),)
    assert region.doc == ("Adds what was there.",)
    assert region.layers == 3
    tagging = only(load("using net_type = one<tagged<input<8,4,4>>>;"), "tagged")
    assert tagging.inputs == (MAIN,)
    assert tagging.marks == {1: -1}


def test_repeat_is_one_counted_call():
    root = load(f"using net_type = repeat<{MILLION},older,tag1<input<8,4,4>>>;").checked.root
    (repeated,) = (r for r in distinct(root) if isinstance(r.combinator, Repeat))
    (call,) = repeated.steps
    assert call.times == MILLION
    assert call.region.template == "older"
    assert call.region.inputs == (MAIN, 1)
    assert call.region.carried == (call.region.output, call.region.output)
    assert len(distinct(root)) < 10
    assert str(Tag(1)) == "tag1"


def test_side_outputs_of_a_repeated_block_clash():
    with pytest.raises(archdsl.ArchError, match="two outputs 'aux'"):
        load("using net_type = repeat<2,branch<aux,relu>,input<8,4,4>>;")


def test_errors_name_the_run_in_which_they_happen():
    """5×5 halves to 2×2 and 1×1; there the fourth window of two is too large."""
    text = """
    template <typename S> using half = con<8,2,2,2,2,S>;
    template <typename S> using stage = repeat<9,half,S>;
    using net_type = stage<input<8,5,5>>;
    """
    with pytest.raises(archdsl.ArchError) as caught:
        load(text).check()
    (error,) = caught.value.diagnostics
    assert error.label == "takes 8×1×1"
    assert [frame.instance for frame in error.frames] == ["half", "stage"]


def test_lint_sees_every_neighbour_of_a_run():
    """The bias is only without effect where one run meets the next."""
    text = "template <typename S> using late = con<8,3,3,1,1,bn_con<S>>;"
    advice = load(f"{text} using net_type = repeat<1000,late,input<8,9,9>>;").advice
    assert [a.code for a in advice].count("W006") == 1
    assert lint.rules()
