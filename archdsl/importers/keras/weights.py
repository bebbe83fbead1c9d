"""Keras's weights in a compiled network, and whether it computes what Keras computes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from archdsl.backends.torch import compile_network
from archdsl.backends.torch.trial_run import undisturbed
from archdsl.diagnostics import ArchError, fail
from archdsl.diagnostics.foreign import parsing
from archdsl.importers import ImportOptions, Proof
from archdsl.importers.comparison import compared
from archdsl.importers.keras import file, read
from archdsl.importers.keras.feature_order import in_our_order, orders
from archdsl.importers.weight_map import DifferentNetworkError, layers_of, outputs_of, state
from archdsl.importers.windows import same
from archdsl.layers.normalization import BatchNorm, GroupNorm, LayerNormLast
from archdsl.text.paths import is_file

if TYPE_CHECKING:
    from archdsl.importers.imported_graph import ImportedGraph
    from archdsl.importers.weight_map import Array
    from archdsl.ir.edges import Shape
    from archdsl.ir.network import Network

_BRINGS = "pip install 'archdsl[keras]' brings Keras, which reads the file"
_NORMS = BatchNorm, GroupNorm, LayerNormLast
_DEPTHWISE = (2, 3, 0, 1)
_AXES = {4: (3, 2, 0, 1), 2: (1, 0)}
"""Places of PyTorch's axes of a kernel and of a matrix in Keras's."""


def load(path: Path, network: Network, module: nn.Module) -> dict[str, Tensor]:
    """The weights of a ``.keras`` or ``.weights.h5`` file by the names of a compiled network.

    A ``.weights.h5`` file says only the classes of its layers: beside it has to be what
    ``model.to_json()`` writes, with the same name. Raises ArchError where the file cannot be read
    or holds another network.
    """
    what = path
    if path.suffix.lower() == ".h5":
        what = path.with_name(path.name[: -len(path.suffix)].removesuffix(".weights") + ".json")
        if not is_file(what):
            raise fail(
                f"there is no {what} beside {path}, to say which layers the weights are of",
                None,
                "expected what model.to_json() writes",
            )
    graph = _graph_of_file(what, network)
    try:
        with parsing(path, "a file of weights of Keras"):
            model = _installed(what, path)
        return _carried(graph, model, network, module)
    except DifferentNetworkError:
        raise fail(
            f"{path} holds another network than {network.name}",
            None,
            help=f"archdsl import {what} writes the spec that its weights fit",
        ) from None


def _installed(what: Path, path: Path) -> Any:
    try:
        return file.model(what, path)
    except ImportError:
        raise fail(f"cannot read {path} without Keras", help=_BRINGS, code="E412") from None


def proof(network: Network, what: str) -> Proof:
    """Compares the compiled network with Keras's model: with the file's weights, or random ones."""
    path = Path(what)
    own = path if path.suffix.lower() == ".keras" else None
    try:
        model = file.model(path, own)
    except ImportError:
        return Proof(None, (_BRINGS,))
    except ArchError:
        raise
    except Exception as error:  # what Keras raises for files of other versions is of any kind
        return Proof(None, (f"Keras does not read the file: {_reason(error)}",))
    edges = [layer.name for _, layer in _layers(model) if _replicates(layer)]
    if edges:
        told = "Keras on torch pads averages with the values at the edge, TensorFlow with none"
        return Proof(None, (f"{edges[0]}: {told}",))
    if own is None:
        rng = np.random.default_rng(0)
        for _, layer in _layers(model):
            layer.set_weights([_random(rng, part.name, part.shape) for part in layer.weights])
    graph = _graph_of_file(path, network)
    module = compile_network(network)
    try:
        module.load_state_dict(_carried(graph, model, network, module), strict=False)
        ends = [orders(graph)[index][1] for index in graph.outputs.values()]
        theirs = _run(model, network)
    except ArchError as error:
        return Proof(None, (error.diagnostics[0].message,))
    except Exception as error:  # as above, where it runs the model
        return Proof(None, (f"Keras does not run the model: {_reason(error)}",))
    x = torch.from_numpy(_pictures(network))
    with undisturbed(module, training=False), torch.inference_mode():
        result: Any = module(x)
    names = outputs_of(graph, network)
    tensors = [result[name] for name in names] if isinstance(result, dict) else [result]
    mine = [
        values.numpy() if order is None else values.numpy()[:, order]
        for values, order in zip(tensors, ends, strict=True)
    ]
    weights = "the same random weights" if own is None else "the file's weights"
    return compared(mine, theirs, "Keras", weights)


def _graph_of_file(path: Path, network: Network) -> ImportedGraph:
    """The graph of a file for the input that a network takes."""
    return read(str(path), ImportOptions(cast("Shape", network.shape(network.input))))


def _carried(
    graph: ImportedGraph, model: Any, network: Network, module: nn.Module
) -> dict[str, Tensor]:
    """A model's weights by the names of a compiled network."""
    weights = {
        f"{path}/{part.name}": _in_our_axes(layer, part)
        for path, layer in _layers(model)
        for part in layer.weights
    }
    shapes = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    found = state(graph, network, in_our_order(graph, weights), shapes)
    for operation, place in zip(graph.operations, layers_of(graph, network), strict=True):
        if isinstance(operation.layer, _NORMS):
            # Keras may leave out the factors or the offsets.
            for key in {"weight", "bias"} - operation.tensors.keys():
                ours = f"{place}.{key}"
                found[ours] = np.full(shapes[ours], float(key == "weight"), np.float32)
    return {name: torch.tensor(np.ascontiguousarray(values)) for name, values in found.items()}


