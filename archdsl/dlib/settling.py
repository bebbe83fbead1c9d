"""Settings of a file of dlib's, which a network's type leaves open, carried into the network.

dlib's ``affine`` has a factor for each channel or for each value, by what it was made of; detectors
have windows or anchors, and overlaps that suppress, as they were trained. Nothing here needs torch.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from archdsl.diagnostics import fail
from archdsl.dlib.nesting import nest
from archdsl.dlib.open_file import open_saved
from archdsl.dlib.pairing import paired
from archdsl.ir.exchange import UnequalRunsError, exchanged
from archdsl.ir.network import Network


def settled(network: Network, path: Path) -> Network:
    """The network, not checked yet, with what its type leaves open as the file has it.

    The network itself where that is nothing. Raises ArchError where the file cannot be read, or
    does not hold the network.
    """
    saved, found = open_saved(path), nest(network)
    pairs = [(r, p.instance) for r, p in paired(saved, found, network.name)]
    if saved.loss is not None and found.loss is not None:
        pairs.append((saved.loss, found.loss))
    changed = {}
    for record, instance in pairs:
        layer = record.kind.settled(instance.layer, record.values)
        if layer != instance.layer:
            changed[instance.path] = layer
    if not changed:
        return network
    layers = [changed.get(each.path, each.layer) for each in network.instances()]
    try:
        root = exchanged(network.root, layers)
    except UnequalRunsError as error:
        raise fail(
            f"{saved.source} does not hold {network.name}",
            error.call.span,
            f"the {error.call.times} equal blocks differ in the file, in affine layers",
            help="a template of its own for each block lets them differ",
        ) from None
    return replace(network, root=root, typed=None, warnings=())
