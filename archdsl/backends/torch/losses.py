"""Losses of dlib as modules: cost and decision, by the formulas of dlib's dnn/loss.h.

Outputs are N×K, or N×K×H×W where a loss looks at every pixel. Every cost is one number. All can be
scripted, as the networks that they belong to; annotations are not postponed here for that.
"""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

# ---- costs ----

IGNORED = 65535
"""The label of pixels that are ignored (dlib label_to_ignore)."""


def _like(output: Tensor, target: Tensor, what: str) -> Tensor:
    """A target in the shape of an output, of which axes of size 1 may be left out.

    Raises ValueError where the others differ: torch would pair each value with all of the other.
    """
    if output.squeeze().shape != target.squeeze().shape:
        raise ValueError(
            f"expected {what} for an output of shape {list(output.shape)}, "
            f"found a tensor of shape {list(target.shape)}"
        )
    return target.reshape(output.shape)


class WeightedMulticlassLog(nn.Module):
    """Cross entropy times a weight, averaged over samples, or over all pixels."""

    def forward(self, output: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        cost = functional.cross_entropy(output, target, reduction="none")
        return (_like(cost, weight, "weights") * cost).mean()


class PixelMulticlassLog(nn.Module):
    """Cross entropy averaged over all pixels; ignored ones cost nothing, but count."""

    ignored: Final[int] = IGNORED  # TorchScript takes constants from classes alone

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        total = functional.cross_entropy(output, target, ignore_index=self.ignored, reduction="sum")
        return total / target.numel()


class SeveralMulticlassLog(nn.Module):
    """The sum of the cross entropies of several questions; targets are N×questions."""

    classes: list[int]  # TorchScript cannot tell of what an empty one is

    def __init__(self, classes: Sequence[int]) -> None:
        super().__init__()
        self.classes = list(classes)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        questions = len(_questions(output, self.classes))
        if target.dim() != 2 or target.shape[1] != questions:
            raise ValueError(
                f"expected labels of {questions} questions for each sample, "
                f"found a tensor of shape {list(target.shape)}"
            )
        costs: list[Tensor] = []
        for index, part in enumerate(_questions(output, self.classes)):
            costs.append(functional.cross_entropy(part, target[:, index]))
        return torch.stack(costs).sum()


def _questions(output: Tensor, classes: list[int]) -> list[Tensor]:
    return list(torch.split(output, classes, 1)) if len(classes) > 0 else [output]


class BinaryLog(nn.Module):
    """log(1 + exp(-output)) where the target is above 0, of the other sign below; averaged.

    The target's size is a weight; targets of 0 cost nothing, but count.
    """

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        target = _like(output, target, "targets")
        return (target.abs() * functional.softplus(-target.sign() * output)).mean()


class MultibinaryLog(nn.Module):
    """BinaryLog summed over the outputs of a sample; times (1 - probability)^gamma each."""

    def __init__(self, gamma: float) -> None:
        super().__init__()
        self.gamma = gamma

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        target = _like(output, target, "targets")
        right = target.sign() * output
        focus = torch.sigmoid(-right) ** self.gamma
        return (target.abs() * focus * functional.softplus(-right)).sum() / len(output)


class BinaryHinge(nn.Module):
    """max(0, 1 - target × output), averaged; targets are +1 or -1."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return functional.relu(1 - _like(output, target, "targets") * output).mean()


class MeanSquared(nn.Module):
    """Mean squared difference of outputs and targets."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return (output - _like(output, target, "targets")).square().mean()


class SummedSquares(nn.Module):
    """Squared differences summed over the outputs of a sample, averaged over samples."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return (output - _like(output, target, "targets")).square().sum() / len(output)


class EpsilonInsensitive(nn.Module):
    """Mean of the amounts by which differences exceed epsilon.

    dlib goes down the same slope; the number that it prints is 2 epsilon more for every output that
    is too small.
    """

    def __init__(self, epsilon: float) -> None:
        super().__init__()
        self.epsilon = epsilon

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        apart = (output - _like(output, target, "targets")).abs()
        return functional.relu(apart - self.epsilon).mean()


class NegativeDot(nn.Module):
    """-output · target, averaged over samples."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return -(output * _like(output, target, "targets")).sum() / len(output)


class Ranking(nn.Module):
    """Mean hinge cost of pairs of a relevant sample and another that is ranked before it.

    ``target`` is above 0 for relevant samples, below for others; its size is the margin. Raises
    ValueError where one of them is missing.
    """

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        target = _like(output, target, "targets").flatten()
        output = output.flatten()
        scores = output - target
        relevant, others = scores[target > 0], scores[target < 0]
        if not len(relevant) or not len(others):
            raise ValueError("loss_ranking needs samples of both kinds: targets above and below 0")
        return functional.relu(others[None] - relevant[:, None]).mean()


class Metric(nn.Module):
    """Distances of one class above threshold - margin, and of others below threshold + margin.

    ``target`` holds a label for each sample. Only the nearest of the pairs of different classes
    count: as many as there are pairs of one, and those as far as the last of them. Raises
    ValueError where there are none.
    """

    def __init__(self, margin: float, threshold: float) -> None:
        super().__init__()
        self.margin, self.threshold = margin, threshold

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        if target.dim() != 1 or len(target) != len(output):
            raise ValueError(
                f"expected a label for each of {len(output)} samples, "
                f"found a tensor of shape {list(target.shape)}"
            )
        pairs = torch.triu_indices(len(output), len(output), 1, device=output.device)
        rows, columns = pairs[0], pairs[1]
        squares = (output[rows] - output[columns]).square().sum(1)
        # The root has no slope at 0; dlib takes that of a distance of a thousandth.
        distances = squares.clamp(min=1e-6).sqrt()
        same = target[rows] == target[columns]
        near, far = distances[same], distances[~same]
        if not len(near) or not len(far):
            raise ValueError("loss_metric needs pairs of one class and pairs of different classes")
        farthest = far.sort()[0][min(len(near), len(far)) - 1]
        hardest = far[far <= farthest]
        pulled = functional.relu(near - (self.threshold - self.margin)).sum()
        pushed = functional.relu(self.threshold + self.margin - hardest).sum()
        return (pulled + pushed) / (len(near) + 0.0001)  # dlib's guard against no pairs


class BarlowTwins(nn.Module):
    """The cross correlation of two views' features less the identity, squared and summed.

    The first half of the output are the first views, the second half the second ones of the same.
    """

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, output: Tensor) -> Tensor:
        if len(output) % 2 == 1 or len(output) < 4:
            raise ValueError(
                f"expected two views of each of several samples, found {len(output)} outputs"
            )
        half = len(output) // 2
        first = functional.batch_norm(output[:half], None, None, training=True, eps=1e-4)
        second = functional.batch_norm(output[half:], None, None, training=True, eps=1e-4)
        correlation = first.T @ second / len(first)
        same = correlation.diagonal()
        others = correlation.square().sum() - same.square().sum()
        return (same - 1).square().sum() + self.weight * others


