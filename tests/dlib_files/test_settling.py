"""What dlib's types leave open and its files decide: in modules, summaries, sources and specs."""

from __future__ import annotations

import json
import lzma
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from cases import CASES, Case
from support.commands import run
from torchvision.utils import save_image
from zoo import ZOO

import archdsl
from archdsl.backends.formats import encode, format_of
from archdsl.dlib import reader
from archdsl.dlib.to_spec import respelled
from archdsl.ir.exchange import UnequalRunsError, exchanged

DATA = Path(__file__).parent.parent / "oracle" / "data"
AFFINE = next(case for case in CASES if case.name == "bn_fc_map_affine")
PLAIN = AFFINE.text.replace("per_value=true,", "")
"""dlib's type: it does not say that each value has a factor of its own."""


def file(case: Case) -> Path:
    return DATA / f"{case.name}.dat"


def from_zoo(name: str, folder: Path) -> Path:
    path = folder / f"{name}.dat"
    path.write_bytes(lzma.decompress((ZOO / f"{name}.dat.xz").read_bytes()))
    return path


# ---- affine ----


def test_affine_is_per_value_where_the_file_has_it_so() -> None:
    network = archdsl.load(PLAIN, input=AFFINE.size)
    settled = network.settled(file(AFFINE))
    # 2×2×3 values behind a convolution of 3 channels to 2: a factor and an offset each.
    assert settled.summary().parameters == 3 * 2 + 2 + 2 * (2 * 2 * 3)
    assert network.summary().parameters == 3 * 2 + 2 + 2 * 2
    assert settled.checked.instance("affine").layer.per_value  # type: ignore[attr-defined]


def test_the_room_of_a_network_is_asked_for_as_the_file_has_it(tmp_path: Path) -> None:
    spec = tmp_path / "net.arch"
    spec.write_text(PLAIN)
    size = "x".join(map(str, AFFINE.size))
    done = run("compile", spec, "--input", size, "--weights", file(AFFINE), "--max-memory", "10")
    # 8 numbers of the convolution and 2·12 of the affine layer, at four bytes.
    assert done.exit_code == 1 and "it needs 128 B of weights" in done.output


def test_what_it_computes_is_dlibs() -> None:
    module = archdsl.compile(PLAIN, input=AFFINE.size, weights=file(AFFINE))
    with np.load(DATA / "bn_fc_map_affine.npz") as asked:
        given = torch.from_numpy(asked["given"].reshape(AFFINE.batch, *AFFINE.size))
        expected = asked["layer/0/affine/output"]
    with torch.inference_mode():
        np.testing.assert_allclose(module(given).numpy(), expected, rtol=1e-5, atol=1e-6)


def test_it_goes_back_to_the_same_file() -> None:
    """Whether the network that writes knows it or not: the module does."""
    network = archdsl.load(PLAIN, input=AFFINE.size)
    module = network.to_torch(weights=file(AFFINE))
    for each in (network, network.settled(file(AFFINE))):
        written = encode(format_of(Path("x.dat")), each.checked, module)
        assert written == file(AFFINE).read_bytes()


def test_its_source_takes_the_weights() -> None:
    settled = archdsl.load(PLAIN, input=AFFINE.size).settled(file(AFFINE))
    module = settled.to_torch(weights=file(AFFINE)).eval()
    names: dict[str, type[torch.nn.Module]] = {"__name__": "written"}  # type: ignore[dict-item]
    exec(settled.to_python(), names)
    written = names["Network"]().eval()
    written.load_state_dict(module.state_dict())
    x = torch.rand(2, *AFFINE.size)
    with torch.inference_mode():
        assert torch.equal(written(x), module(x))


def test_a_norm_that_was_trained_is_read_into_affine() -> None:
    """bn_fc has statistics of every value, and so has the affine layer that it becomes."""
    norm = next(case for case in CASES if case.name == "bn_fc_map")
    text = norm.text.replace("bn_fc", "affine")
    module = archdsl.compile(text, input=norm.size, weights=file(norm))
    trained = archdsl.compile(norm.text, input=norm.size, weights=file(norm))
    x = torch.rand(2, *norm.size)
    with torch.inference_mode():
        torch.testing.assert_close(module(x), trained(x), rtol=1e-5, atol=1e-6)


def test_norms_of_channels_stay_as_they_are() -> None:
    case = next(case for case in CASES if case.name == "bn_con_affine")
    network = archdsl.load(case.text, input=case.size)
    assert network.settled(file(case)) is network
    assert network.settled("torchvision:resnet18") is network
    assert network.settled(None) is network


