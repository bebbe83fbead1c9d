"""PyTorch modules for what torch.nn lacks: the layers of dlib and Darknet, as they compute them.

All can be scripted, traced, exported and pickled. Tensors are N×C×H×W or N×features. Annotations
are not postponed in this file: TorchScript reads them.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


class Normalize(nn.Module):
    """(x - mean) / scale, with a mean per channel or one for all; pixel values to network input."""

    mean: Tensor

    def __init__(self, mean: tuple[float, ...], scale: float) -> None:
        super().__init__()
        # Part of the architecture, not of the weights: kept out of the state_dict.
        self.register_buffer("mean", torch.tensor(mean).reshape(-1, 1, 1), persistent=False)
        self.scale = scale

    def forward(self, input: Tensor) -> Tensor:
        return (input - self.mean) / self.scale


class Affine(nn.Module):
    """A learned factor and offset per channel, or per value of a sample (dlib affine_).

    The sizes are those of the first axes behind the batch: the channels alone, or all of them.
    """

    def __init__(self, *sizes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(sizes))
        self.bias = nn.Parameter(torch.empty(sizes))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.ones_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        shape = list(self.weight.shape) + [1] * (input.dim() - 1 - self.weight.dim())
        return input * self.weight.reshape(shape) + self.bias.reshape(shape)


class LayerScale(nn.Module):
    """A learned factor per channel, or one for all (Touvron et al. 2021).

    The sizes are those of the factors: channels×1×1 for maps, those of the last axis, or 1.
    """

    def __init__(self, sizes: tuple[int, ...], initial: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full(sizes, initial))

    def forward(self, input: Tensor) -> Tensor:
        return self.weight * input


class Bias(nn.Module):
    """Learned values that are added: channels×1×1 of a map, or those of the last axis."""

    def __init__(self, *sizes: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(sizes))

    def forward(self, input: Tensor) -> Tensor:
        return input + self.bias


class RMSNorm(nn.Module):
    """Each sample by its root mean square, times a learned factor per channel (dlib rms_norm_)."""

    def __init__(self, channels: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.eps = eps

    def forward(self, input: Tensor) -> Tensor:
        square = input.flatten(1).square().mean(1).reshape([-1] + [1] * (input.dim() - 1))
        weight = self.weight.reshape([-1] + [1] * (input.dim() - 2))
        return input * torch.rsqrt(square + self.eps) * weight

    def extra_repr(self) -> str:
        return f"eps={self.eps}"


class DlibDropout(nn.Module):
    """Dropout as dlib trains and uses it: nothing is rescaled, so use multiplies by 1 - p.

    dlib's dropout_ does the first; networks for use have multiply_ in its place, made from it.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, input: Tensor) -> Tensor:
        if self.training:
            return input * (torch.rand_like(input) >= self.p)
        return input * (1 - self.p)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class Multiply(nn.Module):
    """Every value times a constant (dlib multiply_)."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, input: Tensor) -> Tensor:
        return input * self.factor

    def extra_repr(self) -> str:
        return f"{self.factor}"


class AddConstant(nn.Module):
    """Every value plus a constant."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return input + self.value

    def extra_repr(self) -> str:
        return f"{self.value}"


class L2Normalize(nn.Module):
    """Each sample divided by its Euclidean length (dlib l2normalize_)."""

    def __init__(self, eps: float) -> None:
        super().__init__()
        self.eps = eps

    def forward(self, input: Tensor) -> Tensor:
        squares = input.flatten(1).square().sum(1).reshape([-1] + [1] * (input.dim() - 1))
        return input * torch.rsqrt(squares + self.eps)

    def extra_repr(self) -> str:
        return f"eps={self.eps}"


class L2NormScaled(nn.Module):
    """Channel vectors of length 1 at every place, times a learned factor per channel (ParseNet)."""

    def __init__(self, channels: int, initial: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), initial))

    def forward(self, input: Tensor) -> Tensor:
        return self.weight.view(1, -1, 1, 1) * functional.normalize(input)


