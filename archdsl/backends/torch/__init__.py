"""The PyTorch target: a hierarchy of modules, one for every block of the network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Set
from contextlib import nullcontext

import torch
from torch import nn

from archdsl.backends.plan import Plan, Unit, plan, units
from archdsl.backends.plan.units import unit_key, unit_name
from archdsl.backends.torch.blocks import block_class, chain_class, filled, is_chain, notes
from archdsl.backends.torch.flat import flat
from archdsl.backends.torch.initial import UNDRAWN, SkippedInitialisation, initialise
from archdsl.backends.torch.realise import live, module_of
from archdsl.backends.torch.room import require_room
from archdsl.diagnostics import fail
from archdsl.ir.gc_pause import collector_paused
from archdsl.ir.lowering import Construct
from archdsl.ir.names import class_name
from archdsl.ir.network import Network

__all__ = ["Fill", "compile_network", "compile_outline", "flat"]

Fill = Callable[[nn.Module], Set[str]]
"""Gives tensors of a module their values, and returns the names of these tensors."""


def compile_network(
    network: Network,
    *,
    device: str | None = None,
    seed: int | None = None,
    fill: Fill | None = None,
    max_memory: int | None = None,
) -> nn.Module:
    """The module of a checked network, initialised, in training mode.

    Input N×C×H×W. Returns the output, or a dict of outputs by name where there are several.
    Submodules have the paths of their layers (``stage1.conv1``); those of blocks (``stage1``) can
    be called, hooked and wrapped by themselves. A network with a loss has it as the attribute
    ``criterion``, and what makes labels of its output as ``decision``. What ``fill`` gives values
    to is not drawn. The module's dict ``meta`` is for notes. ``device`` is torch's default device
    unless given; on ``meta`` weights have no values. Raises ArchError where the device is missing,
    and where the weights take more bytes than ``max_memory``, or than are free.
    """
    place = torch.get_default_device() if device is None else _device(device)
    if place.type == "cpu":
        require_room(network, max_memory)
    if seed is None or place.type == "meta":
        return _compile(network, place, fill)
    # Not torch's own generator: the caller's random numbers stay as they are, and other threads
    # may draw at the same time.
    return _compile(network, place, fill, torch.Generator(place).manual_seed(seed))


def compile_outline(network: Network) -> nn.Module:
    """The same without the values of weights, which take no memory: on torch's meta device."""
    return _compile(network, torch.device("meta"), None)


@collector_paused()
def _compile(
    network: Network,
    device: torch.device,
    fill: Fill | None,
    generator: torch.Generator | None = None,
) -> nn.Module:
    planned = plan(network)
    # As a context, a device costs a call of Python for every function of torch.
    with nullcontext() if device == torch.get_default_device() else device:
        module = _hierarchy(network, planned, generator)
    if device.type != "meta":
        done = fill(module) if fill is not None else frozenset()
        _initialise(module, planned, done, generator)
    elif fill is not None:
        raise fail("--device meta: weights have no values there", help="load them after to_empty")
    return module


def _initialise(
    module: nn.Module, planned: Plan, done: Set[str], generator: torch.Generator | None
) -> None:
    """Draw the weights that have no values yet, in the order of the plan."""
    filled: defaultdict[str, set[str]] = defaultdict(set)
    for name in done:
        path = name
        while path and path not in planned.modules:
            path = path.rpartition(".")[0]
        filled[path].add(name.removeprefix(f"{path}."))
    for path, leaf in planned.modules.items():
        part = module.get_submodule(path)
        initialise(part, leaf.initial, filled=filled[path], generator=generator)


def _hierarchy(network: Network, planned: Plan, generator: torch.Generator | None) -> nn.Module:
    """The modules of a plan, those of blocks around those of layers; weights are left open."""
    skipping = SkippedInitialisation(generator)

    def leaf(construct: Construct, *, frozen: bool = False) -> nn.Module:
        # As long as it is active, every function of torch costs a call of Python.
        with nullcontext() if issubclass(live(construct.target), UNDRAWN) else skipping:
            return module_of(construct, frozen=frozen)

    leaves = {
        path: leaf(each.construct, frozen=each.frozen) for path, each in planned.modules.items()
    }
    criterion = leaf(planned.criterion) if planned.criterion else None
    decision = leaf(planned.decision) if planned.decision else None
    found = units(network, planned)
    classes: dict[str, type[nn.Module]] = {}
    made: dict[Unit, nn.Module] = {}
    for unit in reversed(found):
        key = unit_key(unit, lambda inner: id(type(made[inner])))
        if key not in classes:
            classes[key] = _class(network, unit, planned)
        parts = [
            (name, made[called] if isinstance(called, Unit) else leaves[called.target])
            for name, called in unit.pieces
            if name is not None
        ]
        made[unit] = filled(classes[key], parts)
    module = made[found[0]]
    notes(module)
    if criterion is not None:
        module.criterion = criterion
    if decision is not None:
        module.decision = decision
    return module


def _class(network: Network, unit: Unit, planned: Plan) -> type[nn.Module]:
    if unit.parent is None:
        return block_class(class_name(network.name, "Network"), unit, planned.result)
    name = unit_name(unit)
    return chain_class(name) if is_chain(unit) else block_class(name, unit)


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError:
        raise fail(f"--device {name}: expected cpu, cuda, cuda:N or meta") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise fail(f"--device {name}: torch finds no CUDA device on this machine")
    if device.type not in ("cpu", "cuda", "meta"):
        raise fail(f"--device {name}: expected cpu, cuda, cuda:N or meta")
    return device