def test_a_module_that_was_made_before_says_what_it_lacks() -> None:
    network = archdsl.load(PLAIN, input=AFFINE.size)
    with pytest.raises(archdsl.ArchError, match=r"(?s)12 values.*settled\(weights\)") as e:
        network.load_weights(network.to_torch(seed=0), file(AFFINE))
    assert "2 in the spec" in str(e.value)


REPEATED = """template <typename S> using block = relu<affine<{}con<3,1,1,1,1,S>>>;
    using net_type = repeat<2,block,relu<input<matrix<rgb_pixel>>>>;"""


def test_repeated_blocks_are_settled_together(tmp_path: Path) -> None:
    path = tmp_path / "per_value.dat"
    per_value = archdsl.load(REPEATED.format("per_value=true,"), input=(3, 2, 2))
    path.write_bytes(encode(format_of(path), per_value.checked, per_value.to_torch(seed=1)))
    settled = archdsl.load(REPEATED.format(""), input=(3, 2, 2)).settled(path)
    assert settled.summary().parameters == 2 * (3 * 3 + 3 + 2 * 3 * 2 * 2)
    # Two equal blocks, of which one is settled otherwise, are no repeat any more.
    layers = [each.layer for each in settled.checked.instances()]
    at = next(i for i, layer in enumerate(layers) if layer.kind == "affine")
    layers[at] = replace(layers[at], per_value=False)  # type: ignore[call-arg]
    with pytest.raises(UnequalRunsError):
        exchanged(settled.checked.root, layers)


# ---- detectors ----


def test_summary_tells_a_detectors_windows(tmp_path: Path) -> None:
    weights = from_zoo("vehicles", tmp_path)
    spec = str(ZOO / "vehicles.cpp")
    arguments = ("summary", spec, "--input", "3x80x100", "--weights", str(weights))
    said = run(*arguments).stdout
    assert "loss: windows 62×44 rear, 50×58 front, 41×72 rear, 59×48 front" in said
    assert "loss: threshold 0\n" in said and "loss: nms 0.4\n" in said
    assert "detections of 2 classes" in said
    document = json.loads(run(*arguments, "--json").stdout)
    options = document["layers"][-1]["options"]
    assert options["windows"][1] == {"width": 50, "height": 58, "label": "front"}
    assert options | {"windows": []} == {
        "threshold": 0, "windows": [], "nms": 0.4, "covered": 1, "regression": False,
    }  # fmt: skip
    assert "options" not in json.loads(run("summary", "lenet", "--json").stdout)["layers"][-1]


def test_summary_tells_yolos_anchors_and_labels(tmp_path: Path) -> None:
    weights = from_zoo("yolo", tmp_path)
    said = run("summary", str(ZOO / "yolo.cpp"), "--input", "3x48x64", "--weights", str(weights))
    for line in (
        "loss: anchors tag4008: 5×7, 9×6, 8×14; tag4016: 20×18, 30×25",
        "loss: labels person, traffic light, dog",
        "loss: nms 0.3",
        "loss: covered 0.9",
        "loss: classwise false",
        "loss: threshold 0.25",
    ):
        assert line in said.stdout


def test_summary_takes_dlibs_files_alone() -> None:
    done = run("summary", "lenet", "--weights", "lenet.safetensors")
    assert done.exit_code == 2 and "is no file of dlib's" in done.stderr


def test_detect_prints_what_it_decides_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    weights = from_zoo("vehicles", tmp_path)
    with np.load(ZOO / "vehicles.npz") as asked:
        pixels, boxes = asked["given"].reshape(3, 80, 100), asked["boxes"].reshape(-1, 6)
    save_image(torch.from_numpy(pixels / 255), "street.png")
    arguments = ("detect", str(ZOO / "vehicles.cpp"), "street.png", "--weights", str(weights))
    said = run(*arguments, "--input", "3x80x100").stdout
    assert "vehicles: windows 62×44 rear, 50×58 front, 41×72 rear, 59×48 front" in said
    assert "vehicles: threshold 0\n" in said
    document = json.loads(run(*arguments, "--input", "3x80x100", "--json").stdout)
    assert document["threshold"] == 0
    assert document["options"]["windows"][0]["label"] == "rear"
    found = document["images"][0]["detections"]
    # dlib's to_label takes every score above 0, half of which are below a half here.
    assert len(found) == len(boxes)
    assert {each["name"] for each in found} == {("rear", "front")[int(row[5])] for row in boxes}
    assert min(boxes[:, 4]) < 0.5 or min(each["score"] for each in found) > 0


