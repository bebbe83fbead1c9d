"""Darknet's .weights: the values of all layers one behind the other, without names.

What Darknet's ``save_weights_upto`` and ``load_weights_upto`` (parser.c) write and read: a header,
then for every layer in the order of the .cfg its float32 values. The order of a network's layers is
that of its graph, so a spec has to name them in the order of the .cfg.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from archdsl.backends.formats.darknet_layers import LAYOUTS, Layout, output_order
from archdsl.backends.formats.options import FormatOptions
from archdsl.diagnostics import ArchError, fail
from archdsl.diagnostics.foreign import parsing
from archdsl.ir.network import LayerInstance, Network

_VERSION = struct.Struct("<iii")
_WRITTEN_VERSION = 0, 2, 0
_SEEN, _OLD_SEEN = struct.Struct("<Q"), struct.Struct("<i")


class _Header(NamedTuple):
    """``size`` in bytes; ``transposed``: connected layers have a row per input, not per output."""

    size: int
    transposed: bool


class _WeightTensor(NamedTuple):
    """One tensor of the file, under its name in the state_dict."""

    name: str
    shape: torch.Size
    connected: bool = False
    """The matrix of a connected layer, which old files hold transposed."""
    order: list[int] | None = None
    """For each of our rows the file's row, where the two differ."""


def encode(network: Network, module: nn.Module, _: FormatOptions) -> bytes:
    """The weights as a file that Darknet reads; the number of images seen is written as 0.

    Raises ArchError for a network with layers whose values Darknet has no place for.
    """
    state = module.state_dict()
    pieces = [_VERSION.pack(*_WRITTEN_VERSION), _SEEN.pack(0)]
    for part in _parts(network, module):
        values = state[part.name].detach().cpu().float().contiguous()
        if part.order is not None:
            theirs = torch.empty_like(values)
            theirs[part.order] = values
            values = theirs
        pieces.append(values.numpy().tobytes())
    return b"".join(pieces)


def read(path: Path, network: Network, module: nn.Module) -> dict[str, Tensor]:
    """The tensors of a file under the module's own names.

    Raises ArchError where it cannot be read, or its length is not exactly that of the network's
    weights.
    """
    parts = list(_parts(network, module))
    expected = sum(part.shape.numel() for part in parts)
    with parsing(path, "a file of Darknet's weights"), path.open("rb") as file:
        header = _header(file.read(_VERSION.size))
        size = file.seek(0, 2)
        if size != header.size + 4 * expected:
            raise _wrong_length(path, network, expected, size - header.size)
        file.seek(0)
        content = bytearray(file.read(size))
    state: dict[str, Tensor] = {}
    offset = header.size
    for part in parts:
        count = part.shape.numel()
        values = torch.frombuffer(content, dtype=torch.float32, count=count, offset=offset)
        offset += 4 * count
        if part.connected and header.transposed:
            values = values.reshape(part.shape[::-1]).t()
        values = values.reshape(part.shape)
        state[part.name] = values if part.order is None else values[part.order]
    return state


def _header(start: bytes) -> _Header:
    """Length of the header and order of matrices, read from the version in the first 12 bytes."""
    if len(start) < _VERSION.size:
        return _Header(_VERSION.size + _OLD_SEEN.size, transposed=False)
    major, minor, _ = _VERSION.unpack(start)
    new = major * 10 + minor >= 2 and major < 1000 and minor < 1000
    return _Header(_VERSION.size + (_SEEN if new else _OLD_SEEN).size, major > 1000 or minor > 1000)


def _wrong_length(path: Path, network: Network, expected: int, found: int) -> ArchError:
    number = f"{max(found, 0) / 4:,.2f}".rstrip("0").rstrip(".")
    return fail(
        f"{path} does not hold the weights of {network.name}",
        None,
        f"expected {expected:,} values of four bytes behind the header, found {number}",
        help="the network has to be that of the file's .cfg, layer by layer and with its classes",
    )


def _parts(network: Network, module: nn.Module) -> Iterator[_WeightTensor]:
    """The tensors in the order of the file."""
    modules = dict(module.named_modules())
    written: set[str] = set()
    for instance in network.instances():
        part = modules.get(instance.path)
        if part is None or instance.path in written or not part.state_dict():
            continue
        layout = LAYOUTS.get(type(instance.layer))
        if layout is None:
            raise _no_place(instance, f"Darknet's weights have no place for {instance.layer.kind}")
        norm = _norm_behind(network, instance, layout)
        if (norm is None) != (getattr(part, "bias", None) is not None):
            what = "no bias before a batch norm" if norm else "a bias, or a batch norm behind it"
            raise _no_place(instance, f"Darknet's weights expect {what}")
        if norm is not None:
            written.add(norm)
        order = output_order(network, instance.path)
        shapes = {f"{instance.path}.{name}": each.shape for name, each in part.state_dict().items()}
        for name in layout.names(instance.path, norm):
            if name in shapes:
                matrix = layout.connected and len(shapes[name]) == 2
                yield _WeightTensor(name, shapes[name], matrix, order)
            else:  # of the batch norm, a value per filter
                yield _WeightTensor(name, shapes[f"{instance.path}.weight"][:1])


def _norm_behind(network: Network, instance: LayerInstance, layout: Layout) -> str | None:
    """The path of the batch norm that is the only reader of a layer's output."""
    readers = list(network.graph.successors(instance.path))
    if len(readers) == 1 and type(network.instance(readers[0]).layer) in layout.norms:
        return readers[0]
    return None


def _no_place(instance: LayerInstance, message: str) -> ArchError:
    return fail(
        message,
        instance.span,
        "a file of Darknet's holds convolutions and fully connected layers, "
        "with a bias or with batch norm",
        frames=instance.scope.frames(),
    )
