"""Every layer computes what dlib's does: outputs of all layers against dlib's own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cases import CASES
from make import asked
from torch import Tensor, fx, nn

import archdsl
from archdsl.backends.torch.flat import LAYER, flat_of
from archdsl.backends.torch.modules import DlibDropout

DATA = Path(__file__).parent / "data"
NAMED = {case.name: case for case in CASES}


# ---- dlib's record ----


def recorded(name: str) -> dict[str, Tensor]:
    with np.load(DATA / f"{name}.npz") as arrays:
        return {key: torch.from_numpy(arrays[key].copy()) for key in arrays}


def layers_of(record: Mapping[str, Tensor]) -> list[tuple[str, dict[str, Tensor]]]:
    """dlib's computing layers in the order of the data: their words, parameters and output."""
    layers: dict[int, tuple[str, dict[str, Tensor]]] = {}
    for key, value in record.items():
        if key.startswith("layer/"):
            _, index, word, what = key.split("/")
            layers.setdefault(int(index), (word, {}))[1][what] = value
    ordered = [layers[index] for index in sorted(layers, reverse=True)]
    return [(word, found) for word, found in ordered if not word.startswith(("tag", "skip"))]


# ---- archdsl's ----


class Recorder(fx.Interpreter):
    """Keeps what every node of a compiled module gives, before anything writes over it."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.outputs: dict[fx.Node, Any] = {}

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        self.outputs[n] = value.clone() if isinstance(value, Tensor) else value
        return value


def compiled(network: archdsl.Network) -> tuple[fx.GraphModule, dict[str, str]]:
    """The module, and for every layer's path the name of the node that is its output."""
    module = flat_of(network.checked, network.to_torch(seed=0))
    return module, {n.meta[LAYER]: n.name for n in module.graph.nodes if LAYER in n.meta}


def _ordered(network: archdsl.Network) -> list[Any]:
    """Layers as dlib has them: of an inception block the last branch comes first."""
    layers = [i for i in network.checked.instances() if type(i.layer).inputs != 0]
    layers = [i for i in layers if not i.layer.kind.startswith("loss_")]

    def branch(instance: Any) -> int:
        part = instance.path.partition(".")[0]
        return -int(part.removeprefix("branch")) if part.startswith("branch") else 0

    first = [i for i in layers if branch(i) < 0]
    if not first:
        return layers
    at = layers.index(first[0])
    assert layers[at : at + len(first)] == first
    return layers[:at] + sorted(first, key=branch) + layers[at + len(first) :]


def filled(module: nn.Module, found: Mapping[str, Tensor]) -> None:
    """Carry dlib's parameters over, from dlib's layout into torch's."""
    values = {key: value.flatten() for key, value in found.items()}
    target = dict(module.named_parameters()) | dict(module.named_buffers())
    names = {name.rpartition(".")[2]: tensor for name, tensor in target.items()}
    if "gamma" in values:
        pairs = {"weight": "gamma", "bias": "beta"}
        pairs |= {"running_mean": "running_means", "running_var": "running_variances"}
        for ours, theirs in pairs.items():
            if ours in names:
                names[ours].copy_(values[theirs].reshape(names[ours].shape))
        return
    if "params" not in values:
        assert not list(module.parameters())
        return
    weight, bias, given = names["weight"], names.get("bias"), values["params"]
    count = weight.numel()
    assert len(given) == count + (0 if bias is None else bias.numel())
    if isinstance(module, nn.Linear):  # dlib has inputs × outputs
        weight.copy_(given[:count].reshape(weight.shape[1], weight.shape[0]).T)
    else:
        weight.copy_(given[:count].reshape(weight.shape))
    if bias is not None:
        bias.copy_(given[count:].reshape(bias.shape))


