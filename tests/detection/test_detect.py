"""``archdsl detect``: pictures in, what was found out, as pictures or as JSON."""

import json
from functools import partial
from pathlib import Path

import numpy
import pytest
import torch
from safetensors.torch import save_file
from shapes import NAMES, PARTS, SPEC
from support import commands
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights
from torchvision.utils import save_image

import archdsl
from archdsl.frontend.bundled import spec_names
from archdsl.frontend.files import open_source
from archdsl.frontend.header import facts
from archdsl.inference.class_names import class_names, fitting_names
from archdsl.inference.pictures import annotated, read_picture
from archdsl.inference.rle import run_lengths
from archdsl.ir.edges import Detections

GIVEN = """detect<3, fc<16, roi_pool<maps, 3, region_proposals<20,
           tap<maps, con<8,3,3,2,2,padding=1, input_images_sized<64>>>>>>>"""
_WINDOW = """loss_mmod<detector_window<30,20>,con<1,1,1,8,8,
             input_rgb_image_pyramid<pyramid_down<4>,60,90>>>"""
SEGMENTS = """// Red or not.
// classes: background, red
con<2,1,1,1,1,input<3,16,16>>"""


run = partial(commands.run, "detect")


def eager(text: str, **settings: int) -> nn.Module:
    """A detector of random weights that takes every region for class 1."""
    module = archdsl.load(text, **settings).to_torch(seed=3).eval()
    bias = next(p for n, p in module.named_parameters() if n.endswith("scores.bias"))
    with torch.no_grad():
        bias[1] += 5
    return module


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Specs, weights, and two pictures of different sizes in the current folder."""
    monkeypatch.chdir(tmp_path)
    generator = torch.Generator().manual_seed(5)
    save_image(torch.rand(3, 60, 90, generator=generator), "lying.png")
    save_image(torch.rand(3, 80, 50, generator=generator), "upright.png")
    for name, text in (("shapes", SPEC), ("parts", PARTS), ("given", GIVEN)):
        Path(f"{name}.arch").write_text(text)
        save_file(eager(text).state_dict(), f"{name}.safetensors")
    Path("segments.arch").write_text(SEGMENTS)
    Path("number.arch").write_text("fc<1,input<3,32,32>>")
    Path("classes.arch").write_text("softmax<fc<3,avg_pool_everything<input<3,32,48>>>>")
    Path("scores.arch").write_text("fc<3,avg_pool_everything<input<3,32,48>>>")
    Path("decided.arch").write_text(
        "// Grey.\n// classes: dark, bright\n"
        "loss_multiclass_log<fc<2,avg_pool_everything<input<matrix<unsigned char>,32,32>>>>"
    )
    Path("single.arch").write_text("// One.\n// classes: thing\n" + _WINDOW)


def pictures() -> set[str]:
    """The pictures in the folder that were not there before."""
    return {str(path) for path in Path().rglob("*.png")} - {"lying.png", "upright.png"}


def found_by(text: str, image: str) -> dict[str, Tensor]:
    with torch.no_grad():
        found: dict[str, Tensor] = eager(text)([read_picture(image)])[0]
    return found


def test_the_picture_has_what_the_module_finds() -> None:
    done = run("shapes.arch", "lying.png", "--weights", "shapes.safetensors")
    assert done.exit_code == 0, done.output
    assert "circle" in done.stdout and "wrote lying_detected.png" in done.stdout
    wanted = annotated(read_picture("lying.png"), found_by(SPEC, "lying.png"), NAMES, threshold=0.5)
    assert Path("lying_detected.png").read_bytes() == wanted
    assert pictures() == {"lying_detected.png"}


def test_json_has_what_the_module_finds() -> None:
    threshold = found_by(PARTS, "lying.png")["scores"].mean().item()
    arguments = ("--weights", "parts.safetensors", "--json", "--threshold", str(threshold))
    done = run("parts.arch", "lying.png", "upright.png", *arguments)
    document = json.loads(done.stdout)
    assert document["threshold"] == threshold
    assert [(i["file"], i["width"], i["height"]) for i in document["images"]] == [
        ("lying.png", 90, 60),
        ("upright.png", 50, 80),
    ]
    for image in document["images"]:
        found = found_by(PARTS, image["file"])
        enough = found["scores"] >= threshold
        assert image["file"] == "upright.png" or 0 < enough.sum() < len(enough)
        assert len(image["detections"]) == enough.sum()
        for index, each in enumerate(image["detections"]):
            where = enough.nonzero()[index, 0]
            assert each["box"] == found["boxes"][where].tolist()
            assert each["keypoints"] == found["keypoints"][where].tolist()
            assert each["keypoint_scores"] == found["keypoints_scores"][where].tolist()
            assert (each["label"], each["name"]) == (1, "circle")
            assert numpy.array_equal(decoded(each["mask"]), found["masks"][where, 0] > 0.5)
    assert pictures() == set()


def decoded(mask: dict[str, list[int]]) -> numpy.ndarray:
    """A mask from COCO's run lengths: outside and inside in turn, column by column."""
    values = numpy.arange(len(mask["counts"])) % 2
    height, width = mask["size"]
    return numpy.repeat(values, mask["counts"]).reshape(width, height).T.astype(bool)