def _in_our_axes(layer: Any, part: Any) -> Array:
    values: Array = part.value.numpy(force=True)
    depthwise = part.name == "depthwise_kernel" or type(layer).__name__ == "DepthwiseConv2D"
    axes = _DEPTHWISE if depthwise and values.ndim == 4 else _AXES.get(values.ndim)
    return values.transpose(axes) if axes else values


def _layers(model: Any) -> list[tuple[str, Any]]:
    """The layers of a model and of the models inside of it, by their paths (``head/dense``)."""
    found, waiting = [], [("", layer) for layer in reversed(model.layers)]
    while waiting:
        prefix, layer = waiting.pop()
        if hasattr(layer, "layers"):
            waiting += [(f"{prefix}{layer.name}/", inner) for inner in reversed(layer.layers)]
        else:
            found.append((prefix + layer.name, layer))
    return found


def _replicates(layer: Any) -> bool:
    """True if Keras's torch backend averages other values than TensorFlow's does.

    It does so where "same" padding is unequal on two sides: keras.src.backend.torch.nn,
    _apply_same_padding.
    """
    import keras

    if not isinstance(layer, keras.layers.AveragePooling2D) or layer.padding != "same":
        return False
    sizes = layer.input.shape[1:3]
    if keras.backend.backend() != "torch" or None in sizes:
        return bool(keras.backend.backend() == "torch")
    sides = same(sizes, layer.pool_size, layer.strides)
    return bool(sides.first != sides.last)


def _random(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> Array:
    """Values that keep the size of what flows; variances and factors are positive."""
    if name in ("gamma", "moving_variance"):
        drawn = rng.uniform(0.5, 1.5, shape)
    else:
        fan = int(np.prod(shape[:-1])) if len(shape) > 1 else 4
        drawn = rng.normal(size=shape) / max(fan, 1) ** 0.5
    values: Array = drawn.astype(np.float32)
    return values


def _pictures(network: Network) -> Array:
    sizes = [size or 1 for size in cast("Shape", network.shape(network.input))]
    return np.random.default_rng(0).random((2, *sizes), dtype=np.float32)


def _run(model: Any, network: Network) -> list[Array]:
    """Outputs of Keras, in our axes, for the pictures that the network is given.

    What scales pixels in front of the network is left out of a spec, so it is undone before.
    """
    import keras

    x = _pictures(network)
    x = x.reshape(2, -1) if len(model.inputs[0].shape) == 2 else x.transpose(0, 2, 3, 1)
    for layer in reversed(list(_scales(model))):
        if isinstance(layer, keras.layers.Rescaling):
            x = (x - np.float32(layer.offset)) / np.float32(layer.scale)
        else:
            deviation = np.sqrt(np.asarray(layer.variance)).clip(keras.backend.epsilon())
            x = x * deviation + np.asarray(layer.mean)
    result = model(keras.ops.convert_to_tensor(x), training=False)
    several = isinstance(result, (dict, list, tuple))
    parts = list(result.values() if isinstance(result, dict) else result) if several else [result]
    found = [part.numpy(force=True) for part in parts]
    return [part.transpose(0, 3, 1, 2) if part.ndim == 4 else part for part in found]


def _scales(model: Any) -> Iterator[Any]:
    """The layers at a model's input that only scale pixels."""
    import keras

    for _, layer in _layers(model):
        if isinstance(layer, (keras.layers.Rescaling, keras.layers.Normalization)):
            yield layer
        elif not isinstance(layer, keras.layers.InputLayer):
            return


def _reason(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]
