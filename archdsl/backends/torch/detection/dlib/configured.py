"""The base of dlib's detectors: options, what they learn from, and results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from archdsl.backends.torch.detection.dlib.boxes import TrueBoxes
from archdsl.backends.torch.detection.images import check_labels, check_targets
from archdsl.backends.torch.detection.values import (
    Batch,
    Detections,
    DetectorModule,
    Size,
    Target,
    required_targets,
)
from archdsl.dlib.stream import ByteReader, MisreadError, Type


class Configured(DetectorModule):
    """The base of detectors with options; they are part of the state_dict, as dlib writes them."""

    fitted_to = ("options",)

    def __init__(self, options: Any, form: Type, threshold: float) -> None:
        super().__init__()
        self.options = options
        self.threshold = threshold
        self._form = form

    def get_extra_state(self) -> Tensor:
        return torch.tensor(list(self._form.write(self.options)), dtype=torch.uint8)

    def set_extra_state(self, state: Tensor) -> None:
        """Take options over; raises ValueError where these are none."""
        try:
            options = self._form.read(ByteReader(bytes(state.tolist())))
        except (MisreadError, TypeError) as error:
            raise ValueError(f"these are no options of a detector: {error}") from None
        self.options = options

    def label_names(self) -> tuple[str, ...]:
        """Names of the labels by number; empty where they are not known."""
        raise NotImplementedError

    def name_labels(self, names: Sequence[str]) -> None:
        """Give labels names where they have none."""
        raise NotImplementedError

    def told(self) -> dict[str, Any]:
        """Settings that it decides by, by the names of a spec's arguments."""
        return {"threshold": self.threshold, **self.options.told()}

    def _results(self, seen: Any, found: Callable[[int], Target]) -> Detections:
        """Detections for every sample of the network's input, a batch or a tensor."""
        batch = batch_of(seen)
        return Detections([found(index) for index in range(len(batch.tensors))], batch, {})

    def _truth(self, seen: Any, targets: Any, labels: int) -> list[TrueBoxes]:
        """The true boxes of every sample, of so many labels; raises ValueError without."""
        batch = batch_of(seen)
        wanted = required_targets(Batch(batch.tensors, [], [], targets))
        check_targets(wanted, len(batch.tensors))
        check_labels(wanted, labels, 0)
        return [TrueBoxes.of(target) for target in wanted]

    def _learned(self, name: str, seen: Any, loss: Tensor) -> Detections:
        batch = batch_of(seen)
        return Detections([{} for _ in batch.tensors], batch, {name: loss})


def batch_of(seen: Any) -> Any:
    """The network's input as a batch, of images or of a tensor."""
    if not isinstance(seen, Tensor):
        return seen
    sizes: list[Size] = [(seen.shape[-2], seen.shape[-1])] * len(seen)
    return Batch(seen, sizes, sizes, None)


class _Stated(torch.autograd.Function):
    """A number of which the gradient is stated; it does not follow from the number."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, gradient: Tensor, _: Tensor) -> Tensor:
        ctx.save_for_backward(gradient)
        return value

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> Any:
        (gradient,) = ctx.saved_tensors
        return None, None, gradient * outer[0]


def stated(value: float, gradient: Tensor, output: Tensor) -> Tensor:
    """A cost of an output with a value and a gradient that dlib states."""
    result: Tensor = _Stated.apply(output.new_tensor(value), gradient.to(output), output)
    return result
