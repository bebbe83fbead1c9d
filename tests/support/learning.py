"""Networks learn 16 pictures by one plain recipe: classes, label maps, or objects.

SGD with a rate of 0.01 and momentum 0.9, no decay and no schedule, no clipping, the same for all.
A network has learned when its loss in training, the mean of three steps, is below a tenth of the
first one. Pictures are cut out of four photographs of skimage's.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from skimage import data
from torch import Tensor, nn
from torch.nn import functional

import archdsl
from archdsl.inference.predictor import pixels
from archdsl.ir.build import MAIN_OUTPUT
from archdsl.ir.edges import Detections
from archdsl.layers.inputs import TensorInput

RATE, MOMENTUM = 0.01, 0.9
PHOTOGRAPHS = 4
AUXILIARY = 0.3
"""Weight of the losses of auxiliary heads (Szegedy et al. 2014, section 5)."""


@dataclass
class Learning:
    """A network on its way; the state is what :meth:`saved` gives."""

    module: nn.Module
    batches: Sequence[Any]
    loss: Callable[[nn.Module, Any], Tensor]
    rate: float = RATE
    losses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        learning = [p for p in self.module.parameters() if p.requires_grad]
        self._optimizer = torch.optim.SGD(learning, lr=self.rate, momentum=MOMENTUM)

    @property
    def first(self) -> float:
        """The loss before anything was learned, over all pictures."""
        return sum(self.losses[: len(self.batches)]) / len(self.batches)

    @property
    def last(self) -> float:
        """The mean loss of the last three steps, or of all pictures where these are more."""
        last = self.losses[-max(3, len(self.batches)) :]
        return sum(last) / len(last)

    @property
    def learned(self) -> bool:
        """True if the loss is below a tenth of the first."""
        return len(self.losses) > len(self.batches) and self.last < self.first / 10

    @property
    def over(self) -> bool:
        """True if nothing is to be expected of further steps."""
        return self.learned or (bool(self.losses) and not math.isfinite(self.losses[-1]))

    def go_on(self, steps: int, seconds: float = math.inf) -> Learning:
        """Learn until it has, or up to a number of steps or seconds of processors' time."""
        start = time.process_time()
        with torch.random.fork_rng([]):
            torch.manual_seed(1 + len(self.losses))  # dropout, and samples of regions
            while not self.over and len(self.losses) < steps:
                if time.process_time() - start > seconds:
                    break
                loss = self.loss(self.module, self.batches[len(self.losses) % len(self.batches)])
                self._optimizer.zero_grad()
                loss.backward()
                self._optimizer.step()
                self.losses.append(loss.item())
        return self

    def saved(self) -> dict[str, Any]:
        """What a later process needs to go on."""
        state = self._optimizer.state_dict()
        return {"losses": self.losses, "module": self.module.state_dict(), "optimizer": state}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go on where another process ended."""
        self.losses = list(saved["losses"])
        self.module.load_state_dict(saved["module"])
        self._optimizer.load_state_dict(saved["optimizer"])


def learning(network: archdsl.Network, size: int, batch: int = 16, rate: float = RATE) -> Learning:
    """A network of square pictures of a size, which learns what its outputs are: see the module.

    Detectors take ``batch`` pictures a step, others all of them.
    """
    summary = network.summary()
    layer = next(network.checked.instances()).layer
    assert isinstance(layer, TensorInput)
    seen = layer.expected
    module = network.to_torch(seed=1).train()
    found = next((e for e in summary.outputs.values() if isinstance(e, Detections)), None)
    if found is not None:
        return Learning(module, list(_objects(found, size, batch, module)), _detected, rate)
    cut, labels = pictures(size)
    channels = summary.input[0]
    shape = summary.outputs.get(MAIN_OUTPUT) or next(iter(summary.outputs.values()))
    assert isinstance(shape, tuple) and isinstance(channels, int) and shape[0] is not None
    target = labels % shape[0] if len(shape) == 1 else label_maps(cut)
    values = cut.mean(1, keepdim=True) if channels == 1 else cut
    # Networks that take pixels norm them themselves; those with a plain input take normed ones.
    given = pixels(values, seen) if seen.scale != 1 else (values - values.mean()) / values.std()
    return Learning(module, [(given, target)], _scored, rate)


def _scored(module: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    values, target = batch
    result = module(values)
    outputs = {MAIN_OUTPUT: result} if isinstance(result, Tensor) else result
    criterion = getattr(module, "criterion", functional.cross_entropy)
    costs = {name: criterion(scores, target) for name, scores in outputs.items()}
    total: Tensor = costs.pop(MAIN_OUTPUT)
    return total + AUXILIARY * sum(costs.values())


def _detected(module: nn.Module, batch: tuple[Any, Any, Mapping[str, Any]]) -> Tensor:
    images, targets, more = batch
    found: Mapping[str, Tensor] = module(images, targets, **more)
    return torch.stack([part.mean() for part in found.values()]).sum()


# ---- pictures ----


def photographs() -> list[Tensor]:
    """Four photographs, each 3×height×width, values 0..1."""
    known = (data.astronaut(), data.coffee(), data.chelsea(), data.rocket())
    return [torch.from_numpy(each.copy()).permute(2, 0, 1) / 255 for each in known]


def pictures(size: int) -> tuple[Tensor, Tensor]:
    """16 pictures (16, 3, size, size), values 0..1, and the photograph each is cut out of."""
    found = []
    for whole in photographs():
        side = min(whole.shape[1:]) * 3 // 4
        height, width = whole.shape[1:]
        for top in (0, height - side):
            for left in (0, width - side):
                found.append(_resized(whole[:, top : top + side, left : left + side], size))
    return torch.stack(found), torch.arange(PHOTOGRAPHS).repeat_interleave(4)


def label_maps(cut: Tensor) -> Tensor:
    """Two classes of pixels (N, height, width): darker than the picture's middle grey, or not."""
    grey = cut.mean(1)
    return (grey > grey.flatten(1).median(1).values[:, None, None]).long()


