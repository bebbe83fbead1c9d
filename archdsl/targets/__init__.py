"""What a network is compiled to. Each target is a package or module that nothing else needs.

File formats register here by suffix; their modules are imported when they are used.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from archdsl.diagnostics import fail
from archdsl.targets.options import DEFAULT, Options

if TYPE_CHECKING:
    from torch import fx

    from archdsl.graph.model import Network


class Format(NamedTuple):
    """A kind of output file of ``archdsl compile``.

    ``module`` has a function ``encode(network, module, options) -> bytes`` that takes the checked
    network, its compiled torch module, and :class:`archdsl.targets.options.Options`; ``options``
    are the names of those that it understands.
    """

    module: str
    title: str
    options: frozenset[str] = frozenset()
    as_written: bool = False
    """Whether it holds the network layer by layer, so that only the module as compiled fits."""


_SIZE = frozenset({"dynamic_size"})

FORMATS = {
    ".py": Format("archdsl.targets.source", "the network as PyTorch source", as_written=True),
    ".json": Format(
        "archdsl.targets.formats.node_link", "the graph, as networkx reads it", as_written=True
    ),
    ".onnx": Format(
        "archdsl.targets.formats.onnx", "the network for ONNX runtimes", _SIZE | {"opset"}
    ),
    ".pt2": Format(
        "archdsl.targets.formats.exported_program", "the network for torch.export", _SIZE
    ),
    ".ts": Format("archdsl.targets.formats.torchscript", "the network as TorchScript", _SIZE),
    ".ptl": Format("archdsl.targets.formats.lite", "the network for PyTorch Mobile"),
    ".pte": Format("archdsl.targets.formats.executorch", "the network for ExecuTorch"),
    ".safetensors": Format("archdsl.targets.formats.safetensors", "the weights", as_written=True),
    ".dat": Format("archdsl.targets.formats.dlib", "the network for dlib", as_written=True),
    ".dnn": Format("archdsl.targets.formats.dlib", "the network for dlib", as_written=True),
    ".weights": Format(
        "archdsl.targets.formats.darknet", "the weights for Darknet", as_written=True
    ),
}


def format_of(path: Path) -> Format:
    """The format of a file name; raises ArchError where there is none for its suffix."""
    found = FORMATS.get(path.suffix.lower())
    if found is None:
        known = ", ".join(f"{suffix} ({form.title})" for suffix, form in FORMATS.items())
        raise fail(f"cannot tell what to write into {path}", None, f"expected one of {known}")
    return found


def encode(
    form: Format, network: Network, module: fx.GraphModule, options: Options = DEFAULT
) -> bytes:
    """The content of an output file."""
    content: bytes = importlib.import_module(form.module).encode(network, module, options)
    return content