def test_a_spec_made_of_a_file_has_its_windows(tmp_path: Path) -> None:
    text = respelled(reader.read(from_zoo("vehicles", tmp_path)))
    assert (
        "loss_mmod<detector_window<62,44,rear>,detector_window<50,58,front>,"
        "detector_window<41,72,rear>,detector_window<59,48,front>,con<4,9,9,1,1"
    ) in text.replace("\n    ", "")


def test_a_spec_made_of_a_file_has_its_anchors(tmp_path: Path) -> None:
    """The tag of the larger anchors is the inner one, as the definition has it; that is said."""
    text = respelled(reader.read(from_zoo("yolo", tmp_path)))
    flat = text.replace("\n    ", "")
    assert (
        "loss_yolo<yolo_anchors<t4008,5,7,9,6,8,14>,yolo_anchors<t4016,20,18,30,25>,"
        "yolo_labels<person,traffic_light,dog>,nms=0.3,covered=0.9,classwise=false,t4008<sig<"
    ) in flat
    assert flat.index("t4008<sig<con<24") < flat.index("t4016<sig<con<16")
    assert "// The label 'traffic light' is written traffic_light." in text
    assert "has its largest anchors at the innermost" in text


def test_labels_must_be_as_many_as_the_channels_say() -> None:
    text = "loss_yolo<yolo_anchors<tag1,3,4,5,6>,yolo_labels<a,b>,tag1<input<16,8,8>>>"
    with pytest.raises(archdsl.ArchError, match=r"(?s)E317.*does not fit the labels"):
        archdsl.load(text).check()
    archdsl.load(text.replace("16,8,8", "14,8,8")).check()


def test_xml_leaves_a_detectors_options_out(tmp_path: Path) -> None:
    """net_to_xml() writes no options: those of the spec stay."""
    text = "loss_mmod<detector_window<30,20,cat>,con<1,1,1,1,1,input_rgb_image>>"
    network = archdsl.load(text, input=(3, 40, 40))
    xml = tmp_path / "net.xml"
    xml.write_text(
        "<net>\n<layer idx='0' type='loss'>\n<loss_mmod/>\n</layer>\n"
        "<layer idx='1' type='comp'>\n<con num_filters='1' nr='1' nc='1' stride_y='1' "
        "stride_x='1' padding_y='0' padding_x='0' learning_rate_mult='1' weight_decay_mult='1' "
        "bias_learning_rate_mult='1' bias_weight_decay_mult='0' use_bias='true' "
        "use_relu='false'>\n1\n2\n3\n4\n</con>\n</layer>\n"
        "<layer idx='2' type='input'>\n<input_rgb_image r='122.782' g='117.001' b='104.298'/>\n"
        "</layer>\n</net>\n"
    )
    module = network.to_torch(weights=xml)
    assert module.loss.options.detector_windows[0].label == "cat"


# ---- numbers ----


def test_numbers_of_the_file_are_in_the_source(tmp_path: Path) -> None:
    """Slopes, factors and means are no part of a state_dict: the source has to have them."""
    text = (
        "multiply<{}leaky_relu<{}clipped_relu<{}elu<{}layer_norm<{}l2normalize<{}"
        "con<2,1,1,1,1,input_rgb_image<{}>>>>>>>>"
    )
    usual = text.format(*[""] * 7)
    others = text.format("0.3,", "0.2,", "4,", "0.7,", "1e-3,", "1e-2,", "red=100.5,blue=90")
    trained = archdsl.load(others, input=(3, 4, 4))
    path = tmp_path / "numbers.dat"
    path.write_bytes(encode(format_of(path), trained.checked, trained.to_torch(seed=1)))
    settled = archdsl.load(usual, input=(3, 4, 4)).settled(path)
    module = settled.to_torch(weights=path).eval()
    names: dict[str, type[torch.nn.Module]] = {"__name__": "written"}  # type: ignore[dict-item]
    exec(settled.to_python(), names)
    written = names["Network"]().eval()
    written.load_state_dict(module.state_dict())
    x = torch.rand(2, 3, 4, 4) * 255
    with torch.inference_mode():
        expected = trained.to_torch(weights=path).eval()(x)
        torch.testing.assert_close(written(x), expected)
        torch.testing.assert_close(module(x), expected)
        plain = archdsl.load(usual, input=(3, 4, 4)).to_torch(seed=1).eval()(x)
    assert not torch.allclose(plain, expected)
    assert settled.checked.instance("multiply").layer.factor == 0.3  # type: ignore[attr-defined]
