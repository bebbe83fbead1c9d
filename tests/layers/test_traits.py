"""What the catalogue says of its layers is so: each trait by arithmetic on their modules."""

import pytest
import torch
from support.catalogue import NAMES, texts

import archdsl
from archdsl.layers import definitions


def scales(text: str) -> bool:
    """Whether twice the input gives twice the output, in use."""
    network = archdsl.load(text)
    shape = network.checked.shape(network.checked.input)
    module = network.to_torch(seed=0).eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.uniform_(0.2, 0.9)
        x = 5 * torch.randn(3, *shape)  # type: ignore[misc]
        once, twice = module(x), module(2 * x)
    return bool(torch.allclose(twice, 2 * once, rtol=1e-5, atol=1e-6))


UNTOLD = ("loss_", "embeddings", "pad")
"""Losses compute nothing, embeddings take whole numbers, and pad goes by the value that it adds."""


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith(UNTOLD)])
def test_layers_let_a_factor_pass_if_they_say_so(name: str) -> None:
    """Layers with weights may, by the values of these; all others do or do not."""
    known = texts(name)
    if definitions()[name].cls.homogeneous:
        assert all(map(scales, known))
    elif not any(archdsl.load(text).summary().parameters for text in known):
        assert not all(map(scales, known))
