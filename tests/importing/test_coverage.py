"""The table of layers and formats is true: readers make the layers that it says."""

import pytest
from support.catalogue import NAMES, SEVERAL, texts

import archdsl
from archdsl.diagnostics import ArchError
from archdsl.importers.coverage import coverage
from archdsl.importers.pytorch.reader import graph_of_module


def read_as(text: str) -> set[str]:
    """The kinds of the layers that the module of a spec is imported as; none where it is not."""
    network = archdsl.load(text)
    size = network.checked.shape(network.checked.input)
    assert isinstance(size, tuple)
    try:
        imported = graph_of_module(network.to_torch(seed=0).eval(), "it", size)
    except ArchError:
        return set()
    return {operation.layer.kind for operation in imported.operations}


def known(title: str) -> set[str]:
    return {layer.kind for layer in coverage()[title]}


@pytest.mark.parametrize("name", ["relu", "con", "pad", "l2normalize", "chunk", "bn_con"])
def test_a_module_of_pytorch_is_read_as_its_layer_or_the_table_has_a_hole(name: str) -> None:
    found = set().union(*map(read_as, texts(name)))
    assert (name in found) == (name in known("PyTorch"))


@pytest.mark.slow
def test_the_layers_that_modules_of_pytorch_are_read_as_are_those_of_the_table() -> None:
    found = set().union(*map(read_as, [text for name in NAMES for text in texts(name)] + SEVERAL))
    assert found | {"input_rgb_image_sized"} == known("PyTorch")
