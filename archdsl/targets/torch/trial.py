"""Trial runs: what a compiled network is fed to see it work, and what it gave, in short.

A module is left as it was before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from archdsl.diagnostics import fail
from archdsl.graph.model import Network
from archdsl.layers.edges import RuleError, shape_words
from archdsl.text.words import counted


def trial_input(network: Network, device: str | torch.device = "cpu") -> dict[str, Any]:
    """The arguments of a call of a checked network's module, by name: one random image.

    Every layer says what it reads (:meth:`archdsl.layers.definition.Layer.fed`). Raises ArchError
    where the size of the input is open.
    """
    arguments: dict[str, Any] = {}
    with torch.device(device):
        for instance in network.instances():
            try:
                arguments.update(instance.layer.fed(network.shape(instance.path)))
            except RuleError as error:
                raise fail(error.message, instance.span, *error.notes, help=error.help) from None
    return arguments


def device_of(module: nn.Module) -> torch.device:
    """Where a module's values are; the CPU for one that has none."""
    return next((tensor.device for tensor in module.state_dict().values()), torch.device("cpu"))


def result_shapes(result: Any) -> Any:
    """The shapes of all tensors of a result, batch included, in its own lists and dicts."""
    if isinstance(result, Tensor):
        return list(result.shape)
    if isinstance(result, Mapping):
        return {name: result_shapes(part) for name, part in result.items()}
    return [result_shapes(part) for part in result]


def told(result: Any) -> str:
    """A result in a few words: ``1×1000``, ``3 detections``."""
    if isinstance(result, Tensor):
        return shape_words(tuple(result.shape))
    if isinstance(result, Mapping):
        return ", ".join(f"{name} {told(part)}" for name, part in result.items())
    return counted(sum(len(image["scores"]) for image in result), "detection")


@contextmanager
def undisturbed(module: nn.Module, training: bool) -> Iterator[None]:
    """Puts a module in training or evaluation mode, and leaves it afterwards as it was.

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
