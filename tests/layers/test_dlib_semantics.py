"""dlib's names mean what they mean in dlib: outputs by hand, from its documented rules."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import archdsl


def out(text: str, data: Tensor | list, **settings: object) -> Tensor:
    """The output of a network in eval mode."""
    given_ = data if isinstance(data, Tensor) else torch.tensor(data, dtype=torch.float32)
    with torch.no_grad():
        return archdsl.compile(text, **settings).eval()(given_)


def image(*rows: list[float]) -> Tensor:
    """A batch of one image of one channel."""
    return torch.tensor([[rows]], dtype=torch.float32)


def fill(module: nn.Module, value: float) -> None:
    for parameter in module.parameters():
        nn.init.constant_(parameter, value)


# ---- windows ----


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["con<1,", "max_pool<", "avg_pool<"]),
    st.integers(1, 7),
    st.integers(1, 7),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(7, 20),
)
def test_default_padding(kind: str, kh: int, kw: int, sh: int, sw: int, size: int) -> None:
    """Half the window where that axis has stride 1, else none; sizes round down."""
    network = archdsl.load(f"{kind}{kh},{kw},{sh},{sw},input<1,{size},{size}>>")
    rows = 1 + (size + 2 * (kh // 2 if sh == 1 else 0) - kh) // sh
    columns = 1 + (size + 2 * (kw // 2 if sw == 1 else 0) - kw) // sw
    assert network.summary().rows[-1].shape == (1, rows, columns)


@pytest.mark.parametrize(("k", "s", "rows"), [(3, 1, 8), (4, 1, 7), (3, 2, 17), (4, 3, 25)])
def test_default_padding_of_cont(k: int, s: int, rows: int) -> None:
    """An enlargement by the stride: s (n - 1) + k, less twice the padding."""
    assert rows == s * (8 - 1) + k - 2 * (k // 2 if s == 1 else 0)
    shape = archdsl.load(f"cont<2,{k},{k},{s},{s},input<1,8,8>>").summary().rows[-1].shape
    assert shape == (2, rows, rows)


def test_con_counts_its_neighbours() -> None:
    """A 3×3 filter of ones on a 3×3 image of ones: 4 cells at corners, 6 at edges, 9 inside."""
    module = archdsl.compile("con<1,3,3,1,1,bias=false,input<1,3,3>>")
    fill(module, 1.0)
    found = module(torch.ones(1, 1, 3, 3))
    assert torch.equal(found, image([4, 6, 4], [6, 9, 6], [4, 6, 4]))


def test_con_is_a_correlation() -> None:
    """The filter is not turned round: its last column meets the image's last column."""
    module = archdsl.compile("con<1,1,2,1,1,0,0,bias=false,input<1,1,3>>")
    with torch.no_grad():
        module.conv.weight.copy_(image([1, 10]))
    assert torch.equal(module(image([1, 2, 3])), image([21, 32]))


def test_max_pool_padding_never_wins() -> None:
    assert torch.equal(
        out("max_pool<3,3,1,1,input<1,2,2>>", image([-4, -3], [-2, -1])), image([-1, -1], [-1, -1])
    )
    padded = out("max_pool<3,3,3,3,2,2,input<1,2,2>>", image([-4, -3], [-2, -1]))
    assert torch.equal(padded, image([-4, -3], [-2, -1]))


