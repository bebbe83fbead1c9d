"""The PyTorch target: straight-line code over torch.nn modules with hierarchical names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Set

import torch
from torch import fx, nn

from archdsl.backends.torch.emitter import START, Emitter
from archdsl.backends.torch.initial import SkippedInitialisation, initialise
from archdsl.diagnostics import fail
from archdsl.ir.lowering import Operand
from archdsl.ir.names import class_name
from archdsl.ir.network import LayerInstance, Network

__all__ = ["Fill", "compile_network", "compile_outline"]

Fill = Callable[[fx.GraphModule], Set[str]]
"""Gives tensors of a module their values, and returns the names of these tensors."""


def compile_network(
    network: Network, *, device: str = "cpu", seed: int | None = None, fill: Fill | None = None
) -> fx.GraphModule:
    """The module of a checked network, initialised, in training mode.

    Input N×C×H×W. Returns the output, or a dict of outputs by name where there are several.
    Submodules have the paths of their layers (``stage1.conv1``). A network with a loss has it as
    the attribute ``criterion``, and what makes labels of its output as ``decision``. What
    ``fill`` gives values to is not drawn. Raises ArchError where the device is missing.
    """
    place = _device(device)
    if seed is None:
        return _filled(network, place, fill)
    # Not torch.manual_seed: the caller's own random numbers stay as they are.
    with torch.random.fork_rng(devices=[place] if place.type == "cuda" else []):
        torch.manual_seed(seed)
        return _filled(network, place, fill)


def _filled(network: Network, device: torch.device, fill: Fill | None) -> fx.GraphModule:
    module = _compile(network, device, draw=fill is None)
    if fill is None:
        return module
    filled = fill(module)
    done: set[str] = set()
    for node in module.graph.nodes:
        target = str(node.target)
        if START in node.meta and target not in done:
            done.add(target)
            prefix = f"{target}."
            own = {name.removeprefix(prefix) for name in filled if name.startswith(prefix)}
            initialise(module.get_submodule(target), node.meta[START], filled=own)
    return module


def compile_outline(network: Network) -> fx.GraphModule:
    """The same without the values of weights, which take no memory: on torch's meta device."""
    return _compile(network, torch.device("meta"), draw=False)


def _compile(network: Network, device: torch.device, *, draw: bool = True) -> fx.GraphModule:
    emit = Emitter(network, draw=draw)
    nodes: dict[str, Operand] = {}
    overwritable = _overwritable(network)
    shapes = network.graph.nodes
    with device, SkippedInitialisation():
        for instance in network.instances():
            overwrite = bool(instance.inputs) and instance.inputs[0] in overwritable
            emit.begin(instance.path, overwrite, instance.frozen)
            inputs = tuple(shapes[path]["shape"] for path in instance.inputs)
            operands = tuple(nodes[path] for path in instance.inputs)
            nodes[instance.path] = instance.layer.edge_lower(emit, operands, inputs)
        outputs = {
            name: emit.result(name, nodes[path], shapes[path]["shape"])
            for name, path in network.outputs.items()
        }
    emit.graph.output(outputs if len(outputs) > 1 else next(iter(outputs.values())))
    module = fx.GraphModule(
        _tree(emit.modules), emit.graph, class_name=class_name(network.name, "Network")
    )
    if emit.loss is not None:
        module.criterion = emit.loss
    if emit.verdict is not None:
        module.decision = emit.verdict
    return module


def _tree(modules: Mapping[str, nn.Module]) -> nn.Module:
    """The modules in a module, by path: fx keeps their order then, and not where it gets a dict."""
    root = nn.Module()
    inner = {"": root}
    for path, module in modules.items():
        at, parent = "", root
        *scopes, name = path.split(".")
        for scope in scopes:
            at = f"{at}.{scope}"
            if at not in inner:
                inner[at] = nn.Module()
                parent.add_module(scope, inner[at])
            parent = inner[at]
        parent.add_module(name, module)
    return root


def _overwritable(network: Network) -> set[str]:
    """The layers whose only reader may write over their output; gradients do not need it either."""
    consumers: Counter[str] = Counter()
    for instance in network.instances():
        consumers.update(instance.inputs)
    kept = set(network.outputs.values())
    return {i.path for i in network.instances() if _dispensable(i, consumers, kept)}


def _dispensable(instance: LayerInstance, consumers: Counter[str], kept: set[str]) -> bool:
    single = consumers[instance.path] == 1 and instance.path not in kept
    return single and not instance.layer.keeps_output


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError:
        raise fail(f"--device {name}: expected cpu, cuda or cuda:N") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise fail(f"--device {name}: torch finds no CUDA device on this machine")
    if device.type not in ("cpu", "cuda"):
        raise fail(f"--device {name}: expected cpu, cuda or cuda:N")
    return device
