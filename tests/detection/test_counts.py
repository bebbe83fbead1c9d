"""Multiply-accumulates of whole detectors, against torch's own counter of a run."""

from functools import partial
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import archdsl
from archdsl.ir.edges import RegionFeatures

DETECTORS = (
    "ssdlite320_mobilenet_v3_large",
    "ssd300_vgg16",
    "faster_rcnn_mobilenet_v3_large_320_fpn",
    "retinanet_resnet50_fpn",
    "mask_rcnn_resnet50_fpn",
)


@pytest.mark.slow
@pytest.mark.parametrize("name", DETECTORS)
def test_macs_of_a_detector_are_those_of_a_run(name: str) -> None:
    """Of an image of the nominal size; heads on regions count for as many as the run has."""
    network = archdsl.load(name)
    summary = network.summary()
    module = network.to_torch(seed=0).eval()
    ran: dict[str, int] = {}

    def note(scope: str, _module: Any, _inputs: Any, output: torch.Tensor) -> None:
        ran[scope] = len(output)

    for row in summary.rows:
        if isinstance(row.shape, RegionFeatures) and row.macs:
            module.get_submodule(row.path).register_forward_hook(partial(note, row.path))
    image = torch.rand(summary.input, generator=torch.Generator().manual_seed(0))
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module([image])
    expected = 0
    for row in summary.rows:
        if isinstance(row.shape, RegionFeatures) and row.macs:
            expected += row.macs // row.shape.regions * ran[row.path]
        else:
            expected += row.macs
    assert counter.get_total_flops() == 2 * expected
