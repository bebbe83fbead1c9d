"""Compiled random networks: their weights, a batch for them, and how exact their numbers are."""

from __future__ import annotations

import copy
import os
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from hypothesis import HealthCheck, Phase, currently_in_test_context, settings
from hypothesis import event as told
from torch import Tensor, nn

import archdsl
from archdsl.backends.torch.trial_run import trial_input
from archdsl.diagnostics import ArchError

TOLERANCE = 1e-4
ILL = 1e-2
"""Networks whose own numbers move more than that in double precision say nothing."""
REASONS: Counter[str] = Counter()
"""How often a network was not compared or not written, by reason."""
COUNT = int(os.environ.get("ARCHDSL_RANDOM_NETWORKS", "0"))


def cases(count: int) -> settings:
    """So many random networks; ARCHDSL_RANDOM_NETWORKS asks for another number of them."""
    return settings(
        max_examples=COUNT or count,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        phases=set(Phase) - {Phase.explain},
    )


def event(reason: str) -> None:
    REASONS[reason] += 1
    if currently_in_test_context():
        told(reason)


class Compiled(NamedTuple):
    """A network, its module in eval mode with unusual weights, and a batch of three samples."""

    network: archdsl.Network
    module: torch.fx.GraphModule
    batch: Tensor


def compiled(text: str) -> Compiled:
    network = archdsl.load(text).check()
    module = network.to_torch(seed=1).eval()
    randomise(module)
    torch.manual_seed(4)
    batch = torch.cat([trial_input(network.checked)["x"] for _ in range(3)])
    return Compiled(network, module, batch)


def randomise(module: nn.Module) -> None:
    """Weights that keep values near one, statistics and biases that are not those of a start."""
    random = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if not tensor.is_floating_point():
                continue
            if name.endswith("running_var"):
                tensor.uniform_(0.3, 2, generator=random)
            elif name.endswith("running_mean"):
                tensor.normal_(0, 0.3, generator=random)
        for parameter in module.parameters():
            if parameter.dim() < 2:
                parameter.uniform_(0.4, 1.6, generator=random)
            else:
                fan = parameter[0].numel()
                parameter.normal_(0, (2 / fan) ** 0.5, generator=random)


def by_name(outputs: Any) -> dict[str, Tensor]:
    return dict(outputs) if isinstance(outputs, Mapping) else {"output": outputs}


def run(module: Callable[..., Any], batch: Tensor) -> list[Tensor]:
    with torch.no_grad():
        return list(by_name(module(batch)).values())


def tolerance(case: Compiled) -> float | None:
    """How near numbers have to be; ``None`` where the network makes too much of a last digit."""
    exact = run(copy.deepcopy(case.module).double(), case.batch.double())
    found = run(case.module, case.batch)
    if not all(value.isfinite().all() for value in found):
        event("not compared: values that are not finite")
        return None
    apart = max(apart_by(ours, theirs) for ours, theirs in zip(found, exact, strict=True))
    if apart > ILL:
        event("not compared: values that depend on the last digit")
        return None
    return max(TOLERANCE, 10 * apart)


def apart_by(found: Tensor, wanted: Tensor) -> float:
    """The largest difference of two tensors, relative to the largest value."""
    if not wanted.numel():
        return 0.0
    largest = wanted.abs().max().clamp(min=1e-6)
    return float((found - wanted).abs().max() / largest)


def assert_near(found: list[Tensor], wanted: list[Tensor], within: float) -> None:
    assert [tuple(each.shape) for each in found] == [tuple(each.shape) for each in wanted]
    for ours, theirs in zip(found, wanted, strict=True):
        assert apart_by(ours, theirs) <= within


def refused(error: ArchError, stage: str) -> None:
    """One error with a code and in words, which is counted by its reason."""
    (diagnostic,) = error.diagnostics
    assert len(diagnostic.message.split()) > 2
    reason = re.sub(r"\d+", "N", diagnostic.message)
    event(f"{stage} refused: {diagnostic.code} {reason}")
