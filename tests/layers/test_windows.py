"""Attention inside of windows, windows by themselves, and merged patches, against torchvision's."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models.maxvit import (
    PartitionAttentionLayer,
    RelativePositionalMultiHeadAttention,
    WindowDepartition,
    WindowPartition,
)
from torchvision.models.swin_transformer import PatchMerging, ShiftedWindowAttention

import archdsl
from archdsl.importers.verification import verify


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


def test_windows_are_torchvisions() -> None:
    x = torch.randn(2, 3, 6, 8)
    windows = WindowPartition()(x, 2)
    part = archdsl.compile("window_partition<2,input<3,6,8>>")
    assert torch.equal(part(x), windows)
    whole = archdsl.compile("window_reverse<2,rows=3,window_partition<2,input<3,6,8>>>")
    assert torch.equal(WindowDepartition()(windows, 2, 3, 4), x)
    assert torch.equal(whole(x), x)


def test_a_window_of_a_grid_has_cells_from_all_over_the_map() -> None:
    x = torch.arange(48.0).reshape(1, 1, 6, 8)
    grid = archdsl.compile("window_partition<2,grid=true,input<1,6,8>>")(x)
    # Rows 3 and columns 4 apart, as 6×8 cells in a grid of 2×2 are.
    assert grid.shape == (1, 12, 4, 1)
    assert grid[0, :2, :, 0].tolist() == [[0, 4, 24, 28], [1, 5, 25, 29]]
    both = "window_reverse<2,grid=true,rows=3,window_partition<2,grid=true,input<1,6,8>>>"
    assert torch.equal(archdsl.compile(both)(x), x)


@pytest.mark.parametrize("grid", [False, True])
def test_relative_attention_is_torchvisions(grid: bool) -> None:
    kind = "grid" if grid else "window"
    reference = PartitionAttentionLayer(
        8, 4, 3, kind, (6, 6), 4, nn.GELU, nn.LayerNorm, 0.0, 0.0, 0.0
    ).eval()
    given = f"<3,grid={str(grid).lower()},"
    text = (
        f"window_reverse{given}"
        f"residual<stochastic_depth<0,linear<8,gelu<linear<32,layer_norm_last<1e-5>>>>>,"
        f"residual<stochastic_depth<0,relative_attention<2,layer_norm_last<1e-5>>>,"
        f"window_partition{given}input<8,6,6>>>>>"
    )
    found = verify(archdsl.compile(text), reference, (8, 6, 6))
    assert found.matched, found.differences
    assert found.max_rel_diff is not None and found.max_rel_diff < 1e-5
    attention = RelativePositionalMultiHeadAttention(8, 4, 9)
    alone = "relative_attention<2,window_partition<3,input<8,6,6>>>"
    summary = archdsl.load(alone).summary()
    assert summary.parameters == sum(p.numel() for p in attention.parameters())
    assert summary.buffers == sum(b.numel() for b in attention.buffers())
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        attention(torch.randn(1, 4, 9, 8))
    assert 2 * summary.macs == counter.get_total_flops()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("window_partition<4,input<3,6,8>>", "windows of 4×4 do not divide the map"),
        ("window_reverse<2,window_partition<2,input<3,6,8>>>", "rows="),
        ("window_reverse<3,window_partition<2,input<3,4,4>>>", "no windows of 3×3"),
        ("relative_attention<2,tokens<input<8,4,4>>>", "windows×cells×channels"),
        ("relative_attention<3,window_partition<2,input<8,4,4>>>", "heads do not divide"),
        ("relative_attention<2,input<3,8,4>>", "no squares"),
    ],
)
def test_windows_that_do_not_fit_are_told(text: str, words: str) -> None:
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.load(text).check()
    assert words in str(caught.value)


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(archdsl.ArchError, match="heads do not divide"):
        archdsl.load("window_attention<3,2,0,channels_last<input<8,4,4>>>").check()
    with pytest.raises(archdsl.ArchError, match="its channels last"):
        archdsl.load("window_attention<1,2,0,tokens<input<8,4,4>>>").check()
