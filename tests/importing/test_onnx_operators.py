"""Every ONNX operator with random attributes: its numbers are onnxruntime's, or it is refused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from archdsl.diagnostics import ArchError
from archdsl.importers import ImportOptions

onnx = pytest.importorskip("onnx.reference") and pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

from imported_graphs import module_of  # noqa: E402
from operator_cases import MAKERS, Draw  # noqa: E402

from archdsl.importers import onnx as reader  # noqa: E402
from archdsl.importers.onnx.network_input import CHANNELS_LAST  # noqa: E402
from archdsl.importers.onnx.permutations import layer_of  # noqa: E402

if TYPE_CHECKING:
    from onnx import ModelProto

_TOLERANCE = 1e-5  # of the largest value
_INEXACT = ("LRN",)
"""Operators that are tried with usual values: onnxruntime adds and subtracts squares along the
channels, and is off by a hundredth where one of them is large."""


def made(kind: str, number: int) -> ModelProto:
    """A random model of a kind, the same for the same number."""
    draw = Draw(f"{kind} {number}")
    outputs = MAKERS[kind](draw)
    return draw.model(*([outputs] if isinstance(outputs, str) else outputs))


def inputs(model: ModelProto) -> list[np.ndarray]:
    """A batch of two of usual values, and one with some that are large."""
    sizes = [size.dim_value for size in model.graph.input[0].type.tensor_type.shape.dim[1:]]
    random = np.random.default_rng(0)
    usual = 3 * random.standard_normal((2, *sizes)).astype(np.float32)
    large = usual * random.choice([1, 1, 20, 1000], usual.shape).astype(np.float32)
    inexact = any(node.op_type in _INEXACT for node in model.graph.node)
    return [usual] if inexact else [usual, large]


def expected(model: ModelProto, data: np.ndarray) -> list[np.ndarray] | None:
    """What onnxruntime computes, or ONNX's own evaluator; None where neither runs the model."""
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        session = runtime.InferenceSession(model.SerializeToString(), options)
        return list(session.run(None, {"x": data}))
    except Exception:  # what it raises has no common base; it does not implement all of ONNX
        pass
    try:
        evaluator: Any = onnx.reference.ReferenceEvaluator(model)
        return [np.asarray(array) for array in evaluator.run(None, {"x": data})]
    except Exception:  # whatever its numpy code raises
        return None


def outcome(model: ModelProto, folder: Path) -> str:
    """``right``, ``refused: …``, or what is wrong; values that overflow there are left out."""
    file = folder / "model.onnx"
    file.write_bytes(model.SerializeToString())
    try:
        imported, weights = reader.read_with_weights(str(file), ImportOptions())
    except ArchError as error:
        return f"refused: {error}"
    module = module_of(imported, weights)
    for data in inputs(model):
        wanted = expected(model, data)
        if wanted is None:
            return "wrong: read, and nothing runs it"
        given = torch.from_numpy(data)
        with torch.no_grad():
            result = module(given.movedim(-1, 1) if CHANNELS_LAST in imported.notes else given)
        found = (
            [result[name].numpy() for name in result]
            if isinstance(result, dict)
            else [result.numpy()]
        )
        for ours, theirs in zip(found, wanted, strict=True):
            if ours.shape != theirs.shape:
                return f"wrong: {ours.shape} and not {theirs.shape}"
            finite = np.isfinite(theirs)
            largest = np.abs(theirs[finite]).max(initial=0)
            apart = np.abs(ours - theirs)[finite].max(initial=0)
            if not apart <= _TOLERANCE * largest:
                return f"wrong: apart by {apart} of {largest}"
    return "right"


def faults(kind: str, numbers: range, folder: Path) -> list[str]:
    found = []
    for number in numbers:
        model = made(kind, number)
        told = outcome(model, folder)
        if not told.startswith(("right", "refused: ")):
            nodes = "; ".join(onnx.helper.printable_node(node) for node in model.graph.node)
            opset = model.opset_import[0].version
            found.append(f"{kind} {number}: {told}: {nodes} (opset {opset})")
    return found


@pytest.mark.parametrize("kind", sorted(MAKERS))
def test_an_operator_is_as_onnxruntime_has_it_or_refused(kind: str, tmp_path: Path) -> None:
    assert not faults(kind, range(12), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(MAKERS))
def test_many_more_of_each_operator(kind: str, tmp_path: Path) -> None:
    assert not faults(kind, range(12, 100), tmp_path)


@pytest.mark.parametrize(
    "padding",
    [
        {"pads": [0, 1, 2, 1]},
        {"pads": [2, 0, 1, 1]},
        {"pads": [1, 1, 1, 1], "auto_pad": "VALID"},
        {"auto_pad": "SAME_UPPER"},
        {"auto_pad": "SAME_LOWER"},
    ],
    ids=lambda padding: "-".join(map(str, padding.values())),
)
@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("Conv", {}),
        ("MaxPool", {}),
        ("AveragePool", {}),
        ("AveragePool", {"count_include_pad": 1}),
    ],
    ids=["conv", "max", "mean", "mean-padded"],
)
def test_each_side_of_a_window_is_padded_as_it_says(
    kind: str, more: dict[str, Any], padding: dict[str, Any], tmp_path: Path
) -> None:
    draw = Draw("")
    x, weights = draw.input(2, 8, 8), []
    if kind == "Conv":
        weights.append(draw.weight(3, 2, 3, 3))
    made = draw.node(kind, x, *weights, kernel_shape=[3, 3], strides=[2, 2], **more, **padding)
    assert outcome(draw.model(made), tmp_path) == "right"


@pytest.mark.parametrize(
    ("kind", "size", "settings"),
    [
        ("AveragePool", (2, 8, 8), {"kernel_shape": [3, 3], "pads": [2] * 4, "strides": [2, 1]}),
        (
            "AveragePool",
            (3, 7, 6),
            {
                "kernel_shape": [4, 2],
                "pads": [0, 0, 1, 1],
                "strides": [3, 2],
                "count_include_pad": 1,
            },
        ),
        ("MaxPool", (3, 5, 10), {"kernel_shape": [1, 3], "pads": [0, 2, 0, 2], "strides": [3, 2]}),
    ],
)
def test_a_window_that_starts_in_the_padding_is_dropped(
    kind: str, size: tuple[int, ...], settings: dict[str, Any], tmp_path: Path
) -> None:
    draw = Draw("")
    made = draw.node(kind, draw.input(*size), ceil_mode=1, **settings)
    assert outcome(draw.model(made), tmp_path) == "right"


def test_a_batch_whose_samples_change_places_is_no_layer() -> None:
    assert layer_of((2,), np.array([[0, 1], [4, 5], [2, 3]])) is None
    assert layer_of((2,), np.array([[0, 1], [2, 3], [4, 5]])) is not None
