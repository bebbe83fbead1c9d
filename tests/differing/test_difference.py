"""What ``archdsl diff`` finds: expected from papers' tables, by arithmetic, or by the edit made."""

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import archdsl
from archdsl.analysis.diff import Change, Difference, Status, difference
from archdsl.analysis.diff.alignment import _rising, aligned
from archdsl.analysis.diff.parts import NetworkPart


def diff(before: str, after: str, **params: object) -> Difference:
    return difference(*(archdsl.load(text, **params).checked for text in (before, after)))


def marked(found: Difference, status: Status) -> list[str]:
    return [change.part.kind for change in found.root.layers() if change.status is status]


def only(found: Difference) -> Change:
    """The one layer that is not unchanged."""
    (change,) = (c for c in found.root.layers() if c.status is not Status.UNCHANGED)
    return change


# ---- published networks ----


def test_resnet101_has_17_blocks_more() -> None:
    """He et al. 2015, table 1: conv4_x has 6 blocks of 1×1,256 3×3,256 1×1,1024, or 23."""
    found = diff("resnet50", "resnet101")
    # Three convolutions, three normalisations, two activations inside, a sum, an activation.
    assert marked(found, Status.ADDED) == 17 * [
        *["con", "batch_norm", "relu"] * 2, "con", "batch_norm", "add", "relu"
    ]  # fmt: skip
    assert found.counts()[Status.UNCHANGED] == len(found.before.rows)
    weights = 1024 * 256 + 9 * 256 * 256 + 256 * 1024
    scales = 2 * (256 + 256 + 1024)
    assert found.root.parameters == 17 * (weights + scales)
    assert found.root.macs == 17 * 14 * 14 * weights


def test_vgg19_has_three_convolutions_more() -> None:
    """Simonyan and Zisserman 2014, table 1: columns D and E."""
    found = diff("vgg16", "vgg19")
    added = [change.part for change in found.root.layers() if change.status is Status.ADDED]
    assert [part.kind for part in added] == ["con", "relu"] * 3
    assert [part.shape for part in added[::2]] == [(256, 56, 56), (512, 28, 28), (512, 14, 14)]
    assert [part.parameters for part in added[::2]] == [9 * n * n + n for n in (256, 512, 512)]
    assert found.counts()[Status.ADDED] + found.counts()[Status.UNCHANGED] == len(found.after.rows)


def test_wide_resnet_doubles_the_inner_convolutions() -> None:
    """Zagoruyko and Komodakis 2016: two of the three convolutions of each of the 16 blocks."""
    found = diff("resnet50", "wide_resnet50_2")
    changed = [change for change in found.root.layers() if change.status is Status.CHANGED]
    assert len(changed) == 2 * (3 + 4 + 6 + 3)
    for change in changed:
        assert set(change.arguments) == {"filters"}
        was, now = change.arguments["filters"]
        assert now == 2 * was
    assert not marked(found, Status.ADDED) and not marked(found, Status.REMOVED)


def test_resnext101_has_wider_groups_and_17_blocks_more() -> None:
    """Xie et al. 2016: the middle of each bottleneck in 32 groups; stages of other templates."""
    found = diff("resnet50", "resnext101_32x8d")
    assert len(marked(found, Status.ADDED)) == 170 and not marked(found, Status.REMOVED)
    changed = [change for change in found.root.layers() if change.status is Status.CHANGED]
    assert sum("groups" in change.arguments for change in changed) == 16
    assert all(c.arguments["groups"] == (1, 32) for c in changed if "groups" in c.arguments)


def test_densenet169_has_24_layers_more() -> None:
    """Huang et al. 2017, table 1: blocks of 6, 12, 32, 32 layers in place of 6, 12, 24, 16."""
    found = diff("densenet121", "densenet169")
    # Normalisation, activation, convolution, twice, and a concatenation.
    assert marked(found, Status.ADDED).count("con") == 2 * (8 + 16)
    assert len(marked(found, Status.ADDED)) == 7 * (8 + 16) and not marked(found, Status.REMOVED)
    # The transition halves what comes out of block 3: 256 and 8 × 32 channels more.
    changed = [change for change in found.root.layers() if change.status is Status.CHANGED]
    assert [change.arguments for change in changed] == [{"filters": (512, 640)}]