def pairs(name: str) -> Iterator[tuple[str, Tensor, Tensor]]:
    """The kind, dlib's output and archdsl's for every layer whose output dlib kept."""
    case, record = NAMED[name], recorded(name)
    network = archdsl.load(case.text, input=case.size)
    theirs, ours = layers_of(record), _ordered(network)
    assert len(theirs) == len(ours), ([w for w, _ in theirs], [i.path for i in ours])
    module, nodes = compiled(network)
    for path, part in list(module.named_modules()):
        if isinstance(part, nn.Dropout):
            module.set_submodule(path, DlibDropout(part.p))
    with torch.no_grad():
        for (_, found), instance in zip(theirs, ours, strict=True):
            if "params" in found or "gamma" in found:
                filled(module.get_submodule(instance.path), found)
        recorder = Recorder(module.eval())
        recorder.run(record["given"].reshape(-1, *case.size))
    outputs = {node.name: value for node, value in recorder.outputs.items()}
    for (_, found), instance in zip(theirs, ours, strict=True):
        if "output" in found:
            yield instance.path, found["output"], outputs[nodes[instance.path]]


def assert_close(theirs: Tensor, ours: Tensor, where: str) -> None:
    """Equal shapes, a row being features×1×1, and values within 1e-5 of the layer's scale."""
    ours = ours.reshape(*ours.shape, 1, 1) if ours.dim() == 2 else ours
    assert theirs.shape == ours.shape, where
    scale = theirs[theirs.isfinite()].abs().max().clamp(min=1e-3)
    torch.testing.assert_close(ours / scale, theirs / scale, atol=1e-5, rtol=0, msg=where)


DEVIATING = {"tril"}
"""Cases in which archdsl follows dlib's documentation, not its code."""


@pytest.mark.parametrize("name", [name for name in NAMED if name not in DEVIATING])
def test_every_layer_gives_what_dlib_gives(name: str) -> None:
    compared = 0
    for path, theirs, ours in pairs(name):
        assert_close(theirs, ours, f"{name}: {path}")
        compared += 1
    assert compared > 0


@pytest.mark.parametrize("name", NAMED)
def test_every_layer_has_as_many_parameters(name: str) -> None:
    """Counted without building a module; dlib's are what it recorded."""
    case = NAMED[name]
    network = archdsl.load(case.text, input=case.size)
    counted = [i.layer.edge_parameters(network.checked.input_shapes(i)) for i in _ordered(network)]
    wanted = [
        sum(found[part].numel() for part in ("params", "gamma", "beta") if part in found)
        for _, found in layers_of(recorded(name))
    ]
    assert counted == wanted


def test_the_input_is_what_dlib_makes_of_an_image() -> None:
    """Means and divisors, seen by a network that is hardly more than its input."""
    for name in ("input_uchar", "input_rgb"):
        record = recorded(name)
        given = record["given"].reshape(record["input"].shape)
        torch.testing.assert_close(given / 256, record["input"])


def test_dlib_leaves_values_at_tril() -> None:
    """dlib's code does not do what its documentation says; archdsl's layer does, and warns."""
    record = recorded("tril")
    assert torch.equal(record["layer/0/tril/output"], record["input"])
    ((_, _, ours),) = pairs("tril")
    assert torch.equal(ours, record["input"].tril())
    (warning,) = archdsl.load("tril<input<1,3,3>>").warnings
    assert "dlib's code leaves values" in warning.message


# ---- asking again ----


@pytest.mark.slow
def test_dlib_gives_the_recorded_values(tmp_path: Path) -> None:
    """The committed records are what dlib's headers give today."""
    source = os.environ.get("DLIB_SOURCE")
    if source is None or shutil.which("g++") is None:
        pytest.skip("needs g++ and dlib's source in DLIB_SOURCE")
    some = [NAMED[name] for name in ("con_same", "bn_con_affine", "dropout", "repeat")]
    for case, answer in asked(some, Path(source), tmp_path):
        record = recorded(case.name)
        assert answer.keys() == record.keys()
        for key, value in record.items():
            assert np.allclose(answer[key], value, atol=1e-6), (case.name, key)
        kept = (DATA / f"{case.name}.dat").read_bytes()
        assert (tmp_path / f"{case.name}.dat").read_bytes() == kept