def test_avg_pool_divides_by_the_cells_inside() -> None:
    data = image([1, 2, 3], [4, 5, 6], [7, 8, 9])
    found = out("avg_pool<3,3,1,1,input<1,3,3>>", data)
    by_hand = image(
        [(1 + 2 + 4 + 5) / 4, (1 + 2 + 3 + 4 + 5 + 6) / 6, (2 + 3 + 5 + 6) / 4],
        [(1 + 2 + 4 + 5 + 7 + 8) / 6, 45 / 9, (2 + 3 + 5 + 6 + 8 + 9) / 6],
        [(4 + 5 + 7 + 8) / 4, (4 + 5 + 6 + 7 + 8 + 9) / 6, (5 + 6 + 8 + 9) / 4],
    )
    torch.testing.assert_close(found, by_hand)
    all_cells = out("avg_pool<3,3,1,1,count_include_pad=true,input<1,3,3>>", data)
    assert all_cells[0, 0, 0, 0].item() == pytest.approx((1 + 2 + 4 + 5) / 9)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_pools_cell_by_cell(data: st.DataObject) -> None:
    """dlib pads by up to all but one cell of the window, more than torch's poolings take."""
    draw = data.draw
    kh, kw, s = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    ph, pw = draw(st.integers(0, kh - 1)), draw(st.integers(0, kw - 1))
    h, w = draw(st.integers(kh, 7)), draw(st.integers(kw, 7))
    pixels = torch.randn(2, 2, h, w)
    window = f"{kh},{kw},{s},{s},{ph},{pw},input<2,{h},{w}>"
    largest, mean = out(f"max_pool<{window}>", pixels), out(f"avg_pool<{window}>", pixels)
    share = out(f"avg_pool<{window.replace(',input', ',count_include_pad=true,input')}>", pixels)
    rows, columns = 1 + (h + 2 * ph - kh) // s, 1 + (w + 2 * pw - kw) // s
    assert largest.shape == mean.shape == share.shape == (2, 2, rows, columns)
    for r in range(rows):
        for c in range(columns):
            top, left = r * s - ph, c * s - pw
            inside = pixels[:, :, max(top, 0) : top + kh, max(left, 0) : left + kw].flatten(2)
            torch.testing.assert_close(largest[:, :, r, c], inside.amax(2))
            torch.testing.assert_close(mean[:, :, r, c], inside.mean(2))
            torch.testing.assert_close(share[:, :, r, c], inside.sum(2) / (kh * kw))


def test_fc_reads_channels_then_rows_then_columns() -> None:
    module = archdsl.compile("fc<1,input<2,2,2>>")
    with torch.no_grad():
        module.fc.weight.copy_(torch.tensor([[10.0**n for n in range(8)]]))
        module.fc.bias.fill_(0.5)
    data = torch.tensor([[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]], dtype=torch.float32)
    assert module(data).item() == pytest.approx(87654321.5)


# ---- values ----


@pytest.mark.parametrize(
    ("name", "eps", "momentum"),
    [("bn_con", 1e-4, 0.01), ("bn_fc", 1e-4, 0.01), ("batch_norm", 1e-5, 0.1)],
)
def test_batch_norm_constants(name: str, eps: float, momentum: float) -> None:
    """Without variance the epsilon alone divides; dlib averages over 100 batches, torch over 10."""
    module = archdsl.compile(f"{name}<input<1,1,1>>")
    batch = torch.tensor([1.0, 2.0, 3.0, 6.0]).reshape(4, 1, 1, 1)
    module(batch)
    state = {key.rpartition(".")[2]: value for key, value in module.state_dict().items()}
    assert state["running_mean"].item() == pytest.approx(3 * momentum)
    assert state["running_var"].item() == pytest.approx((1 - momentum) + momentum * 14 / 3)
    state["running_mean"].zero_()
    state["running_var"].zero_()
    assert module.eval()(torch.ones(1, 1, 1, 1)).item() == pytest.approx(1 / math.sqrt(eps))


def test_bn_fc_normalises_every_value_by_itself() -> None:
    """Two samples: each value is ±1 afterwards; bn_con shares mean and variance along a channel."""
    data = torch.tensor([[[[0.0, 100.0]]], [[[2.0, 500.0]]]])
    single = archdsl.compile("bn_fc<input<1,1,2>>")(data)
    torch.testing.assert_close(
        single, torch.tensor([[[[-1.0, -1.0]]], [[[1.0, 1.0]]]]), atol=1e-4, rtol=0
    )
    shared = archdsl.compile("bn_con<input<1,1,2>>")(data)
    assert shared.sum().abs().item() < 1e-4
    assert shared[0, 0, 0, 1].item() < 0 < shared[1, 0, 0, 1].item()
    assert shared[1, 0, 0, 0].item() < 0


