"""Evaluation of nodes of an ONNX file on given values, by onnx's own evaluator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from archdsl.ir.layer import RuleError

if TYPE_CHECKING:
    from archdsl.importers.onnx.file import Array

GROWING = frozenset(
    ("ConstantOfShape", "Expand", "OneHot", "Pad", "Range", "Resize", "Tile", "Upsample")
)
"""Operators whose results are as large as constants say."""
_MOST_SIZES = 64
"""Values of a constant that may be sizes."""


def growth(constants: Iterable[Array]) -> int:
    """The number of times that an operator with these constants may make a value larger, at most.

    Everything is taken for sizes that are whole numbers.
    """
    sizes = (each for each in constants if each.dtype.kind in "iu" and each.size <= _MOST_SIZES)
    return prod(max(1, abs(int(n))) for each in sizes for n in each.flat)


def computed(nodes: Sequence[Any], given: Mapping[str, Array], opsets: Mapping[str, int]) -> Array:
    """The first result of the last of some nodes; ``given`` are all values that none of them makes.

    Raises RuleError where they cannot be computed.
    """
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    try:
        # A whole model: some operations are functions, which depend on the types.
        entries = [
            helper.make_tensor_value_info(
                name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
            )
            for name, array in given.items()
        ]
        results = [helper.make_tensor_value_info(name, 0, None) for name in nodes[-1].output[:1]]
        graph = helper.make_graph(list(nodes), "nodes", entries, results)
        versions = [helper.make_opsetid(*entry) for entry in opsets.items()]
        with np.errstate(all="ignore"):
            evaluator: Any = ReferenceEvaluator(helper.make_model(graph, opset_imports=versions))
            found = evaluator.run(None, dict(given))
    except Exception as error:  # the evaluator raises whatever its numpy code does
        raise RuleError("it cannot be computed", str(error)) from None
    return np.asarray(found[0])
