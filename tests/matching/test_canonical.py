"""Spellings of one operation give one label; different operations do not."""

from __future__ import annotations

import operator
from collections.abc import Callable

import pytest
import torch
from nets import OtherSpelling, Small, Tail
from torch import Tensor, nn
from torch.nn import functional as F

import archdsl
from archdsl.importers.verification import MatchError, canonical, match, verify

Function = Callable[[Tensor], object]


def same(first: nn.Module, second: nn.Module, *, training: bool = False) -> bool:
    graphs = (canonical(module, training=training) for module in (first, second))
    return match(*graphs).matched


SAME: list[tuple[Function, Function]] = [
    (F.relu, torch.relu),
    (F.relu, nn.ReLU(inplace=True)),
    (F.relu, lambda x: x.relu_()),
    (nn.Sigmoid(), lambda x: x.sigmoid()),
    (nn.Hardswish(), lambda x: F.hardswish(x, inplace=True)),
    (nn.GELU(), F.gelu),
    (nn.LeakyReLU(0.1), lambda x: F.leaky_relu(x, 0.1)),
    (nn.MaxPool2d(2), lambda x: F.max_pool2d(x, [2], (2, 2))),
    (nn.AvgPool2d(3, 1), lambda x: F.avg_pool2d(x, 3, stride=1)),
    (nn.LocalResponseNorm(5), lambda x: F.local_response_norm(x, 5)),
    (nn.AdaptiveAvgPool2d(1), lambda x: x.mean((-1, -2), keepdim=True)),
    (nn.Flatten(), lambda x: torch.flatten(x, 1)),
    (nn.Flatten(), lambda x: x.flatten(1)),
    (nn.Flatten(), lambda x: x.view(x.size(0), -1)),
    (nn.Flatten(), lambda x: x.reshape(x.shape[0], -1)),
    (nn.Flatten(), lambda x: x.flatten(1).flatten(1)),
    (lambda x: F.relu(x.flatten(1)), lambda x: F.relu(x).flatten(1)),
    (lambda x: F.softmax(x.flatten(1), 1), lambda x: F.softmax(x.flatten(1), dim=-1)),
    (lambda x: x.mean([2, 3]), lambda x: F.adaptive_avg_pool2d(x, 1).flatten(1)),
    (lambda x: x + 1, lambda x: torch.add(1, x)),
    (lambda x: x + F.relu(x), lambda x: operator.iadd(F.relu(x), x)),
    (lambda x: x.permute(0, 2, 3, 1), lambda x: torch.permute(x, [0, 2, 3, 1])),
    (lambda x: x.transpose(1, 2), lambda x: torch.swapaxes(x, 1, 2)),
    (lambda x: x.contiguous() * 2, lambda x: 2 * x),
    (nn.Identity(), lambda x: x),
    (nn.Dropout(0.0), lambda x: x),
    (nn.Sequential(nn.Flatten(), nn.Identity(), nn.ReLU()), lambda x: F.relu(x).flatten(1)),
    (lambda x: F.relu(x.clone(), inplace=True) + x, lambda x: F.relu(x) + x),
    (lambda x: torch.cat([x], 1) + 1, lambda x: x + 1),
    (
        lambda x: torch.cat([x, x.relu(), x.tanh()], 1),
        lambda x: torch.cat([torch.cat([x, x.relu()], 1), x.tanh()], dim=1),
    ),
    (lambda x: x.chunk(2, 1)[1], lambda x: torch.chunk(x, 2, dim=1)[1]),
    (
        nn.ChannelShuffle(2),
        lambda x: (
            x.view(x.shape[0], 2, x.shape[1] // 2, x.shape[2], x.shape[3])
            .transpose(1, 2)
            .contiguous()
            .view(x.shape[0], x.shape[1], x.shape[2], x.shape[3])
        ),
    ),
]

DIFFERENT: list[tuple[Function, Function]] = [
    (F.relu, F.relu6),
    (F.relu, lambda x: x),
    (nn.Dropout(0.1), lambda x: x),
    (nn.MaxPool2d(3, 2), nn.MaxPool2d(3, 2, ceil_mode=True)),
    (nn.AvgPool2d(3, 1, 1), nn.AvgPool2d(3, 1, 1, count_include_pad=False)),
    (nn.MaxPool2d(2), nn.AvgPool2d(2)),
    (nn.LocalResponseNorm(5), nn.LocalResponseNorm(5, k=2.0)),
    (nn.Dropout(0.5), nn.Dropout(0.4)),
    (nn.Dropout(0.5), lambda x: F.dropout(x, 0.5, training=True)),
    (lambda x: x - 1, lambda x: 1 - x),
    (lambda x: x - x.relu(), lambda x: x.relu() - x),
    (lambda x: torch.add(x, x.relu(), alpha=2), lambda x: torch.add(x.relu(), x, alpha=2)),
    (lambda x: F.softmax(x, 1).flatten(1), lambda x: F.softmax(x.flatten(1), 1)),
    (lambda x: x.transpose(1, 2), lambda x: x.transpose(1, 3)),
    (lambda x: x.flatten(1), lambda x: x.flatten(2)),
    (lambda x: x[:, :4], lambda x: x[:, 4:]),
    (lambda x: (x, x.relu()), lambda x: x.relu()),
    (nn.ChannelShuffle(2), nn.ChannelShuffle(4)),
    (nn.Softmax(1), nn.LogSoftmax(1)),
    # ReLU in place also changes what the sum reads.
    (lambda x: F.relu(x, inplace=True) + x, lambda x: F.relu(x) + x),
]


@pytest.mark.parametrize(("first", "second"), SAME)
def test_spellings_of_one_function_match(first: Function, second: Function) -> None:
    one, other = Tail(first), Tail(second)
    assert same(one, other)
    other.load_state_dict(one.state_dict(), strict=False)
    data = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(one.eval()(data), other.eval()(data))


@pytest.mark.parametrize(("first", "second"), DIFFERENT)
def test_different_functions_do_not_match(first: Function, second: Function) -> None:
    assert not same(Tail(first), Tail(second))
    assert not same(Tail(second), Tail(first))


def head(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 8, 3), *layers)


