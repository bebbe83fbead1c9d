"""What is frozen does not learn, and is otherwise the same network."""

import copy
import pickle

import pytest
import torch

import archdsl

# One convolution and its norm frozen, another pair learning.
HALF = (
    "fc<2,batch_norm<con<4,3,3,1,1,frozen<compose<relu,batch_norm,con<4,3,3,1,1>>,input<3,8,8>>>>>"
)
FROZEN_PARAMETERS = 4 * (3 * 9 + 1) + 2 * 4
LEARNING_PARAMETERS = 4 * (4 * 9 + 1) + 2 * 4 + 2 * (4 * 64 + 1)

# ResNet-18 without its head, from torchvision's 11,689,512 parameters.
BODY = 11_689_512 - 1000 * (512 + 1)
# Two blocks of two 3x3 convolutions with norms, the first from 256 channels with a projection.
LAST_STAGE = 512 * 9 * (256 + 3 * 512) + 512 * 256 + 5 * 2 * 512


def test_counts() -> None:
    summary = archdsl.load(HALF).summary()
    assert summary.parameters == FROZEN_PARAMETERS + LEARNING_PARAMETERS
    assert summary.trainable == LEARNING_PARAMETERS
    assert f"{LEARNING_PARAMETERS:,} trainable" in str(summary)


def test_training_changes_what_learns_and_nothing_else() -> None:
    module = archdsl.compile(HALF, seed=1)
    before = copy.deepcopy(module.state_dict())
    learning = [p for p in module.parameters() if p.requires_grad]
    assert sum(p.numel() for p in learning) == LEARNING_PARAMETERS
    optimiser = torch.optim.SGD(learning, lr=0.1)
    for _ in range(2):
        optimiser.zero_grad()
        module(torch.randn(4, 3, 8, 8) * 3 + 1).square().sum().backward()
        optimiser.step()
    changed = {n for n, t in module.state_dict().items() if not torch.equal(t, before[n])}
    assert changed
    untouched = before.keys() - changed
    assert {name.split(".")[0] for name in untouched} == {"conv1", "bn1"}
    assert not {name.split(".")[0] for name in changed} & {"conv1", "bn1"}


def test_statistics_stay_frozen_through_copies_and_modes() -> None:
    module = archdsl.compile(HALF)
    for copied in (module, copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        copied.train()
        modes = {name: child.training for name, child in copied.named_children()}
        assert modes["bn2"] is True
        assert modes["bn1"] is False


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("batch_norm,fc<6>", torch.nn.BatchNorm1d),
        ("batch_norm,con<6,3,3,1,1>", torch.nn.BatchNorm2d),
        ("bn_fc,con<6,3,3,1,1>", torch.nn.BatchNorm1d),  # the second of three modules
    ],
)
def test_statistics_stay_as_they_are_in_training(body: str, kind: type[torch.nn.Module]) -> None:
    """What a frozen norm gives in training, of vectors or of maps, is what it gives in use."""
    module = archdsl.compile(f"frozen<compose<{body}>,input<3,8,8>>", seed=1)
    (norm,) = (each for each in module.modules() if isinstance(each, kind))
    image = torch.randn(4, 3, 8, 8) * 3 + 1
    wanted = module.eval()(image)
    before = copy.deepcopy(module.state_dict())
    torch.testing.assert_close(module.train()(image), wanted, rtol=0, atol=0)
    assert not norm.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


def test_outputs_are_those_of_the_network_without_freezing() -> None:
    frozen = archdsl.compile(HALF).eval()
    free = archdsl.compile(HALF.replace("frozen<compose", "compose<compose")).eval()
    free.load_state_dict(frozen.state_dict())
    image = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(frozen(image), free(image), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("settings", "trainable", "head"),
    [
        ({}, 2 * 513, 2 * 513),
        ({"last_stage": True}, 2 * 513 + LAST_STAGE, 2 * 513),
        (
            {"deep_head": True},
            512 * 513 + 256 * 513 + 2 * 257,
            512 * 513 + 256 * 513 + 2 * 257,
        ),
    ],
)
def test_transfer_learning_on_resnet18(
    settings: dict[str, bool], trainable: int, head: int
) -> None:
    network = archdsl.load("resnet18_transfer", **settings)
    assert network.summary().trainable == trainable
    assert network.summary().parameters == BODY + head
    module = network.to_torch()
    assert sum(p.numel() for p in module.parameters() if p.requires_grad) == trainable
