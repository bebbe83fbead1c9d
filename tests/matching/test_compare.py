"""Weights are transferred, and then both networks compute the same."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from urllib.error import URLError

import pytest
import torch
import torchvision
from nets import FlatResNet18, OtherSpelling, Small, WithoutSkip
from support import families
from torch import Tensor, nn

from archdsl.backends.torch.freeze import FrozenBatchNorm2d
from archdsl.importers.verification import (
    Match,
    MatchError,
    canonical,
    match,
    reference,
    transfer_state_dict,
    transfer_weights,
    verify,
)

CLASSIFIERS = torchvision.models.list_models(module=torchvision.models)
SLOW = ("convnext_tiny", "densenet121", "efficientnet_b0", "googlenet", "inception_v3", "maxvit_t",
        "regnet_y_400mf", "swin_t", "swin_v2_t", "vgg11_bn", "vit_b_32")  # fmt: skip
QUICK = ("resnet18", "squeezenet1_1", "mnasnet0_5", "mobilenet_v3_small", "shufflenet_v2_x0_5")
BOUND_TO_SIZE = {"vit_b_16": 224, "vit_b_32": 224, "maxvit_t": 224, "inception_v3": 128}
BIG = 100_000_000  # parameters; larger ones are another width or depth of smaller ones


def matched(first: nn.Module, second: nn.Module) -> Match:
    return match(canonical(first), canonical(second))


def test_transferred_weights_give_equal_outputs() -> None:
    source, target = torchvision.models.resnet18(weights=None).eval(), FlatResNet18().eval()
    with torch.no_grad():
        source.bn1.running_mean.uniform_()
        source.bn1.num_batches_tracked.fill_(7)
    data = torch.randn(2, 3, 64, 64)
    assert not torch.allclose(source(data), target(data))
    transfer_weights(matched(source, target), source, target)
    torch.testing.assert_close(source(data), target(data))
    assert target.entry_norm.num_batches_tracked == 7
    assert not target.training and not source.training


def test_a_state_dict_is_carried_over_under_the_references_names() -> None:
    source, target = torchvision.models.resnet18(weights=None).eval(), FlatResNet18().eval()
    found = matched(source, target)
    saved = source.state_dict() | {"aux.weight": torch.zeros(1)}
    del saved["bn1.num_batches_tracked"]  # as in checkpoints from before it existed
    transfer_state_dict(found, saved, target)
    data = torch.randn(1, 3, 64, 64)
    torch.testing.assert_close(source(data), target(data))
    with pytest.raises(MatchError, match=r"1 of the matched weights are missing: fc\.bias"):
        transfer_state_dict(found, {k: v for k, v in saved.items() if k != "fc.bias"}, target)
    with pytest.raises(MatchError, match=r"fc\.bias has shape \(3,\), but scores\.bias"):
        transfer_state_dict(found, saved | {"fc.bias": torch.zeros(3)}, target)


def test_nothing_is_carried_over_without_a_match() -> None:
    first, second = Small(), WithoutSkip()
    with pytest.raises(MatchError, match="do not match"):
        transfer_weights(matched(first, second), first, second)


@pytest.mark.parametrize("training", [False, True])
def test_verify_accepts_another_spelling(training: bool) -> None:
    first, second = Small().train(), OtherSpelling().eval()
    before = copy.deepcopy((first.state_dict(), second.state_dict()))
    outcome = verify(second, first, (3, 16, 16), training=training)
    assert outcome.matched and outcome.params_equal and outcome.differences == ()
    # 3*8*9+8, 16, 8*8*9+8, 8*4+4, 8*6+6 and 10*5+5 parameters
    assert outcome.reference_params == outcome.compiled_params == 224 + 16 + 584 + 36 + 54 + 55
    assert outcome.max_rel_diff is not None and outcome.max_rel_diff < 1e-5
    assert first.training and not second.training
    for state, module in zip(before, (first, second), strict=True):
        torch.testing.assert_close(state, module.state_dict(), rtol=0, atol=0)


def test_verify_reports_what_differs() -> None:
    outcome = verify(WithoutSkip(), Small(), (3, 16, 16))
    assert not outcome.matched and outcome.max_abs_diff is None and outcome.differences


def test_verify_sees_a_difference_the_structure_does_not_show() -> None:
    class Untraceable(nn.Module):
        """Compared by type and settings only; a tensor that is no buffer is not among them."""

        def __init__(self, factor: float) -> None:
            super().__init__()
            self.factor = (torch.tensor(factor),)

        def forward(self, x: Tensor) -> Tensor:
            return x * self.factor[0] if bool(x.sum() > -1e9) else x

    def network(factor: float) -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), Untraceable(factor))

    outcome = verify(network(2.0), network(1.0), (3, 8, 8))
    assert outcome.matched and outcome.max_rel_diff == pytest.approx(1.0)


def test_interchanged_weights_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def into_the_wrong_norm(found: Match, source: nn.Module, target: nn.Module) -> None:
        transfer_weights(found, source, target)
        state = target.state_dict()
        for name in ("weight", "bias", "running_mean", "running_var"):
            state[f"layer1.0.bn1.{name}"] = state[f"layer1.0.bn2.{name}"]
        target.load_state_dict(state)

    monkeypatch.setattr(
        "archdsl.importers.verification.compare.transfer_weights", into_the_wrong_norm
    )
    pair = [reference("torchvision:resnet18") for _ in range(2)]
    outcome = verify(pair[0], pair[1], (3, 64, 64))
    assert outcome.max_rel_diff is not None and outcome.max_rel_diff > 1e-3


def test_verify_says_when_the_input_does_not_fit() -> None:
    with pytest.raises(MatchError, match=r"cannot be run on an input of shape \(2, 4, 16, 16\)"):
        verify(Small(), Small(), (4, 16, 16))


def test_googlenet_with_auxiliary_heads_in_training_mode() -> None:
    nets = [reference("torchvision:googlenet", aux=True) for _ in range(2)]
    outcome = verify(nets[0], nets[1], (3, 64, 64), training=True)
    assert outcome.matched and outcome.max_rel_diff is not None and outcome.max_rel_diff < 1e-4
    # 6 624 904 parameters in the main part (torchvision's documentation), and two heads: 1x1
    # convolutions with norms, and two linear layers (Szegedy et al. 2014, section 5).
    heads = sum(128 * width + 2 * 128 + 1024 * 2048 + 1024 + 1000 * 1025 for width in (512, 528))
    assert outcome.reference_params == outcome.compiled_params == 6_624_904 + heads
    assert sum(p.numel() for p in reference("torchvision:googlenet").parameters()) == 6_624_904


# --- what networks start with, and how they are trained -----------------------------------------


def with_norm(change: Callable[[nn.Module], object]) -> nn.Module:
    net = Small()
    change(net)
    return net


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda net: net.norm.running_mean.fill_(0.5), "norm.running_mean is 0 in the reference"),
        (lambda net: net.norm.running_var.fill_(2), "norm.running_var is 1 in the reference"),
        (lambda net: net.norm.requires_grad_(False), "norm.weight is learned in the reference"),
        (lambda net: setattr(net.norm, "momentum", 0.2), "momentum is 0.1 in norm, 0.2"),
        (lambda net: setattr(net.norm, "eps", 1e-4), "eps is 1e-05 in norm, 0.0001"),
        (lambda net: setattr(net.drop, "p", 0.4), "p is 0.3 in drop, 0.4"),
        (lambda net: setattr(net, "norm", nn.BatchNorm2d(8, affine=False)), "affine is True"),
        (
            lambda net: setattr(net, "norm", nn.BatchNorm2d(8, track_running_stats=False)),
            "track_running_stats is True",
        ),
        (
            lambda net: setattr(net, "norm", FrozenBatchNorm2d(8).requires_grad_(False).eval()),
            "training is None in norm",
        ),
    ],
)  # fmt: skip
def test_how_a_network_begins_and_is_trained_is_compared(
    change: Callable[[nn.Module], object], words: str
) -> None:
    outcome = verify(with_norm(change), Small(), (3, 16, 16))
    assert not outcome.matched and not outcome.equal_within(1)
    assert any(words in each for each in outcome.differences), outcome.differences


def test_learned_statistics_are_no_difference() -> None:
    def learned(net: nn.Module) -> None:
        net.norm.running_mean.uniform_()
        net.norm.running_var.uniform_(1, 2)

    assert verify(Small(), with_norm(learned), (3, 16, 16)).equal_within(1e-5)


def test_tables_that_no_file_holds_are_compared() -> None:
    class Table(nn.Module):
        def __init__(self, first: float, *, saved: bool) -> None:
            super().__init__()
            self.register_buffer("table", torch.tensor([first, 2.0, 3.0]), persistent=saved)

        def forward(self, x: Tensor) -> Tensor:
            return x * self.table

    def equal(first: float, *, saved: bool) -> bool:
        nets = [nn.Sequential(nn.Linear(3, 3), Table(x, saved=saved)) for x in (first, 5.0)]
        return verify(nets[1], nets[0], (3,), training=False).matched

    assert equal(5.0, saved=False) and not equal(4.0, saved=False)
    assert equal(4.0, saved=True)  # transferred as weights are


def test_what_is_no_number_is_not_equal_to_one() -> None:
    class Act(nn.Module):
        """Takes its divisor from where a comparison of settings does not look."""

        def __init__(self, divisor: float) -> None:
            super().__init__()
            self.divisor = (torch.tensor(divisor),)

        def forward(self, x: Tensor) -> Tensor:
            return x / self.divisor[0] * self.divisor[0] if bool(x.sum() > -1e9) else x

    nets = [nn.Sequential(nn.Linear(3, 3), Act(divisor)) for divisor in (0.0, 1.0)]
    with pytest.raises(MatchError, match="no number"):
        verify(nets[0], nets[1], (3,))


def test_settings_in_lists_and_functions_are_compared() -> None:
    class Opaque(nn.Module):
        def __init__(self, sizes: object, act: Callable[[Tensor], Tensor]) -> None:
            super().__init__()
            self.sizes, self.act = sizes, act

        def forward(self, x: Tensor) -> Tensor:
            return self.act(x) if bool(x.sum() > -1e9) else x

    def matches(*other: object) -> bool:
        pair = [nn.Sequential(Opaque(*own)) for own in (([(1, 2)], torch.relu), other)]
        return matched(*pair).matched

    assert matches([(1, 2)], torch.relu)
    assert not matches([(1, 3)], torch.relu)
    assert not matches([(1, 2)], torch.tanh)


@pytest.mark.parametrize("name", families.family(CLASSIFIERS, QUICK, SLOW))
def test_every_torchvision_classifier_matches_another_of_its_kind(name: str) -> None:
    with torch.device("meta") if not name.startswith("regnet") else torch.device("cpu"):
        heads = name in ("googlenet", "inception_v3")
        options = {"init_weights": False, "aux_logits": False} if heads else {}
        size = 0
        if not name.startswith("regnet_y_128"):
            network = torchvision.models.get_model(name, weights=None, **options)
            size = sum(parameter.numel() for parameter in network.parameters())
    if not 0 < size < BIG:
        pytest.skip("too large to run twice")
    side = BOUND_TO_SIZE.get(name, 64)
    pair = [reference(f"torchvision:{name}") for _ in range(2)]
    outcome = verify(pair[0], pair[1], (3, side, side))
    assert outcome.matched, outcome.differences
    assert outcome.params_equal and outcome.reference_params == size
    assert outcome.max_rel_diff is not None and outcome.max_rel_diff < 1e-5


# --- references -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet50", "write torchvision:NAME or timm:NAME"),
        ("keras:resnet50", "write torchvision:NAME or timm:NAME"),
        ("torchvision:resnet51", "did you mean resnet50"),
    ],
)
def test_unknown_references_are_refused(name: str, message: str) -> None:
    with pytest.raises(MatchError, match=message):
        reference(name)


def test_unknown_weights_and_heads_are_refused() -> None:
    with pytest.raises(MatchError, match="no weights 'MINE' for resnet18.*IMAGENET1K_V1"):
        reference("torchvision:resnet18", weights="MINE")
    with pytest.raises(MatchError, match="no auxiliary heads"):
        reference("torchvision:resnet18", aux=True)


def test_a_failed_download_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*args: object, **kwargs: object) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", offline)
    with pytest.raises(MatchError, match="no route to host.*--weights FILE"):
        reference("torchvision:resnet18", weights="DEFAULT")


def test_a_library_which_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(MatchError, match="timm is not installed: pip install timm"):
        reference("timm:resnet50")
