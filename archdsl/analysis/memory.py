"""The memory that a network takes, at inference and in training, from sizes alone.

Counted as torch holds it: 32-bit floats, a tensor is freed with its last reader, and blocks hold
their inputs until they return. Libraries' own buffers inside a convolution are not counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from archdsl.ir.edges import EdgeType, FeatureMaps, Images, applications, elements
from archdsl.ir.flat import Scope
from archdsl.ir.network import LayerInstance, Network
from archdsl.ir.overwriting import overwritable
from archdsl.ir.storage import VALUE
from archdsl.text.words import counted
from archdsl.text.words import memory as size_words


@dataclass(frozen=True)
class Memory:
    """Bytes that a network takes for ``images`` at once."""

    images: int
    weights: int
    """Weights and buffers, which are there all the time."""
    learned: int
    """The weights that learn: as much again for gradients, and for each state of an optimiser."""
    inference: int
    """The most that tensors between the layers take at one time, the input included."""
    training: int
    """The same in a training step, gradients of weights included where they are held already."""

    def __str__(self) -> str:
        batch = counted(self.images, "image")
        inference, training = self.weights + self.inference, self.weights + self.training
        return (
            f"memory: {size_words(self.weights)} of weights, {size_words(inference)} with what "
            f"inference of {batch} holds, {size_words(training)} with what a training step does"
        )


class UnknownMemoryError(ValueError):
    """Raised where the size of a tensor is open: its words say of which layer, and why."""


def memory(network: Network, images: int = 1) -> Memory:
    """The memory of a checked network; raises :class:`UnknownMemoryError` where a size is open."""
    held = _Tensors(network, images)
    learned = sum(held.learned.values())
    return Memory(images, weight_bytes(network), learned, held.inference(), held.training())


def inference_bytes(network: Network, images: int = 1) -> int:
    """``memory(network, images).inference``, without the work for training."""
    return _Tensors(network, images).inference()


def weight_bytes(network: Network) -> int:
    """Bytes of the weights and buffers of a checked network."""
    return sum(_weights(network, instance) for instance in network.instances())


def _weights(network: Network, instance: LayerInstance) -> int:
    inputs, layer = network.input_shapes(instance), instance.layer
    if instance.shares:
        return 0
    return VALUE * (layer.edge_parameters(inputs) + layer.edge_buffers(inputs))


class _Tensor(NamedTuple):
    """The output of a layer: the memory it lies in, and the memory that it takes itself."""

    place: str
    """The layer whose output first lay in that memory."""
    size: int
    """Bytes of the output."""
    own: int
    """The same, but 0 where it lies in memory that is there already."""


class _Tensors:
    """The tensors of a run of a network, and how long each is held."""

    def __init__(self, network: Network, images: int) -> None:
        self._network = network
        self._images = images
        self._layers = list(network.instances())
        self._numbers = {instance.path: i for i, instance in enumerate(self._layers)}
        self._overwrite = overwritable(network)
        self._sizes = {each.path: self._size(each) for each in self._layers}
        self.learned = {each.path: self._learned(each) for each in self._layers}
        """Bytes of weights that learn, by the layer that first has them."""

    def inference(self) -> int:
        """Bytes of the most that is held at one time without gradients."""
        tensors = self._tensors(training=False)
        last = self._last(tensors, {})
        now = most = self._given()
        for number, instance in enumerate(self._layers):
            now += tensors[instance.path].own
            most = max(most, now + self._workspace(instance))
            now -= sum(last[number])
        return most

    def training(self) -> int:
        """Bytes of the most that is held at one time in a step forward and back."""
        tensors = self._tensors(training=True)
        active = self._active()
        kept = {each.path: self._kept(each, tensors, active) for each in self._layers}
        # What a layer keeps is released when its own gradient has been worked out.
        release: dict[str, str] = {}
        for instance in self._layers:
            for place in kept[instance.path][0]:
                release.setdefault(place, instance.path)
        last = self._last(tensors, release)
        now = most = self._given()
        for number, instance in enumerate(self._layers):
            now += tensors[instance.path].own + kept[instance.path][1]
            most = max(most, now + self._workspace(instance))
            now -= sum(last[number])
        released: defaultdict[str, int] = defaultdict(int)
        for place, path in release.items():
            released[path] += tensors[place].own
        return max(most, self._backward(now, tensors, active, kept, released))

    def _backward(
        self,
        now: int,
        tensors: Mapping[str, _Tensor],
        active: set[str],
        kept: Mapping[str, tuple[set[str], int]],
        released: Mapping[str, int],
    ) -> int:
        """The most that is held while gradients are worked out, the last layer's first."""
        gradients: dict[str, int] = {}
        for path in self._network.outputs.values():
            gradients[path] = tensors[path].size
        now += sum(gradients.values())
        most = now
        for instance in reversed(self._layers):
            path = instance.path
            if path not in active:
                now -= released.get(path, 0)
                continue
            own = gradients.pop(path, 0)
            passed = instance.layer.storage.passes_gradient
            made = self.learned[path]
            if instance.scope.shared:  # the gradients of two uses, and their sum
                most = max(most, now + 3 * made)
            for place in instance.inputs:
                if place not in active:
                    continue
                size = tensors[place].size
                if place in gradients:  # added to the gradient from another reader
                    most = max(most, now + made + size)
                else:
                    gradients[place] = size
                    made += size
            if passed:  # the gradients of the inputs lie in that of the output
                now, own = now - own, 0
            now += made
            most = max(most, now)
            now -= own + kept[path][1] + released.get(path, 0)
        return most

    def _size(self, instance: LayerInstance) -> int:
        shape = self._network.shape(instance.path)
        return VALUE * self._images * sum(self._counts(instance, shape))

    def _counts(self, instance: LayerInstance, edge: EdgeType) -> Iterator[int]:
        if not isinstance(edge, (tuple, FeatureMaps, Images)):
            raise UnknownMemoryError(
                f"how much {edge.words} {instance.path} gives differs by the image"
            )
        for (shape,) in applications((edge,), instance.layer.kind):
            count = elements(shape)
            if count is None:
                raise UnknownMemoryError(f"the size of what {instance.path} gives is open")
            yield count

    def _given(self) -> int:
        """Bytes of the batch, which stays with the caller, where the input makes another of it."""
        entries = (each for each in self._layers if not each.inputs)
        return sum(self._sizes[e.path] for e in entries if not e.layer.storage.view)

    def _workspace(self, instance: LayerInstance) -> int:
        return instance.layer.storage.workspace * self._sizes[instance.path] // VALUE

    def _learned(self, instance: LayerInstance) -> int:
        return 0 if instance.shares or instance.frozen else VALUE * self._parameters(instance)

    def _learns(self, instance: LayerInstance) -> bool:
        return not instance.frozen and self._parameters(instance) > 0

    def _parameters(self, instance: LayerInstance) -> int:
        return instance.layer.edge_parameters(self._network.input_shapes(instance))

    def _tensors(self, *, training: bool) -> dict[str, _Tensor]:
        found: dict[str, _Tensor] = {}
        for instance in self._layers:
            storage, size = instance.layer.storage, self._sizes[instance.path]
            shared = storage.view or (storage.idle and not training)
            if storage.overwrites and instance.path in self._overwrite:
                shared = True
            if shared and instance.inputs:
                found[instance.path] = _Tensor(found[instance.inputs[0]].place, size, 0)
            else:
                found[instance.path] = _Tensor(instance.path, size, size)
        return found

    def _active(self) -> set[str]:
        """The layers whose output has a gradient."""
        found: set[str] = set()
        for instance in self._layers:
            if self._learns(instance) or not found.isdisjoint(instance.inputs):
                found.add(instance.path)
        return found

    def _kept(
        self, instance: LayerInstance, tensors: Mapping[str, _Tensor], active: set[str]
    ) -> tuple[set[str], int]:
        """The places that a layer's gradient needs, and the bytes that it needs beside them."""
        if instance.path not in active:
            return set(), 0
        storage, layer = instance.layer.storage, instance.layer
        seen = applications(self._network.input_shapes(instance), layer.kind)
        made = (each for (each,) in applications((self._network.shape(instance.path),), layer.kind))
        extra = sum(
            layer.kept(layer.seen(shapes), output)
            for shapes, output in zip(seen, made, strict=True)
        )
        own = tensors[instance.path]
        overwritten = storage.overwrites and not own.own
        places = {tensors[path].place for path in instance.inputs} if storage.keeps_input else set()
        if overwritten and storage.keeps_input and not storage.keeps_output:
            places, extra = set(), extra + own.size // self._images  # a copy of the input
        if storage.keeps_output or not instance.inputs:
            places.add(own.place)
        return places, extra * self._images

    def _last(
        self, tensors: Mapping[str, _Tensor], kept: Mapping[str, str]
    ) -> defaultdict[int, list[int]]:
        """Bytes that are freed, by the number of the layer behind which they are.

        The network's input stays with the caller, its outputs are returned.
        """
        until: dict[str, int] = {}
        ends: dict[Scope, int] = {}
        for number, instance in enumerate(self._layers):
            for scope in _around(instance.scope):
                ends[scope] = number
        for number, instance in enumerate(self._layers):
            place = tensors[instance.path].place
            until[place] = max(until.get(place, 0), number)
            for path in instance.inputs:
                place = tensors[path].place
                home = set(_around(self._layers[self._numbers[path]].scope))
                held = number
                for scope in _around(instance.scope):
                    if scope in home:
                        break
                    held = ends[scope]  # a block's caller holds what it gave it
                until[place] = max(until[place], held)
        stay = {tensors[path].place for path in self._network.outputs.values()}
        stay.add(self._network.input)
        freed: defaultdict[int, list[int]] = defaultdict(list)
        for place, number in until.items():
            if place not in stay and place not in kept:
                freed[number].append(tensors[place].own)
        return freed


def _around(scope: Scope) -> Iterator[Scope]:
    current: Scope | None = scope
    while current is not None:
        yield current
        current = current.parent
