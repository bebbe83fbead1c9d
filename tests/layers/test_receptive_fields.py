"""Receptive fields: against gradients, against papers' values, and by hand.

A gradient tells which pixels an output cell depends on. With positive weights nothing cancels.
"""

import random

import pytest
import torch

import archdsl

SIZE = 48

TEMPLATES = """
template <typename S> using above = con<2,4,4,1,1,padding=0,pad<3,0,0,3,S>>;
template <typename S> using below = con<2,4,4,1,1,padding=0,pad<0,3,3,0,S>>;
template <typename S> using same = con<2,3,3,S>;
template <typename S> using there_and_back = cont<2,2,2,2,2,con<2,2,2,2,2,S>>;
template <typename S> using nearest_and_back = avg_pool<3,3,2,2,padding=1,upsample_nearest<2,S>>;
template <typename S> using gating = sig<con<2,1,1,avg_pool_everything<S>>>;
"""

LAYERS = (
    "con<2,3,3,1,1,", "con<2,4,4,1,1,padding=0,", "con<2,3,3,2,2,padding=1,", "con<2,5,2,2,1,",
    "con<2,1,1,2,2,", "con<2,3,3,1,1,padding=3,dilation=3,", "con<2,2,2,1,1,padding=0,dilation=2,",
    "avg_pool<2,2,2,2,", "avg_pool<3,3,2,2,padding=1,", "avg_pool<3,3,2,2,ceil_mode=true,",
    "upsample_nearest<2,", "upsample_nearest<3,2,", "upsample<2,",
    "upsample<2,align_corners=false,", "upsample<3,align_corners=false,", "resize_to<20,31,",
    "cont<2,2,2,2,2,", "cont<2,3,3,2,2,",
    "cont<2,4,4,2,2,padding=1,", "cont<2,5,5,3,3,padding=1,", "cont<2,3,3,1,1,", "cont<2,1,1,2,2,",
    "adaptive_avg_pool<7,", "adaptive_avg_pool<10,6,", "pad<1,2,0,3,",
    "reflection_pad<2,", "reflection_pad<3,0,1,2,", "replication_pad<1,2,3,0,",
    "pixel_unshuffle<2,",
    "con<2,3,3,2,2,pixel_shuffle<2,con<8,3,3,1,1,", "con<2,3,3,1,1,channel_mean<",
    "con<2,3,3,1,1,reflection_pad<1,",
    "slice<0,1,2,2,30,25,", "reorg<2,2,", "transpose<", "relu<", "lrn<",
    "group_norm<2,", "layer_norm<", "rms_norm<",
    "instance_norm<", "l2normalize<", "softmax_all<", "log_softmax<", "softmax<", "softmaxm<",
    "linear<9,", "layer_norm_last<",
    "channels_first<linear<2,channels_last<", "channels_first<layer_norm_last<channels_last<",
    "parallel<above,below,", "residual<same,", "residual<above,below,", "residual<below,",
    "parallel<same,identity,", "residual<there_and_back,", "residual<nearest_and_back,above,",
    "scale<gating,", "offset<gating,", "scale<compose<sig,con<1,3,3,1,1>,channel_mean>,",
    "resize_like<tag1,con<2,3,3,2,2,tag1<",
    "resize_like<tag2,nearest=true,align_corners=false,con<2,3,3,2,2,tag2<",
)  # fmt: skip


LOCAL = LAYERS[: LAYERS.index("slice<0,1,2,2,30,25,")]
"""Layers whose cells see a part of the image, whose borders are the map's borders."""


def closed(layers: str, size: int = SIZE) -> str:
    """A network of layers, whose closing brackets are missing."""
    body = f"{layers}input<2,{size},{size}"
    missing = body.count("<") - body.count(">")
    return f"{TEMPLATES}\nusing net_type = {body}{'>' * missing};"


