"""Layers of transformers: against torch's modules, and against arithmetic."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import archdsl

few = settings(max_examples=20, deadline=None)
small = st.integers(1, 4)


def sequence(tokens: int, channels: int) -> str:
    """An input that arrives at the next layer as tokens×channels, untouched."""
    return f"tokens<input<{channels},{tokens},1>>"


def as_map(data: Tensor) -> Tensor:
    """What that input is given for a sequence N×tokens×channels."""
    return data.transpose(1, 2).unsqueeze(-1)


@few
@given(small, small, small)
def test_tokens_are_the_cells_row_by_row(channels: int, height: int, width: int) -> None:
    data = torch.randn(2, channels, height, width)
    network = archdsl.load(f"tokens<input<{channels},{height},{width}>>")
    found = network.to_torch()(data)
    assert network.summary().outputs == {"output": (height * width, channels)}
    assert found.shape == (2, height * width, channels)
    for row in range(height):
        for column in range(width):
            assert torch.equal(found[:, row * width + column], data[:, :, row, column])


def test_class_token_comes_first() -> None:
    network = archdsl.load(f"class_token<{sequence(5, 3)}>")
    module, data = network.to_torch(), torch.randn(2, 5, 3)
    (token,) = module.parameters()
    assert token.tolist() == [[[0, 0, 0]]]
    with torch.no_grad():
        token.copy_(torch.tensor([1.0, 2.0, 3.0]))
    found = module(as_map(data))
    assert found[:, 0].tolist() == [[1, 2, 3]] * 2
    assert torch.equal(found[:, 1:], data)
    summary = network.summary()
    assert (summary.outputs["output"], summary.parameters, summary.macs) == ((6, 3), 3, 0)
    found.sum().backward()
    assert token.grad.tolist() == [[[2, 2, 2]]]  # once for each of two samples


def test_position_embedding_is_added_to_every_sample() -> None:
    network = archdsl.load(f"position_embedding<{sequence(50, 40)}>")
    module, data = network.to_torch(seed=0), torch.randn(2, 50, 40)
    (places,) = module.parameters()
    torch.testing.assert_close(module(as_map(data)), torch.stack([d + places[0] for d in data]))
    assert network.summary().parameters == 50 * 40
    # 2000 values: their deviation is known to about 0.02 / sqrt(4000).
    assert places.std().item() == pytest.approx(0.02, abs=0.0015)
    assert places.mean().item() == pytest.approx(0, abs=0.002)


def test_position_embedding_has_its_own_deviation() -> None:
    module = archdsl.compile(f"position_embedding<deviation=0,{sequence(3, 2)}>")
    assert not any(places.any() for places in module.parameters())


@few
@given(st.integers(1, 6), st.integers(1, 3), st.integers(1, 4))
def test_attention_is_softmax_of_products(tokens: int, heads: int, each: int) -> None:
    """Vaswani et al. 2017, equation 1, head by head."""
    channels = heads * each
    network = archdsl.load(f"attention<{heads},{sequence(tokens, channels)}>")
    module, data = network.to_torch().eval(), torch.randn(2, tokens, channels)
    for value in module.parameters():
        torch.nn.init.normal_(value)
    held = module.get_submodule("attention")
    queries, keys, values = functional.linear(data, held.in_proj_weight, held.in_proj_bias).split(
        channels, -1
    )
    parts = []
    for head in range(heads):
        own = slice(head * each, (head + 1) * each)
        scores = queries[..., own] @ keys[..., own].transpose(1, 2) / math.sqrt(each)
        parts.append(scores.softmax(-1) @ values[..., own])
    expected = functional.linear(torch.cat(parts, -1), held.out_proj.weight, held.out_proj.bias)
    with torch.no_grad():
        torch.testing.assert_close(module(as_map(data)), expected, rtol=1e-4, atol=1e-4)
    summary = network.summary()
    assert summary.outputs == {"output": (tokens, channels)}
    assert summary.parameters == sum(value.numel() for value in module.parameters())


@few
@given(st.integers(2, 6), st.integers(1, 3), st.integers(1, 4))
def test_macs_of_attention_are_half_of_torchs_flops(tokens: int, heads: int, each: int) -> None:
    network = archdsl.load(f"attention<{heads},{sequence(tokens, heads * each)}>")
    module = network.to_torch()
    # Neither the faster way of eval mode nor fused kernels are counted by torch.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        module(torch.zeros(1, heads * each, tokens, 1))
    assert 2 * network.summary().macs == counter.get_total_flops()


def test_counts_of_attention_by_hand() -> None:
    """ViT-Base on 197 tokens: four times 768×768, and twice 197×197 products of 768 numbers."""
    summary = archdsl.load(f"attention<12,{sequence(197, 768)}>").summary()
    assert summary.parameters == 4 * (768 * 768 + 768)
    assert summary.macs == 4 * 197 * 768 * 768 + 2 * 197 * 197 * 768


def test_dropout_of_attention_is_for_training() -> None:
    module = archdsl.compile(f"attention<2,0.5,{sequence(8, 4)}>", seed=0)
    for value in module.parameters():
        torch.nn.init.normal_(value)
    data = torch.randn(2, 4, 8, 1)
    assert not torch.equal(module(data), module(data))
    module.eval()
    assert torch.equal(module(data), module(data))


@pytest.mark.parametrize("index", [0, 2])
def test_token_is_one_of_the_sequence(index: int) -> None:
    network, data = archdsl.load(f"token<{index},{sequence(3, 4)}>"), torch.randn(2, 3, 4)
    assert torch.equal(network.to_torch()(as_map(data)), data[:, index])
    assert network.summary().outputs == {"output": (4,)}


def test_layers_along_the_last_axis_take_sequences() -> None:
    text = f"fc<2,token<0,gelu<linear<5,layer_norm_last<{sequence(3, 4)}>>>>>"
    summary = archdsl.load(text).summary()
    assert [row.shape for row in summary.rows[2:]] == [(3, 4), (3, 5), (3, 5), (5,), (2,)]


def test_a_token_sees_the_whole_image() -> None:
    summary = archdsl.load("attention<1,tokens<con<4,2,2,2,2,input<3,8,6>>>>").summary()
    assert [row.receptive_field for row in summary.rows] == [(1, 1), (2, 2), (8, 6), (8, 6)]


def test_small_transformers_script_and_export() -> None:
    text = (
        "fc<3,token<0,attention<2,position_embedding<class_token<tokens<"
        "con<4,2,2,2,2,input<3,4,6>>>>>>>>"
    )
    module, data = archdsl.compile(text, seed=1).eval(), torch.randn(2, 3, 4, 6)
    expected = module(data)
    torch.testing.assert_close(torch.jit.script(module)(data), expected)
    torch.testing.assert_close(torch.export.export(module, (data,)).module()(data), expected)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("attention<2,input<4,3,3>>", "attention needs a sequence.*tokens×channels, found 4×3×3"),
        ("class_token<input<4,3,3>>", "class_token needs a sequence.*help: tokens makes"),
        ("position_embedding<fc<4,input<4,3,3>>>", "needs a sequence of tokens.*found 4"),
        ("token<0,input<4,3,3>>", "token needs a sequence"),
        (f"attention<3,{sequence(5, 4)}>", "3 heads do not divide 4 channels.*found 5×4"),
        (f"attention<0,{sequence(5, 4)}>", "heads"),
        (f"token<5,{sequence(5, 4)}>", "there is no token 5.*found 5×4"),
        (f"con<8,3,3,{sequence(5, 4)}>", "con needs a feature map.*found 5×4.*tokens"),
        (f"max_pool<2,2,{sequence(5, 4)}>", "max_pool needs a feature map.*found 5×4"),
        (f"tokens<{sequence(5, 4)}>", "tokens needs a feature map.*found 5×4"),
    ],
)
def test_what_does_not_fit_is_refused(spec: str, message: str) -> None:
    with pytest.raises(archdsl.ArchError, match=f"(?s){message}"):
        archdsl.load(spec).check()


def test_positions_need_a_known_number_of_tokens() -> None:
    text = "position_embedding<class_token<tokens<input<matrix<float>>>>>"
    with pytest.raises(archdsl.ArchError, match=r"known number of tokens(?s:.*)--input"):
        archdsl.load(text).check()
    assert archdsl.load(text, input=(1, 2, 3)).summary().outputs == {"output": (7, 1)}
