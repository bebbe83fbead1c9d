"""Compiling detectors from the command line, and giving them weights from outside."""

import json
from pathlib import Path

import networkx as nx
import pytest
import torch
from click.testing import CliRunner
from support.commands import run
from torch import Tensor, nn
from torchvision.models import detection, googlenet

import archdsl
from archdsl.cli import main

NAME = "mask_rcnn_resnet50_fpn"
SMALL = {"min_size": 48, "max_size": 64}
"""Images of 45×60 become 48×64, and a batch of 64×64."""
SMALLER = [word for key, value in SMALL.items() for word in ("-D", f"{key}={value}")]


def torchvisions(name: str) -> nn.Module:
    """A detector with random weights that finds something: it takes most regions for class 1."""
    torch.manual_seed(4)
    model = getattr(detection, name)(weights=None, weights_backbone=None, **SMALL).eval()
    with torch.no_grad():
        model.roi_heads.box_predictor.cls_score.bias[1] += 8
    assert isinstance(model, nn.Module)
    return model


@pytest.fixture(scope="module")
def model() -> nn.Module:
    return torchvisions("maskrcnn_resnet50_fpn")


@pytest.fixture(scope="module")
def published(model: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state_dict under torchvision's names."""
    path = tmp_path_factory.mktemp("weights") / "published.pth"
    torch.save(model.state_dict(), path)
    return path


def same_detections(first: nn.Module, second: nn.Module) -> None:
    images = [torch.rand(3, 45, 60, generator=torch.Generator().manual_seed(9))]
    with torch.no_grad():
        wanted, found = first(images)[0], second(images)[0]
    assert len(wanted["boxes"]) > 5
    assert wanted.keys() == found.keys() == {"boxes", "labels", "scores", "masks"}
    for key in wanted:
        assert torch.equal(wanted[key], found[key]), key


def test_compile_writes_weights_and_reads_them(
    model: nn.Module, published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Torchvision's become the module's own; that the reference has 800 pixels is no matter."""
    monkeypatch.chdir(tmp_path)
    done = run("compile", NAME, *SMALLER, "--weights", published, "-o", "x.safetensors")
    assert done.exit_code == 0, done.output
    line = next(line for line in done.stdout.splitlines() if "forward pass" in line)
    assert int(line.split()[2]) > 5 and line.split()[3] == "detections"
    done = run("compile", NAME, *SMALLER, "--weights", "x.safetensors", "--json", "-o", "x.json")
    document = json.loads(done.stdout)
    (found,) = document["forward_shapes"]["output"]
    count = found["boxes"][0]
    assert count > 5
    assert found == {
        "boxes": [count, 4],
        "labels": [count],
        "scores": [count],
        "masks": [count, 1, 64, 64],
    }
    assert document["outputs"]["output"]["classes"] == 91
    read = nx.node_link_graph(json.loads(Path("x.json").read_text()), edges="edges")
    assert set(read.edges) == set(archdsl.load(NAME, **SMALL).graph.edges)
    same_detections(model, archdsl.compile(NAME, weights="x.safetensors", **SMALL))


def state(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def refused(weights: Path, **settings: int) -> str:
    """Why the network does not take the weights; it has to stay as it was."""
    network = archdsl.load(NAME, **SMALL, **settings)
    module = network.to_torch()
    before = state(module)
    with pytest.raises(archdsl.ArchError) as caught:
        network.load_weights(module, weights)
    after = module.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    return str(caught.value)


def test_weights_of_another_detector_are_refused(tmp_path: Path) -> None:
    other = torchvisions("fasterrcnn_resnet50_fpn")
    torch.save(other.state_dict(), tmp_path / "w.pth")
    message = refused(tmp_path / "w.pth")
    assert f"neither {NAME}'s own nor those of torchvision:maskrcnn_resnet50_fpn" in message
    assert "missing: roi_heads.mask_head.0.0.weight" in message


def test_weights_with_more_than_the_network_has_are_refused(published: Path) -> None:
    """What Mask R-CNN learned is no Faster R-CNN: its masks would be lost without a word."""
    network = archdsl.load("faster_rcnn_resnet50_fpn", **SMALL)
    with pytest.raises(archdsl.ArchError, match=r"not in the network: roi_heads\.mask_head"):
        network.load_weights(network.to_torch(), published)


def test_weights_for_other_classes_are_refused(tmp_path: Path, published: Path) -> None:
    own = archdsl.load(NAME, classes=3, **SMALL).to_torch().state_dict()
    torch.save(own, tmp_path / "w.pth")
    assert "fast_rcnn.scores.weight: expected [91, 1024], found [3, 1024]" in refused(
        tmp_path / "w.pth"
    )
    assert "is not the network of torchvision:maskrcnn_resnet50_fpn" in refused(
        published, classes=3
    )


def test_a_wrong_shape_at_the_very_end_changes_nothing(published: Path, tmp_path: Path) -> None:
    weights = torch.load(published)
    last = list(weights)[-1]
    weights[last] = torch.zeros(7)
    torch.save(weights, tmp_path / "w.pth")
    assert f"{last}: expected [91], found [7]" in refused(tmp_path / "w.pth")


def test_auxiliary_heads_get_their_weights(tmp_path: Path) -> None:
    """Torchvision's GoogLeNet runs them in training mode only; its state_dict has them always."""
    model = googlenet(weights=None, aux_logits=True, init_weights=False)
    torch.save(model.state_dict(), tmp_path / "w.pth")
    module = archdsl.compile("googlenet", weights=tmp_path / "w.pth", aux=True)
    ours = sorted(t.sum().item() for n, t in module.state_dict().items() if "aux" in n)
    theirs = sorted(t.sum().item() for n, t in model.state_dict().items() if "aux" in n)
    assert ours == theirs


def test_a_trial_run_needs_a_size() -> None:
    done = CliRunner().invoke(main, ["compile", "-"], input="con<3,3,3,1,1,input<matrix<float>>>")
    assert done.exit_code == 1
    assert "the size of its input is open" in done.stderr
    assert "--input CxHxW" in done.stderr


def test_a_network_that_is_given_proposals_runs() -> None:
    text = """detect<4, fc<8, roi_pool<maps, 3, region_proposals<20,
              tap<maps, con<8,3,3,2,2,padding=1, input_images_sized<64>>>>>>>"""
    done = CliRunner().invoke(main, ["compile", "-", "--json"], input=text)
    assert done.exit_code == 0, done.stderr
    (found,) = json.loads(done.stdout)["forward_shapes"]["output"]
    assert found["boxes"][1] == 4
