"""Tools that take a block of a network by its name: attribution, adapters, distributed files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import archdsl


@pytest.fixture(scope="module")
def network() -> nn.Module:
    """A ResNet-50 of random weights, in evaluation mode."""
    return archdsl.compile("resnet50", seed=1).eval()


def test_gradcam_of_a_block_by_name(network: nn.Module) -> None:
    """Grad-CAM (Selvaraju et al. 2017, equation 1) from the block's own activations."""
    attribution = pytest.importorskip("captum.attr")
    block = network.get_submodule("bottleneck_stage3")
    image = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    kept: list[Tensor] = []
    handle = block.register_forward_hook(lambda _module, _given, result: kept.append(result))
    score = network(image)[:, 1].sum()
    handle.remove()
    (gradient,) = torch.autograd.grad(score, kept[0])
    expected = (gradient.mean((2, 3), keepdim=True) * kept[0]).sum(1, keepdim=True)
    found = attribution.LayerGradCam(network, block).attribute(image, target=1)
    assert found.shape == (2, 1, 4, 4)
    torch.testing.assert_close(found, expected)


def test_adapters_by_regular_expression() -> None:
    """LoRA of rank 4 on the 1x1 convolutions of one stage: 4 x (inputs + outputs) numbers each."""
    peft = pytest.importorskip("peft")
    module = archdsl.compile("resnet50", seed=1).eval()
    image = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    before = module(image)
    pattern = r"bottleneck_stage4\..*conv_bn(1|3)\.conv"
    adapted = peft.get_peft_model(module, peft.LoraConfig(r=4, target_modules=pattern))
    sizes = [(1024, 512), (512, 2048), (2048, 512), (512, 2048), (2048, 512), (512, 2048)]
    trained = sum(each.numel() for each in adapted.parameters() if each.requires_grad)
    assert trained == sum(4 * (inputs + outputs) for inputs, outputs in sizes)
    torch.testing.assert_close(adapted(image), before)


def test_a_network_without_values_is_filled_from_a_distributed_checkpoint(
    network: nn.Module, tmp_path: Path
) -> None:
    from torch.distributed import checkpoint

    checkpoint.save({"model": network.state_dict()}, checkpoint_id=tmp_path, no_dist=True)
    other = archdsl.compile("resnet50", device="meta").eval()
    assert all(each.is_meta for each in other.parameters())
    other.to_empty(device="cpu")
    checkpoint.load({"model": other.state_dict()}, checkpoint_id=tmp_path, no_dist=True)
    image = torch.randn(1, 3, 64, 64)
    assert torch.equal(other(image), network(image))
