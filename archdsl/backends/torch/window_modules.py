"""PyTorch modules of Swin Transformers, as torchvision has them."""

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.models.swin_transformer import ShiftedWindowAttention


class WindowAttention(ShiftedWindowAttention):  # type: ignore[misc]
    """Attention inside of square windows, which begin ``shift`` cells from the corner."""

    def __init__(self, channels: int, heads: int, window: int, shift: int) -> None:
        super().__init__(channels, [window, window], [shift, shift], heads)


def merge_patches(input: Tensor) -> Tensor:
    """Every 2×2 cells of N×H×W×C as one cell of 4·C channels; the columns' cells stand together."""
    height, width = input.shape[1], input.shape[2]
    x = functional.pad(input, (0, 0, 0, width % 2, 0, height % 2))
    # Spelled out, as TorchScript has no nested loops.
    even, odd = (x[:, 0::2, 0::2], x[:, 1::2, 0::2]), (x[:, 0::2, 1::2], x[:, 1::2, 1::2])
    return torch.cat([*even, *odd], -1)
