"""PyTorch modules of Swin Transformers, as torchvision has them."""

from torchvision.models.swin_transformer import ShiftedWindowAttention


class WindowAttention(ShiftedWindowAttention):
    """Attention inside of square windows, which begin ``shift`` cells from the corner."""

    def __init__(self, channels: int, heads: int, window: int, shift: int) -> None:
        super().__init__(channels, [window, window], [shift, shift], heads)
