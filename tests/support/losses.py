"""Every loss of dlib with its arguments, an output and the labels that it is compared with."""

from __future__ import annotations

import torch
from torch import Tensor


def numbers(seed: int, *shape: int) -> Tensor:
    """The outputs that the C++ program made up."""
    index = torch.arange(torch.Size(shape).numel())
    return (((index * 37 + seed * 11) % 64 - 31.5) / 16).reshape(shape)


def shares(seed: int, *shape: int) -> Tensor:
    """The same between 0 and 1, for outputs that were put through a sigmoid."""
    return (numbers(seed, *shape) * 16 + 32) / 64


def different(seed: int, *shape: int) -> Tensor:
    """Numbers that are all different up to an index of 4092, so that no two scores are equal."""
    index = torch.arange(torch.Size(shape).numel())
    return (((index * 1009 + seed * 11) % 4093 - 2046) / 512).reshape(shape)


def per_sample(*rows: list[float]) -> Tensor:
    return torch.tensor(rows)


PIXELS = torch.tensor([[[0, 2], [65535, 1]]])
COSTS: dict[str, tuple[str, Tensor, list[Tensor]]] = {
    "binary_hinge": ("", numbers(1, 4), [torch.tensor([1.0, -1, 1, -1])]),
    "binary_log": ("", numbers(1, 4), [torch.tensor([1.0, -1, 0.5, -2])]),
    "multiclass_log": ("", numbers(2, 3, 4), [torch.tensor([0, 3, 1])]),
    "multiclass_log_weighted": (
        "", numbers(2, 3, 4), [torch.tensor([0, 3, 1]), torch.tensor([1, 0.25, 3])],
    ),
    "multibinary_log": ("", numbers(3, 2, 3), [per_sample([1, -1, 2], [-0.5, -1, 1])]),
    "multibinary_log_focal": (
        "gamma=2,", numbers(3, 2, 3), [per_sample([1, -1, 2], [-0.5, -1, 1])],
    ),
    "metric": ("", numbers(4, 6, 3), [torch.tensor([0, 0, 1, 1, 2, 0])]),
    "metric_close": (
        "margin=0.1,threshold=0.75,", numbers(4, 6, 3) / 8, [torch.tensor([0, 0, 1, 1, 2, 0])],
    ),
    "ranking": ("", numbers(5, 6), [torch.tensor([1.0, -1, 1, -1, 0, 2])]),
    "mean_squared": ("", numbers(6, 3), [torch.tensor([1, 0.5, -2])]),
    "epsilon_insensitive": ("epsilon=0.75,", numbers(6, 4), [torch.tensor([1, 0.5, -2, 1])]),
    "mean_squared_multioutput": ("", numbers(7, 2, 3), [per_sample([1, 2, 3], [-1, 0, 1])]),
    "binary_log_per_pixel": (
        "", numbers(8, 2, 1, 2, 2),
        [torch.tensor([1.0, -1, 0, 2, -1, -1, 1, 0]).reshape(2, 1, 2, 2)],
    ),
    "multiclass_log_per_pixel": ("", numbers(9, 1, 3, 2, 2), [PIXELS]),
    "multiclass_log_per_pixel_weighted": (
        "", numbers(9, 1, 3, 2, 2),
        [torch.tensor([[[0, 2], [1, 1]]]), torch.tensor([[[1, 0.5], [0, 2]]])],
    ),
    "mean_squared_per_pixel": (
        "", numbers(10, 2, 1, 2, 2),
        [torch.tensor([1.0, 0, 0, 2, 0, 1, 1, 0]).reshape(2, 1, 2, 2)],
    ),
    "mean_squared_per_channel_and_pixel": (
        "2,", numbers(11, 1, 2, 1, 2), [torch.tensor([1.0, 0, 2, -1]).reshape(1, 2, 1, 2)],
    ),
    "dot": ("", numbers(12, 2, 3), [per_sample([1, 2, 3], [0, -1, 1])]),
    "multimulticlass_log": ("2,3,", numbers(13, 2, 5), [torch.tensor([[1, 0], [0, 2]])]),
    "barlow_twins": ("", numbers(14, 8, 3), []),
}  # fmt: skip