@pytest.mark.parametrize(
    ("rows", "counts"),
    [
        ([[0, 1, 1], [0, 0, 1]], [2, 1, 1, 2]),  # columns: 00 10 11
        ([[1, 0], [1, 1]], [0, 2, 1, 1]),
        ([[0, 0], [0, 0]], [4]),
        ([[1, 1], [1, 1]], [0, 4]),
    ],
)
def test_run_lengths_by_hand(rows: list[list[int]], counts: list[int]) -> None:
    assert run_lengths(torch.tensor(rows)) == {"size": [2, len(rows[0])], "counts": counts}


def test_json_and_a_picture() -> None:
    done = run("shapes.arch", "lying.png", "--json", "-o", "x.png")
    assert json.loads(done.stdout)["images"][0]["picture"] == "x.png"
    assert pictures() == {"x.png"}


def test_without_weights_it_says_so() -> None:
    done = run("shapes.arch", "lying.png")
    assert done.exit_code == 0
    assert "random weights" in done.stderr and "--weights" in done.stderr
    assert "random" not in run("shapes.arch", "lying.png", "--weights", "shapes.safetensors").stderr


# ---- where pictures go ----


@pytest.mark.parametrize(
    ("output", "written"),
    [
        ("found", {"found/lying_detected.png", "found/upright_detected.png"}),
        ("found/{}.png", {"found/lying.png", "found/upright.png"}),
        (None, {"lying_detected.png", "upright_detected.png"}),
    ],
)
def test_several_pictures(output: str | None, written: set[str]) -> None:
    Path("found").mkdir()
    done = run("shapes.arch", "lying.png", "upright.png", *(("-o", output) if output else ()))
    assert done.exit_code == 0, done.output
    assert pictures() == written
    assert all(f"wrote {path}" in done.stdout for path in written)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("one.png", "2 pictures cannot all be written to one.png"),
        ("nowhere/", "there is no folder nowhere"),
        ("{}.jpg", "pictures are written as .png"),
    ],
)
def test_pictures_that_have_no_place(output: str, message: str) -> None:
    done = run("shapes.arch", "lying.png", "upright.png", "-o", output)
    assert done.exit_code == 1
    assert message in done.stderr
    assert pictures() == set()


def test_pictures_of_the_same_name() -> None:
    Path("other").mkdir()
    Path("other/lying.png").write_bytes(Path("lying.png").read_bytes())
    done = run("shapes.arch", "lying.png", "other/lying.png")
    assert done.exit_code == 1
    assert "several pictures would be written to lying_detected.png" in done.stderr


# ---- names ----


