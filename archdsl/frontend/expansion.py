"""From a text to its network: parsed, elaborated, built."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from archdsl.diagnostics.source import Source
from archdsl.frontend.elaborate import Elaborated, elaborate
from archdsl.frontend.elaborate.assemble import ReadDocument
from archdsl.frontend.syntax import nodes
from archdsl.frontend.syntax.parser import parse
from archdsl.ir.build import build
from archdsl.ir.network import Network
from archdsl.ir.origin import Origin


class FrontendResult(NamedTuple):
    """A network, with the syntax tree and the elaboration that it was made of."""

    document: nodes.Document
    elaborated: Elaborated
    network: Network


def network_name(source: Source, elaborated: Elaborated) -> str:
    """The name of a network: that of its file, or of its definition in a text without a file."""
    return source.path.stem if source.path is not None else (elaborated.name or "network")


def expanded(
    origin: Origin, *, document: nodes.Document | None = None, read: ReadDocument | None = None
) -> FrontendResult:
    """The network of an origin; raises ArchError for everything that is wrong with its text.

    ``document`` is the text's syntax tree where that is known, ``read`` gives those of includes.
    """
    source, settings = origin.source, origin.settings
    document = document or parse(source, settings)
    elaborated = elaborate(
        document,
        net=origin.net,
        settings=settings,
        limits=origin.limits,
        opaque=origin.opaque,
        read=read,
    )
    network = build(elaborated.block, network_name(source, elaborated), elaborated.parameters)
    return FrontendResult(document, elaborated, replace(network, origin=origin))
