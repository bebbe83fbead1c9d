"""Networks match whatever their layers are called; mutants are refused, and the report points."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from nets import FlatResNet18, Small, SwappedBranches, Tail, WithoutSkip
from torch import Tensor, nn

from archdsl.importers.verification import Match, canonical, match


def compared(reference: nn.Module, compiled: nn.Module, **options: bool) -> Match:
    return match(canonical(reference), canonical(compiled), **options)


def test_resnet18_rebuilt_without_blocks_matches() -> None:
    found = compared(torchvision.models.resnet18(weights=None), FlatResNet18())
    assert found.matched and not found.differences
    modules = dict(found.modules)
    assert modules["layer2.0.conv1"] == "firsts.2"
    assert modules["layer2.0.downsample.1"] == "shortcuts.2.1"
    assert modules["fc"] == "scores"
    assert len(modules) == 41  # 20 convolutions with their norms, and the classifier
    assert len(found.tensors) == 122  # entries of torchvision's state_dict


def mutated(change: Callable[[nn.Module], None]) -> nn.Module:
    net = torchvision.models.resnet18(weights=None)
    change(net)
    return net


MUTANTS: list[tuple[Callable[[nn.Module], None], tuple[str, ...]]] = [
    (
        lambda net: setattr(net.layer2[0].conv1, "stride", (1, 1)),
        ("stride is (2, 2) in layer2.0.conv1, (1, 1) in layer2.0.conv1",),
    ),
    (
        lambda net: setattr(net.layer3[1].conv2, "padding", (0, 0)),
        ("padding is (1, 1) in layer3.1.conv2, (0, 0)",),
    ),
    (lambda net: setattr(net.layer1[0].bn2, "eps", 1e-3), ("eps is 1e-05 in layer1.0.bn2, 0.001",)),
    (lambda net: setattr(net.bn1, "momentum", 0.01), ("momentum is 0.1 in bn1, 0.01",)),
    (lambda net: setattr(net.maxpool, "ceil_mode", True), ("ceil_mode is False in maxpool",)),
    (
        lambda net: setattr(net, "layer4", nn.Sequential(net.layer4[0])),
        ("conv2d layer4.1.conv1 comes after layer4.0.relu (call 2) in the reference",),
    ),
    (
        lambda net: setattr(net, "relu", nn.ReLU6()),
        ("relu relu comes after bn1", "relu6 relu after bn1"),
    ),
    (lambda net: setattr(net, "fc", nn.Linear(512, 10)), ("out_features is 1000 in fc, 10 in fc",)),
]


@pytest.mark.parametrize(("change", "expected"), MUTANTS)
def test_the_report_points_at_the_changed_layer(
    change: Callable[[nn.Module], None], expected: tuple[str, ...]
) -> None:
    found = compared(torchvision.models.resnet18(weights=None), mutated(change))
    assert not found.matched and not found.pairs
    for part in expected:
        assert part in found.differences[0]


def test_a_missing_and_an_extra_layer_are_called_so() -> None:
    class WithoutReLU(Small):
        def __init__(self) -> None:
            super().__init__()
            self.act = nn.Sequential()

    (missing,) = compared(Small(), WithoutReLU()).differences[:1]
    assert "relu act comes after norm" in missing and "relu is missing" in missing
    (extra,) = compared(WithoutReLU(), Small()).differences[:1]
    assert "relu act after norm" in extra and "relu is extra" in extra


def test_a_dropped_skip_connection_is_reported() -> None:
    (sentence, *_) = compared(Small(), WithoutSkip()).differences
    assert sentence.startswith("add add comes after body, act in the reference")


def test_swapped_branches_are_reported() -> None:
    (sentence,) = compared(Small(), SwappedBranches()).differences
    assert "in another order: (left, right) in the reference, (right, left)" in sentence


def test_a_change_in_branches_that_begin_alike_is_pointed_at() -> None:
    class Branches(nn.Module):
        def __init__(self, stride: int) -> None:
            super().__init__()
            self.left = nn.Conv2d(3, 4, 1)
            self.right = nn.Sequential(nn.Conv2d(3, 4, 1, stride), nn.Conv2d(4, 4, 3))

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return self.left(x), self.right(x)

    gap, there = compared(Branches(1), Branches(2)).differences
    assert gap.startswith("conv2d right.1 comes after right.0 in the reference")
    assert there.startswith("The compiled network goes on with conv2d right.0 after x")
    assert "stride=(2, 2)" in there


class Twice(nn.Module):
    """Two equal convolutions of one input, or one of them used twice."""

    def __init__(self, *, shared: bool) -> None:
        super().__init__()
        self.one = nn.Conv2d(3, 4, 1)
        self.two = self.one if shared else nn.Conv2d(3, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.one(x), self.two(x * 2)], 1)


def test_sharing_of_a_module_must_agree() -> None:
    assert compared(Twice(shared=True), Twice(shared=True)).matched
    assert compared(Twice(shared=False), Twice(shared=False)).matched
    for first in (False, True):
        found = compared(Twice(shared=first), Twice(shared=not first))
        assert not found.matched
        assert "one.bias is used" in found.differences[0]


def test_one_layer_is_not_two_equal_ones() -> None:
    class Sum(Small):
        def forward(self, x: Tensor) -> Tensor:
            return self.act(x) + self.act(x)

    class Double(Small):
        def forward(self, x: Tensor) -> Tensor:
            y = self.act(x)
            return y + y

    found = compared(Sum(), Double())
    assert not found.matched
    assert "is computed 2 times in the reference" in found.differences[0]


def test_symmetric_branches_are_paired_consistently() -> None:
    class Branches(nn.Module):
        def __init__(self, order: tuple[int, ...]) -> None:
            super().__init__()
            self.first = nn.ModuleList(nn.Conv2d(3, 3, 1) for _ in range(4))
            self.second = nn.ModuleList(nn.Conv2d(3, 3, 1) for _ in range(4))
            self.order = order

        def forward(self, x: Tensor) -> Tensor:
            begun = {i: self.first[i](x) for i in self.order}
            ended = {i: self.second[i](begun[i]) for i in reversed(self.order)}
            return sum((ended[i] for i in self.order[1:]), start=ended[self.order[0]])

    found = compared(Branches((0, 1, 2, 3)), Branches((2, 0, 3, 1)))
    assert found.matched
    modules = dict(found.modules)
    for i in range(4):
        assert modules[f"first.{i}"][-1] == modules[f"second.{i}"][-1]


def test_outputs_are_paired_by_name_and_number() -> None:
    def named(**names: str) -> Tail:
        return Tail(lambda x: {name: getattr(x, kind)() for name, kind in names.items()})

    numbered = Tail(lambda x: (x.relu(), x.tanh()))
    assert compared(numbered, named(a="relu", b="tanh")).outputs == (("0", "a"), ("1", "b"))
    exchanged = compared(numbered, named(b="tanh", a="relu"))
    assert not exchanged.matched and "Output 0 is the result of relu" in exchanged.differences[0]
    by_name = compared(named(a="relu", b="tanh"), named(b="tanh", a="relu"))
    assert by_name.outputs == (("a", "a"), ("b", "b"))
    assert not compared(named(a="relu", b="tanh"), named(a="tanh", b="relu")).matched
    assert not compared(named(a="relu", b="tanh"), named(a="relu", c="tanh")).matched
    google = named(logits="relu", aux_logits2="tanh", aux_logits1="sigmoid")
    ours = named(output="relu", aux1="sigmoid", aux2="tanh")
    assert compared(google, ours).outputs == (
        ("logits", "output"), ("aux_logits2", "aux2"), ("aux_logits1", "aux1"),
    )  # fmt: skip
    assert not compared(google, named(output="relu", aux2="sigmoid", aux1="tanh")).matched


def test_outputs_of_one_computation_are_still_two() -> None:
    once, twice = Tail(lambda x: {"a": x.relu()}), Tail(lambda x: {"a": x.relu(), "b": x.relu()})
    assert not compared(once, twice).matched
    assert not compared(twice, once).matched


def test_extra_outputs_must_be_allowed() -> None:
    one, two = Tail(lambda x: x.relu()), Tail(lambda x: {"output": x.relu(), "aux": x.tanh()})
    for pair, side in (((one, two), "compiled_only"), ((two, one), "reference_only")):
        refused = compared(*pair)
        assert not refused.matched and "aux (tanh tanh" in refused.differences[0]
        allowed = compared(*pair, partial=True)
        assert allowed.matched and allowed.outputs == (("output", "output"),)
        assert getattr(refused, side) == getattr(allowed, side) == ("aux",)
    other = Tail(lambda x: {"output": x.sigmoid(), "aux": x.relu()})
    assert not compared(one, other, partial=True).matched


def test_auxiliary_heads_match_in_training_mode_only() -> None:
    nets = [torchvision.models.googlenet(weights=None, init_weights=False) for _ in range(2)]
    for training, outputs in ((False, 1), (True, 3)):
        graphs = [canonical(net, training=training) for net in nets]
        assert len(match(*graphs).outputs) == outputs
    assert not match(canonical(nets[0]), graphs[0]).matched
    assert match(canonical(nets[0]), graphs[0], partial=True).matched


# --- random networks --------------------------------------------------------------------------

Step = tuple[str, int, int]


class Random(nn.Module):
    """A network of convolutions, sums and concatenations as told by ``steps``.

    Each step reads earlier values by number. ``names`` are those of its convolutions. ``flipped``
    executes independent steps in another order and swaps the operands of sums.
    """

    def __init__(self, steps: list[Step], names: list[str], flipped: bool) -> None:
        super().__init__()
        self.steps, self.names, self.flipped = steps, names, flipped
        for (kind, *_), name in zip(steps, names, strict=True):
            if kind.startswith("conv"):
                self.add_module(name, nn.Conv2d(3, 3, int(kind[4:]), padding=int(kind[4:]) // 2))

    def forward(self, x: Tensor) -> Tensor:
        values: dict[int, Tensor] = {0: x}
        waiting = list(enumerate(self.steps, start=1))
        while waiting:  # in another order when flipped: the last of those which are ready
            ready = [i for i, (_, (_, a, b)) in enumerate(waiting) if {a, b} <= values.keys()]
            number, (kind, a, b) = waiting.pop(ready[-1] if self.flipped else ready[0])
            if kind == "add":
                one, two = (b, a) if self.flipped else (a, b)
                values[number] = values[one] + values[two]
            elif kind == "cat":
                values[number] = torch.cat([values[a], values[b]], 2)
            else:
                values[number] = self.get_submodule(self.names[number - 1])(values[a])
        return {str(number): value for number, value in values.items() if number}


@st.composite
def networks(draw: st.DrawFn) -> list[Step]:
    count = draw(st.integers(1, 9))
    kinds = st.sampled_from(["conv1", "conv3", "add", "cat"])
    return [(draw(kinds), draw(st.integers(0, i)), draw(st.integers(0, i))) for i in range(count)]


@settings(max_examples=60, deadline=None)
@given(networks(), st.randoms(use_true_random=False))
def test_a_renamed_and_reordered_copy_matches(steps: list[Step], shuffler: random.Random) -> None:
    names = [f"layer{i}" for i in range(len(steps))]
    others = [f"part{i}" for i in range(len(steps))]
    shuffler.shuffle(others)
    assert compared(Random(steps, names, False), Random(steps, others, True)).matched


@settings(max_examples=60, deadline=None)
@given(networks(), st.data())
def test_a_mutated_copy_does_not_match(steps: list[Step], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(steps) - 1))
    kind, a, b = steps[place]
    changed = {"conv1": "conv3", "conv3": "conv5", "add": "cat", "cat": "add"}[kind]
    other = [*steps[:place], (changed, a, b), *steps[place + 1 :]]
    names = [f"layer{i}" for i in range(len(steps))]
    found = compared(Random(steps, names, False), Random(other, names, False))
    assert not found.matched and found.differences