@pytest.mark.parametrize(
    ("spelled", "rate"),
    [("dropout_rate<30,", 0.3), ("dropout_10<", 0.1), ("dropout<", 0.5), ("dropout<0.2,", 0.2)],
)
def test_dropout(spelled: str, rate: float) -> None:
    module = archdsl.compile(f"{spelled}input<1,100,1000>>")
    data = torch.ones(1, 1, 100, 1000)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        found = module(data)
    dropped = (found == 0).float().mean().item()
    assert dropped == pytest.approx(rate, abs=0.01)
    kept = found[found != 0]
    torch.testing.assert_close(kept, torch.full_like(kept, 1 / (1 - rate)))
    assert torch.equal(module.eval()(data), data)


def test_multiply() -> None:
    assert out("multiply<input<1,1,3>>", image([1, -2, 3])).tolist() == [[[[0.5, -1, 1.5]]]]
    assert out("multiply<3,input<1,1,2>>", image([1, -2])).tolist() == [[[[3, -6]]]]
    assert out("multiply<-0.25,input<1,1,1>>", image([8])).tolist() == [[[[-2]]]]


def test_prelu_learns_one_slope() -> None:
    module = archdsl.compile("prelu<input<3,1,1>>")
    data = torch.tensor([4.0, -4.0, -8.0]).reshape(1, 3, 1, 1)
    assert module(data).flatten().tolist() == [4, -1, -2]
    module(data).sum().backward()
    (slope,) = module.parameters()
    assert slope.numel() == 1
    assert slope.grad is not None and slope.grad.item() == -12


def test_leaky_relu_and_others_defaults() -> None:
    data = image([-2, 0, 2, 9])
    assert out("leaky_relu<input<1,1,4>>", data).flatten().tolist() == pytest.approx(
        [-0.02, 0, 2, 9]
    )
    assert out("clipped_relu<input<1,1,4>>", data).flatten().tolist() == [0, 0, 2, 6]
    elu = out("elu<input<1,1,4>>", data).flatten().tolist()
    assert elu == pytest.approx([math.exp(-2) - 1, 0, 2, 9])


@pytest.mark.parametrize("beta", [1.0, 2.5])
def test_smelu(beta: float) -> None:
    """Zero up to -beta, (x + beta)² / (4 beta) up to beta, x beyond."""
    xs = [-3.0, -2.5, -1, -0.5, 0, 0.5, 0.99, 1, 2.5, 4]
    by_hand = [0 if x <= -beta else x if x >= beta else (x + beta) ** 2 / (4 * beta) for x in xs]
    found = out(f"smelu<{beta},input<1,1,{len(xs)}>>", image(xs))
    assert found.flatten().tolist() == pytest.approx(by_hand)


def test_l2normalize() -> None:
    """3 and 4 have length 5, and with an epsilon of 11 their squares make 36; eps is 1e-5 else."""
    assert out(
        "l2normalize<input<2,1,1>>", torch.tensor([3.0, 4.0]).reshape(1, 2, 1, 1)
    ).flatten().tolist() == pytest.approx([0.6, 0.8])
    data = torch.tensor([[3.0, 4.0], [30.0, 40.0]]).reshape(2, 2, 1, 1)
    found = out("l2normalize<eps=11,input<2,1,1>>", data)[0].flatten().tolist()
    assert found == pytest.approx([3 / 6, 4 / 6])
    zero = out("l2normalize<input<1,1,1>>", image([0.001]))
    assert zero.item() == pytest.approx(0.001 / math.sqrt(1e-6 + 1e-5))


def test_softmax_is_over_channels_and_softmax_all_over_everything() -> None:
    data = torch.tensor([[0.0, math.log(2)], [math.log(3), 0]]).reshape(1, 2, 1, 2)
    found = out("softmax<input<2,1,2>>", data).flatten().tolist()
    assert found == pytest.approx([1 / 4, 2 / 3, 3 / 4, 1 / 3])
    found = out("softmax_all<input<2,1,2>>", data).flatten().tolist()
    assert found == pytest.approx([1 / 7, 2 / 7, 3 / 7, 1 / 7])