def test_other_classes_fall_back_to_numbers() -> None:
    text = SPEC.replace("detect<4,", "detect<classes,").replace(
        "using net_type", "param int classes = 4;\nusing net_type"
    )
    Path("shapes.arch").write_text(text)
    save_file(eager(text, classes=6).state_dict(), "w.safetensors")
    arguments = ("shapes.arch", "lying.png", "-D", "classes=6", "--weights", "w.safetensors")
    (image,) = json.loads(run(*arguments, "--json").stdout)["images"]
    assert {(d["label"], d["name"]) for d in image["detections"]} == {(1, None)}
    assert "class 1" in run(*arguments).stdout
    Path("names.txt").write_text("nothing\nmug\nspoon\nfork\nknife\nplate\n")
    (image,) = json.loads(run(*arguments, "--names", "names.txt", "--json").stdout)["images"]
    assert {(d["label"], d["name"]) for d in image["detections"]} == {(1, "mug")}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("names.txt", "expected names of 4 classes, found 2"),
        ("coco", "expected names of 4 classes, found 91 or 80"),
        ("nowhere.txt", "cannot read nowhere.txt: No such file"),
    ],
)
def test_names_that_do_not_fit(names: str, message: str) -> None:
    Path("names.txt").write_text("one\ntwo\n")
    done = run("shapes.arch", "lying.png", "--names", names)
    assert done.exit_code == 1
    assert message in done.stderr
    assert pictures() == set()


def test_every_detector_says_what_its_classes_are() -> None:
    """The published weights of torchvision's detectors list the same names."""
    told = {}
    for name in spec_names():
        classes = facts(open_source(name)).classes
        for edge in archdsl.load(name).summary().outputs.values() if classes else ():
            count = edge.classes if isinstance(edge, Detections) else edge[0]  # type: ignore[index]
            told[name] = fitting_names(classes, count or 0)
    assert {"faster_rcnn_resnet50_fpn", "keypoint_rcnn_resnet50_fpn", "fcn_resnet50"} < told.keys()
    assert all(told.values()), [name for name in told if not told[name]]
    published = FasterRCNN_ResNet50_FPN_Weights.DEFAULT.meta["categories"]
    assert list(told["faster_rcnn_resnet50_fpn"]) == published == list(class_names("coco91"))
    detectors = [
        name
        for name in spec_names()
        if any(isinstance(e, Detections) for e in archdsl.load(name).summary().outputs.values())
    ]
    assert set(detectors) <= told.keys()


# ---- proposals ----

BOXES = [[5, 5, 40, 30], [20, 10, 80, 55]]


def write_proposals(path: str, boxes: object) -> None:
    if path.endswith(".npy"):
        numpy.save(path, numpy.array(boxes), allow_pickle=True)
    else:
        Path(path).write_text(json.dumps(boxes))


@pytest.mark.parametrize("suffix", ["json", "npy"])
@pytest.mark.parametrize("nested", [False, True], ids=["boxes", "list of boxes"])
def test_proposals_from_a_file(suffix: str, nested: bool) -> None:
    write_proposals(f"boxes.{suffix}", [BOXES] if nested else BOXES)
    arguments = ("--weights", "given.safetensors", "--proposals", f"boxes.{suffix}", "--json")
    done = run("given.arch", "lying.png", *arguments)
    (image,) = json.loads(done.stdout)["images"]
    with torch.no_grad():
        (wanted,) = eager(GIVEN)([read_picture("lying.png")], proposals=[torch.tensor(BOXES) * 1.0])
    assert [d["box"] for d in image["detections"]] == wanted["boxes"].tolist()
    assert len(image["detections"]) > 0


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ([[1, 2, 3]], "expected boxes of four numbers, found 3"),
        ([[1, 2, 1, 8]], "box 1 is [1.0, 2.0, 1.0, 8.0]"),
        ([BOXES, BOXES], "for each of 1, found 2 lists"),
        ({"boxes": 3}, "found something else"),
        ([["a", "b", "c", "d"]], "four numbers each"),
    ],
)
def test_proposals_that_are_none(boxes: object, message: str) -> None:
    write_proposals("boxes.json", boxes)
    done = run("given.arch", "lying.png", "--proposals", "boxes.json")
    assert done.exit_code == 1
    assert message in done.stderr