class SmeLU(nn.Module):
    """ReLU with a parabola over -beta..beta (dlib smelu_; Shamir et al. 2022)."""

    def __init__(self, beta: float) -> None:
        super().__init__()
        self.beta = beta

    def forward(self, input: Tensor) -> Tensor:
        bent = (input + self.beta).square() / (4 * self.beta)
        outside = torch.where(input >= self.beta, input, torch.zeros_like(input))
        return torch.where(input.abs() < self.beta, bent, outside)

    def extra_repr(self) -> str:
        return f"beta={self.beta}"


class PaddedAvgPool2d(nn.Module):
    """Average pooling padded by more than half its window: torch refuses that, dlib does not."""

    def __init__(
        self,
        kernel_size: tuple[int, int],
        stride: tuple[int, int],
        padding: tuple[int, int],
        count_include_pad: bool,
    ) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(kernel_size, stride)
        self.sides = [padding[1], padding[1], padding[0], padding[0]]
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        sums: Tensor = self.pool(functional.pad(input, self.sides))
        if self.count_include_pad:
            return sums
        # The share of cells inside the image; dlib divides by those alone.
        inside: Tensor = self.pool(functional.pad(torch.ones_like(input[:1, :1]), self.sides))
        return sums / inside


def _grown(input: Tensor, like: Tensor) -> Tensor:
    """Zeros added at the far ends of every axis on which another tensor is larger."""
    sides: list[int] = []
    for axis in range(input.dim() - 1, 0, -1):
        sides += [0, max(0, like.shape[axis] - input.shape[axis])]
    return functional.pad(input, sides)


class AddPadded(nn.Module):
    """Sum of tensors of different sizes; missing values count as zero (dlib add_prev_)."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return _grown(first, second) + _grown(second, first)


class MultPadded(nn.Module):
    """Product of tensors of different sizes; missing values count as zero (dlib mult_prev_)."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return _grown(first, second) * _grown(second, first)


class ResizeToMatch(nn.Module):
    """The first input resized to the second's height and width."""

    def __init__(self, nearest: bool, align_corners: bool) -> None:
        super().__init__()
        self.mode = "nearest" if nearest else "bilinear"
        # torch refuses to be told about corners where the nearest cell is taken.
        self.align_corners = None if nearest else align_corners

    def forward(self, input: Tensor, like: Tensor) -> Tensor:
        size = like.shape[-2:]
        return functional.interpolate(
            input, size=size, mode=self.mode, align_corners=self.align_corners
        )

    def extra_repr(self) -> str:
        corners = "" if self.align_corners is None else f", align_corners={self.align_corners}"
        return self.mode + corners


class Reorg(nn.Module):
    """Blocks of cells become channels, cell by cell (dlib reorg_): N×C×H×W to N×C·r·c×H/r×W/c."""

    def __init__(self, row_stride: int, col_stride: int) -> None:
        super().__init__()
        self.rows = row_stride
        self.columns = col_stride

    def forward(self, input: Tensor) -> Tensor:
        samples, channels, height, width = input.shape
        high, wide = height // self.rows, width // self.columns
        blocks = input.reshape(samples, channels, high, self.rows, wide, self.columns)
        folded = blocks.permute(0, 3, 5, 1, 2, 4)
        return folded.reshape(samples, self.rows * self.columns * channels, high, wide)

    def extra_repr(self) -> str:
        return f"{self.rows}, {self.columns}"


class DarknetReorg(nn.Module):
    """Space to channels as Darknet's [reorg] computes it: N×C×H×W to N×C·s²×H/s×W/s.

    The values are read as C/s² maps of s times the height and width. Rows of all maps lie one
    behind the other, so the maps need not be told apart.
    """

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        samples, channels, height, width = input.shape
        s = self.stride
        blocks = input.reshape(samples, channels * height // (s * s), s, width, s)
        folded = blocks.permute(0, 2, 4, 1, 3)
        return folded.reshape(samples, channels * s * s, height // s, width // s)

    def extra_repr(self) -> str:
        return f"{self.stride}"
