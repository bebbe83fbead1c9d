"""Every loss of dlib's lowers when a network follows its gradient, and says what it cannot take."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

import archdsl

SIGNS = torch.tensor([1.0, -1, 1, -1, -1, 1, 1, -1])
LABELS = torch.tensor([0, 2, 1, 1, 0, 2, 0, 1])
NUMBERS = torch.linspace(-2, 2, 8)
MAPS = torch.arange(8 * 2 * 3 * 3).reshape(8, 2, 3, 3) % 5 - 2.0

FEATURES = "fc<{},input<4,3,3>>"
PIXELS = "con<{},1,1,1,1,input<4,3,3>>"
CASES: dict[str, tuple[str, str, int, Sequence[Tensor]]] = {
    "multiclass_log": ("", FEATURES, 3, [LABELS]),
    "multiclass_log_weighted": ("", FEATURES, 3, [LABELS, NUMBERS.abs()]),
    "multiclass_log_per_pixel": ("", PIXELS, 3, [(MAPS[:, 0].long() + 2).clamp(max=2)]),
    "multiclass_log_per_pixel_weighted": (
        "", PIXELS, 3, [(MAPS[:, 0].long() + 2).clamp(max=2), MAPS[:, 1].abs()],
    ),
    "multimulticlass_log": ("2,3,", FEATURES, 5, [torch.stack([LABELS.clamp(max=1), LABELS], 1)]),
    "binary_log": ("", FEATURES, 1, [SIGNS]),
    "binary_log_per_pixel": ("", PIXELS, 1, [MAPS[:, 0].sign()]),
    "multibinary_log": ("", FEATURES, 2, [torch.stack([SIGNS, -SIGNS], 1)]),
    "binary_hinge": ("", FEATURES, 1, [SIGNS]),
    "mean_squared": ("", FEATURES, 1, [NUMBERS]),
    "mean_squared_multioutput": ("", FEATURES, 2, [torch.stack([NUMBERS, -NUMBERS], 1)]),
    "mean_squared_per_pixel": ("", PIXELS, 1, [MAPS[:, 0]]),
    "mean_squared_per_channel_and_pixel": ("2,", PIXELS, 2, [MAPS]),
    "epsilon_insensitive": ("epsilon=0.1,", FEATURES, 1, [NUMBERS]),
    "dot": ("", FEATURES, 2, [torch.stack([NUMBERS, -NUMBERS], 1)]),
    "ranking": ("", FEATURES, 1, [SIGNS]),
    "metric": ("", FEATURES, 2, [LABELS]),
    "barlow_twins": ("", "fc<{},input_rgb_image_pair>", 2, []),
}  # fmt: skip
"""Arguments of the loss, what comes before it, number of its channels, and targets of 8 samples."""


def learner(name: str) -> tuple[torch.nn.Module, Tensor]:
    """A network with a loss, and its input."""
    arguments, body, channels, _ = CASES[name]
    text = f"loss_{name}<{arguments}{body.format(channels)}>"
    size = "3x3x3" if "image" in body else None
    x = torch.rand(8, 3 if size else 4, 3, 3, generator=torch.Generator().manual_seed(1))
    return archdsl.compile(text, input=size, seed=1), x * 255 if size else x


@pytest.mark.parametrize("name", CASES)
def test_steps_lower_the_loss(name: str) -> None:
    module, x = learner(name)
    targets = CASES[name][3]
    optimizer = torch.optim.SGD(module.parameters(), lr=1e-2, momentum=0.9)
    losses = []
    for _ in range(40):
        loss = module.criterion(module(x), *targets)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[1] < losses[0]
    assert losses[-1] < losses[0] - 0.01 * abs(losses[0])


def test_no_loss_is_left_out() -> None:
    """dlib's two detectors are trained with dlib; they say so."""
    known = {name for name in archdsl.layers.definitions() if name.startswith("loss_")}
    assert {f"loss_{name}" for name in CASES} == known - {"loss_mmod", "loss_yolo"}


WRONG = {
    "binary_log": ("targets", torch.ones(8, 8)),
    "binary_log_per_pixel": ("targets", torch.ones(8, 3)),
    "multibinary_log": ("targets", torch.ones(8)),
    "binary_hinge": ("targets", torch.ones(4)),
    "mean_squared": ("targets", torch.ones(8, 2)),
    "mean_squared_multioutput": ("targets", torch.ones(8)),
    "mean_squared_per_pixel": ("targets", torch.ones(3, 3)),
    "mean_squared_per_channel_and_pixel": ("targets", torch.ones(8, 3, 3)),
    "epsilon_insensitive": ("targets", torch.ones(2)),
    "dot": ("targets", torch.ones(2)),
    "ranking": ("targets", torch.ones(7)),
    "metric": ("a label for each of 8 samples", torch.ones(8, 2)),
    "multimulticlass_log": ("labels of 2 questions", torch.zeros(8, 3).long()),
}


@pytest.mark.parametrize("name", WRONG)
def test_targets_of_another_shape_are_refused(name: str) -> None:
    """Many of these would be broadcast: a wrong loss, and no error."""
    words, target = WRONG[name]
    module, x = learner(name)
    with pytest.raises(ValueError, match=f"expected {words}.*found a tensor of shape") as caught:
        module.criterion(module(x), target)
    assert str(list(target.shape)) in str(caught.value)


@pytest.mark.parametrize("name", ["multiclass_log_weighted", "multiclass_log_per_pixel_weighted"])
def test_weights_of_another_shape_are_refused(name: str) -> None:
    module, x = learner(name)
    with pytest.raises(ValueError, match="expected weights"):
        module.criterion(module(x), CASES[name][3][0], torch.ones(8, 2))


def test_pairs_are_even() -> None:
    module, x = learner("barlow_twins")
    with pytest.raises(ValueError, match=r"two views.*found 7 outputs"):
        module.criterion(module(x)[:7])


@pytest.mark.parametrize("axes", [(8,), (8, 1), (8, 1, 1)])
def test_axes_of_one_may_be_left_out(axes: tuple[int, ...]) -> None:
    """The mean of squares, by hand, whether targets are a row or a column."""
    module, x = learner("mean_squared")
    output = module(x)
    by_hand = sum(
        (o - t) ** 2 for o, t in zip(output.flatten().tolist(), NUMBERS.tolist(), strict=True)
    )
    loss = module.criterion(output, NUMBERS.reshape(axes)).item()
    assert loss == pytest.approx(by_hand / 8, rel=1e-5)