def seen(text: str) -> tuple[int, int]:
    """The most rows and columns of the input that a gradient reaches, over all output cells."""
    network = archdsl.load(text)
    module = network.to_torch(seed=0).double().eval()
    draw = torch.Generator().manual_seed(0)

    def positive(*shape: int) -> torch.Tensor:
        return torch.rand(shape, generator=draw, dtype=torch.double) + 0.5

    with torch.no_grad():
        for name, parameter in module.named_parameters():
            bias = name.endswith("bias")
            parameter.copy_(torch.zeros(()) if bias else positive(*parameter.shape))
    image = positive(1, *network.summary().input).requires_grad_()
    output = module(image)
    output = output * positive(*output.shape)
    turned = text.count("transpose<") % 2
    found = []
    for axis, along in ((2, 3 if turned else 2), (3, 2 if turned else 3)):
        rest = [a for a in range(output.ndim) if a != along]
        cells = output.sum(rest) if output.ndim == 4 else output.sum()[None]
        extents = []
        for cell in cells:
            (gradient,) = torch.autograd.grad(cell, image, retain_graph=True)
            reached = gradient.abs().sum([a for a in range(4) if a != axis]).nonzero()
            extents.append(int(reached.max() - reached.min() + 1) if len(reached) else 0)
        found.append(max(extents))
    return found[0], found[1]


def stated(text: str) -> tuple[int, int]:
    """What the summary says of the output."""
    return archdsl.load(text).summary().rows[-1].receptive_field


@pytest.mark.parametrize("layer", LAYERS)
def test_of_one_layer(layer: str) -> None:
    rows, columns = stated(closed(layer))
    assert (min(rows, SIZE), min(columns, SIZE)) == seen(closed(layer))


def chain(seed: int, size: int) -> str:
    """A network of two to five layers that fit each other, mostly such as look at a part."""
    draw = random.Random(seed)
    layers = ""
    for _ in range(40):
        if layers.count("\n") == 2 + seed % 4:
            break
        layer = draw.choice(LOCAL if draw.random() < 0.85 else LAYERS[len(LOCAL) + 1 :])
        longer = f"{layer}\n{layers}"
        try:
            shape = archdsl.load(closed(longer, size)).summary().rows[-1].shape
        except archdsl.ArchError:
            continue
        assert isinstance(shape, tuple)
        if len(shape) == 3 and all(4 <= (s or 0) <= 128 for s in shape[1:]) and shape[0] == 2:
            layers = longer
    return layers


