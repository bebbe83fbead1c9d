"""ONNX: the network for inference, weights inside, any number of samples at once."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import fx

from archdsl.diagnostics import fail
from archdsl.graph.model import Network
from archdsl.targets.torch.exporting import exported

_LARGEST = 2**31 - 1
"""A protocol buffer holds no more bytes than these."""


def encode(network: Network, module: fx.GraphModule) -> bytes:
    """The network in eval mode as an ONNX model, checked by ONNX's own checker.

    Its input is ``x``, N×C×H×W with an open N; its outputs have the names of the network's. Raises
    ArchError where the onnx packages are missing, and for networks that do not take a tensor.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401 - what torch.onnx writes with
    except ImportError:
        raise fail(
            "ONNX files need the packages onnx and onnxscript",
            help="pip install 'archdsl[onnx]'",
        ) from None
    program = exported(network, module, "ONNX")
    with _quiet():
        made: Any = torch.onnx.export(
            program, (), output_names=list(network.outputs), verbose=False, external_data=False
        )
        model = made.model_proto
    if model.ByteSize() > _LARGEST:
        raise fail(
            f"the ONNX file of {network.name} would be larger than 2 GiB",
            None,
            f"{model.ByteSize():,} bytes, which is more than one protocol buffer holds",
        )
    model.graph.name = network.name
    model.producer_name, model.producer_version = "archdsl", ""
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's own progress and warnings: it speaks of its insides."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)
