"""Parameters, buffers and multiply-accumulates of random networks are those that torch counts."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.commands import run
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import archdsl

# Layers that go on from any map of 4 channels and at least 4 rows and columns, and keep it so.
MAPS = (
    "con<4,3,3,1,1,", "con<8,1,1,1,1,groups=4,con<4,3,3,padding=2,dilation=2,", "con<4,2,3,",
    "con<4,1,1,channel_shuffle<2,depthwise<8,3,3,", "cont<4,2,2,2,2,",
    "cont<4,3,3,2,2,padding=1,output_padding=1,groups=2,", "cont<4,3,2,bias=false,",
    "linear<5,", "linear_no_bias<6,", "relu<", "prelu<", "smelu<", "softmax<", "softmaxm<",
    "mish<", "dropout<", "multiply<0.5,", "log_softmax<", "prelu<per_channel=true,",
    "spatial_dropout<", "batch_norm<", "bn_con<", "bn_fc<", "affine<",
    "group_norm<2,", "layer_norm<", "rms_norm<", "layer_norm_last<", "layer_scale<",
    "layer_scale<per_channel=false,", "bias<",
    "instance_norm<affine=true,", "reflection_pad<1,", "replication_pad<1,0,2,1,",
    "pixel_shuffle<2,con<16,1,1,", "con<4,1,1,pixel_unshuffle<2,reflection_pad<1,resize_to<6,6,",
    "scale<channel_max,", "offset<avg_pool_everything,", "lrn<",
    "l2normalize<", "l2_norm_scaled<", "max_pool<3,3,1,1,", "avg_pool<2,2,1,1,padding=1,",
    "adaptive_avg_pool<5,4,", "upsample<2,max_pool<2,2,2,2,", "upsample_nearest<2,",
    "resize_to<6,5,", "pad<1,0,0,1,", "transpose<", "positional_encodings<", "tril<",
    "adaptive_computation_time<4,", "con<4,1,1,reorg<2,2,pad<1,1,1,1,resize_to<6,6,",
    "multm_prev1<softmaxm<multm_prev2<transpose<tag2<tag1<resize_to<5,5,",
)  # fmt: skip
TOKENS = ("attention<1,", "attention<4,", "class_token<", "position_embedding<", "linear<4,",
          "layer_norm_last<", "gelu<", "layer_scale_last<", "bias_last<")  # fmt: skip
ENDS = ("fc<3,", "fc_no_bias<3,", "fc<2,fc<6,", "fc<2,avg_pool_everything<", "fc<2,flatten<")
INPUTS = ("input<4,6,7>", "con<4,1,1,input_rgb_image_sized<7,6>>",
          "con<4,3,3,input<matrix<unsigned char,8,8>>>")  # fmt: skip


def closed(parts: list[str], inside: str) -> str:
    text = "".join(parts)
    return text + inside + ">" * text.count("<")


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(ENDS),
    st.lists(st.sampled_from(TOKENS), max_size=3),
    st.lists(st.sampled_from(MAPS), min_size=1, max_size=5),
    st.sampled_from(INPUTS),
)
def test_random_networks(end: str, tokens: list[str], maps: list[str], inside: str) -> None:
    parts = [end.replace("avg_pool_everything<", "") if tokens else end]
    parts += [*tokens, "tokens<", *maps] if tokens else maps
    network = archdsl.load(closed(parts, inside))
    summary, module = network.summary(), network.to_torch()
    assert summary.parameters == sum(value.numel() for value in module.parameters())
    assert summary.buffers == sum(value.numel() for value in module.buffers())
    module.train()  # the faster way of attention in eval mode is not counted
    for part in module.modules():
        if "BatchNorm" in type(part).__name__:
            part.eval()  # which does not normalise a single value in training
    with (
        sdpa_kernel(SDPBackend.MATH),
        FlopCounterMode(display=False) as counter,
        torch.no_grad(),
    ):
        module(torch.rand(1, *summary.input))
    # Adaptive computation multiplies by a row, which is a pooling with weights: not counted.
    assert 2 * summary.macs == counter.get_total_flops()


# ---- open sizes ----

OPEN = "fc<3,avg_pool_everything<con<4,3,3,1,1,input<matrix<rgb_pixel>>>>>"


def test_what_depends_on_an_open_size_is_unknown() -> None:
    """A part of it would look like all of it."""
    summary = archdsl.load(OPEN).summary()
    assert summary.macs is None
    assert [row.macs for row in summary.rows] == [0, None, 0, 12]  # fc: 4 to 3
    assert summary.parameters == 4 * 27 + 4 + 3 * 4 + 3
    document = summary.to_json()
    assert document["macs"] is None and "--input 3xHxW" in document["unknown"]
    assert "unknown MACs (the input's size is open, --input 3xHxW gives it)" in str(summary)
    sized = archdsl.load(OPEN, input=(3, 5, 7)).summary()
    assert sized.macs == 4 * 27 * 5 * 7 + 12
    assert "unknown" not in sized.to_json()


def test_what_depends_on_no_open_size_is_known() -> None:
    summary = archdsl.load("fc<3,avg_pool_everything<relu<input<matrix<rgb_pixel>>>>>").summary()
    assert summary.macs == 9


def test_blocks_of_open_size_are_unknown_too() -> None:
    block = "template <typename S> using block = add_prev1<con<3,3,3,1,1,tag1<S>>>;"
    text = f"{block} using net_type = repeat<3,block,input<matrix<rgb_pixel>>>;"
    assert archdsl.load(text).summary().macs is None
    tokens = "attention<2,tokens<con<4,3,3,1,1,input<matrix<rgb_pixel>>>>>"
    assert archdsl.load(tokens).summary().macs is None


def test_tables_and_figures_say_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("open", OPEN), ("other", OPEN.replace("con<4", "con<5"))):
        Path(f"{name}.arch").write_text(text)
    table = run("summary", "open.arch").stdout
    # The convolution, the footer, the sentence, and the memory.
    assert table.count("unknown") == 4
    assert "unknown" in run("compare", "open.arch").stdout
    assert "MACs unknown" in run("diff", "open.arch", "other.arch").stdout
    assert "unknown MACs" in (archdsl.load(OPEN).draw() or "")
    assert '"macs": null' in run("summary", "open.arch", "--json").stdout.replace("\n", "")
    with pytest.raises(archdsl.ArchError, match="(?s)cannot be cut.*--input"):
        archdsl.split_points(archdsl.load("open.arch"), 2)
