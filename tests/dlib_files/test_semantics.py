"""What values mean: dropout, switched-off layers, old versions, options; by dlib's own rules."""

import math
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

import archdsl
from archdsl.backends.formats import encode, format_of
from archdsl.diagnostics import ArchError
from archdsl.dlib import options, stream
from archdsl.dlib import reader as reading
from archdsl.dlib import writer as writing
from archdsl.dlib.from_module import made
from archdsl.dlib.kinds import by_version
from archdsl.dlib.stream import ByteReader
from archdsl.dlib.to_spec import respelled
from archdsl.dlib.tree import LayerNode, Saved
from archdsl.layers import dlib_options as record


def saved_of(text: str, seed: int = 1) -> tuple[archdsl.Network, torch.fx.GraphModule, Saved]:
    network = archdsl.load(text).check()
    module = network.to_torch(seed=seed).eval()
    return network, module, made(network.checked, module)


def changed(saved: Saved, index: int, version: str | None = None, **values: object) -> Saved:
    """The file with other values in one of its layers, counted from the input."""
    nodes = list(saved.chain.nodes)
    node = nodes[index]
    assert isinstance(node, LayerNode)
    record = node.record._replace(values={**node.record.values, **values})
    if version is not None:
        kind = by_version(version)
        assert kind is not None
        record = record._replace(kind=kind, values={**kind.defaults(), **record.values})
    nodes[index] = replace(node, record=record)
    return replace(saved, chain=replace(saved.chain, nodes=tuple(nodes)))


def loaded(text: str, saved: Saved, folder: Path) -> torch.fx.GraphModule:
    path = folder / "net.dat"
    path.write_bytes(writing.encode(saved))
    return archdsl.compile(text, weights=path)


# ---- the numbers ----


@pytest.mark.parametrize("value", [0.0, 0.5, -0.1, 1e-300, 3e8, math.inf, -math.inf, 122.782])
def test_numbers_survive(value: float) -> None:
    assert ByteReader(stream.double(value)).real() == value
    assert ByteReader(stream.single(value)).real() == struct.unpack("f", struct.pack("f", value))[0]


def test_numbers_have_dlibs_bytes() -> None:
    # By the rules of serialize.h: 0.5 is 2^52·2^-53; six bytes of zeros are shifted off.
    assert stream.double(0.5) == bytes([1, 0x10, 0x81, 5])
    assert stream.integer(-300) == bytes([0x82, 0x2C, 0x01])
    assert ByteReader(b"1.5 ").real() == 1.5 and ByteReader(b"ninf ").real() == -math.inf


# ---- dropout ----


@pytest.mark.parametrize(
    "text",
    [
        "fc<3,dropout_rate<30,relu<fc<4,input<2,3,3>>>>>",
        "dropout_rate<30,relu<fc<4,input<2,3,3>>>>",
        "fc<3,relu<dropout_rate<30,max_pool<2,2,1,1,con<3,3,3,1,1,input<2,5,5>>>>>>",
    ],
)
def test_a_dropout_is_dlibs_multiply_in_use(text: str, tmp_path: Path) -> None:
    _, module, saved = saved_of(text)
    plain = text.replace("dropout_rate<30,", "multiply<0.7,")
    with_multiply = loaded(plain, saved, tmp_path)
    with_dropout = loaded(text, saved, tmp_path)
    size = archdsl.load(text).check().summary().input
    x = torch.rand(4, *size)
    with torch.inference_mode():
        torch.testing.assert_close(with_dropout(x), with_multiply(x), rtol=1e-5, atol=1e-6)
        # And what was written is the module that it was written from.
        torch.testing.assert_close(with_dropout(x), module(x), rtol=1e-5, atol=1e-6)