class Rows(nn.Module):
    """A convolution, and its map reshaped as told."""

    def __init__(self, reshaped: Function) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.reshaped = reshaped

    def forward(self, x: Tensor) -> object:
        return self.reshaped(self.conv(x))


@pytest.mark.parametrize(
    ("spelled", "expected"),
    [
        (lambda x: x.reshape(x.shape[0], 8, -1), True),
        (lambda x: x.view(x.size(0), x.size(1), x.size(2) * x.size(3)), True),
        (lambda x: torch.flatten(x, 2), True),
        (lambda x: x.reshape(x.shape[0], 4, -1), False),
        (lambda x: x.reshape(x.shape[0], -1, 8), False),
        (lambda x: x.reshape(-1, 8, x.shape[2] * x.shape[3]), False),
        (lambda x: x.relu().flatten(2), False),
        (lambda x: x.flatten(1), False),
    ],
)
def test_maps_as_rows_of_cells_match(spelled: Function, expected: bool) -> None:
    one, other = Rows(lambda x: x.flatten(2)), Rows(spelled)
    assert same(one, other) is same(other, one) is expected


POOL, FLATTEN = nn.AdaptiveAvgPool2d(1), nn.Flatten()


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (head(POOL, nn.Conv2d(8, 5, 1), FLATTEN), head(POOL, FLATTEN, nn.Linear(8, 5)), True),
        (
            head(POOL, nn.Dropout(0.1), nn.Conv2d(8, 5, 1, 2, bias=False), FLATTEN, nn.ReLU()),
            head(POOL, FLATTEN, nn.Dropout(0.1), nn.Linear(8, 5, bias=False), nn.ReLU()),
            True,
        ),
        (head(POOL, nn.Conv2d(8, 5, 1), FLATTEN), head(POOL, FLATTEN, nn.Linear(8, 4)), False),
        (
            head(POOL, nn.Conv2d(8, 5, 1), FLATTEN),
            head(POOL, FLATTEN, nn.Linear(8, 5, bias=False)),
            False,
        ),
        # Not flattened; not pooled to one position; not a 1×1 convolution; in groups.
        (head(POOL, nn.Conv2d(8, 5, 1)), head(POOL, FLATTEN, nn.Linear(8, 5)), False),
        (head(nn.Conv2d(8, 5, 1), FLATTEN), head(FLATTEN, nn.Linear(8, 5)), False),
        (
            head(nn.AdaptiveAvgPool2d((1, 2)), nn.Conv2d(8, 5, 1), FLATTEN),
            head(nn.AdaptiveAvgPool2d((1, 2)), FLATTEN, nn.Linear(8, 5)),
            False,
        ),
        (
            head(POOL, nn.Conv2d(8, 5, 3, padding=1), FLATTEN),
            head(POOL, FLATTEN, nn.Linear(8, 5)),
            False,
        ),
        (
            head(POOL, nn.Conv2d(8, 4, 1, groups=2), FLATTEN),
            head(POOL, FLATTEN, nn.Linear(8, 4)),
            False,
        ),
    ],
)
def test_a_convolution_of_one_position_is_a_linear_layer(
    first: nn.Module, second: nn.Module, expected: bool
) -> None:
    assert same(first, second) is same(second, first) is expected
    if expected:
        for one, other in ((first, second), (second, first)):
            found = verify(one, other, (3, 8, 8))
            assert found.max_abs_diff is not None and found.max_abs_diff < 1e-5