def test_proposals_are_never_unpickled() -> None:
    numpy.save("boxes.npy", numpy.array([{"a": 1}], dtype=object), allow_pickle=True)
    done = run("given.arch", "lying.png", "--proposals", "boxes.npy")
    assert done.exit_code == 1
    assert "boxes.npy is not a file of proposals" in done.stderr


def test_proposals_that_are_missing_or_not_taken() -> None:
    assert "--proposals FILE" in run("given.arch", "lying.png").stderr
    write_proposals("boxes.json", BOXES)
    done = run("shapes.arch", "lying.png", "--proposals", "boxes.json")
    assert "shapes takes no proposals" in done.stderr


# ---- what cannot be done ----


def test_pictures_are_looked_at_before_a_network_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("it was built")

    monkeypatch.setattr("archdsl.api.Network.to_torch", never)
    Path("cut.png").write_bytes(Path("lying.png").read_bytes()[:500])
    done = run("shapes.arch", "lying.png", "cut.png")
    assert done.exit_code == 1 and "error[E411]: cut.png is not a picture" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("shapes.arch", "nowhere.png"), "cannot read nowhere.png"),
        (("shapes.arch", "shapes.arch"), "shapes.arch is not a picture that can be read"),
        (("number.arch", "lying.png"), "it takes 3×32×32 and gives output 1"),
        (("shapes.arch", "lying.png", "--device", "tpu"), "expected cpu, cuda"),
        (
            ("shapes.arch", "lying.png", "--weights", "given.safetensors"),
            "the weights in given.safetensors do not fit the network",
        ),
        (("shapes.arch", "lying.png", "--weights", "lying.png"), "lying.png is not a state_dict"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_errors(arguments: tuple[str, ...], message: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert pictures() == set()
    assert run(*arguments, "-o", "x.png").exit_code == 1
    assert pictures() == set()


# ---- segmentation ----


def test_every_pixel_gets_a_class() -> None:
    """Class 1 where red, normalised as torchvision does, is above 0: where it is above 0.485."""
    state = archdsl.load(SEGMENTS).to_torch().state_dict()
    weight = next(name for name in state if name.endswith("weight"))
    state = {name: torch.zeros_like(tensor) for name, tensor in state.items()}
    state[weight][1, 0] = 1
    save_file(state, "w.safetensors")
    picture = torch.zeros(3, 16, 48)
    picture[0, :, :12], picture[0, :, 12:24] = 0.53, 0.45
    save_image(picture, "red.png")
    done = run("segments.arch", "red.png", "--weights", "w.safetensors", "--json", "-o", "x.png")
    (image,) = json.loads(done.stdout)["images"]
    (rest, red) = image["segments"]
    assert (rest["name"], rest["pixels"]) == ("background", 16 * 36)
    assert (red["name"], red["label"], red["pixels"]) == ("red", 1, 16 * 12)
    assert decoded(red["mask"])[:, :12].all()
    drawn = read_picture("x.png")
    scale = drawn.shape[2] // 48
    assert drawn.shape[1] > 16 * scale  # the legend
    inside = drawn[:, 8 * scale, 6 * scale]
    assert (inside - picture[:, 8, 6]).abs().max() > 0.2
    assert torch.allclose(drawn[:, 8 * scale, 40 * scale], picture[:, 8, 40], atol=0.01)


def test_a_network_of_one_size_sees_the_picture_warped() -> None:
    """A filter as large as the input has weights for that size; 16×24 is made 16×16 for it."""
    Path("segments.arch").write_text("resize_like<tag1,con<2,0,0,1,1,tag1<input<3,16,16>>>>")
    done = run("segments.arch", "lying.png", "--json")
    assert done.exit_code == 0, done.stderr
    (image,) = json.loads(done.stdout)["images"]
    assert sum(each["pixels"] for each in image["segments"]) == 60 * 90


# ---- classes ----


def probabilities(spec: str, picture: str, weight: Tensor) -> list[tuple[str | None, float]]:
    """What ``--json`` tells of a classifier whose last layer has these weights."""
    module = archdsl.load(spec).to_torch()
    module.fc.weight.data = weight
    save_file(module.state_dict(), "own.safetensors")
    done = run(spec, picture, "--json", "--weights", "own.safetensors")
    assert done.exit_code == 0, done.output
    (image,) = json.loads(done.stdout)["images"]
    assert all(set(each) == {"label", "name", "probability"} for each in image["classes"])
    return [(each["name"] or each["label"], each["probability"]) for each in image["classes"]]


@pytest.mark.parametrize("spec", ["scores.arch", "classes.arch"])
def test_classes_of_a_picture(spec: str) -> None:
    """A picture of one colour: its channels, less ImageNet's mean, are the scores."""
    save_image(torch.tensor([0.8, 0.6, 0.2]).reshape(3, 1, 1).expand(3, 70, 50), "flat.png")
    levels = (numpy.array([0.8, 0.6, 0.2]) * 255 + 0.5).astype(int) / 255
    scores = (levels - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    shares = numpy.exp(scores) / numpy.exp(scores).sum()
    found = probabilities(spec, "flat.png", torch.eye(3))
    assert [label for label, _ in found] == [0, 1, 2]
    assert [share for _, share in found] == pytest.approx(shares.tolist(), abs=1e-4)


def test_what_a_loss_decides_is_told_by_name() -> None:
    """Grey of 128: scores of 0 and 128/256 times 4, a difference of 2."""
    save_image(torch.full((3, 40, 40), 128 / 255), "grey.png")
    found = probabilities("decided.arch", "grey.png", torch.tensor([[0.0], [4.0]]))
    assert [name for name, _ in found] == ["bright", "dark"]
    assert found[0][1] == pytest.approx(1 / (1 + numpy.exp(-2)), abs=1e-4)
    plain = run("decided.arch", "grey.png", "--weights", "own.safetensors")
    assert "grey.png: bright 88.1%, dark 11.9%" in plain.output
    assert Path("grey_detected.png").is_file()


def test_grey_floats_are_seen_as_they_are() -> None:
    """ImageNet's means are of three colours; one channel of floats is 0..1."""
    Path("floats.arch").write_text(
        "loss_multiclass_log<fc_no_bias<2,avg_pool<0,0,1,1,input<1,8,8>>>>"
    )
    save_image(torch.full((3, 40, 40), 128 / 255), "grey.png")
    found = probabilities("floats.arch", "grey.png", torch.tensor([[0.0], [4.0]]))
    assert found[0][1] == pytest.approx(1 / (1 + numpy.exp(-4 * 128 / 255)), abs=1e-4)


def test_objects_of_the_only_class_have_its_name() -> None:
    """dlib's detector: a window wherever the picture is bright, which it is nowhere outside it."""
    module = archdsl.load("single.arch").to_torch()
    module.conv.weight.data = torch.full((1, 3, 1, 1), 2.0)
    save_file(module.state_dict(), "own.safetensors")
    save_image(torch.ones(3, 60, 90), "bright.png")
    done = run("single.arch", "bright.png", "--json", "--weights", "own.safetensors")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)["images"][0]["detections"]
    assert found and {each["name"] for each in found} == {"thing"}


def test_boxes_of_a_tensor_are_in_pixels_of_the_picture() -> None:
    """Pictures of 80×50 shrink to 40×25 for 40 rows; a window of 17×11 there is one of 34×22."""
    Path("tensor.arch").write_text(
        "loss_mmod<detector_window<17,11>,con<1,1,1,8,8,input_rgb_image_sized<40,60>>>"
    )
    module = archdsl.load("tensor.arch").to_torch()
    module.conv.weight.data = torch.full((1, 3, 1, 1), 2.0)
    save_file(module.state_dict(), "own.safetensors")
    save_image(torch.ones(3, 80, 50), "bright.png")
    done = run("tensor.arch", "bright.png", "--json", "--weights", "own.safetensors")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)["images"][0]["detections"]
    sizes = {(each["box"][2] - each["box"][0], each["box"][3] - each["box"][1]) for each in found}
    assert sizes == {(34, 22)}
