"""PyTorch source as it is written by hand: a file that needs torch alone."""

from __future__ import annotations

from torch import fx

from archdsl.backends.formats.options import FormatOptions
from archdsl.backends.source.python_file import page
from archdsl.backends.torch import compile_outline
from archdsl.ir.network import Network

__all__ = ["encode", "page", "source"]


def encode(network: Network, module: fx.GraphModule, _: FormatOptions) -> bytes:
    """The network as a Python module; see :func:`archdsl.backends.source.python_file.page`."""
    return page(network, module).encode()


def source(network: Network) -> str:
    """The same as text. The network's weights are not needed, and take no memory."""
    return page(network, compile_outline(network))
