"""Weights of dlib's files, loaded into a compiled network whose layers match the file's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from archdsl.diagnostics import ArchError, fail
from archdsl.dlib.dropout_scale import carrier, is_dropout, scale
from archdsl.dlib.kinds import Record
from archdsl.dlib.nesting import PlacedLayer, nest
from archdsl.dlib.open_file import open_saved
from archdsl.dlib.pairing import paired
from archdsl.dlib.tree import Saved
from archdsl.ir.input_layer import InputLayer
from archdsl.ir.network import LayerInstance, Network

_MAX_DIFFERENCES = 4


def read(path: Path, network: Network, module: nn.Module) -> dict[str, Tensor]:
    """The tensors of a file under the module's own names.

    Numbers that are no weights (means of the input, slopes, factors) are set in the module at once.
    Raises ArchError where it is not a file of dlib's or does not hold the network; the
    message names the first layer at which they part.
    """
    return _Matching(open_saved(path), network, module).state()


class _Matching:
    def __init__(self, saved: Saved, network: Network, module: nn.Module) -> None:
        self._saved, self._network = saved, network
        self._modules: dict[str, nn.Module] = dict(module.named_modules())
        self._nest = nest(network)

    def state(self) -> dict[str, Tensor]:
        """The state_dict; the module's other numbers are set on the way, once all fits."""
        pairs = paired(self._saved, self._nest, self._network.name)
        for record, place in pairs:
            self._require_fit(record, place)
        self._require_relus(pairs)
        state: dict[str, Tensor] = {}
        factors: list[tuple[LayerInstance, float]] = []
        for record, place in pairs:
            module = self._modules.get(place.instance.path)
            state |= self._tensors(record, place, module)
            settings = record.kind.settings(record.values)
            if is_dropout(place.instance.layer):
                factors.append((place.instance, settings["factor"]))
            for name, value in settings.items():
                _set(module, name, value)
        loss, end = self._saved.loss, self._nest.loss
        if loss is not None and end is not None and loss.kind.takes(end.layer):
            for name, value in loss.kind.settings(loss.values).items():
                _set(self._modules.get(end.path), name, value)
        for dropout, factor in factors:
            scale(state, carrier(self._network, dropout), factor)
        return state

    def _require_fit(self, record: Record, place: PlacedLayer) -> None:
        instance = place.instance
        module = self._modules.get(instance.path)
        found = dict(record.kind.arguments(record.values))
        meant = dict(record.kind.meant(instance.layer, module))
        if place.join is not None and place.count:
            meant = dict.fromkeys(found, place.count)
        differences = [
            f"{name}: {found[name]} in the file, {meant[name]} in the spec"
            for name in found
            if name in meant and found[name] != meant[name]
        ]
        if not differences:
            differences = list(self._differing_tensors(record, place, module))
        if differences:
            open_yet = record.kind.settled(instance.layer, record.values) != instance.layer
            raise fail(
                f"{self._saved.source} does not fit {instance.path}",
                instance.span,
                *differences[:_MAX_DIFFERENCES],
                help="Network.settled(weights) is the network that the file holds"
                if open_yet
                else None,
                frames=instance.scope.frames(),
            )

    def _differing_tensors(
        self, record: Record, place: PlacedLayer, module: nn.Module | None
    ) -> Iterator[str]:
        wanted = _wanted(module)
        if not wanted or isinstance(place.instance.layer, InputLayer):
            return
        given = record.kind.state(record.values, place.instance.layer, module)
        for name, value in wanted.items():
            if name not in given:
                if name == "bias" or name == "num_batches_tracked":
                    continue  # a bias that dlib has switched off is zero
                yield f"{name}: the file has none (net_to_xml leaves running statistics out)"
            elif given[name].size != value.numel():
                yield (
                    f"{name}: {given[name].size:,} values in the file, "
                    f"{value.numel():,} in the spec ({'×'.join(map(str, value.shape))})"
                )
            elif given[name].ndim > 1 and given[name].shape != tuple(value.shape):
                shape = "×".join(map(str, given[name].shape))
                yield f"{name}: {shape} in the file, {'×'.join(map(str, value.shape))} in the spec"
        if "bias" in given and "bias" not in wanted:
            yield "bias: the file has one, the spec says bias=false"

    def _require_relus(self, pairs: list[tuple[Record, PlacedLayer]]) -> None:
        """A ReLU that dlib moved into a convolution is one that the spec has behind it."""
        fused = False
        for record, place in pairs:
            name, values = record.kind.name, record.values
            if name == "relu":
                if values["disabled"] and not fused:
                    raise self._refused(place, "the file has this ReLU switched off")
                fused = False
            elif name == "con":
                if fused:
                    break
                fused = values["use_relu"] and values["use_bias"]  # dlib needs both
                before = place
            elif fused and not values.get("disabled"):
                break
        if fused:
            raise self._refused(before, "the file's convolution has a ReLU in it, the spec's none")

    def _refused(self, place: PlacedLayer, message: str) -> ArchError:
        instance = place.instance
        return fail(
            f"{self._saved.source} does not fit {instance.path}",
            instance.span,
            message,
            help="dlib's fuse_layers moves a ReLU into the convolution right before it",
            frames=instance.scope.frames(),
        )

    def _tensors(
        self, record: Record, place: PlacedLayer, module: nn.Module | None
    ) -> dict[str, Tensor]:
        path, state = place.instance.path, {}
        if module is None:
            return {}
        keys = {key.rpartition(".")[2]: key for key in module.state_dict()}
        given = record.kind.state(record.values, place.instance.layer, module)
        for name, like in _wanted(module).items():
            key = f"{path}.{keys[name]}"
            if name in given:
                values = torch.from_numpy(given[name].copy())
                state[key] = values.reshape(like.shape).to(like.dtype)
            elif name == "bias":
                state[key] = torch.zeros_like(like)
            else:
                state[key] = like.clone()
        return state


def _wanted(module: nn.Module | None) -> dict[str, Tensor]:
    """The tensors of a module by their last names."""
    if module is None:
        return {}
    return {key.rpartition(".")[2]: value for key, value in module.state_dict().items()}


def _set(module: nn.Module | None, name: str, value: Any) -> None:
    """Set a number of a module, in the part of it that has such a one."""
    for part in module.modules() if module is not None else ():
        own = getattr(part, name, None)
        if isinstance(own, Tensor):
            own.copy_(torch.tensor(value).reshape(own.shape))
        elif own is not None:
            setattr(part, name, value)
        if own is not None:
            return