def test_a_step_put_in_moves_the_names_of_those_behind_it() -> None:
    text = """
        template <int N, typename SUBNET> using step = relu<con<N,3,3,1,1,SUBNET>>;
        using net_type = fc<10,{}input<3,8,8>>{};
    """
    steps = [8, 16, 24, 32, 40]
    longer = [8, 16, 16, 24, 32, 40]
    nets = [
        text.format("".join(f"step<{n}," for n in reversed(s)), ">" * len(s))
        for s in (steps, longer)
    ]
    found = diff(nets[0], nets[1])
    assert marked(found, Status.ADDED) == ["con", "relu"]
    assert not marked(found, Status.CHANGED) and not marked(found, Status.REMOVED)


def test_stages_are_compared_with_what_is_written_without() -> None:
    definitions = """
        template <int N, typename SUBNET> using step = relu<batch_norm<con<N,3,3,1,1,SUBNET>>>;
        template <int N, typename SUBNET> using stage = max_pool<2,2,2,2,step<N,step<N,SUBNET>>>;
    """
    flat = (
        f"{definitions} using net_type = fc<10,max_pool<2,2,2,2,step<16,step<16,"
        "max_pool<2,2,2,2,step<8,step<8,input<3,16,16>>>>>>>>;"
    )
    staged = f"{definitions} using net_type = fc<10,stage<16,stage<8,input<3,16,16>>>>;"
    assert diff(flat, staged).equal
    longer = staged.replace("fc<10,", "fc<10,step<16,").replace(">>>>;", ">>>>>;")
    assert marked(diff(flat, longer), Status.ADDED) == ["con", "batch_norm", "relu"]


def test_a_network_is_equal_to_itself() -> None:
    for name in ("googlenet", "densenet121", "faster_rcnn_resnet50_fpn", "vit_b_16"):
        found = diff(name, name)
        assert found.equal
        assert found.counts()[Status.UNCHANGED] == len(found.after.rows)


# ---- one edit ----

BASE = "fc<10,relu<con<8,3,3,1,1,relu<con<8,3,3,1,1,input<3,8,8>>>>>>"


@pytest.mark.parametrize(
    ("edited", "status", "kind"),
    [
        (BASE.replace("fc<10,relu", "fc<10,dropout<0.5,relu").replace(">" * 6, ">" * 7),
         Status.ADDED, "dropout"),
        (BASE.replace("fc<10,relu<", "fc<10,").replace(">" * 6, ">" * 5), Status.REMOVED, "relu"),
        (BASE.replace("fc<10,relu", "fc<10,hardswish"), Status.CHANGED, "hardswish"),
        (BASE.replace("fc<10,", "fc<10,bias=false,"), Status.CHANGED, "fc"),
        (BASE.replace("fc<10,", "fc<11,"), Status.CHANGED, "fc"),
    ],
)  # fmt: skip
def test_one_edit_is_one_change(edited: str, status: Status, kind: str) -> None:
    change = only(diff(BASE, edited))
    assert (change.status, change.part.kind) == (status, kind)
    back = only(diff(edited, BASE))
    assert back.status is {Status.ADDED: Status.REMOVED, Status.REMOVED: Status.ADDED}.get(
        status, status
    )
    assert (back.parameters, back.macs) == (-change.parameters, -change.macs)


def test_what_comes_behind_a_change_is_affected() -> None:
    found = diff(BASE, BASE.replace("relu<con<8,3,3,1,1,input", "relu<con<9,3,3,1,1,input"))
    assert marked(found, Status.CHANGED) == ["con"]
    # The activation has other channels, and the next convolution reads them.
    assert marked(found, Status.AFFECTED) == ["relu", "con"]
    assert not found.equal


def test_another_input_affects_everything_but_is_written_the_same() -> None:
    found = diff(BASE, BASE.replace("3,8,8", "3,16,16"))
    assert marked(found, Status.CHANGED) == ["input"]
    assert len(marked(found, Status.AFFECTED)) == 5


def test_an_argument_written_otherwise_is_no_change() -> None:
    """con and max_pool pad by k/2 at stride 1, and not at all at stride 2, as dlib does."""
    plain = "con<8,5,5,2,2,max_pool<3,3,1,1,con<8,3,3,1,1,input<3,16,16>>>>"
    written = (
        "con<8,5,5,2,2,0,0,max_pool<3,3,1,1,padding=1,"
        "con<8,3,3,1,1,padding_h=1,padding=1,bias=true,input<3,16,16>>>>"
    )
    assert diff(plain, written).equal
    assert not diff(plain, written.replace("2,2,0,0", "2,2,1,0")).equal


