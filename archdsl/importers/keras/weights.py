"""Comparison of a spec's network with Keras itself, on weights that Keras initialises."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from archdsl.diagnostics import fail
from archdsl.importers import ImportOptions, Proof
from archdsl.importers.keras import read
from archdsl.importers.weight_map import state

if TYPE_CHECKING:
    from archdsl.importers.weight_map import Array
    from archdsl.ir.edges import Shape
    from archdsl.ir.network import Network

_TOLERANCE = 1e-4  # of an output's largest value


def proof(network: Network, what: str) -> Proof:
    """Compares the compiled network with Keras's model, both with the same random weights."""
    import numpy as np
    import torch

    from archdsl.backends.torch import compile_network
    from archdsl.backends.torch.trial_run import undisturbed

    text = Path(what).read_text()
    _only_kerass(json.loads(text), what)
    # Keras asks for its backend once, where it is imported.
    os.environ.setdefault("KERAS_BACKEND", "torch")
    try:
        import keras
    except ImportError:
        return Proof(None, ("pip install 'archdsl[keras]', which runs the model",))
    try:
        model = keras.saving.deserialize_keras_object(json.loads(text), safe_mode=True)
    except Exception as error:  # what Keras raises for files of other versions is of any kind
        reason = str(error).strip().partition("\n")[0][:200]
        return Proof(None, (f"Keras does not read the file: {reason}",))
    channels, height, width = (size or 1 for size in cast("Shape", network.shape(network.input)))
    rows = len(model.inputs[0].shape) == 2
    graph = read(what, ImportOptions(None if rows else (channels, height, width)))
    rng = np.random.default_rng(0)
    weights: dict[str, Array] = {}
    for name, layer in _layers(model):
        drawn = []
        for variable in layer.weights:
            values = _random(rng, variable.name, tuple(variable.shape))
            drawn.append(values)
            depthwise = variable.name == "depthwise_kernel" or "Depthwise" in type(layer).__name__
            axes = {4: (2, 3, 0, 1) if depthwise else (3, 2, 0, 1), 2: (1, 0)}.get(values.ndim)
            weights[f"{name}/{variable.name}"] = values.transpose(axes) if axes else values
        layer.set_weights(drawn)
    flattens = any(note.startswith("Keras flattens") for note in graph.notes)
    if flattens:
        return Proof(None, ("weights behind Flatten are in another order, which is not undone",))
    module = compile_network(network)
    shapes = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    transferred = state(graph, network, weights, shapes)
    tensors = {name: torch.tensor(np.ascontiguousarray(v)) for name, v in transferred.items()}
    module.load_state_dict(tensors, strict=False)
    x = rng.random((2, channels, height, width), dtype=np.float32)
    theirs_in = x.transpose(0, 2, 3, 1)
    if rows:
        theirs_in = theirs_in.reshape(2, -1)
    result: Any = model.predict_on_batch(theirs_in)
    theirs = [np.asarray(part) for part in (result if isinstance(result, list) else [result])]
    with undisturbed(module, training=False), torch.inference_mode():
        mine: Any = module(torch.from_numpy(x))
    ours = [part.numpy() for part in (mine.values() if isinstance(mine, dict) else [mine])]
    theirs = [part.transpose(0, 3, 1, 2) if part.ndim == 4 else part for part in theirs]
    if [part.shape for part in ours] != [part.shape for part in theirs]:
        shown = [part.shape for part in ours], [part.shape for part in theirs]
        return Proof(False, (f"outputs {shown[0]}, and Keras gives {shown[1]}",))
    pairs = list(zip(ours, theirs, strict=True))
    apart = max((float(abs(a - b).max()) for a, b in pairs), default=0.0)
    largest = max((float(abs(b).max()) for _, b in pairs), default=0.0)
    told = f"outputs as Keras's with the same random weights, largest difference {apart:.3g}"
    return Proof(apart <= _TOLERANCE * largest, (told,))


def _layers(model: Any) -> list[tuple[str, Any]]:
    """The layers of a model and of the models inside of it, by the names of their variables."""
    found, waiting = [], list(model.layers)
    while waiting:
        layer = waiting.pop()
        if hasattr(layer, "layers"):
            waiting += layer.layers
        else:
            found.append((layer.name, layer))
    return found


def _random(rng: Any, name: str, shape: tuple[int, ...]) -> Array:
    """Values that keep the size of what flows; variances and factors are positive."""
    import numpy as np

    if name in ("gamma", "moving_variance"):
        drawn = rng.uniform(0.5, 1.5, shape)
    else:
        fan = int(np.prod(shape[:-1])) if len(shape) > 1 else 4
        drawn = rng.normal(size=shape) / max(fan, 1) ** 0.5
    values: Array = drawn.astype(np.float32)
    return values


def _only_kerass(document: Any, what: str) -> None:
    """Refuses a file that names modules besides Keras's own, since reading it would import them."""
    waiting = [document]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            module = part.get("module")
            if isinstance(module, str) and module.partition(".")[0] not in ("keras", "builtins"):
                raise fail(f"{what} names the module {module}", None, "expected Keras's own alone")
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