def test_an_identity_gives_on_its_input_itself() -> None:
    class Copy(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.clone()

    class InPlace(nn.Module):
        def __init__(self, before: nn.Module) -> None:
            super().__init__()
            self.before = before

        def forward(self, x: Tensor) -> Tensor:
            y = x * 2
            return F.relu(self.before(y), inplace=True) + y

    assert same(InPlace(nn.Identity()), InPlace(nn.Sequential()))
    assert not same(InPlace(nn.Identity()), InPlace(Copy()))


def test_identities_of_a_spec_are_left_out_too() -> None:
    plain = "relu<con<4,3,3,1,1,input<3,8,8>>>"
    spelled = "relu<identity<con<4,3,3,1,1,identity<input<3,8,8>>>>>"
    assert same(archdsl.compile(spelled), archdsl.compile(plain))
    assert not same(archdsl.compile(spelled), archdsl.compile(f"dropout<0.1,{plain}>"))


@pytest.mark.parametrize("training", [False, True])
def test_functional_and_module_spelling_of_a_whole_network_match(training: bool) -> None:
    assert same(Small(), OtherSpelling(), training=training)


def test_a_custom_leaf_of_a_graph_module_is_looked_into() -> None:
    class Swish(nn.Module):
        def forward(self, x: Tensor, twice: bool = False) -> Tensor:
            return x * torch.tanh(x) if not twice else x

    class KeepsLeaf(torch.fx.Tracer):
        def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
            return isinstance(m, Swish) or super().is_leaf_module(m, module_qualified_name)

    net = nn.Sequential(nn.Conv2d(3, 4, 1), Swish())
    compiled = torch.fx.GraphModule(net, KeepsLeaf().trace(net))
    assert same(compiled, nn.Sequential(nn.Conv2d(3, 4, 1), Swish()))
    assert not same(compiled, nn.Sequential(nn.Conv2d(3, 4, 1), nn.SiLU()))


def test_activations_spelled_out_are_what_they_compute() -> None:
    """Howard et al. 2019, equation of h-swish; Elfwing et al. 2018; Misra 2019."""

    class Spelled(nn.Module):
        def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
            super().__init__()
            self.function = function

        def forward(self, x: Tensor) -> Tensor:
            return self.function(x)

    from torch.nn import functional as F

    for function, module in (
        (lambda x: x * torch.sigmoid(x), nn.SiLU()),
        (lambda x: F.sigmoid(x).mul(x), nn.SiLU()),
        (lambda x: x * F.relu6(x + 3) / 6, nn.Hardswish()),
        (lambda x: x * (F.relu6(x + 3.0) / 6.0), nn.Hardswish()),
        (lambda x: F.relu6(x + 3) / 6, nn.Hardsigmoid()),
        (lambda x: x * torch.tanh(F.softplus(x)), nn.Mish()),
    ):
        assert same(Spelled(function), module), module
        x = 4 * torch.randn(100)
        assert torch.allclose(function(x), module(x), atol=1e-5)
    assert not same(Spelled(lambda x: x * F.relu6(x + 2) / 6), nn.Hardswish())
    assert not same(Spelled(lambda x: x * F.relu6(x + 3) / 5), nn.Hardswish())


def test_an_untraceable_part_is_compared_by_its_settings() -> None:
    class Loops(nn.Module):
        def __init__(self, times: int) -> None:
            super().__init__()
            self.times = times
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, x: Tensor) -> Tensor:
            return x * self.scale if x.sum() > 0 else x * self.times

    assert same(nn.Sequential(Loops(2)), nn.Sequential(Loops(2)))
    assert not same(nn.Sequential(Loops(2)), nn.Sequential(Loops(3)))
    with pytest.raises(MatchError, match="Loops cannot be traced"):
        canonical(Loops(2))


def test_the_module_is_left_as_it_was() -> None:
    net = Small().train()
    net.norm.eval()
    before = set(vars(net))
    canonical(net, training=False)
    assert net.training and not net.norm.training and set(vars(net)) == before


def test_a_network_without_tensors_is_refused() -> None:
    with pytest.raises(MatchError, match="returns no tensor"):
        canonical(Tail(lambda x: None))