def test_frozen_layers_differ_from_those_that_learn() -> None:
    plain = "fc<10,con<8,3,3,1,1,input<3,8,8>>>"
    text = """
        template <typename SUBNET> using body = con<8,3,3,1,1,SUBNET>;
        using net_type = fc<10,frozen<body,input<3,8,8>>>;
    """
    change = only(diff(plain, text))
    assert change.arguments == {"frozen": (False, True)}


def test_templates_of_other_names_and_nesting_are_only_renamed() -> None:
    nested = """
        template <int N, typename SUBNET> using step = relu<con<N,3,3,1,1,SUBNET>>;
        template <typename SUBNET> using steps = step<8,step<8,SUBNET>>;
        using net_type = fc<10,steps<input<3,8,8>>>;
    """
    found = diff(BASE, nested)
    assert found.equal
    assert sum(change.renamed for change in found.root.layers()) == 4


def test_a_shortcut_from_elsewhere_is_a_change() -> None:
    text = "add_prev{}<con<4,3,3,1,1,tag2<con<4,3,3,1,1,tag1<input<4,8,8>>>>>>"
    change = only(diff(text.format(1), text.format(2)))
    assert change.part.kind == "add_padded"
    assert change.rewired and change.status is Status.CHANGED and not change.arguments


def test_a_layer_put_in_between_rewires_nobody() -> None:
    text = "add_prev1<con<4,3,3,1,1,{}con<4,3,3,1,1,tag1<input<4,8,8>>>>>"
    found = diff(text.format(""), text.format("relu<").replace(">>>>>", ">>>>>>"))
    assert only(found).part.kind == "relu"


def test_an_output_from_elsewhere_is_a_change() -> None:
    text = """
        template <typename SUBNET> using head = fc<10,SUBNET>;
        using net_type = {};
    """
    one = text.format("fc<5,relu<branch<side,head,relu<input<3,8,8>>>>>")
    other = text.format("fc<5,branch<side,head,relu<relu<input<3,8,8>>>>>")
    found = diff(one, other)
    assert not found.equal


def test_costs_of_a_scope_are_those_of_its_layers() -> None:
    found = diff("googlenet", "bn_inception")
    waiting = [found.root]
    while waiting:
        change = waiting.pop()
        waiting += change.children
        layers = list(change.layers())
        assert change.parameters == sum(layer.parameters for layer in layers)
        assert change.macs == sum(layer.macs for layer in layers)
    assert found.root.parameters == found.after.parameters - found.before.parameters


# ---- alignment ----


def part(name: str, digest: int = 0) -> NetworkPart:
    return NetworkPart(name, "", name, digest=digest)


@given(st.lists(st.integers(0, 4), max_size=9), st.lists(st.integers(0, 4), max_size=9))
def test_every_part_is_aligned_once_and_in_order(one: list[int], other: list[int]) -> None:
    before, after = ([part(str(n), n) for n in side] for side in (one, other))
    pairs = aligned(before, after)
    assert [pair.before for pair in pairs if pair.before] == before
    assert [pair.after for pair in pairs if pair.after] == after
    assert all(p.before is not None or p.after is not None for p in pairs)
    if one == other:
        assert all(p.before and p.after and p.before.digest == p.after.digest for p in pairs)


@given(st.permutations(range(7)))
def test_the_longest_rising_row(places: list[int]) -> None:
    pairs = list(enumerate(places))
    found = _rising(pairs)
    longest = max(
        len(row)
        for size in range(8)
        for row in itertools.combinations(places, size)
        if list(row) == sorted(row)
    )
    assert len(found) == longest
    assert set(found) <= set(pairs)
    assert found == sorted(found) and [j for _, j in found] == sorted(j for _, j in found)


@pytest.mark.parametrize("second", ["relu", "sig"])
def test_ten_thousand_layers(second: str) -> None:
    """A quadratic alignment would take minutes."""
    text = """
        template <typename SUBNET> using step = {0}<con<4,3,3,1,1,SUBNET>>;
        using net_type = {1};
    """
    steps = 5000  # of two layers each
    before = text.format("relu", "".join(["step<"] * steps) + "input<4,8,8>" + ">" * steps)
    places = {7, 2500, 4999}
    inner = "".join("sig<step<" if n in places else "step<" for n in range(steps))
    after = text.format(second, inner + "input<4,8,8>" + ">" * (steps + len(places)))
    networks = [archdsl.load(t).checked for t in (before, after)]
    start = time.process_time()
    found = difference(*networks)
    assert time.process_time() - start < 10
    counts = found.counts()
    assert counts[Status.ADDED] == 3 and counts[Status.REMOVED] == 0
    assert counts[Status.CHANGED] == (0 if second == "relu" else steps)