def test_layer_norm_takes_a_sample_as_a_whole() -> None:
    data = torch.tensor([1.0, 3.0, 5.0, 7.0]).reshape(1, 2, 1, 2)
    found = out("layer_norm<input<2,1,2>>", data).flatten().tolist()
    spread = math.sqrt(5 + 1e-5)
    assert found == pytest.approx([-3 / spread, -1 / spread, 1 / spread, 3 / spread])


def test_upsample_keeps_the_corners() -> None:
    found = out("upsample<2,input<1,1,2>>", image([0, 3]))
    torch.testing.assert_close(found, image([0, 1, 2, 3], [0, 1, 2, 3]))


# ---- inputs ----


@pytest.mark.parametrize(
    ("pixels", "channels", "divisor"),
    [
        ("matrix<unsigned char>", 1, 256),
        ("matrix<rgb_pixel>", 3, 256),
        ("matrix<dlib::rgb_pixel>", 3, 256),
        ("matrix<rgb_alpha_pixel>", 4, 256),
        ("array2d<unsigned char>", 1, 256),
        ("matrix<float>", 1, 1),
        ("dlib::matrix<double>", 1, 1),
        ("std::array<matrix<float>,5>", 5, 1),
        ("5", 5, 1),
    ],
)
def test_inputs(pixels: str, channels: int, divisor: int) -> None:
    data = torch.tensor([0.0, 51.0, 255.0] * channels).reshape(1, channels, 1, 3)
    found = out(f"identity<input<{pixels},1,3>>", data)
    torch.testing.assert_close(found, data / divisor, atol=0, rtol=0)
    open_size = f"identity<input<{pixels}>>" if channels != 5 else f"identity<input<{pixels},1,3>>"
    found = out(open_size, data, input=(channels, 1, 3))
    torch.testing.assert_close(found, data / divisor, atol=0, rtol=0)


MEANS = (122.782, 117.001, 104.298)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("relu<input_rgb_image_sized<2>>", (2, 2)),
        ("relu<input_rgb_image_sized<2,3>>", (2, 3)),
        ("relu<input_rgb_image<height=2,width=3>>", (2, 3)),
    ],
)
def test_input_rgb_image(text: str, size: tuple[int, int]) -> None:
    assert archdsl.load(text).summary().input == (3, *size)
    data = torch.full((1, 3, *size), 200.0)
    found = out(text, data)
    for channel, mean in enumerate(MEANS):
        value = torch.full(size, (200 - mean) / 256)
        torch.testing.assert_close(found[0, channel], value)


def test_input_rgb_image_of_open_size_and_other_means() -> None:
    data = torch.full((1, 3, 4, 4), 64.0)
    found = out("identity<input_rgb_image>", data, input="3x4x4")
    assert found[0, :, 0, 0].tolist() == pytest.approx([(64 - mean) / 256 for mean in MEANS])
    found = out("identity<input_rgb_image<red=0,green=64,blue=128>>", data, input="3x4x4")
    assert found[0, :, 1, 3].tolist() == pytest.approx([0.25, 0, -0.25])


def test_what_an_input_subtracts_is_no_weight() -> None:
    assert archdsl.compile("identity<input_rgb_image_sized<2>>").state_dict() == {}


# ---- tags ----


def grown(data: Tensor, shape: tuple[int, ...]) -> list:
    """A C×H×W tensor as nested lists, with zeros up to a shape."""
    k, h, w = data.shape
    return [
        [
            [data[c, y, x].item() if c < k and y < h and x < w else 0.0 for x in range(shape[2])]
            for y in range(shape[1])
        ]
        for c in range(shape[0])
    ]


