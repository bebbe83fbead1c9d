"""Trial runs: inputs for a compiled network, and its results in short.

A module is left as it was before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from archdsl.diagnostics import fail
from archdsl.ir.edges import RuleError, shape_words
from archdsl.ir.network import Network
from archdsl.ir.trial import RandomValues, Trial
from archdsl.text.words import counted


def trial_input(network: Network, device: str | torch.device = "cpu") -> dict[str, Any]:
    """The arguments of a call of a checked network's module, by name: one random image.

    Every layer says what it reads (:meth:`archdsl.ir.layer.Layer.fed`). Raises ArchError
    where the size of the input is open.
    """
    arguments: dict[str, Any] = {}
    with torch.device(device):
        for instance in network.instances():
            try:
                fed = instance.layer.fed(network.shape(instance.path))
            except RuleError as error:
                raise fail(error.message, instance.span, *error.notes, help=error.help) from None
            arguments |= {name: _drawn(trial) for name, trial in fed.items()}
    return arguments


def _drawn(trial: Trial) -> Any:
    """The tensor, or the list of tensors, that a layer describes."""
    if isinstance(trial, list):
        return [_drawn(each) for each in trial]
    if isinstance(trial, RandomValues):
        return torch.rand(trial.shape)
    corners = torch.rand(trial.count, 4) / 2
    corners[:, 2:] += 0.5  # right and below of the middle, so that no box is empty
    return corners * torch.tensor([trial.width, trial.height] * 2)


def device_of(module: nn.Module) -> torch.device:
    """Device of a module's parameters and buffers; the CPU where it has none."""
    tensors = chain(module.parameters(), module.buffers())  # a state_dict may hold other things
    return next((tensor.device for tensor in tensors), torch.device("cpu"))


def result_shapes(result: Any) -> Any:
    """The shapes of all tensors of a result, batch included, in its own lists and dicts."""
    if isinstance(result, Tensor):
        return list(result.shape)
    if isinstance(result, Mapping):
        return {name: result_shapes(part) for name, part in result.items()}
    return [result_shapes(part) for part in result]


def told(result: Any) -> str:
    """Shapes and counts of a result for people: ``1×1000``, ``3 detections``."""
    if isinstance(result, Tensor):
        return shape_words(tuple(result.shape))
    if isinstance(result, Mapping):
        return ", ".join(f"{name} {told(part)}" for name, part in result.items())
    return counted(sum(len(image["scores"]) for image in result), "detection")


@contextmanager
def undisturbed(module: nn.Module, training: bool) -> Iterator[None]:
    """Put a module in training or evaluation mode and restore its state afterwards.

    That includes the tensors which torch.fx stores on a module as ``_tensor_constant0`` and so on.
    """
    before = [(part, part.training, set(vars(part))) for part in module.modules()]
    module.train(training)
    try:
        yield
    finally:
        for part, was_training, attributes in before:
            part.training = was_training
            for name in set(vars(part)) - attributes:
                if name.startswith("_tensor_constant"):
                    delattr(part, name)
