"""PyTorch modules of Swin and multi-axis transformers, as torchvision has them."""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.maxvit import RelativePositionalMultiHeadAttention
from torchvision.models.swin_transformer import ShiftedWindowAttention


class WindowAttention(ShiftedWindowAttention):  # type: ignore[misc]
    """Attention inside of square windows, which begin ``shift`` cells from the corner."""

    def __init__(self, channels: int, heads: int, window: int, shift: int) -> None:
        super().__init__(channels, [window, window], [shift, shift], heads)


class RelativeAttention(RelativePositionalMultiHeadAttention):  # type: ignore[misc]
    """Attention among the cells of windows, N×windows×cells×C."""

    def __init__(self, channels: int, heads: int, side: int) -> None:
        super().__init__(channels, channels // heads, side * side)


class WindowPartition(nn.Module):
    """N×C×H×W as windows of height×width cells, N×windows×cells×C; swapped those of a grid."""

    def __init__(self, height: int, width: int, swapped: bool) -> None:
        super().__init__()
        self.height, self.width, self.swapped = height, width, swapped

    def forward(self, input: Tensor) -> Tensor:
        n, c, h, w = input.shape
        rows, columns = h // self.height, w // self.width
        x = input.reshape(n, c, rows, self.height, columns, self.width)
        x = x.permute(0, 2, 4, 3, 5, 1)
        x = x.reshape(n, rows * columns, self.height * self.width, c)
        return torch.swapaxes(x, -2, -3) if self.swapped else x


class WindowReverse(nn.Module):
    """The map N×C×H×W of rows×columns windows of height×width cells."""

    def __init__(self, rows: int, columns: int, height: int, width: int, swapped: bool) -> None:
        super().__init__()
        self.rows, self.columns, self.height, self.width = rows, columns, height, width
        self.swapped = swapped

    def forward(self, input: Tensor) -> Tensor:
        x = torch.swapaxes(input, -2, -3) if self.swapped else input
        n, _, _, c = x.shape
        x = x.reshape(n, self.rows, self.columns, self.height, self.width, c)
        x = x.permute(0, 5, 1, 3, 2, 4)
        return x.reshape(n, c, self.rows * self.height, self.columns * self.width)


def merge_patches(input: Tensor) -> Tensor:
    """Every 2×2 cells of N×H×W×C as one cell of 4·C channels; the columns' cells stand together."""
    height, width = input.shape[1], input.shape[2]
    x = functional.pad(input, (0, 0, 0, width % 2, 0, height % 2))
    # Spelled out, as TorchScript has no nested loops.
    even, odd = (x[:, 0::2, 0::2], x[:, 1::2, 0::2]), (x[:, 0::2, 1::2], x[:, 1::2, 1::2])
    return torch.cat([*even, *odd], -1)
