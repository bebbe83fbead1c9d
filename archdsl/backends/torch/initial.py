"""Initial weights.

As torchvision's VGG and ResNet do (He et al. 2015, "Delving Deep into Rectifiers", section 2.2):
convolutions normal with variance 2 / (filters × kernel area / groups), fully connected layers
normal with a standard deviation of 0.01, biases zero; normalisation starts as the identity. A
layer's argument ``deviation`` is the standard deviation of its own normal weights; ``prior`` is the
probability that its outputs, logits, start with (Lin et al. 2017, "Focal Loss for Dense Object
Detection", section 4.1). All other modules use torch's own initial values. Seed torch, or pass
``seed``, to have the same weights again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import nn
from torch.overrides import TorchFunctionMode


class SkippedInitialisation(TorchFunctionMode):
    """While active, torch.nn modules leave the values of weights open instead of drawing them.

    They are drawn once, by :func:`initialise`; for large networks the second time is half of the
    time that construction takes.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[Any],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        if func in (nn.init.kaiming_uniform_, nn.init.uniform_):
            return given["tensor"] if "tensor" in given else args[0]
        return func(*args, **given)


def initialise(
    module: nn.Module, deviation: float | None = None, prior: float | None = None
) -> None:
    """Draw the initial weights of a module made under :class:`SkippedInitialisation`."""
    bias = 0.0 if prior is None else -math.log((1 - prior) / prior)
    for part in module.modules():
        if not isinstance(part, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            continue
        if deviation is not None:
            nn.init.normal_(part.weight, 0, deviation)
        elif isinstance(part, nn.Linear):
            nn.init.normal_(part.weight, 0, 0.01)
        else:
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
        if part.bias is not None:
            nn.init.constant_(part.bias, bias)
