"""A compiled detector learns: from drawn shapes, to find others of their kind."""

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import save_file
from shapes import NAMES, SIZE, SPEC, drawn
from torch import nn
from torchvision.models import detection
from torchvision.ops import box_iou
from torchvision.utils import save_image

import archdsl
from archdsl.cli import main
from archdsl.inference.pictures import read_picture
from archdsl.ir.initial import Initial, Normal

STEPS, BATCH, RATE = 350, 8, 3e-3
HELD_OUT = 20


@pytest.fixture(scope="module")
def trained() -> nn.Module:
    module = archdsl.load(SPEC).to_torch(seed=0)
    generator = torch.Generator().manual_seed(1)
    optimizer = torch.optim.AdamW(module.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS)
    with torch.random.fork_rng([]):
        torch.manual_seed(0)  # which anchors and regions learn is drawn
        for _ in range(STEPS):
            images, targets = zip(*(drawn(generator) for _ in range(BATCH)), strict=True)
            losses = module(list(images), list(targets))
            optimizer.zero_grad()
            sum(losses.values()).backward()
            nn.utils.clip_grad_norm_(module.parameters(), 5.0)
            optimizer.step()
            schedule.step()
    return module.eval()


@pytest.mark.slow
def test_it_finds_shapes_that_it_has_not_seen(trained: nn.Module) -> None:
    generator = torch.Generator().manual_seed(99)
    overlaps, named = [], 0
    for _ in range(HELD_OUT):
        image, target = drawn(generator)
        with torch.no_grad():
            (found,) = trained([image])
        assert len(found["scores"]) > 0
        assert (found["scores"].diff() <= 0).all()  # the best first
        overlaps.append(box_iou(found["boxes"][:1], target["boxes"]).item())
        named += int(found["labels"][0] == target["labels"][0])
    assert sum(overlaps) / HELD_OUT > 0.6
    assert named / HELD_OUT > 0.8


@pytest.mark.slow
def test_what_it_learned_is_used_on_the_command_line(
    trained: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("shapes.arch").write_text(SPEC)
    save_file(trained.state_dict(), "shapes.safetensors")
    generator = torch.Generator().manual_seed(7)
    pictures = [drawn(generator) for _ in range(6)]
    files = [f"{index}.png" for index in range(len(pictures))]
    for (image, _), file in zip(pictures, files, strict=True):
        save_image(image, file)
    arguments = ["detect", "shapes.arch", *files, "--weights", "shapes.safetensors"]
    done = CliRunner().invoke(main, [*arguments, "--json"])
    assert done.exit_code == 0 and not done.stderr
    right = 0
    for (_, target), found in zip(pictures, json.loads(done.stdout)["images"], strict=True):
        assert (found["width"], found["height"]) == (SIZE, SIZE)
        for best in found["detections"][:1]:
            overlap = box_iou(torch.tensor([best["box"]]), target["boxes"]).item()
            right += overlap > 0.6 and best["name"] == NAMES[target["labels"]]
            assert best["name"] == NAMES[best["label"]]
    assert right >= len(pictures) - 1
    done = CliRunner().invoke(main, [*arguments, "-o", "{}_found.png"])
    assert done.exit_code == 0, done.output
    for (image, _), file in zip(pictures, files, strict=True):
        picture = read_picture(f"{Path(file).stem}_found.png")
        enlarged = nn.functional.interpolate(image[None], picture.shape[1:])[0]
        assert 0.01 < (picture - enlarged).abs().mean() < 0.3  # drawn on, not over


def test_heads_start_as_torchvisions() -> None:
    module = archdsl.load("faster_rcnn_resnet50_fpn").to_torch(seed=0)
    model = detection.fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None)
    spread = {name.removesuffix(".weight"): p.std().item() for name, p in module.named_parameters()}
    ends = {
        kind: next(value for name, value in spread.items() if name.endswith(kind))
        for kind in ("network.objectness", "network.deltas", "rcnn.scores", "rcnn.deltas")
    }
    head = model.rpn.head
    assert ends["network.objectness"] == pytest.approx(head.cls_logits.weight.std().item(), rel=0.1)
    assert ends["network.deltas"] == pytest.approx(head.bbox_pred.weight.std().item(), rel=0.1)
    box = model.roi_heads.box_predictor
    assert ends["rcnn.scores"] == pytest.approx(box.cls_score.weight.std().item(), rel=0.1)
    assert ends["rcnn.deltas"] == pytest.approx(box.bbox_pred.weight.std().item(), rel=0.1)


def test_heads_of_fast_rcnn_start_as_the_paper_says() -> None:
    """Girshick 2015, section 2.3: normal values of deviation 0.01 and 0.001."""
    rules = {
        instance.path.rpartition(".")[2]: instance.layer.initial_values
        for instance in archdsl.load("fast_rcnn_vgg16").checked.instances()
        if instance.path.endswith(("scores", "deltas"))
    }
    assert rules == {"scores": Initial(Normal(0.01)), "deltas": Initial(Normal(0.001))}


def test_a_layer_may_have_a_deviation_of_its_own() -> None:
    text = "fc<500,deviation=0.5,con<100,3,3,1,1,deviation=0.02,input<9,10,10>>>"
    module = archdsl.load(text).to_torch(seed=0)
    assert module.get_submodule("fc").weight.std().item() == pytest.approx(0.5, rel=0.05)
    assert module.get_submodule("conv").weight.std().item() == pytest.approx(0.02, rel=0.05)


@pytest.mark.parametrize("name", ["retinanet_resnet50_fpn", "fcos_resnet50_fpn"])
def test_dense_heads_start_from_the_prior(name: str) -> None:
    """Lin et al. 2017, section 4.1: with a probability of 0.01 for every class."""
    module = archdsl.compile(name, min_size=64, max_size=96)
    last = [m for m in module.modules() if isinstance(m, nn.Conv2d) and m.out_channels % 91 == 0]
    (logits,) = last
    assert logits.bias is not None
    torch.testing.assert_close(logits.bias.sigmoid(), torch.full_like(logits.bias, 0.01))
    assert logits.weight.std().item() == pytest.approx(0.01, rel=0.05)