def _resized(picture: Tensor, size: int) -> Tensor:
    options = {"mode": "bilinear", "align_corners": False, "antialias": True}
    return functional.interpolate(picture[None], (size, size), **options)[0]


def _objects(
    found: Detections, size: int, batch: int, module: nn.Module
) -> Iterator[tuple[Any, Any, Mapping[str, Any]]]:
    """Batches of 16 pictures, each with a photograph as object on a grey ground, and its place."""
    cut, labels = pictures(size)
    generator = torch.Generator().manual_seed(1)
    images, targets, regions = [], [], []
    for picture, label in zip(cut, labels.tolist(), strict=True):
        side = int(torch.randint(size // 3, 2 * size // 3, (1,), generator=generator))
        left, top = torch.randint(0, size - side, (2,), generator=generator).tolist()
        image = torch.full_like(picture, 0.5)
        image[:, top : top + side, left : left + side] = _resized(picture, side)
        box = torch.tensor([left, top, left + side, top + side]).float()
        target = {"boxes": box[None], "labels": torch.tensor([label % (found.classes - 1)])}
        target["labels"] += int(found.background)
        target["labels"].clamp_(max=found.classes - 1)
        if "masks" in found.parts:
            mask = torch.zeros(1, size, size, dtype=torch.uint8)
            mask[:, top : top + side, left : left + side] = 1
            target["masks"] = mask
        if "keypoints" in found.parts:
            at = torch.rand(1, 17, 2, generator=generator) * (side - 1) + box[:2]
            target["keypoints"] = torch.cat([at, torch.ones(1, 17, 1)], 2)
        images.append(image)
        targets.append(target)
        near = box + side * 0.8 * (torch.rand(16, 4, generator=generator) - 0.5)
        near = near.clamp(0, size)
        regions.append(torch.cat([near[(near[:, 2:] - near[:, :2]).amin(1) > 4], box[None]]))
    takes = "proposals" in module.forward.__code__.co_varnames
    for first in range(0, len(images), batch):
        part = slice(first, first + batch)
        more = {"proposals": regions[part]} if takes else {}
        yield images[part], targets[part], more
