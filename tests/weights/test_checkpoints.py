"""Weights as training engines save them, and bodies that take a reference's weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from support.commands import run
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

import archdsl

SMALL = "fc<3,relu<batch_norm<con<4,3,3,1,1,input<3,8,8>>>>>"


def prefixed(module: nn.Module, prefix: str) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in module.state_dict().items()}


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda module: prefixed(module, "module."),  # DistributedDataParallel
        lambda module: AveragedModel(module).state_dict(),
        lambda module: {"model": module.state_dict(), "epoch": 3},  # torchvision's references
        lambda module: torch.compile(module).state_dict(),
        lambda module: {  # Lightning
            "epoch": 1,
            "state_dict": prefixed(module, "net."),
            "optimizer_states": [{"param_groups": [{"lr": 0.1}]}],
            "hyper_parameters": {"depth": 18},
        },
        lambda module: {"state_dict": {"model": prefixed(module, "net._orig_mod.module.")}},
    ],
)
def test_checkpoints_of_engines(
    wrapped: Callable[[nn.Module], dict[str, Any]], tmp_path: Path
) -> None:
    module = archdsl.compile(SMALL, seed=1)
    torch.save(wrapped(module), tmp_path / "w.ckpt")
    loaded = archdsl.compile(SMALL, weights=tmp_path / "w.ckpt", seed=2)
    for name, tensor in module.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name


def test_prefixes_that_are_not_common_stay(tmp_path: Path) -> None:
    module = archdsl.compile(SMALL, seed=1)
    torch.save(prefixed(module, "a.") | {"b.c": torch.ones(1)}, tmp_path / "w.pt")
    with pytest.raises(archdsl.ArchError, match="are not those of the network"):
        archdsl.compile(SMALL, weights=tmp_path / "w.pt")


@pytest.fixture(scope="module")
def resnet18(tmp_path_factory: pytest.TempPathFactory) -> tuple[nn.Module, Path]:
    model = torchvision.models.resnet18(weights=None).eval()
    path = tmp_path_factory.mktemp("weights") / "r18.pth"
    torch.save({"state_dict": prefixed(model, "module.")}, path)
    return model, path


@pytest.mark.parametrize(
    ("spec", "options", "new"),
    [
        ("resnet18_transfer", {}, 2),
        ("resnet18_transfer", {"deep_head": True, "last_stage": True}, 6),
        ("resnet18", {"classes": 5, "new_head": True}, 2),
    ],
)
def test_a_body_takes_the_reference_s_weights(
    spec: str, options: dict[str, Any], new: int, resnet18: tuple[nn.Module, Path]
) -> None:
    model, path = resnet18
    module = archdsl.compile(spec, weights=path, **options)
    assert len(module.meta["new"]) == new
    # What comes out of the body is what torchvision's body gives.
    features: dict[str, Tensor] = {}
    head = module.meta["new"][0].rpartition(".")[0]
    module.get_submodule(head).register_forward_pre_hook(
        lambda _, given: features.update(archdsl=given[0])
    )
    model.fc.register_forward_pre_hook(lambda _, given: features.update(torchvision=given[0]))
    image = torch.randn(1, 3, 224, 224)
    with torch.inference_mode():
        module(image), model(image)
    torch.testing.assert_close(
        features["archdsl"].flatten(1), features["torchvision"], rtol=1e-4, atol=1e-5
    )


def test_the_command_lists_what_stays_new(resnet18: tuple[nn.Module, Path]) -> None:
    arguments = ("compile", "resnet18", "-D", "classes=5", "--weights", resnet18[1])
    refused = run(*arguments)
    assert refused.exit_code == 1 and "do not fit" in refused.output
    told = run(*arguments, "--new-head")
    assert told.exit_code == 0, told.output
    assert "classifier.fc.weight, classifier.fc.bias" in told.output


def test_a_new_head_without_weights_is_no_fine_tuning(tmp_path: Path) -> None:
    spec = tmp_path / "net.arch"
    spec.write_text(SMALL)
    told = run("compile", spec, "--new-head")
    assert told.exit_code == 1 and "--weights names" in told.output, told.output


def test_weights_of_another_body_are_refused(tmp_path: Path) -> None:
    torch.save(archdsl.compile(SMALL).state_dict(), tmp_path / "w.pt")
    other = SMALL.replace("con<4", "con<6").replace("fc<3", "fc<2")
    with pytest.raises(archdsl.ArchError, match="do not fit the network"):
        archdsl.compile(other, weights=tmp_path / "w.pt", new_head=True)


def test_own_weights_under_a_new_head(tmp_path: Path) -> None:
    module = archdsl.compile(SMALL, seed=1)
    torch.save(module.state_dict(), tmp_path / "w.pt")
    other = archdsl.compile(SMALL.replace("fc<3", "fc<7"), weights=tmp_path / "w.pt", new_head=True)
    assert other.meta["new"] == ("fc.weight", "fc.bias")
    assert torch.equal(other.conv.weight, module.conv.weight)


def test_the_deep_head_is_the_lecture_s() -> None:
    module = archdsl.compile("resnet18_transfer", deep_head=True, classes=7)
    linear = [part for part in module.modules() if isinstance(part, nn.Linear)]
    assert [(part.in_features, part.out_features) for part in linear] == [
        (512, 512),
        (512, 256),
        (256, 7),
    ]
    dropout = [part.p for part in module.modules() if isinstance(part, nn.Dropout)]
    assert dropout == [0.5, 0.5]


def test_what_is_thawed_learns_with_its_statistics() -> None:
    module = archdsl.compile(
        "fc<2,frozen<compose<batch_norm,con<4,3,3,1,1>>,input<3,8,8>>>", seed=1
    )
    before = module.bn.running_mean.clone()
    module.train()(torch.randn(4, 3, 8, 8) + 3)
    assert torch.equal(module.bn.running_mean, before)
    module.requires_grad_(True).train()(torch.randn(4, 3, 8, 8) + 3)
    assert module.bn.training and not torch.equal(module.bn.running_mean, before)
