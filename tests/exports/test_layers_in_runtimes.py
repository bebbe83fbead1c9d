"""Every layer of the catalogue in a file computes, in its runtime, what its module computes."""

from __future__ import annotations

import pytest
import torch
from running import RUNTIMES
from support.catalogue import NAMES, SEVERAL, texts

import archdsl
from archdsl.backends.formats import FORMATS, FormatOptions, encode
from archdsl.backends.torch.trial_run import trial_input
from archdsl.diagnostics import ArchError


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".ts", ".onnx", ".pt2"])
@pytest.mark.parametrize("text", [*NAMES, *SEVERAL])
def test_a_layer_in_a_file(text: str, suffix: str) -> None:
    for whole in texts(text)[:1] if text in NAMES else [text]:
        same(whole, suffix)


def same(text: str, suffix: str) -> None:
    network = archdsl.load(text).check()
    module = network.to_torch(seed=1).eval()
    torch.manual_seed(0)
    batch = torch.cat([trial_input(network.checked)["x"] for _ in range(2)])
    try:
        data = encode(FORMATS[suffix], network.checked, module, FormatOptions())
    except ArchError as error:
        pytest.skip(f"{text}: {error.diagnostics[0].message}")
    with torch.no_grad():
        wanted = module(batch)
    values = list(wanted.values()) if isinstance(wanted, dict) else [wanted]
    for found, value in zip(RUNTIMES[suffix](data)(batch), values, strict=True):
        torch.testing.assert_close(torch.tensor(found), value, rtol=1e-4, atol=1e-5, msg=text)
