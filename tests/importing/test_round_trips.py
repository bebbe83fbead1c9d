"""Every layer of the catalogue, written as source and as ONNX, is read again as what it was."""

from pathlib import Path
from typing import Any

import pytest
import torch
from support.catalogue import NAMES, SEVERAL, texts

import archdsl
from archdsl.api import load_source
from archdsl.diagnostics.source import Source
from archdsl.importers import ImportOptions
from archdsl.importers import onnx as onnx_reader
from archdsl.importers.onnx.weights import proof
from archdsl.importers.outlining.writer import written
from archdsl.importers.pytorch.reader import graph_of_module
from archdsl.importers.verification import verify

QUICK = ["tril", "embeddings", "bn_fc", "rms_norm", "l2_norm_scaled", "softmaxm", "merge_patches"]
QUICK_JOINS = [text for text in SEVERAL if text.startswith(("multm_prev1", "mult_prev<", "add_prev<"))]


def through_source(text: str) -> str:
    """The spec that is read of a spec's source, once the two have the same weights and outputs."""
    network = archdsl.load(text)
    size = network.checked.shape(network.checked.input)
    assert isinstance(size, tuple)
    source, names = network.to_python(), dict[str, Any](__name__="source")
    exec(compile(source, "source.py", "exec"), names)
    twin = names[source.rpartition("network = ")[2].partition("(")[0]]().eval()
    again = written(graph_of_module(twin, "net", size))
    other = load_source(Source("imported", again), input=size).check()
    found = verify(other.to_torch(seed=9), twin, size, training=False)
    assert found.matched, (again, found.differences)
    assert found.max_rel_diff is not None and found.max_rel_diff < 1e-5, again
    return again


def through_onnx(text: str, folder: Path) -> str:
    """The spec that is read of a spec's ONNX file, once onnxruntime computes the same."""
    network = archdsl.load(text)
    module = network.to_torch(seed=1).eval()
    with torch.no_grad():
        for value in module.parameters():
            value += torch.rand_like(value) / 4  # what starts as nothing has to be something
    file = folder / "net.onnx"
    archdsl.compile
    network.write(file, module)
    again = written(onnx_reader.read(str(file), ImportOptions()))
    found = proof(load_source(Source("imported", again)).check(), str(file))
    assert found.passed, (again, found.lines)
    return again
