"""What no layer computes is refused in words that name node, attribute and value."""

from __future__ import annotations

import dataclasses
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import nn

from archdsl.api import load_source
from archdsl.diagnostics import ArchError
from archdsl.diagnostics.source import Source
from archdsl.importers import ImportOptions
from archdsl.importers import onnx as reader
from archdsl.importers.imported_graph import ImportedGraph
from archdsl.importers.outlining.writer import written

onnx = pytest.importorskip("onnx")

from operator_cases import Draw  # noqa: E402

from archdsl.importers.onnx import OPERATOR_ROWS  # noqa: E402


def read(
    draw: Draw, output: str, folder: Path, change: Callable[[Any], Any] | None = None
) -> ImportedGraph:
    model = draw.model(output)
    if change is not None:
        change(model)
    file = folder / "model.onnx"
    file.write_bytes(model.SerializeToString())
    return reader.read(str(file), ImportOptions())


def drawn(opset: int = 18) -> Draw:
    draw = Draw("")
    draw.opset = opset
    draw.input(4, 6, 6)
    return draw


def one(kind: str, *weights: Any, opset: int = 18, **attributes: Any) -> tuple[Draw, str]:
    """A node on a picture of 4×6×6, with constants as its further inputs."""
    draw = drawn(opset)
    inputs = [None if values is None else draw.constant(values) for values in weights]
    return draw, draw.node(kind, "x", *inputs, **attributes)


WEIGHT = np.ones((4, 4, 3, 3), np.float32)
FOUR = np.ones(4, np.float32)
SCALES = np.array([1, 1, 2, 2], np.float32)
SIZES = np.array([2, 4, 3, 3], np.int64)


