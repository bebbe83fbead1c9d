"""dlib's file of a trained network, as its ``deserialize()`` reads it."""

from __future__ import annotations

from torch import fx

from archdsl.dlib import writing
from archdsl.dlib.making import made
from archdsl.graph.model import Network
from archdsl.targets.options import Options


def encode(network: Network, module: fx.GraphModule, _: Options) -> bytes:
    """The network with its weights, in the newest versions.

    Raises ArchError where a layer or combinator is none that dlib has.
    """
    return writing.encode(made(network, module))