def test_a_dropout_trains_as_in_dlib(tmp_path: Path) -> None:
    """dlib sets values to zero and leaves the others as they are."""
    text = "fc<1,dropout_rate<50,input<1,1,8>>>"
    _, _, saved = saved_of(text)
    weights = np.arange(1, 9, dtype=np.float32)
    params = np.append(weights, 0).astype(np.float32).reshape(9, 1, 1, 1)
    module = loaded(text, changed(saved, 1, params=params), tmp_path).train()
    torch.manual_seed(3)
    values = {module(torch.ones(1, 1, 1, 8)).item() for _ in range(50)}
    assert all(abs(value - round(value)) < 1e-4 for value in values) and len(values) > 10
    assert max(values) <= weights.sum()


def test_a_dropout_without_weights_nearby_is_refused(tmp_path: Path) -> None:
    text = "sig<dropout<sig<fc<3,input<1,2,2>>>>>"
    network = archdsl.load(text).check()
    with pytest.raises(ArchError, match="has no place"):
        encode(format_of(Path("x.dat")), network.checked, network.to_torch())


# ---- batch normalisation and affine ----


def test_batch_norm_and_affine_read_each_other(tmp_path: Path) -> None:
    norm = "bn_con<con<3,3,3,1,1,input<2,6,6>>>"
    affine = norm.replace("bn_con", "affine")
    network = archdsl.load(norm).check()
    module = network.to_torch(seed=2)
    for _ in range(3):
        module(torch.rand(4, 2, 6, 6) * 3)
    with torch.no_grad():
        module.bn.weight.uniform_(0.5, 2)
        module.bn.bias.uniform_(-1, 1)
    module.eval()
    as_affine = loaded(affine, made(network.checked, module), tmp_path)
    _, _, saved = saved_of(affine)
    saved = made(archdsl.load(affine).check().checked, as_affine)
    back = loaded(norm, saved, tmp_path)
    x = torch.rand(2, 2, 6, 6)
    with torch.inference_mode():
        torch.testing.assert_close(as_affine(x), module(x), rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(back(x), module(x), rtol=1e-5, atol=1e-5)


# ---- switches and numbers of a file ----


FUSED = "relu<affine<con<3,3,3,1,1,input<2,5,5>>>>"


def test_fused_layers_are_those_that_dlib_runs(tmp_path: Path) -> None:
    _, module, saved = saved_of(FUSED)
    saved = changed(saved, 0, use_relu=True)
    saved = changed(saved, 1, disabled=True, params=np.full((6, 1, 1, 1), 7, np.float32))
    saved = changed(saved, 2, disabled=True)
    x = torch.rand(1, 2, 5, 5)
    with torch.inference_mode():
        convolved = functional.relu(module.conv(x))
        torch.testing.assert_close(loaded(FUSED, saved, tmp_path)(x), convolved)


def test_a_relu_that_is_off_or_fused_into_nothing_is_refused(tmp_path: Path) -> None:
    _, _, saved = saved_of(FUSED)
    with pytest.raises(ArchError, match="switched off"):
        loaded(FUSED, changed(saved, 2, disabled=True), tmp_path)
    plain = "con<3,3,3,1,1,input<2,5,5>>"
    _, _, saved = saved_of(plain)
    with pytest.raises(ArchError, match="has a ReLU in it"):
        loaded(plain, changed(saved, 0, use_relu=True), tmp_path)


def test_a_switched_off_bias_is_zero(tmp_path: Path) -> None:
    text = "con<2,1,1,1,1,input<1,2,2>>"
    _, _, saved = saved_of(text)
    params = np.array([2, 3], np.float32).reshape(2, 1, 1, 1)
    module = loaded(text, changed(saved, 0, use_bias=False, params=params), tmp_path)
    with torch.inference_mode():
        assert module(torch.ones(1, 1, 2, 2))[0, :, 0, 0].tolist() == [2, 3]


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("leaky_relu<input<1,1,1>>", {"alpha": 0.5}, -1.0),
        ("elu<input<1,1,1>>", {"alpha": 2.0}, 2 * math.expm1(-2)),
        ("multiply<input<1,1,1>>", {"val": 4.0}, -8.0),
    ],
)
def test_numbers_come_from_the_file(
    text: str, values: dict[str, float], expected: float, tmp_path: Path
) -> None:
    _, _, saved = saved_of(text)
    module = loaded(text, changed(saved, 0, **values), tmp_path)
    with torch.inference_mode():
        assert float(module(torch.full((1, 1, 1, 1), -2.0))) == pytest.approx(expected)