def check_chain(seed: int, size: int = 96) -> bool:
    """Whether the whole of a field can be seen; fields that reach beyond the image are smaller."""
    text = closed(chain(seed, size), size)
    exact = []
    for says, is_ in zip(stated(text), seen(text), strict=True):
        exact.append(says <= size // 3 or is_ == size)
        # Where a border is mirrored, what a cell sees twice may cancel out.
        equal = exact[-1] and "reflection_pad" not in text
        assert min(says, size) == is_ if equal else is_ <= says, text
    return all(exact)


@pytest.mark.parametrize("seeds", [range(8), range(8, 16), range(16, 24)])
def test_of_random_chains(seeds: range) -> None:
    assert sum(map(check_chain, seeds)) > len(seeds) // 2


@pytest.mark.slow
@pytest.mark.parametrize("start", range(24, 224, 20))
def test_of_many_random_chains(start: int) -> None:
    assert sum(map(check_chain, range(start, start + 20))) > 10


# ---- by hand, and from papers ----


def field(name: str, scope: str) -> tuple[int, int]:
    """The receptive field of a layer of a bundled spec."""
    (row,) = (row for row in archdsl.load(name).summary().rows if row.path == scope)
    return row.receptive_field


def test_of_vgg16() -> None:
    """Five stages of 3x3: 5 + (2 + 2 + 3 + 3 + 3 windows) at strides 1 to 16 and four poolings.

    1 + 2(2·1 + 2·2 + 3·4 + 3·8 + 3·16) + 1 + 2 + 4 + 8 = 196 behind conv5_3.
    """
    convolutions = [row for row in archdsl.load("vgg16").summary().rows if row.kind == "con"]
    assert convolutions[-1].receptive_field == (196, 196)


@pytest.mark.parametrize(("strides", "expected"), [("2,1", 483), ("1,2", 427)])
def test_of_resnet50(strides: str, expected: int) -> None:
    """Behind the last stage, with the stride in the first 1x1 (as published) or in the 3x3.

    By hand: 11 at stride 4 behind the stem and 35 behind the first stage. In the later ones 3, 5
    and 2 of 4, 6 and 3 windows have the new stride, all if the stride comes before them:
    35 + 2(4·8 + 6·16 + 3·32) = 483, and 35 + 2(4 + 3·8 + 8 + 5·16 + 16 + 2·32) = 427.
    Araujo et al. 2019 have 483.
    """
    text = """
    template <int N, int A, int B, typename S> using body = con<4*N,1,1,con<N,3,3,B,B,padding=1,
        con<N,1,1,A,A,padding=0,S>>>;
    template <int N, typename S> using unit = residual<body<N,1,1>, S>;
    template <int N, int A, int B, typename S> using down =
        residual<body<N,A,B>, con<4*N,1,1,A*B,A*B,padding=0>, S>;
    template <int COUNT, int N, int A, int B, typename S> using stage =
        repeat<COUNT-1, unit<N>, down<N,A,B,S>>;
    using net_type = stage<3,8,STRIDES,stage<6,4,STRIDES,stage<4,2,STRIDES,stage<3,1,1,1,
        max_pool<3,3,2,2,padding=1,con<1,7,7,2,2,padding=3,input<3,224,224>>>>>>>;
    """.replace("STRIDES", strides)
    assert stated(text) == (expected, expected)
    if strides == "1,2":
        rows = archdsl.load("resnet50").summary().rows
        (pool,) = (row.path for row in rows if row.kind == "avg_pool")
        before = [row for row in rows if row.path != pool][-2]
        assert before.receptive_field == (expected, expected)


def test_a_window_behind_an_enlargement_sees_the_most_that_fits() -> None:
    """Of four cells that repeat two and two, 1+2+1 are three different ones, at most."""
    assert stated("con<1,4,4,1,1,padding=0,upsample_nearest<2,input<1,32,32>>>") == (3, 3)
    assert stated("con<1,3,3,upsample_nearest<2,input<1,32,32>>>") == (2, 2)
    assert stated("con<1,3,3,cont<1,2,2,2,2,input<1,32,32>>>") == (2, 2)


def test_paths_that_lie_apart_are_seen_together() -> None:
    """The rows from 3 above to 3 below: 7, where each path sees 4."""
    assert stated(closed("residual<above,below,")) == (7, 7)
    rows = archdsl.load(closed("parallel<above,below,")).summary().rows
    assert [row.receptive_field for row in rows if row.kind == "con"] == [(4, 4), (4, 4)]


def test_of_the_sizes_that_are_open() -> None:
    """A mean of two neighbours adds a stride of 2; beside one there may be another pair."""
    text = "con<1,3,3,upsample_nearest<2,upsample<2,con<1,3,3,2,2,input_rgb_image>>>>"
    rows = archdsl.load(text).summary().rows
    assert [row.receptive_field[0] for row in rows] == [1, 3, 5, 5, 7]


def test_what_gathers_all_places_sees_all_of_them() -> None:
    """15 steps of 2 pixels and a window of 3: 33, before and behind a normalisation of all."""
    text = "con<1,3,3,{}con<2,3,3,2,2,padding=1,input<1,32,32>>>"
    assert stated(text.format("relu<") + ">") == (7, 7)
    for layer in ("layer_norm<", "group_norm<2,", "softmax_all<", "rms_norm<", "l2normalize<"):
        assert stated(text.format(layer) + ">") == (33, 33)
    assert stated("flatten<con<2,3,3,2,2,padding=1,input<1,32,32>>>") == (33, 33)
    assert stated("linear<4,con<2,3,3,2,2,padding=1,input<1,32,32>>>") == (3, 33)
    assert stated("con<1,3,3,transpose<linear<4,con<2,3,3,2,2,padding=1,input<1,32,32>>>>>") == (
        7,
        33,
    )


def test_maps_of_a_pyramid_have_fields_of_their_own() -> None:
    """SSD's heads are 3x3 on conv4_3, which sees 92 pixels 8 apart, up to the sixth map.

    1 + 2(2·1 + 2·2 + 3·4 + 3·8) + 1 + 2 + 4 = 92; the last maps halve 64 pixels no more: the three
    3x3 behind the fourth map add 128 each to 516.
    """
    heads = [field("ssd300_vgg16", f"classification.map{i}.conv") for i in (1, 4, 5, 6)]
    assert heads == [(108, 108), (644, 644), (772, 772), (900, 900)]
