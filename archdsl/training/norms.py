"""Running statistics of dlib's norms, whose first batches are averaged plainly."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from archdsl.api import Network
from archdsl.layers.normalization import BatchNormConv, BatchNormFc


def average_as_dlib(network: Network, module: nn.Module) -> None:
    """Let the statistics of bn_con and bn_fc be those of the batches seen, from the first one on.

    A batch weighs 1/n until that would be less than the layer's momentum (dlib's bn_ in
    dnn/layers.h); with that momentum alone, hundreds of steps would go by until what torch begins
    with is forgotten.
    """
    for instance in network.checked.instances():
        if isinstance(instance.layer, (BatchNormConv, BatchNormFc)):
            for part in module.get_submodule(instance.path).modules():
                if isinstance(part, _BatchNorm) and part.momentum:
                    part.register_forward_pre_hook(_Weighing(part.momentum))


class _Weighing:
    """Sets the weight of a norm's next batch."""

    def __init__(self, least: float) -> None:
        self._least = least
        self._seen: int | None = None

    def __call__(self, norm: _BatchNorm, _: Any) -> None:
        if norm.training and norm.num_batches_tracked is not None:
            if self._seen is None:  # once, as reading it waits for a GPU
                self._seen = int(norm.num_batches_tracked)
            self._seen += 1
            norm.momentum = max(self._least, 1 / self._seen)
