"""The shapes of every bundled spec's summary are those that its module computes, layer by layer."""

from typing import Any

import pytest
import torch
from support import families
from torch import Tensor, nn

import archdsl
from archdsl.backends.torch import flat
from archdsl.frontend.bundled import spec_names
from archdsl.frontend.files import open_source

# Detectors need real numbers; tests/detection/test_shapes.py runs them.
IMAGES = ("input_images", "_image_pyramid")
TENSORS = [n for n in spec_names() if not any(word in open_source(n).text for word in IMAGES)]


def computed_shapes(module: nn.Module, data: Tensor) -> dict[str, tuple[int, ...]]:
    """The output shape of every module that a forward pass calls, by name, without the batch."""
    found: dict[str, tuple[int, ...]] = {}
    for name, part in module.named_modules():

        def hook(_: nn.Module, inputs: object, output: Any, name: str = name) -> None:
            first = output[0] if isinstance(output, tuple) else output  # attention has two
            found[name] = tuple(first.shape[1:])

        if name:
            part.register_forward_hook(hook)
    module(data)
    return found


@pytest.mark.parametrize("name", [*families.specs(TENSORS), "googlenet-aux"])
def test_every_layer_has_the_shape_that_is_computed(name: str) -> None:
    """On the meta device, which computes shapes without numbers."""
    spec, _, aux = name.partition("-")
    network = archdsl.load(spec, **({"aux": True} if aux else {}))
    summary = network.summary()
    module = network.to_torch().to("meta").eval()
    found = computed_shapes(module, torch.empty(2, *summary.input, device="meta"))
    rows = {row.path: row for row in summary.rows}
    layers = {scope for scope in found if scope in rows}
    assert {scope: rows[scope].shape for scope in layers} == {s: found[s] for s in layers}
    # Every module that the graph calls is a layer; layers that are mere functions hold nothing.
    assert layers == {node.target for node in flat(module).graph.nodes if node.op == "call_module"}
    functions = [rows[scope] for scope in rows.keys() - layers]
    assert all(row.parameters == row.buffers == 0 for row in functions)
    # A layer's module may have parts of its own, as attention has.
    holding = {
        scope
        for scope, part in module.named_modules()
        if part._parameters and not any(scope.startswith(f"{layer}.") for layer in layers)
    }
    assert holding <= layers
    for scope in holding:
        own = sum(p.numel() for p in module.get_submodule(scope).parameters())
        assert own == rows[scope].parameters, scope
    assert summary.parameters == sum(p.numel() for p in module.parameters())
    assert summary.buffers == sum(b.numel() for b in module.buffers())
    outputs = module(torch.empty(2, *summary.input, device="meta"))
    by_name = outputs if isinstance(outputs, dict) else {"output": outputs}
    assert {key: tuple(value.shape[1:]) for key, value in by_name.items()} == summary.outputs
    if aux:
        assert set(by_name) == {"output", "aux1", "aux2"}


@pytest.mark.parametrize("size", [(3, 96, 128), (3, 225, 224), (3, 331, 299)], ids=str)
@pytest.mark.parametrize("name", ["resnet18", "googlenet", "densenet121", "squeezenet1_1"])
def test_other_input_sizes(name: str, size: tuple[int, int, int]) -> None:
    network = archdsl.load(name, input=size)
    module = network.to_torch().to("meta").eval()
    found = computed_shapes(module, torch.empty(1, *size, device="meta"))
    rows = {row.path: row.shape for row in network.summary().rows}
    common = rows.keys() & found.keys()
    assert len(common) > 20
    assert {scope: rows[scope] for scope in common} == {scope: found[scope] for scope in common}
