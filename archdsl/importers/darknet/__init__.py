"""Import of Darknet's .cfg: the layers that ``parse_network_cfg`` (parser.c) makes of sections.

Sections are layers in a row; ``[route]`` and ``[shortcut]`` name others by their number, from 0
on, or by the distance backwards. Darknet writes no names, so operations are called after their
sections (``convolutional12``).
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.diagnostics import fail, nearest
from archdsl.diagnostics.foreign import parsing
from archdsl.diagnostics.source import Source
from archdsl.frontend.files import read_source
from archdsl.importers import ImportOptions, Proof
from archdsl.importers.darknet.cfg import Section, sections
from archdsl.importers.darknet.cfg_reader import HEAD, CfgReader, refuse, refused
from archdsl.importers.darknet.heads import DETECTORS, detector
from archdsl.importers.darknet.kinds import SECTIONS, idle
from archdsl.importers.draft import Draft, step
from archdsl.importers.imported_graph import ImportedGraph
from archdsl.importers.made_layers import makes
from archdsl.ir.edges import Shape
from archdsl.ir.layer import RuleError
from archdsl.layers.images import InputImagesSized
from archdsl.layers.inputs import Input

if TYPE_CHECKING:
    from archdsl.ir.network import Network


def read(what: str, options: ImportOptions) -> ImportedGraph:
    """The network of a .cfg file; ``options.input`` takes the place of the size in it.

    Raises ArchError with file and line for what cannot be read or said.
    """
    path = Path(what)
    with parsing(path, "a .cfg file of Darknet", other="E412"):
        return graph_of_source(read_source(path), path.stem, options.input)


def proof(network: Network, what: str) -> Proof:
    """Compares the network with what OpenCV makes of the file, where that is installed."""
    from archdsl.importers.darknet.opencv import proof

    return proof(network, what)


def graph_of_source(source: Source, name: str, size: Shape | None = None) -> ImportedGraph:
    """The network of a text; see :func:`read`."""
    parts = sections(source)
    if not parts or parts[0].kind not in ("net", "network"):
        raise fail(
            f"{source.name} is no network of Darknet's",
            parts[0].span if parts else None,
            "expected [net] as the first section",
        )
    draft = Draft(name, in_order=True)
    detects = any(section.kind in DETECTORS for section in parts)
    reading = CfgReader(draft, first_layer(draft, parts[0], detects, size))
    for number, section in enumerate(parts[1:]):
        draft.part = f"{section.kind}{number}"
        make = SECTIONS.get(section.kind)
        if make is None:
            raise fail(
                f"there is no layer for [{section.kind}]",
                section.span,
                help=nearest(section.kind, SECTIONS),
            )
        refuse(section, "dontload", "dontloadscales")
        if reading.at == HEAD and section.kind != "route":
            raise fail(f"[{section.kind}] reads a detector's head", section.span)
        with step(partial(refused, section)):
            make(reading, section)
        reading.behind.append(reading.at)
    end = detector(reading) if reading.heads else reading.at
    for section in parts[1:]:
        section.finish(idle(section))
    draft.note("What Darknet only trains with, in [net] and in the heads, is left out.")
    return draft.graph({"output": end})


@makes(Input, InputImagesSized)
def first_layer(draft: Draft, net: Section, detects: bool, size: Shape | None) -> int:
    if size is None:
        size = net.integer("channels", 3), net.required("height"), net.required("width")
    channels, height, width = size
    draft.part = "input"
    try:
        if not detects:
            return draft.image(channels or 1, height, width)
        if channels != 3:
            raise RuleError("a detector takes pictures of three channels", f"found {channels}")
        return draft.add(
            InputImagesSized(
                height=height or 1,
                width=None if width == height else width,
                mean=0.0,
                deviation=1.0,
            )
        )
    except RuleError as error:
        raise refused(net, error) from None