def test_the_means_of_the_input_come_from_the_file(tmp_path: Path) -> None:
    text = "relu<input_rgb_image_sized<1>>"
    _, _, saved = saved_of(text)
    entry = saved.chain.input
    assert entry is not None
    entry = entry._replace(values={**entry.values, "red": 0.0, "green": 10.0, "blue": 256.0})
    saved = replace(saved, chain=replace(saved.chain, input=entry))
    module = loaded(text, saved, tmp_path)
    with torch.inference_mode():
        seen = module(torch.full((1, 3, 1, 1), 256.0)).flatten().tolist()
    assert seen == pytest.approx([1, 246 / 256, 0])


# ---- old versions, written by hand from serialize() of their time ----


def bare(*parts: bytes) -> bytes:
    return b"".join(parts)


NOTHING = stream.tensor(stream.NO_TENSOR)
RATES = stream.double(1) * 4
KERNEL = np.arange(9, dtype=np.float32)
CON_4 = bare(
    stream.text("con_4"),
    stream.tensor(np.append(KERNEL, 5).astype(np.float32).reshape(10, 1, 1, 1)),
    *(stream.integer(n) for n in (1, 3, 3, 1, 1, 1, 1)),
    stream.alias((1, 1, 3, 3)),
    stream.alias((1, 1, 1, 1)),
    RATES,
)
TAIL = b"110" + NOTHING * 2
# relu over con over the input, with add_layer's versions of 2016: 1, and 2 at the input.
OLD = bare(
    stream.integer(1),
    stream.integer(2),
    stream.text("input<matrix>"),
    CON_4,
    TAIL,
    NOTHING,
    stream.text("relu_"),
    TAIL,
)


def test_the_oldest_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "old.dnn"
    path.write_bytes(OLD)
    module = archdsl.compile("relu<con<1,3,3,1,1,input<1,4,4>>>", weights=path)
    x = torch.rand(1, 1, 4, 4)
    kernel = torch.from_numpy(KERNEL.reshape(1, 1, 3, 3))
    expected = functional.relu(functional.conv2d(x, kernel, torch.tensor([5.0]), padding=1))
    with torch.inference_mode():
        torch.testing.assert_close(module(x), expected)


def test_labels_behind_a_network_are_found() -> None:
    content = OLD + stream.vector(stream.TEXT).write(("cat", "dog"))
    assert reading.parse(content, "x.dnn").labels == ("cat", "dog")


def test_a_tag_in_the_oldest_files_has_no_place(tmp_path: Path) -> None:
    saved = reading.parse(stream.integer(1) + OLD, "x.dnn")
    assert not saved.places_known
    with pytest.raises(ArchError, match="does not say where its tags"):
        respelled(saved)
    path = tmp_path / "old.dnn"
    path.write_bytes(stream.integer(1) + OLD)
    for text in (
        "relu<tag1<con<1,3,3,1,1,input<1,4,4>>>>",
        "tag1<relu<con<1,3,3,1,1,input<1,4,4>>>>",
    ):
        archdsl.compile(text, weights=path)


# ---- structure ----


INCEPTION = (
    "inception3<relu<con<2,1,1,1,1>>,con<3,3,3,1,1>,max_pool<3,3,1,1>,relu<con<4,3,3,1,1,"
    "input<1,6,6>>>>"
)


def test_the_last_branch_of_an_inception_is_the_first_in_the_file() -> None:
    _, _, saved = saved_of(INCEPTION)
    kinds = [record.kind.name for record in saved.records()]
    assert kinds == ["con", "relu", "max_pool", "con", "con", "relu", "concat"]


