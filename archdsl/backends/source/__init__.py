"""PyTorch source as it is written by hand: a file that needs torch alone."""

from __future__ import annotations

from torch import nn

from archdsl.backends.formats.options import FormatOptions
from archdsl.backends.source.python_file import page
from archdsl.ir.network import Network

__all__ = ["encode", "page", "source"]


def encode(network: Network, _module: nn.Module, _options: FormatOptions) -> bytes:
    """The network as a Python module; see :func:`archdsl.backends.source.python_file.page`."""
    return page(network).encode()


def source(network: Network) -> str:
    """The same as text. The network's weights are not needed, and take no memory."""
    return page(network)
