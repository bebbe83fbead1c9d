"""Every layer of the catalogue, written as source and as ONNX, is read again as what it was."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import torch
from support.catalogue import NAMES, SEVERAL, texts

import archdsl
from archdsl.api import load_source
from archdsl.backends.formats import FORMATS, encode
from archdsl.backends.formats.options import FormatOptions
from archdsl.diagnostics import ArchError
from archdsl.diagnostics.source import Source
from archdsl.importers import ImportOptions
from archdsl.importers import onnx as onnx_reader
from archdsl.importers.onnx.weights import proof
from archdsl.importers.outlining.writer import written
from archdsl.importers.pytorch.reader import graph_of_module
from archdsl.importers.verification import verify

QUICK = ["tril", "bn_fc", "rms_norm", "softmaxm", "merge_patches", "act"]
QUICK_JOINS = [text for text in SEVERAL if text.startswith(("multm_prev1", "mult_prev<"))]
EVERY = [texts(name)[0] for name in NAMES] + SEVERAL
"""Each layer, and each way to put several together."""


def twin_of(network: archdsl.Network) -> torch.nn.Module:
    """The module of the source that is written of a network."""
    source, names = network.to_python(), dict[str, Any](__name__="source")
    exec(compile(source, "source.py", "exec"), names)
    module: torch.nn.Module = names[source.rpartition("network = ")[2].partition("(")[0]]()
    return module.eval()


def through_source(text: str) -> str:
    """The spec that is read of a spec's source, once the two have the same weights and outputs."""
    network = archdsl.load(text)
    size = network.checked.shape(network.checked.input)
    assert isinstance(size, tuple)
    twin = twin_of(network)
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
        for value in module.parameters():  # what starts as nothing has to be something
            value += torch.rand(value.shape, generator=torch.Generator().manual_seed(2)) / 4
    file = folder / "net.onnx"
    file.write_bytes(encode(FORMATS[".onnx"], network.checked, module, FormatOptions()))
    again = written(onnx_reader.read(str(file), ImportOptions()))
    found = proof(load_source(Source("imported", again)).check().checked, str(file))
    assert found.same, (again, found.lines)
    return again


def reasons(go: Callable[[str], str], layers: Iterable[str]) -> dict[str, str]:
    """The specs that do not come back, by the first line of why."""
    found = {}
    for text in layers:
        try:
            go(text)
        except (ArchError, AssertionError) as error:
            found[text] = str(error).partition("\n")[0]
    return found


@pytest.mark.parametrize("text", [texts(name)[0] for name in QUICK] + QUICK_JOINS)
def test_a_layer_comes_back_from_its_source(text: str) -> None:
    again = through_source(text)
    assert text.partition("<")[0].removesuffix("1") in again


@pytest.mark.parametrize("text", [texts(name)[0] for name in QUICK] + QUICK_JOINS)
def test_a_layer_comes_back_from_its_onnx_file(text: str, tmp_path: Path) -> None:
    through_onnx(text, tmp_path)


def test_constants_of_a_formula_tell_it_apart(tmp_path: Path) -> None:
    """Another diagonal, value and length of vectors are other layers, not the nearest one."""
    assert "tril_diag<-1,1,4," in through_source("tril_diag<-1,1,4,input<2,4,5>>")
    assert "tril_diag<1,-3,2," in through_onnx("tril_diag<1,-3,2,input<2,4,5>>", tmp_path)
    assert "embeddings<5,3," in through_source("embeddings<5,3,input<2,4,1>>")
    assert "l2normalize<0.25," in through_source("l2normalize<0.25,input<2,4,1>>")


def test_other_waves_than_the_papers_are_no_positional_encodings() -> None:
    twin = twin_of(archdsl.load("positional_encodings<input<2,4,5>>"))
    (waves,) = twin.buffers()
    waves[1, 2] += 0.01
    with pytest.raises(ArchError, match="like add"):
        graph_of_module(twin, "net", (2, 4, 5))


_NOT_YET = ("window_attention<", "window_partition<", "relative_attention<")
_NOT_YET += ("attention<", "extract<", "outputs<")
NOT_FROM_ONNX = {text for text in EVERY if text.startswith(_NOT_YET)}
"""Attention in windows reads its biases from a table, of which files have what was read there, and
windows by themselves are an exchange that no other layer needs;
exporters put the batch second in attention right behind ``tokens``; a part of a row is no slice of
a map; and the outputs of a file come back under names of another order, which its proof refuses."""


@pytest.mark.slow
def test_every_layer_comes_back_from_its_source() -> None:
    assert reasons(through_source, EVERY) == {}


@pytest.mark.slow
def test_every_layer_comes_back_from_its_onnx_file(tmp_path: Path) -> None:
    assert reasons(lambda text: through_onnx(text, tmp_path), EVERY).keys() == NOT_FROM_ONNX
