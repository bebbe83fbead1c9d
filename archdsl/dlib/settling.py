"""Settings of a file of dlib's, which a network's type leaves open, carried into the network.

dlib's ``affine`` has a factor for each channel or for each value, by what it was made of; detectors
have windows or anchors, and overlaps that suppress, as they were trained. Nothing here needs torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from archdsl.diagnostics import coded, fail
from archdsl.dlib.kinds import LossKind, Record
from archdsl.dlib.nesting import nest
from archdsl.dlib.open_file import open_saved
from archdsl.dlib.pairing import paired
from archdsl.ir.exchange import UnequalRunsError, exchanged
from archdsl.ir.layer import Layer
from archdsl.ir.network import Network
from archdsl.ir.region import Region
from archdsl.layers.convolution import Convolution


def _as_many(layer: Layer, below: Record, loss: Record) -> Layer:
    """A convolution below a detector's loss, with as many filters as there are windows.

    Programs that train such detectors set them when they run (con_::set_num_filters); the type has
    any number, mostly one.
    """
    wanted = loss.kind.channels(loss.values) if isinstance(loss.kind, LossKind) else None
    found = dict(below.kind.arguments(below.values)).get("filters")
    if wanted is None or found != wanted or not isinstance(layer, Convolution):
        return layer
    return replace(layer, filters=wanted)


@coded("E413")
def settled(network: Network, path: Path) -> Network:
    """The network, not checked yet, with what its type leaves open as the file has it.

    The network itself where that is nothing. Raises ArchError where the file cannot be read, or
    does not hold the network.
    """
    saved, found = open_saved(path), nest(network)
    pairs = [(r, p.instance) for r, p in paired(saved, found, network.name)]
    if saved.loss is not None and found.loss is not None:
        pairs.append((saved.loss, found.loss))
    changed, numbered = {}, {}
    for record, instance in pairs:
        layer = record.kind.settled(instance.layer, record.values)
        if record is pairs[-2][0] and saved.loss is not None:
            layer = _as_many(layer, record, saved.loss)
        changed[instance.path] = layer
        numbered[instance.path] = record.kind.with_numbers(layer, record.values)
    try:
        try:
            root = _with(network, numbered)
        except UnequalRunsError:  # numbers that each block of a repeat has for itself
            root = _with(network, changed)
    except UnequalRunsError as error:
        raise fail(
            f"{saved.source} does not hold {network.name}",
            error.call.span,
            f"the {error.call.times} equal blocks differ in the file, in affine layers",
            help="a template of its own for each block lets them differ",
        ) from None
    return network if root is network.root else replace(network, root=root, typed=None, warnings=())


def _with(network: Network, layers: Mapping[str, Layer]) -> Region:
    """The network's regions with other layers, by their paths."""
    made = (layers.get(each.path, each.layer) for each in network.instances())
    return exchanged(network.root, made)
