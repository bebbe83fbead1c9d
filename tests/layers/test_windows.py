"""Attention inside of windows, and patches that are merged, against torchvision's."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models.swin_transformer import PatchMerging, ShiftedWindowAttention

import archdsl


def channels_last(text: str, size: str) -> nn.Module:
    return archdsl.compile(f"{text}channels_last<input<{size}>>>", seed=0).eval()


@pytest.mark.parametrize(("window", "shift", "size"), [(7, 3, 14), (4, 0, 8), (3, 1, 7)])
def test_window_attention_is_torchvisions(window: int, shift: int, size: int) -> None:
    text = f"window_attention<2,{window},{shift},"
    module = channels_last(text, f"8,{size},{size}")
    reference = ShiftedWindowAttention(8, [window] * 2, [shift] * 2, 2)
    values = [torch.randn_like(p) if p.is_floating_point() else p
              for p in reference.state_dict().values()]  # fmt: skip
    for each in (module, reference):
        each.load_state_dict(dict(zip(each.state_dict(), values, strict=True)))
    x = torch.randn(2, 8, size, size)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        expected = reference(x.permute(0, 2, 3, 1))
    with torch.no_grad():
        torch.testing.assert_close(module(x), expected)
    summary = archdsl.load(f"{text}channels_last<input<8,{size},{size}>>>").summary()
    assert summary.parameters == sum(p.numel() for p in reference.parameters())
    assert summary.buffers == sum(b.numel() for b in reference.buffers())
    assert 2 * 2 * summary.macs == counter.get_total_flops()


@pytest.mark.parametrize("size", [(6, 4), (5, 3)])
def test_patches_are_merged_as_torchvision_does(size: tuple[int, int]) -> None:
    module = channels_last("merge_patches<", f"3,{size[0]},{size[1]}")
    reference = PatchMerging(3, norm_layer=lambda _: nn.Identity())
    reference.reduction = nn.Identity()  # type: ignore[assignment]
    x = torch.randn(2, 3, *size)
    assert torch.equal(module(x), reference(x.permute(0, 2, 3, 1)))


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(archdsl.ArchError, match="heads do not divide"):
        archdsl.load("window_attention<3,2,0,channels_last<input<8,4,4>>>").check()
    with pytest.raises(archdsl.ArchError, match="its channels last"):
        archdsl.load("window_attention<1,2,0,tokens<input<8,4,4>>>").check()
