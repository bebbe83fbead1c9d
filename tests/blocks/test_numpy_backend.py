"""The plan alone says what a network computes: numpy carries it out, and agrees with torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import archdsl
from archdsl.backends.plan import plan
from tests.blocks.numpy_backend import run


@pytest.mark.parametrize(
    ("spec", "options"),
    [
        ("resnet18", {"input": "3x32x32", "classes": 7}),
        ("squeezenet1_1", {"input": "3x51x51", "classes": 7}),
        ("fc<5,relu<max_pool<3,3,2,2,relu<con<6,3,3,1,1,groups=2,input<4,13,13>>>>>>", {}),
    ],
)
def test_numpy_gives_what_torch_gives(spec: str, options: dict[str, Any]) -> None:
    network = archdsl.load(spec, **options)
    module = network.to_torch(seed=1).eval()
    for name, buffer in module.named_buffers():
        if name.endswith("running_var"):
            buffer.uniform_(0.5, 1.5)
    shape = network.checked.shape(network.checked.input)
    assert isinstance(shape, tuple)
    x = torch.randn(2, *(int(size or 0) for size in shape))
    weights = {name: tensor.numpy() for name, tensor in module.state_dict().items()}
    with torch.no_grad():
        expected = module(x).numpy()
    found = run(plan(network.checked), weights, x=x.numpy())
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
