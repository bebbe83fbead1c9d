"""Comparison of a spec's network with what OpenCV computes of a .cfg, with the same weights."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from archdsl.backends.formats.darknet import encode
from archdsl.backends.formats.darknet_layers import has_order, output_order
from archdsl.backends.formats.options import DEFAULT
from archdsl.backends.torch import compile_network
from archdsl.backends.torch.trial_run import undisturbed
from archdsl.diagnostics import ArchError
from archdsl.frontend.files import read_source
from archdsl.importers import Proof
from archdsl.importers.comparison import compared
from archdsl.importers.darknet.heads import DETECTORS
from archdsl.importers.verification.compare import randomise
from archdsl.ir.edges import Images

if TYPE_CHECKING:
    from archdsl.importers.weight_map import Array
    from archdsl.ir.edges import Shape
    from archdsl.ir.network import Network

_BRINGS = "pip install 'archdsl[darknet]' brings OpenCV 4, which runs the file"
_EPSILON = 1e-6
"""Number that OpenCV adds to variances, as Darknet does on a CPU; on a GPU it adds 1e-5."""
_ENDS = (*DETECTORS, "cost")
"""Sections that decode or judge what the network gives; what they read is compared."""

_LOGISTIC = "convolutional", "connected"
"""Sections whose default activation is another one in OpenCV; a later line takes its place."""


def proof(network: Network, what: str) -> Proof:
    """Compares the compiled network with OpenCV's, both with the same random weights.

    Of a detector the maps that its heads read are compared: decoding is no part of the network.
    """
    try:
        import cv2
    except ImportError:
        return Proof(None, (_BRINGS,))
    if not hasattr(cv2.dnn, "readNetFromDarknet"):
        return Proof(None, (f"{_BRINGS}; OpenCV {cv2.__version__} does not",))
    entry = network.shape(network.input)
    detects = isinstance(entry, Images)
    sizes = [size or 1 for size in (entry.taken if isinstance(entry, Images) else _shape(entry))]
    paths = _head_inputs(network) if detects else list(network.outputs.values())
    outputs = {f"map{number}": path for number, path in enumerate(paths)}
    module = compile_network(replace(network, chosen=outputs), seed=0)
    x = torch.rand(1, *sizes, generator=torch.Generator().manual_seed(0))
    given: Any = [x[0]] if detects else x
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.eps = _EPSILON
    with undisturbed(module, training=False), torch.inference_mode():
        randomise(module, (given,))
        result = module(given)
    ours = [part.numpy() for part in (result.values() if isinstance(result, dict) else [result])]
    text, ends = _without_heads(read_source(Path(what)).text, sizes)
    try:
        theirs = _run(cv2, text, encode(network, module, DEFAULT), ends, x.numpy())
    except ArchError as error:  # what Darknet's weights have no place for
        return Proof(None, (error.diagnostics[0].message,))
    except cv2.error as error:
        return Proof(None, (f"OpenCV does not run the file: {str(error).strip()[:200]}",))
    theirs.sort(key=lambda part: -part.shape[-1])  # the finest map first, as in a spec
    orders = [output_order(network, path) for path in paths]
    if [part.size for part in theirs] == [part.size for part in ours]:
        # OpenCV keeps rows of features as maps of one cell.
        theirs = [
            (part if order is None else part.reshape(1, -1)[:, order]).reshape(mine.shape)
            for part, order, mine in zip(theirs, orders, ours, strict=True)
        ]
    return compared(ours, theirs, "OpenCV", "the same random weights")


def _shape(edge: object) -> Shape:
    return cast("Shape", edge)


def _head_inputs(network: Network) -> list[str]:
    """The paths of the layers whose maps a detector's heads read, the finest first."""
    (end,) = network.outputs.values()
    maps = network.instance(end).inputs[0]
    instance = network.instance(maps)
    gathers = not isinstance(network.shape(maps), tuple) or has_order(instance.layer)
    return list(instance.inputs) if gathers else [maps]


def _without_heads(text: str, sizes: list[int]) -> tuple[str, list[int]]:
    """A .cfg with layers that do nothing in place of its heads, and the numbers of those.

    The input has the given channels, height and width.
    """
    lines: list[str] = []
    ends: list[int] = []
    number, skipped = -2, False
    for line in text.splitlines():
        word = line.strip()
        if word.startswith("["):
            number += 1
            kind = word.strip("[] ").lower()
            skipped = kind in _ENDS
            lines.append("[dropout]" if skipped else line)
            if skipped:
                ends.append(number)
            if kind in _LOGISTIC:
                lines.append("activation=logistic")
            if number == -1:
                names = "channels", "height", "width"
                lines += [f"{name}={size}" for name, size in zip(names, sizes, strict=True)]
            continue
        key = word.partition("=")[0].strip()
        if not skipped and not (number == -1 and key in ("channels", "height", "width")):
            lines.append(line)
    return "\n".join(lines) + "\n", ends or [number]


def _run(cv2: Any, text: str, weights: bytes, ends: list[int], x: Array) -> list[Array]:
    """Outputs of OpenCV at the sections of the given numbers."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        with tempfile.TemporaryDirectory() as folder:
            cfg, values = Path(folder, "net.cfg"), Path(folder, "net.weights")
            cfg.write_text(text)
            values.write_bytes(weights)
            net = cv2.dnn.readNetFromDarknet(str(cfg), str(values))
        net.setInput(x)
        names = [
            [name for name in net.getLayerNames() if name.endswith(f"_{end}")][-1] for end in ends
        ]
        return [np.array(part) for part in net.forward(names)]
    finally:
        cv2.utils.logging.setLogLevel(level)
