"""The types of every detector's layers are those of what its module computes, layer by layer."""

from typing import Any

import pytest
import torch
from support import families
from torch import Tensor, nn

import archdsl
from archdsl.frontend.bundled import spec_names
from archdsl.frontend.files import open_source
from archdsl.ir.edges import EdgeType, FeatureMaps, RegionFeatures

TEXTS = {name: open_source(name).text for name in spec_names()}
IMAGES = ("input_images", "_image_pyramid")
DETECTORS = [name for name, text in TEXTS.items() if any(word in text for word in IMAGES)]
SIZES = {"min_size": 64, "max_size": 96}


def settings(name: str) -> dict[str, int]:
    """Small sizes, where a spec lets them be chosen."""
    return SIZES if "param int min_size" in TEXTS[name] else {}


def tensors(module: nn.Module) -> dict[str, list[tuple[int, ...]]]:
    """Fills with the shapes of the tensors that every module gives, without the batch."""
    found: dict[str, list[tuple[int, ...]]] = {}
    for name, part in module.named_modules():

        def hook(_: nn.Module, inputs: Any, output: Any, name: str = name) -> None:
            if isinstance(output, Tensor):
                found.setdefault(name, []).append(tuple(output.shape[1:]))

        part.register_forward_hook(hook)
    return found


def shapes(edge: EdgeType) -> list[tuple[int | None, ...]]:
    if isinstance(edge, FeatureMaps):
        return list(edge.shapes)
    return [edge.shape if isinstance(edge, RegionFeatures) else edge]  # type: ignore[list-item]


@pytest.mark.parametrize("name", families.specs(DETECTORS))
def test_every_layer_gives_what_is_computed(name: str) -> None:
    network = archdsl.load(name, **settings(name))
    summary, module = network.summary(), network.to_torch().eval()
    found = tensors(module)
    image = torch.rand([int(side or 0) for side in summary.input])
    boxes = torch.tensor([[4.0, 6.0, 40.0, 50.0], [8.0, 8.0, 30.0, 20.0]])
    with torch.no_grad():
        result = module(
            [image], **({"proposals": [boxes]} if "region_proposals" in TEXTS[name] else {})
        )
    assert set(result[0]) >= {"boxes", "labels", "scores"}
    rows = {row.path: row for row in summary.rows}
    computed = found.keys() & rows.keys()
    assert len(computed) > 15
    for scope in computed:
        assert found[scope] == shapes(rows[scope].shape), scope
    for scope, part in module.named_modules():
        if part._parameters:
            own = sum(p.numel() for p in part.parameters(recurse=False))
            assert own == rows[scope].parameters, scope
    assert summary.parameters == sum(p.numel() for p in module.parameters())
    assert summary.buffers == sum(b.numel() for b in module.buffers())
