"""Networks that differ from a reference in one place are not it, and the report says where.

Nothing is run: the canonical graphs alone are compared.
"""

import pytest
import torch
from mutations import KINDS, mutations
from support import families
from torchvision import models
from torchvision.models import list_models

import archdsl
from archdsl.backends.torch import compile_outline, flat
from archdsl.frontend.bundled import spec_names
from archdsl.frontend.files import open_source
from archdsl.frontend.header import facts
from archdsl.importers.verification import CanonicalGraph, canonical, match, reference

CLASSIFIERS = {f"torchvision:{name}" for name in list_models(module=models)}
REFERENCES = {
    name: found
    for name in spec_names()
    if (found := facts(open_source(name)).reference or "") in CLASSIFIERS
    or found.startswith("timm:")
}
# Equal to networks in plain PyTorch, which other tests have; here they are their own reference.
PLAIN = {"lenet_d2l", "alexnet_d2l", "vgg_d2l", "googlenet_d2l", "bn_inception"}
PLAIN |= {"inception_resnet_v1", "preact_resnet"}
# Together they have every kind of change; small ones of other families besides.
QUICK = {
    *("googlenet", "xception", "convnext_tiny", "preact_resnet", "vit_b_16"),
    *("lenet_d2l", "shufflenet_v2_x1_0"),
}
EVERY_KIND = (
    *("googlenet", "xception", "convnext_tiny", "preact_resnet", "vit_b_16"),
    *("inception_v3", "resnet50", "mobilenet_v2", "vgg11", "inception_v4"),
)
CONSTANTS = {"regnet_x_400mf", "regnet_y_400mf"}  # computed while torchvision builds its model
SIZED = {"ghostnet", "hrnet_w18", "res2net50"}
"""Equal to their references on images of a known size, which a changed network may not take."""
NAMES = families.family(sorted(REFERENCES.keys() - SIZED | PLAIN), QUICK)


def expected(name: str, module: torch.nn.Module) -> CanonicalGraph:
    if name in PLAIN:
        return canonical(module)
    if REFERENCES[name].startswith("timm:"):
        pytest.importorskip("timm")
    with torch.device("cpu" if name in CONSTANTS else "meta"):
        return canonical(reference(REFERENCES[name]))


@pytest.mark.parametrize("name", NAMES)
def test_near_misses_are_refused(name: str) -> None:
    network = archdsl.load(name)
    module = flat(compile_outline(network.checked)).eval()
    graph = expected(name, module)
    changes = mutations(module, network.summary().input)
    assert len(changes) >= 10
    for change in changes:
        with change.applied():
            found = match(graph, canonical(module))
        assert not found.matched, change.name
        assert change.pointed_at(found.differences), (change.name, found.differences)
    assert match(graph, canonical(module)).matched  # every change was taken back


def test_every_kind_of_change_is_made_somewhere() -> None:
    made = set()
    for name in EVERY_KIND:
        network = archdsl.load(name)
        module = flat(compile_outline(network.checked)).eval()
        mutations(module, network.summary().input)  # for the shapes
        made |= {kind for kind in KINDS for node in module.graph.nodes if kind(module, node)}
    assert made == set(KINDS)