@pytest.mark.parametrize("name", ["add_prev1", "mult_prev1"])
def test_unequal_sizes_are_padded_with_zeros(name: str) -> None:
    """3×4×4 pooled to 3×2×2, then met by the first: zeros at the far ends, so products vanish."""
    data = torch.randn(1, 3, 4, 6)
    small = out("max_pool<2,2,2,2,input<3,4,6>>", data)[0]
    found = out(f"{name}<max_pool<2,2,2,2,tag1<input<3,4,6>>>>", data)[0]
    other = torch.tensor(grown(small, (3, 4, 6)))
    expected = data[0] + other if name == "add_prev1" else data[0] * other
    torch.testing.assert_close(found, expected)


def test_both_may_be_padded() -> None:
    """2×4×4 and 3×2×2 make 3×4×4."""
    data = torch.randn(1, 2, 4, 4)
    text = "add_prev1<con<3,1,1,2,2,tag1<input<2,4,4>>>>"
    module = archdsl.compile(text, seed=0)
    narrow = module.conv(data)[0]
    expected = torch.tensor(grown(data[0], (3, 4, 4))) + torch.tensor(grown(narrow, (3, 4, 4)))
    torch.testing.assert_close(module(data)[0], expected)
    assert archdsl.load(text).summary().rows[-1].shape == (3, 4, 4)


def test_equal_sizes() -> None:
    data = image([1, -2, 3])
    assert out("add_prev1<relu<tag1<input<1,1,3>>>>", data).flatten().tolist() == [2, -2, 6]
    assert out("mult_prev1<relu<tag1<input<1,1,3>>>>", data).flatten().tolist() == [1, 0, 9]
    assert out("add_prev<tag3,relu<tag3<input<1,1,3>>>>", data).flatten().tolist() == [2, -2, 6]


def test_the_nearest_tag_counts() -> None:
    """The inner tag1 is farther away than the outer one; a tag behind the layer does not count."""
    text = "tag1<multiply<10,add_prev1<multiply<2,tag1<multiply<3,tag1<input<1,1,1>>>>>>>>"
    assert out(text, image([1])).item() == 10 * (2 * 3 + 3)


def test_skip_goes_on_from_its_tag() -> None:
    assert (
        out("multiply<5,skip1<multiply<7,tag1<multiply<2,input<1,1,1>>>>>>", image([1])).item()
        == 10
    )


def test_tags_in_front_of_a_skip_stay_visible() -> None:
    """From skip2's place on, the tags between it and the input are visible."""
    text = "add_prev1<skip2<multiply<7,tag2<multiply<2,tag1<input<1,1,1>>>>>>>"
    assert out(text, image([1])).item() == 2 + 1


def test_tags_of_ones_own() -> None:
    text = (
        "template <typename SUBNET> using here = add_tag_layer<4008,SUBNET>;\n"
        "template <typename SUBNET> using back = add_skip_layer<here,SUBNET>;\n"
        "add_prev<here,multiply<4,back<multiply<9,here<input<1,1,1>>>>>>"
    )
    assert out(text, image([1])).item() == 4 + 1


def test_concat_has_the_order_of_its_tags() -> None:
    text = "concat{n}<{tags},tag3<multiply<3,tag2<multiply<2,tag1<input<1,1,1>>>>>>>"
    for tags, expected in (
        ("tag1,tag2", [1, 2]),
        ("tag2,tag1", [2, 1]),
        ("tag3,tag1,tag2", [6, 1, 2]),
        ("tag1,tag1", [1, 1]),
    ):
        spelled = text.format(n=tags.count(",") + 1, tags=tags)
        assert out(spelled, image([1])).flatten().tolist() == expected


def test_inception_has_the_order_of_its_branches() -> None:
    text = "inception3<multiply<2>,multiply<3,multiply<5>>,identity,input<1,1,1>>"
    assert out(text, image([1])).flatten().tolist() == [2, 15, 1]


