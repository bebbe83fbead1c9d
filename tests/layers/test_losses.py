"""dlib's losses: what they cost, and the gradient, is what dlib's own code computes; decisions.

The numbers in ``oracle/losses/losses.json`` were printed by dlib (``losses.cpp`` beside it).
"""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from support.losses import COSTS, numbers
from torch import Tensor

import archdsl

DLIB: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "oracle" / "losses" / "losses.json").read_text()
)


HALVED = {
    "metric",
    "metric_close",
    "mean_squared",
    "mean_squared_multioutput",
    "mean_squared_per_pixel",
    "mean_squared_per_channel_and_pixel",
}
"""Losses of which dlib goes down half the slope: it leaves out the 2 of a square's derivative, and
moves one sample of a pair at a time."""


def module(name: str, arguments: str = "", channels: int = 2) -> Any:
    loss = name.removesuffix("_focal").removesuffix("_close")
    return archdsl.compile(f"loss_{loss}<{arguments}input<{channels},1,1>>")


@pytest.mark.parametrize("name", COSTS)
def test_costs_and_gradients_are_dlibs(name: str) -> None:
    arguments, output, labels = COSTS[name]
    channels = output.shape[1] if output.dim() > 1 else 1
    output = output.clone().requires_grad_()
    loss = module(name, arguments, channels).criterion(output, *labels)
    # One of four outputs is too small by more than epsilon, see the class.
    surplus = 2 * 0.75 / 4 if name == "epsilon_insensitive" else 0
    assert loss.item() == pytest.approx(DLIB[name]["loss"] - surplus, rel=1e-5)
    if name == "multibinary_log_focal":
        return  # dlib's gradient is not that of its own loss: the focal term has the other sign
    loss.backward()
    assert output.grad is not None
    expected = torch.tensor(DLIB[name]["gradient"])
    scale = 0.5 if name in HALVED else 1
    torch.testing.assert_close(scale * output.grad.flatten(), expected, rtol=1e-4, atol=2e-6)


def test_ranking_is_a_mean_over_pairs() -> None:
    """Of two pairs in three samples; those of dlib's numbers are as many pairs as samples."""
    output, target = torch.tensor([0.5, 0.25, 1.0]), torch.tensor([1.0, 1.0, -1.0])
    # 1 - 0.5 and 1 - 0.25, and a margin of 1 on either side.
    assert module("ranking", channels=1).criterion(output, target).item() == (2.5 + 2.75) / 2


SCRIPTED = {**COSTS, "multimulticlass_log": ("", numbers(13, 2, 5), [torch.tensor([[1], [4]])])}
"""Losses as they are, and one question of all the outputs, which is none that splits them."""


@pytest.mark.parametrize("name", SCRIPTED)
def test_losses_and_decisions_can_be_scripted(name: str) -> None:
    """As the networks that they belong to: the parts of a module are scripted with it."""
    arguments, output, labels = SCRIPTED[name]
    made = module(name, arguments, output.shape[1] if output.dim() > 1 else 1)
    scripted = torch.jit.script(made.criterion)
    assert torch.equal(scripted(output, *labels), made.criterion(output, *labels))
    if hasattr(made, "decision"):
        decided = torch.jit.script(made.decision)(output)
        torch.testing.assert_close(decided, made.decision(output), rtol=0, atol=0)


def test_all_of_dlibs_plain_losses_are_compared() -> None:
    lacking = {"loss_mmod", "loss_yolo"}
    known = {name for name in archdsl.layers.definitions() if name.startswith("loss_")}
    assert {f"loss_{name}" for name in COSTS} >= known - lacking


def test_outputs_pass() -> None:
    for name, (arguments, output, _) in COSTS.items():
        channels = output.shape[1] if output.dim() > 1 else 1
        data = torch.rand(2, channels, 1, 1)
        assert torch.equal(module(name, arguments, channels)(data), data)


def decided(name: str, output: Tensor, arguments: str = "") -> dict[str, Tensor]:
    result: dict[str, Tensor] = module(name, arguments, output.shape[1]).decision(output)
    return result


@pytest.mark.parametrize("name", ["multiclass_log", "multiclass_log_weighted"])
def test_the_likeliest_class(name: str) -> None:
    """Odds of 3:1:4 are 3/8, 1/8 and 4/8."""
    found = decided(name, torch.tensor([[3.0, 1, 4], [5, 1, 2]]).log())
    assert found["labels"].tolist() == [2, 0]
    torch.testing.assert_close(found["scores"], torch.tensor([4 / 8, 5 / 8]))
    torch.testing.assert_close(found["probabilities"][0], torch.tensor([3 / 8, 1 / 8, 4 / 8]))


@pytest.mark.parametrize("name", ["multiclass_log_per_pixel", "multiclass_log_per_pixel_weighted"])
def test_the_likeliest_class_of_pixels(name: str) -> None:
    odds = torch.tensor([[[[3.0, 1]], [[1, 1]], [[4, 6]]]])
    found = decided(name, odds.log())
    assert found["labels"].tolist() == [[[2, 2]]]
    torch.testing.assert_close(found["scores"], torch.tensor([[[4 / 8, 6 / 8]]]))


def test_several_questions() -> None:
    odds = torch.tensor([[3.0, 1, 1, 1, 6]])
    found = decided("multimulticlass_log", odds.log(), "2,3,")
    assert found["labels"].tolist() == [[0, 2]]
    torch.testing.assert_close(found["scores"], torch.tensor([[3 / 4, 6 / 8]]))


@pytest.mark.parametrize("name", ["binary_log", "multibinary_log", "binary_log_per_pixel"])
def test_yes_or_no(name: str) -> None:
    found = decided(name, torch.tensor([[3.0], [1 / 4], [1]]).log())
    assert found["labels"].tolist() == [[1], [-1], [-1]]
    torch.testing.assert_close(found["probabilities"], torch.tensor([[3 / 4], [1 / 5], [1 / 2]]))


def test_a_hinge_decides_by_the_sign() -> None:
    found = decided("binary_hinge", torch.tensor([[2.5], [-0.5]]))
    assert found["labels"].tolist() == [[1], [-1]]
    assert found["scores"].tolist() == [[2.5], [-0.5]]


@pytest.mark.parametrize(
    ("name", "key"),
    [("metric", "embeddings"), ("barlow_twins", "embeddings"), ("dot", "values"),
     ("mean_squared", "values"), ("epsilon_insensitive", "values"), ("ranking", "scores")],
)  # fmt: skip
def test_what_is_wanted_as_it_is(name: str, key: str) -> None:
    output = torch.rand(3, 1)
    assert torch.equal(decided(name, output)[key], output)