def test_an_inception_is_found_again(tmp_path: Path) -> None:
    text = INCEPTION.replace("input<1,6,6>", "input<matrix<unsigned char>>")
    network = archdsl.load(text, input="1x6x6").check()
    module = network.to_torch(seed=5).eval()
    path = tmp_path / "net.dat"
    path.write_bytes(encode(format_of(Path("x.dat")), network.checked, module))
    spec = respelled(reading.read(path))
    again = archdsl.compile(spec, input="1x6x6", weights=path)
    x = torch.rand(1, 1, 6, 6) * 255
    with torch.inference_mode():
        torch.testing.assert_close(again(x), module(x))


def test_a_repeat_stores_its_outermost_block_first(tmp_path: Path) -> None:
    text = (
        "template <typename S> using one = relu<con<1,1,1,1,1,bias=false,S>>;"
        "using net_type = repeat<3,one,con<1,1,1,1,1,bias=false,input<1,1,1>>>;"
    )
    network = archdsl.load(text).check()
    module = network.to_torch().eval()
    for index, (name, value) in enumerate(module.state_dict().items()):
        value.fill_(index + 2)
        assert name.endswith("weight")
    saved = reading.parse(encode(format_of(Path("x.dat")), network.checked, module), "x")
    blocks = saved.chain.nodes[-1].blocks  # type: ignore[union-attr]
    assert [float(b.nodes[0].record.values["params"].item()) for b in blocks] == [5, 4, 3]
    path = tmp_path / "net.dat"
    path.write_bytes(writing.encode(saved))
    other = network.to_torch()
    network.load_weights(other, path)
    assert other.eval()(torch.ones(1, 1, 1, 1)).item() == 2 * 3 * 4 * 5


# ---- options of detectors ----


def test_options_survive() -> None:
    windows = (record.DetectorWindow(40, 70, "face"), record.DetectorWindow(80, 80))
    mmod = record.MmodOptions(windows, overlaps_nms=record.BoxOverlap(0.1, 0.9), bbr_lambda=3)
    assert options.MMOD_OPTIONS.read(ByteReader(options.MMOD_OPTIONS.write(mmod))) == mmod
    yolo = record.YoloOptions(
        ((4003, (record.AnchorBox(3, 5),)),), ("a", "b"), overlaps_nms=record.BoxOverlap(0.2)
    )
    assert options.YOLO_OPTIONS.read(ByteReader(options.YOLO_OPTIONS.write(yolo))) == yolo


def test_a_row_of_features_is_a_map_of_one_place_to_every_layer() -> None:
    """dlib's fc gives features×1×1, which is what adaptive_computation_time_::setup() notes."""
    *_, saved = saved_of("act4<fc<6,input<matrix<float>,3,4>>>")
    values = saved.chain.nodes[-1].record.values  # type: ignore[union-attr]
    noted = {name: values[name] for name in ("num_channels", "seq_len", "d_model", "feature_dim")}
    assert noted == {"num_channels": 6, "seq_len": 1, "d_model": 1, "feature_dim": 6}


@pytest.mark.parametrize(
    ("text", "said", "where"),
    [
        ("relu<loss_binary_log<fc<1,input<matrix<float>,3,4>>>>", "no loss inside", "loss"),
        ("loss_dot<loss_dot<input<matrix<float>,3,4>>>", "no loss inside", "loss_dot<in"),
        ("fc<1,dropout<1,fc<2,input<matrix<float>,3,4>>>>", "dropout of everything", "dropout"),
    ],
)
def test_what_dlib_cannot_have_is_not_written(text: str, said: str, where: str) -> None:
    """dlib's add_loss_layer is outermost; its dropout of rate 1 gives zeros, torch's its input."""
    with pytest.raises(ArchError, match=said) as caught:
        saved_of(text)
    (span,) = caught.value.spans
    assert span is not None and span.start == text.index(where)