# ---- decisions ----


class LikeliestClass(nn.Module):
    """``labels`` and their ``scores``, N or N×H×W; all ``probabilities`` (N×K) if wanted."""

    def __init__(self, probabilities: bool = True) -> None:
        super().__init__()
        self.probabilities = probabilities

    def forward(self, output: Tensor) -> dict[str, Tensor]:
        shares = output.softmax(1)
        decided = {"labels": output.argmax(1), "scores": shares.amax(1)}
        if self.probabilities:
            decided["probabilities"] = shares
        return decided


class SeveralClasses(nn.Module):
    """``labels`` and ``scores`` of each question, N×questions."""

    classes: list[int]  # TorchScript cannot tell of what an empty one is

    def __init__(self, classes: Sequence[int]) -> None:
        super().__init__()
        self.classes = list(classes)

    def forward(self, output: Tensor) -> dict[str, Tensor]:
        parts = _questions(output, self.classes)
        return {
            "labels": torch.stack([part.argmax(1) for part in parts], 1),
            "scores": torch.stack([part.softmax(1).amax(1) for part in parts], 1),
        }


class Sign(nn.Module):
    """``labels``, +1 where the output is above 0, else -1; the output is the ``scores``."""

    def forward(self, output: Tensor) -> dict[str, Tensor]:
        return {"labels": 2 * (output > 0).long() - 1, "scores": output}


class YesOrNo(nn.Module):
    """Signs and outputs as above, and the ``probabilities`` of +1."""

    def forward(self, output: Tensor) -> dict[str, Tensor]:
        signs = 2 * (output > 0).long() - 1
        return {"labels": signs, "scores": output, "probabilities": output.sigmoid()}


class AsItIs(nn.Module):
    """The output unchanged, under a name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def forward(self, output: Tensor) -> dict[str, Tensor]:
        return {self.name: output}

    def extra_repr(self) -> str:
        return self.name
