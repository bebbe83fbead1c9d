"""Networks that differ in their outputs are told apart, in the mode in which they differ.

Nothing is run: the canonical graphs alone are compared.
"""

from collections.abc import Callable

import pytest
import torch
from torch import fx, nn

import archdsl
from archdsl.backends.torch import compile_outline, flat
from archdsl.frontend.header import facts
from archdsl.importers.verification import Match, canonical, match, reference

HEADS = ("googlenet", "inception_v3", "fcn_resnet50", "deeplabv3_mobilenet_v3_large")
ONE = ("resnet18", "squeezenet1_1", "mobilenet_v2", "mobilenet_v3_small", "vgg11_bn", "densenet121")
ONE += ("shufflenet_v2_x1_0", "mobilenet_v1")
NAMES = (*HEADS, *ONE)


def pair(name: str) -> tuple[nn.Module, fx.GraphModule]:
    if name == "mobilenet_v1":
        pytest.importorskip("timm")
    network = archdsl.load(name, **({"aux": True} if name in HEADS else {}))
    with torch.device("meta"):
        model = reference(facts(network.source).reference or "", aux=name in HEADS)
    return model, flat(compile_outline(network.checked))


def matches(model: nn.Module, module: nn.Module, *, partial: bool = False) -> list[Match]:
    """In eval and in training mode."""
    return [
        match(
            canonical(model, training=training),
            canonical(module, training=training),
            partial=partial,
        )
        for training in (False, True)
    ]


def results(module: fx.GraphModule) -> tuple[fx.Node, dict[str, fx.Node]]:
    """The node that returns the outputs, and these by name."""
    end = next(node for node in module.graph.nodes if node.op == "output")
    given = end.args[0]
    return end, dict(given) if isinstance(given, dict) else {"output": given}


def without_parameters(module: fx.GraphModule, at: fx.Node) -> fx.Node:
    with module.graph.inserting_after(at):
        return module.graph.call_function(torch.sigmoid, (at,))


def with_parameters(module: fx.GraphModule, at: fx.Node) -> fx.Node:
    module.add_module("further", nn.Conv2d(3, 1, 1))
    with module.graph.inserting_after(at):
        return module.graph.call_module("further", (at,))


def as_it_is(module: fx.GraphModule, at: fx.Node) -> fx.Node:
    return at


@pytest.mark.parametrize("head", [without_parameters, with_parameters, as_it_is])
@pytest.mark.parametrize("name", NAMES)
def test_a_further_output_is_refused(
    name: str, head: Callable[[fx.GraphModule, fx.Node], fx.Node]
) -> None:
    model, module = pair(name)
    end, outputs = results(module)
    image = next(node for node in module.graph.nodes if node.op == "placeholder")
    end.args = ({**outputs, "extra": head(module, image)},)
    for found in matches(model, module):
        assert not found.matched
        assert "extra" in found.compiled_only
        assert any("returns extra" in each for each in found.differences), found.differences
    assert all(found.matched for found in matches(model, module, partial=True))


@pytest.mark.parametrize("name", HEADS)
def test_outputs_exchanged_are_refused(name: str) -> None:
    """In training mode, in which all of them are there; so are those that lack one."""
    model, module = pair(name)
    assert matches(model, module)[1].matched
    end, outputs = results(module)
    first, *_, last = [n for n in outputs if n != "output"] if name == "googlenet" else outputs
    end.args = ({**outputs, first: outputs[last], last: outputs[first]},)
    found = matches(model, module, partial=True)[1]
    assert not found.matched
    assert any(f"its counterpart {first} " in each for each in found.differences)
    end.args = ({n: node for n, node in outputs.items() if n != last},)
    found = matches(model, module)[1]
    assert not found.matched and len(found.reference_only) == 1


@pytest.mark.parametrize("name", HEADS)
def test_a_change_in_a_head_is_refused_where_the_head_is(name: str) -> None:
    """Torchvision's classifiers compute their heads in training mode only."""
    model, module = pair(name)
    _, outputs = results(module)
    side = list(outputs)[-1]
    layers = [outputs[side]]
    while not isinstance(layer := _module(module, layers[-1]), (nn.Linear, nn.Conv2d)):
        layers.append(layers[-1].all_input_nodes[0])
    layer.bias = None
    used, trained = matches(model, module, partial=True)
    assert not trained.matched and any("bias" in each for each in trained.differences)
    if used.matched:
        assert side in used.compiled_only


def _module(module: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    return module.get_submodule(str(node.target)) if node.op == "call_module" else None
