"""An ONNX file as a protocol buffer, and its tensors. Nothing in it is executed or trusted.

Values may lie in files beside it ("external data"): only in the folder of the file and below, only
regular files, and only as many bytes as the tensor's shape says.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from archdsl.diagnostics import fail
from archdsl.diagnostics.foreign import parsing
from archdsl.ir.layer import RuleError
from archdsl.text.input import read_whole
from archdsl.text.paths import is_file, resolved

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

_LARGEST = 2**31 - 1
"""A protocol buffer holds no more bytes than these."""
_LARGEST_TENSOR = 2**34
"""Bytes of one tensor in a file of its own."""


def load(path: Path) -> Any:
    """The ModelProto of a file, functions put in the place of their calls.

    Raises ArchError where the file cannot be read, or is no ONNX model.
    """
    try:
        import onnx
        from onnx import inliner
    except ImportError:
        raise fail("ONNX files need the package onnx", help="pip install 'archdsl[onnx]'") from None
    with parsing(path, "an ONNX model"):
        if path.stat().st_size > _LARGEST:
            raise fail(f"{path} is larger than 2 GiB", None, "no protocol buffer is")
        model = onnx.load_model_from_string(read_whole(path))
        if not model.graph.node or not model.opset_import:
            raise fail(
                f"{path} is no ONNX model", help="the file may be cut off, or of another format"
            )
        _versions(model, path)
        return inliner.inline_local_functions(model) if model.functions else model


_OLDEST = 7
"""The first operator set whose sums and products broadcast as today's, and that runtimes keep."""


def _versions(model: Any, path: Path) -> None:
    """An error where the operators are older or newer than what is known of them here."""
    from onnx import defs

    newest = defs.onnx_opset_version()
    for entry in model.opset_import:
        if entry.domain not in ("", "ai.onnx"):
            continue
        if entry.version > newest:
            raise fail(
                f"{path} is of operator set {entry.version}",
                None,
                f"the installed package onnx knows those up to {newest}",
                help="pip install --upgrade onnx",
            )
        if entry.version < _OLDEST:
            raise fail(
                f"{path} is of operator set {entry.version}",
                None,
                f"those from {_OLDEST} on are read",
                help="onnx.version_converter makes newer ones of old files",
            )


def checker(model: Any) -> Callable[[Any], None]:
    """A check of nodes against the definitions of their operators.

    It raises RuleError for a node whose inputs, outputs or attributes are not of the kinds that its
    operator has.
    """
    from onnx import checker, defs

    context = type(checker.DEFAULT_CONTEXT)()
    context.ir_version = model.ir_version
    try:
        context.opset_imports = {entry.domain: entry.version for entry in model.opset_import}
    except TypeError:  # bytes that are no text, numbers that are no versions
        raise fail("the versions of the operators are broken") from None

    def check(proto: Any) -> None:
        if not isinstance(proto.op_type, str):  # bytes that are no text
            raise RuleError("the operation's name is no text")
        if not defs.has(proto.op_type, proto.domain):
            return
        try:
            checker.check_node(proto, context)
        except (checker.ValidationError, UnicodeDecodeError) as error:
            raise RuleError("not as ONNX defines it", str(error).strip().splitlines()[0]) from None

    return check


class Tensor:
    """A constant of the file: name and shape at once, the values when they are asked for."""

    def __init__(self, name: str, proto: Any, folder: Path) -> None:
        self.name = name
        self.shape = tuple(int(size) for size in proto.dims)
        self._proto = proto
        self._folder = folder

    @property
    def size(self) -> int:
        return prod(self.shape)

    @cached_property
    def array(self) -> Array:
        """The values. Raises ArchError where they are missing, or where nothing may be read."""
        from onnx import numpy_helper

        with parsing(f"the tensor {self.name}", "one"):
            if self._proto.data_location == 1:
                return self._outside()
            return np.asarray(numpy_helper.to_array(self._proto))

    def _outside(self) -> Array:
        from onnx import helper

        entries = {entry.key: entry.value for entry in self._proto.external_data}
        given = entries.get("location", "")
        root = resolved(self._folder)
        path = resolved(root / given)
        if not given or not path.is_relative_to(root) or not is_file(path):
            raise fail(
                f"the values of {self.name} cannot be read from {given or 'nowhere'}",
                None,
                "expected a file in the folder of the model",
            )
        kind = np.dtype(helper.tensor_dtype_to_np_dtype(self._proto.data_type))
        length = kind.itemsize * self.size
        if length > _LARGEST_TENSOR:
            raise fail(f"the tensor {self.name} is too large", None, f"{length:,} bytes")
        offset = int(entries.get("offset") or 0)
        with path.open("rb") as file:
            if offset < 0 or file.seek(0, 2) < offset + length:
                raise fail(f"{given} ends before the values of {self.name}")
            file.seek(offset)
            return np.frombuffer(file.read(length), kind).reshape(self.shape)


class Computed(Tensor):
    """A constant that the file computes of others."""

    def __init__(self, name: str, array: Array) -> None:
        self.name = name
        self.shape = array.shape
        self.__dict__["array"] = array
