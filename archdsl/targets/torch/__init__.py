"""The PyTorch target: straight-line code over torch.nn modules with hierarchical names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import torch
from torch import fx, nn

from archdsl.diagnostics import fail
from archdsl.graph.model import LayerInstance, Network
from archdsl.graph.names import class_name
from archdsl.targets.torch.emitter import Emitter, Operand
from archdsl.targets.torch.initial import SkippedInitialisation

__all__ = ["compile_network", "compile_outline"]


def compile_network(
    network: Network, *, device: str = "cpu", seed: int | None = None
) -> fx.GraphModule:
    """The module of a checked network, initialised, in training mode.

    Input N×C×H×W. Returns the output, or a dict of outputs by name where there are several.
    Submodules have the paths of their layers (``stage1.conv1``). A network with a loss has it as
    the attribute ``criterion``, and what makes labels of its output as ``decision``. Raises
    ArchError where the device is missing.
    """
    place = _device(device)
    if seed is not None:
        # Not torch.manual_seed: the caller's own random numbers stay as they are.
        with torch.random.fork_rng(devices=[place] if place.type == "cuda" else []):
            torch.manual_seed(seed)
            return _compile(network, place)
    return _compile(network, place)


def compile_outline(network: Network) -> fx.GraphModule:
    """The same without the values of weights, which take no memory: on torch's meta device."""
    return _compile(network, torch.device("meta"))


def _compile(network: Network, device: torch.device) -> fx.GraphModule:
    emit = Emitter(network)
    nodes: dict[str, Operand] = {}
    overwritable = _overwritable(network)
    shapes = network.graph.nodes
    with device, SkippedInitialisation():
        for instance in network.instances():
            overwrite = bool(instance.inputs) and instance.inputs[0] in overwritable
            emit.begin(instance.path, overwrite, instance.frozen)
            inputs = tuple(shapes[path]["shape"] for path in instance.inputs)
            operands = tuple(nodes[path] for path in instance.inputs)
            nodes[instance.path] = instance.layer.attach(emit, operands, inputs)
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
