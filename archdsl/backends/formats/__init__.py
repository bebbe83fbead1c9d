"""The file formats that a compiled network is written in, by suffix; a module each.

The module of a format is imported when a file of that format is written.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from archdsl.backends.formats.options import DEFAULT, FormatOptions
from archdsl.backends.refusals import refusals
from archdsl.diagnostics import fail, listing

if TYPE_CHECKING:
    from torch import nn

    from archdsl.ir.network import Network


class Format(NamedTuple):
    """A kind of output file of ``archdsl compile``.

    ``module`` has a function ``encode(network, module, options) -> bytes`` that takes the checked
    network, its compiled torch module, and
    :class:`archdsl.backends.formats.options.FormatOptions`; ``options`` are the names of those
    that it understands.
    """

    module: str
    title: str
    options: frozenset[str] = frozenset()
    as_written: bool = False
    """The file holds the network layer by layer: only the module as compiled fits into it."""
    quantised: bool = False
    """The file can hold a quantised network, with integers as weights."""


_SIZE = frozenset({"dynamic_size"})

FORMATS = {
    ".py": Format("archdsl.backends.source", "the network as PyTorch source", as_written=True),
    ".json": Format(
        "archdsl.backends.formats.node_link", "the graph, as networkx reads it", as_written=True
    ),
    ".onnx": Format(
        "archdsl.backends.formats.onnx", "the network for ONNX runtimes", _SIZE | {"opset"}
    ),
    ".pt2": Format(
        "archdsl.backends.formats.exported_program",
        "the network for torch.export",
        _SIZE,
        quantised=True,
    ),
    ".ts": Format("archdsl.backends.formats.torchscript", "the network as TorchScript", _SIZE),
    ".ptl": Format("archdsl.backends.formats.lite", "the network for PyTorch Mobile"),
    ".pte": Format("archdsl.backends.formats.executorch", "the network for ExecuTorch"),
    ".safetensors": Format("archdsl.backends.formats.safetensors", "the weights", as_written=True),
    ".dat": Format("archdsl.backends.formats.dlib", "the network for dlib", as_written=True),
    ".dnn": Format("archdsl.backends.formats.dlib", "the network for dlib", as_written=True),
    ".weights": Format(
        "archdsl.backends.formats.darknet", "the weights for Darknet", as_written=True
    ),
}


def format_of(path: Path) -> Format:
    """The format of a file name; raises ArchError where there is none for its suffix."""
    found = FORMATS.get(path.suffix.lower())
    if found is None:
        known = ", ".join(f"{suffix} ({form.title})" for suffix, form in FORMATS.items())
        raise fail(f"cannot tell what to write into {path}", None, f"expected one of {known}")
    return found


def require_optimised(path: Path, form: Format) -> None:
    """Raise ArchError for a file that cannot hold an optimised network."""
    if form.as_written:
        whole = listing(s for s, other in FORMATS.items() if not other.as_written)
        raise fail(
            f"cannot write an optimised network into {path}",
            None,
            "its weights are not those of the network as written: norms are part of them",
            help=f"expected one of {whole}, or no --optimize",
        )


def require_quantised(path: Path, form: Format) -> None:
    """Raise ArchError for a file that cannot hold a quantised network."""
    if not form.quantised:
        fitting = listing(f"{s} ({other.title})" for s, other in FORMATS.items() if other.quantised)
        raise fail(f"cannot write a quantised network into {path}", None, f"expected {fitting}")


def encode(
    form: Format, network: Network, module: nn.Module, options: FormatOptions = DEFAULT
) -> bytes:
    """The content of an output file.

    Raises ArchError where the format, or the library that writes it, cannot hold the network.
    """
    encoder = importlib.import_module(form.module).encode
    with refusals(f"writing {form.title}"):
        content: bytes = encoder(network, module, options)
    return content
