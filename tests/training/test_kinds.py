"""Heads on given bodies, detectors and segmentation networks learn by command."""

import json
from pathlib import Path

import pytest
import torch
import torchvision
from PIL import Image
from shapes import NAMES, SPEC, drawn
from support.commands import run
from torchvision.io import read_image
from torchvision.utils import save_image


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of drawn shapes, a folder for each class."""
    folder = tmp_path_factory.mktemp("photos")
    generator = torch.Generator().manual_seed(1)
    for index in range(150):
        picture, target = drawn(generator)
        place = folder / NAMES[target["labels"].item()]
        place.mkdir(exist_ok=True)
        save_image(picture, place / f"{index}.png")
    return folder


@pytest.mark.slow
def test_a_head_learns_on_a_given_body(shapes: Path, tmp_path: Path) -> None:
    """About half a minute: of torchvision's resnet18, only the head of resnet18_transfer learns."""
    torch.manual_seed(0)
    model = torchvision.models.resnet18(weights=None)
    # A body as training leaves it: its norms know the statistics of such pictures.
    pictures = [read_image(str(place)) for place in sorted(shapes.rglob("*.png"))]
    batch = torch.stack(pictures).float() / 255
    batch = (batch - batch.mean((0, 2, 3), keepdim=True)) / 0.25
    with torch.no_grad():
        for _ in range(20):
            model(torch.nn.functional.interpolate(batch, size=(64, 64)))
    torch.save(model.state_dict(), tmp_path / "r18.pth")
    out = tmp_path / "run"
    told = run(
        "train", "resnet18_transfer", "-D", "classes=3", "--input", "3x64x64", "--data", shapes,
        "--weights", tmp_path / "r18.pth", "-o", out, "--epochs", 10, "--rate", "0.05", catch=False,
    )  # fmt: skip
    assert told.exit_code == 0 and "new: fc.weight, fc.bias" in told.output, told.output
    from safetensors.torch import load_file

    state = load_file(out / "last.safetensors")
    assert torch.equal(state["stem.conv_bn.conv.weight"], model.conv1.weight)
    assert torch.equal(state["stem.conv_bn.bn.running_mean"], model.bn1.running_mean)
    # Random features tell three shapes apart better than chance does, a third.
    accuracy = [float(r.split(",")[4]) for r in (out / "metrics.csv").read_text().split()[1:]]
    assert max(accuracy) > 0.5


@pytest.mark.slow
def test_a_small_detector_learns_from_coco(shapes_coco: Path, tmp_path: Path) -> None:
    """About two minutes: a Faster R-CNN of drawn shapes finds held out ones."""
    spec, out = tmp_path / "small.arch", tmp_path / "run"
    spec.write_text(SPEC)
    told = run(
        "train", spec, "--data", shapes_coco, "-o", out, "--epochs", 18, "--batch", 8,
        "--optimizer", "adamw", "--rate", "0.003", "--schedule", "cosine", "--warmup", 1,
        "--clip", 5, catch=False,
    )  # fmt: skip
    assert told.exit_code == 0, told.output
    best = dict(r.split(",") for r in (out / "map.csv").read_text().split()[1:])
    assert float(best["map50"]) >= 0.9
    found = run("detect", out, shapes_coco.with_name("0.png"), "--json")
    (image,) = json.loads(found.stdout)["images"]
    assert image["detections"][0]["name"] in NAMES[1:]


def test_a_detector_s_classes_count_the_background(shapes_coco: Path, tmp_path: Path) -> None:
    spec = tmp_path / "small.arch"
    spec.write_text(SPEC.replace(f"detect<{len(NAMES)}", f"detect<{len(NAMES) - 1}"))
    told = run("train", spec, "--data", shapes_coco, "-o", tmp_path / "run")
    assert told.exit_code == 1
    assert "4 classes, the background among them" in told.output


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_learn_from_label_maps(channels: int, tmp_path: Path) -> None:
    """Of colour pictures, and of grey ones like those of the U-Net."""
    generator = torch.Generator().manual_seed(1)
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    for index in range(12):
        picture, target = drawn(generator)
        save_image(picture, tmp_path / "images" / f"{index}.png")
        mask = (picture.amax(0) > 0.4).byte() * target["labels"].item()
        Image.fromarray(mask.numpy()).save(tmp_path / "labels" / f"{index}.png")
    (tmp_path / "classes.txt").write_text("\n".join(NAMES))
    spec = tmp_path / "net.arch"
    spec.write_text(
        f"using net_type = con<4,1,1,1,1,relu<con<8,3,3,1,1,input<{channels},96,96>>>>;"
    )
    told = run(
        "train", spec, "--data", tmp_path, "-o", tmp_path / "run", "--epochs", 1, "--batch", 4,
        "--augment", "strong", catch=False,
    )  # fmt: skip
    assert told.exit_code == 0 and "mean iou" in told.output
