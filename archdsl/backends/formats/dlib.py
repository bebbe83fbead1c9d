"""dlib's file of a trained network, as its ``deserialize()`` reads it."""

from __future__ import annotations

from torch import nn

from archdsl.backends.formats.options import FormatOptions
from archdsl.dlib import writer as writing
from archdsl.dlib.from_module import made
from archdsl.ir.network import Network


def encode(network: Network, module: nn.Module, _: FormatOptions) -> bytes:
    """The network with its weights, in the newest versions.

    Raises ArchError where a layer or combinator is none that dlib has.
    """
    return writing.encode(made(network, module))