@pytest.mark.parametrize("spelled", ["scale_prev1", "scale_prev<tag1,"])
def test_scale_prev(spelled: str) -> None:
    """The current map times the tagged number of each channel."""
    head = spelled if "<" in spelled else f"{spelled}<"
    text = f"{head}skip2<tag1<max_pool_everything<tag2<input<2,1,2>>>>>>"
    data = torch.tensor([1.0, 2.0, 3.0, 5.0]).reshape(1, 2, 1, 2)
    assert out(text, data).flatten().tolist() == [1 * 2, 2 * 2, 3 * 5, 5 * 5]


def test_scale_with_a_tag_and_with_a_gate() -> None:
    """dlib's scale: the tagged map times the current numbers."""
    data = torch.tensor([1.0, 2.0, 3.0, 5.0]).reshape(1, 2, 1, 2)
    expected = [1 * 2, 2 * 2, 3 * 5, 5 * 5]
    tagged = out("scale<tag1,max_pool_everything<tag1<input<2,1,2>>>>", data)
    gated = out("scale<max_pool_everything,input<2,1,2>>", data)
    flat = out("scale<flatten<max_pool_everything>,input<2,1,2>>", data)
    assert tagged.flatten().tolist() == gated.flatten().tolist() == expected
    assert flat.flatten().tolist() == expected


def test_resize_prev_to_tagged() -> None:
    text = "resize_prev_to_tagged1<max_pool<1,2,1,2,tag1<input<1,2,4>>>>"
    found = out(text, image([0, 0, 3, 3], [6, 6, 9, 9]))
    torch.testing.assert_close(found, image([0, 1, 2, 3], [6, 7, 8, 9]))


# ---- order ----


def test_the_innermost_layer_comes_first() -> None:
    assert out(
        "multiply<10,leaky_relu<0.5,multiply<-1,input<1,1,2>>>>", image([4, -4])
    ).flatten().tolist() == [-20, 40]


def test_repeat_applies_its_block_in_a_row() -> None:
    assert out("repeat<3,multiply<2>,input<1,1,1>>", image([1])).item() == 8
    assert out("repeat<0,multiply<2>,input<1,1,1>>", image([1])).item() == 1
    # x → relu(-2 x), twice: 1 → 0 → 0 and -1 → 2 → 0; the other way round gives -2 relu(...).
    found = out("repeat<2,relu<multiply<-2>>,input<1,1,2>>", image([1, -1]))
    assert found.flatten().tolist() == [0, 0]
    found = out("repeat<2,multiply<-2,relu>,input<1,1,2>>", image([1, -1]))
    assert found.flatten().abs().tolist() == [0, 0]
    found = out("repeat<1,multiply<-2,relu>,input<1,1,2>>", image([1, -1]))
    assert found.flatten().tolist() == [-2, 0]


# ---- losses ----


def test_losses() -> None:
    """The output passes; the criterion is dlib's loss, averaged over a batch."""
    data = torch.tensor([0.0, math.log(3)]).reshape(1, 2, 1, 1)
    module = archdsl.compile("loss_multiclass_log<flatten<input<2,1,1>>>")
    assert torch.equal(module(data), data.flatten(1))
    assert module.criterion(module(data), torch.tensor([1])).item() == pytest.approx(
        -math.log(3 / 4)
    )
    module = archdsl.compile("loss_binary_log<flatten<input<1,1,1>>>")
    positive = module.criterion(torch.tensor([[math.log(3)]]), torch.tensor([[1.0]]))
    assert positive.item() == pytest.approx(-math.log(3 / 4))
    module = archdsl.compile("loss_mean_squared<flatten<input<1,1,1>>>")
    assert module.criterion(torch.tensor([[1.0], [2.0]]), torch.tensor([[4.0], [3.0]])).item() == 5
    module = archdsl.compile("loss_binary_hinge<flatten<input<1,1,1>>>")
    outputs, targets = torch.tensor([[0.5], [0.5], [3.0]]), torch.tensor([[1.0], [-1.0], [1.0]])
    assert module.criterion(outputs, targets).item() == pytest.approx((0.5 + 1.5 + 0) / 3)