def _scales(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (one("LRN", size=4), "LRN n0: an even size .*\n.*size 4"),
        (one("Cast", to=7), "Cast n0: a cast that rounds\n.*to = 7"),
        (one("Cast", to=9), "to = 9"),
        (
            one("Resize", None, _scales(1, 1, 1.5, 1.5)),
            "the nearest cell of a fractional factor",
        ),
        (one("Resize", None, _scales(1, 2, 2, 2)), "only height and width"),
        (one("Resize", None, _scales(2, 1, 2, 2)), "only height and width"),
        (one("Resize", None, _scales(1, 1, 1.3, 2)), "factors give a fraction of a cell"),
        (one("Resize", None, None, SIZES[2:], axes=[2, 3]), r"axes = \[2, 3\]"),
        (one("Resize", None, SCALES, antialias=1, mode="linear"), "antialias = 1"),
        (one("Resize", None, SCALES, mode="linear", exclude_outside=1), "exclude_outside = 1"),
        (
            one("Resize", None, None, SIZES, keep_aspect_ratio_policy="not_larger"),
            "keep_aspect_ratio_policy = not_larger\n.*expected stretch",
        ),
        (one("Sum", np.ones((4, 6, 6), np.float32)), "Sum n0: constants that are no bias"),
        (one("Sum", FOUR.reshape(4, 1, 1), FOUR.reshape(4, 1, 1)), "a sum of constants"),
        (one("Mul", np.ones((1, 1, 4, 1, 1), np.float32)), "a product with constants"),
        (one("Add", np.ones((1, 1, 1, 1, 1), np.float32)), "constants that are no bias"),
        (one("Conv", WEIGHT, kernel_shape=[3, 1]), r"another window\n.*kernel_shape = \[3, 1\]"),
        (one("Conv", WEIGHT, auto_pad="SOME"), "Conv n0: .*\n.*auto_pad = SOME"),
        (one("Conv", WEIGHT, dilations=[1, 2]), "a dilation that is not the same"),
        (one("ConvTranspose", WEIGHT, dilations=[2, 2]), r"dilations = \[2, 2\]\n.*\[1, 1\]"),
        (one("ConvTranspose", WEIGHT, output_shape=[9, 9]), r"output_shape = \[9, 9\]\n.*none"),
        (one("ConvTranspose", WEIGHT, auto_pad="SAME_UPPER"), "auto_pad = SAME_UPPER"),
        (one("MaxPool", kernel_shape=[2, 2], dilations=[2, 2]), r"dilations = \[2, 2\]"),
        (one("MaxPool", kernel_shape=[1, 1], strides=[4, 4], auto_pad="SAME_UPPER"), "differ"),
        (one("BatchNormalization", *[FOUR] * 4, training_mode=1), "training_mode = 1\n.*0"),
        (one("BatchNormalization", *[FOUR] * 4, opset=8, spatial=0), "spatial = 0\n.*expected 1"),
        (one("BatchNormalization", *[FOUR] * 4, opset=9, outputs=5), "the batch's own mean"),
        (one("Dropout", None, np.array(True)), "training_mode = True"),
        (one("ReduceMean", opset=13, axes=[6, 7]), r"no such axes\n.*axes = \[6, 7\] of 4"),
        (one("ReduceMean", opset=13, axes=[2, -2]), r"no such axes\n.*axes = \[2, -2\]"),
        (one("Flatten", axis=0), "rearranged as no layer"),
        (one("GroupNormalization", FOUR, FOUR, num_groups=2), "deprecated in domain_version of 18"),
        (one("PRelu", FOUR.reshape(1, 1, 4)), "slopes that are not one per channel\n.*found 1×1×4"),
        (one("Softmax", axis=2), "axis 2"),
        (one("Pad", SIZES, mode="wrap"), "padding of the kind wrap"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_has_no_layer_is_refused(made: tuple[Draw, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(ArchError, match=message):
        read(*made, tmp_path)


@pytest.mark.parametrize("sizes", [(2, 3), (2, 1), (1, 1, 3)])
def test_what_gemm_adds_to_rows_is_no_bias(sizes: tuple[int, ...], tmp_path: Path) -> None:
    draw = Draw("")
    made = draw.node("Gemm", draw.input(4), draw.weight(4, 3), draw.weight(*sizes))
    with pytest.raises(ArchError, match="Gemm n0: C is no bias"):
        read(draw, made, tmp_path)


@pytest.mark.parametrize("index", [36, -37])
def test_a_token_that_is_not_there(index: int, tmp_path: Path) -> None:
    draw = drawn()
    rows = draw.node("Reshape", "x", draw.constant([0, 4, 36], np.int64))
    tokens = draw.node("Relu", draw.node("Transpose", rows, perm=[0, 2, 1]))
    made = draw.node("Gather", tokens, draw.constant(index, np.int64), axis=1)
    with pytest.raises(ArchError, match=f"there is no such token\n.*{index} of 36"):
        read(draw, made, tmp_path)


def test_operator_sets_that_are_not_known(tmp_path: Path) -> None:
    newest = onnx.defs.onnx_opset_version()
    for version, message in ((newest + 1, f"knows those up to {newest}"), (6, "those from 7 on")):

        def change(model: Any, version: int = version) -> None:
            model.opset_import[0].version = version

        with pytest.raises(ArchError, match=f"is of operator set {version}\n.*{message}"):
            read(*one("Relu"), tmp_path, change)


def test_an_operator_that_has_changed_since_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if ONNX had defined it anew after the reader was written."""
    older = dataclasses.replace(OPERATOR_ROWS["LRN"], newest=12)
    monkeypatch.setitem(OPERATOR_ROWS, "LRN", older)
    with pytest.raises(ArchError, match=r"version 13 of the operator .*\n.*expected 1 to 12"):
        read(*one("LRN", size=3), tmp_path)
    assert read(*one("LRN", size=3, opset=12), tmp_path).outputs


def test_rows_name_attributes_and_versions_that_onnx_has() -> None:
    history: dict[str, list[Any]] = {}
    for schema in onnx.defs.get_all_schemas_with_history():
        if schema.domain == "":
            history.setdefault(schema.name, []).append(schema)
    for name, row in OPERATOR_ROWS.items():
        known = {attribute for schema in history[name] for attribute in schema.attributes}
        assert {*row.reads.split(), *row.only} <= known, name
        assert row.newest in [schema.since_version for schema in history[name]], name


@pytest.mark.parametrize("kind", [onnx.TensorProto.INT64, onnx.TensorProto.UINT8])
def test_whole_numbers_are_refused_unless_they_are_cast_first(kind: int, tmp_path: Path) -> None:
    def change(model: Any) -> None:
        model.graph.input[0].type.tensor_type.elem_type = kind

    draw, made = one("Relu")
    with pytest.raises(ArchError, match="the input x: values are floats here"):
        read(draw, made, tmp_path, change)
    draw, made = one("Cast", to=onnx.TensorProto.FLOAT)
    assert read(draw, draw.node("Relu", made), tmp_path, change).outputs


def test_the_momentum_of_a_norm_is_the_share_of_the_new(tmp_path: Path) -> None:
    """ONNX keeps that share of the old mean, torch gives it to the new: 0.9 is torch's 0.1."""
    for given, layer in ((None, nn.BatchNorm2d(4)), (0.75, nn.BatchNorm2d(4, momentum=0.25))):
        draw, made = one("BatchNormalization", *[FOUR] * 4, momentum=given)
        imported = read(draw, made, tmp_path)
        found = imported.operations[-1].layer
        assert found.effective()["momentum"] == pytest.approx(layer.momentum)
        assert found.effective()["eps"] == pytest.approx(layer.eps)


@pytest.mark.parametrize(("share", "same"), [(1e-3, False), (1e-6, True)])
def test_the_proof_sees_a_difference_of_a_thousandth(
    share: float, same: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime")
    draw, made = one("Conv", np.random.default_rng(0).standard_normal((4, 4, 3, 3), np.float32))
    file = tmp_path / "x.onnx"
    file.write_bytes(draw.model(made).SerializeToString())
    honest = reader.read_with_weights

    def off(what: str, options: ImportOptions) -> tuple[ImportedGraph, dict[str, np.ndarray]]:
        imported, weights = honest(what, options)
        return imported, {name: values * (1 + share) for name, values in weights.items()}

    monkeypatch.setattr("archdsl.importers.onnx.weights.read_with_weights", off)
    text = written(reader.read(str(file), ImportOptions()))
    network = load_source(Source("x", text)).check().checked
    assert reader.proof(network, str(file)).same is same


def test_a_file_with_its_channels_last_is_compared(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    draw = Draw("")
    turned = draw.node("Transpose", draw.input(5, 7, 3), perm=[0, 3, 1, 2])
    made = draw.node("Conv", turned, draw.weight(4, 3, 3, 3))
    file = tmp_path / "x.onnx"
    file.write_bytes(draw.model(made).SerializeToString())
    text = written(reader.read(str(file), ImportOptions()))
    assert "channels last" in text
    assert reader.proof(load_source(Source("x", text)).check().checked, str(file)).same is True


def test_what_formulas_compute_is_bounded(tmp_path: Path) -> None:
    """Nodes that look like a norm's and make gigabytes of a small input: 2²² times 4×6×6 floats."""
    draw = drawn()
    grown = draw.node("Expand", "x", draw.constant(np.array([2**22, 1, 1, 1, 1], np.int64)))
    squares = draw.node("Mul", grown, grown)
    mean = draw.node("ReduceMean", squares, draw.constant(np.array([0], np.int64)), keepdims=0)
    output = draw.node("Mul", mean, draw.constant(np.array(1e-5, np.float32)))
    tracemalloc.start()
    try:
        with pytest.raises(ArchError):
            read(draw, output, tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 2**27
    finally:
        tracemalloc.stop()
