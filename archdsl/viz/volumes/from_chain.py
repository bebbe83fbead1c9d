"""The figure of a chain: slices grouped into volumes, with their labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import partial

from archdsl.diagnostics.printable import printable
from archdsl.ir.edges import total
from archdsl.ir.layer import Category, Window, elements, shown
from archdsl.ir.network import Network
from archdsl.text.words import counted
from archdsl.viz.draw.words import giga
from archdsl.viz.volumes.chain import Element, Jump, chain_of, reordered
from archdsl.viz.volumes.figure import Form, Volume, VolumeFigure, VolumeOperation
from archdsl.viz.volumes.parts import Part

MOST_VOLUMES = 26
"""More do not fit a page: blocks are closed until there are no more than these."""
_ENOUGH = 20
"""Number of volumes that is few enough once blocks have to be closed."""
_FEWEST_VOLUMES = 4
"""With fewer a figure shows nothing of the network."""
_LONGEST_BLOCK = 8
"""With more members an instance of a template is no block that its like branches in; so it is with
several blocks inside."""
_NAME_LENGTH = 18

_QUIET = frozenset(
    {
        Category.ACTIVATION,
        Category.LOSS,
        Category.NORMALIZATION,
        Category.REGULARIZATION,
        Category.RESHAPE,
    }
)
"""Layers of these categories make no volume of their own where they leave a feature map's size."""

_Chain = tuple[list[Element], list[Jump]]
_Choice = Callable[[Element], Part | None]


def figure_of(network: Network, *, depth: int | None = None) -> VolumeFigure:
    """The figure of a checked network: its feature maps in a row.

    With ``depth`` template instances that many levels down are a volume each; without it as many
    of them are closed as a page needs. Raises ArchError for networks that are no chain of tensors,
    as detectors are, and for unknown sizes.
    """
    chain = _without_quiet(chain_of(network), network)
    if depth is None:
        chain = _fitting(_uniform(chain))
    else:
        chain = _closed(chain, lambda element: _at_depth(element, depth))
    elements_, jumps = chain
    runs = _runs(elements_)
    volumes = tuple(_volume(network, elements_[first:end]) for first, end in runs)
    place = {e: number for number, (first, end) in enumerate(runs) for e in range(first, end)}
    arcs = (Jump(place[jump.source], place[jump.target], jump.skip) for jump in jumps)
    drawn = dict.fromkeys(arc for arc in arcs if arc.source < arc.target)
    left_out = tuple(network.outputs)[1:]
    return VolumeFigure(network.name, volumes, tuple(drawn), left_out)


# ---- which elements there are ----


def _without_quiet(chain: _Chain, network: Network) -> _Chain:
    """The chain with activations and the like put to the element before them."""
    kept: list[Element] = []
    place = []
    for element in chain[0]:
        if kept and _is_quiet(element, kept[-1], network):
            kept[-1] = replace(kept[-1], layers=kept[-1].layers + element.layers)
        else:
            kept.append(element)
        place.append(len(kept) - 1)
    return kept, [replace(j, source=place[j.source], target=place[j.target]) for j in chain[1]]


def _is_quiet(element: Element, before: Element, network: Network) -> bool:
    if element.block or not reordered(before.shape, element.shape):
        return False
    head = element.layers[0]
    window = head.layer.edge_window(network.input_shapes(head))
    # A pooling of 7x7 to 7x7 is there for inputs of other sizes.
    nothing = head.layer.category is Category.POOLING and _kernel(window) is None
    return nothing or head.layer.category in _QUIET


def _uniform(chain: _Chain) -> _Chain:
    """The chain with all parts closed that are of one kind with a block that branches.

    The blocks of MobileNetV2 branch or not, by their stride, and are blocks to a reader all the
    same.
    """
    blocks = (_block(element) for element in chain[0] if element.block)
    kinds = {block.kind for block in blocks if block is not None}
    held = Counter(part for element in chain[0] for part in element.parts)
    branching = Counter(p for element in chain[0] if element.block for p in element.parts)

    def choice(element: Element) -> Part | None:
        found = [
            part
            for part in element.parts
            if part.kind in kinds and held[part] <= _LONGEST_BLOCK and branching[part] <= 1
        ]
        return found[-1] if found else None

    return _closed(chain, choice)


def _fitting(chain: _Chain) -> _Chain:
    """The chain with all parts of some kinds closed, so that a page holds the volumes.

    The kind that leaves most to see is closed, of those that leave few enough; where there is none
    of these, the one that saves most.
    """
    while len(_runs(chain[0])) > MOST_VOLUMES:
        every = (part for element in chain[0] for part in element.parts)
        names = {part.kind: part.name for part in every if part.kind is not None}
        choices = {kind: _closed(chain, partial(_outermost, kind)) for kind in names}
        sizes = {
            kind: len(_runs(choices[kind][0])) for kind in sorted(names, key=names.__getitem__)
        }
        useful = [kind for kind, size in sizes.items() if size >= _FEWEST_VOLUMES]
        enough = [kind for kind in useful if sizes[kind] <= _ENOUGH]
        best = max(enough, key=sizes.__getitem__) if enough else None
        if best is None and useful:
            best = min(useful, key=sizes.__getitem__)
        if best is None or len(choices[best][0]) == len(chain[0]):
            return chain
        chain = choices[best]
    return chain


def _closed(chain: _Chain, choice: _Choice) -> _Chain:
    """The chain with neighbours of one chosen part put together."""
    kept: list[Element] = []
    chosen: list[Part | None] = []
    place = []
    for element in chain[0]:
        part = choice(element)
        if part is not None and chosen and chosen[-1] is part:
            layers = kept[-1].layers + element.layers
            inside = element.parts[element.parts.index(part) :]
            kept[-1] = Element(layers, element.shape, inside, block=True)
        else:
            kept.append(element)
            chosen.append(part)
        place.append(len(kept) - 1)
    return kept, [replace(j, source=place[j.source], target=place[j.target]) for j in chain[1]]


def _outermost(kind: Hashable, element: Element) -> Part | None:
    found = [part for part in element.parts if part.kind == kind]
    return found[-1] if found else None


def _at_depth(element: Element, depth: int) -> Part | None:
    found = [part for part in element.parts if part.template is not None]
    return found[-depth] if len(found) >= depth else None


# ---- volumes ----


def _runs(chain: list[Element]) -> list[tuple[int, int]]:
    """Neighbours that keep the shape, as ranges: the slices of one volume."""
    runs: list[tuple[int, int]] = []
    for number, element in enumerate(chain):
        before = chain[number - 1] if number else None
        same = (
            before is not None
            and before.shape == element.shape
            and form_of(element) is not Form.BAR
            and before.block == element.block
            and (element.block or _category(before) is _category(element))
        )
        if same:
            runs[-1] = (runs[-1][0], number + 1)
        else:
            runs.append((number, number + 1))
    return runs


def _category(element: Element) -> Category:
    return element.layers[0].layer.category


def form_of(element: Element) -> Form:
    """Form of a feature map: a plane for the image, a bar for vectors and 1×1 maps, else a box."""
    if elements(element.shape) == element.shape[0]:
        return Form.BAR
    return Form.PLANE if _category(element) is Category.INPUT else Form.BOX


def _volume(network: Network, run: list[Element]) -> Volume:
    head = run[0].layers[0]
    form = form_of(run[0])
    operations = Counter(_words(network, element) for element in run)
    window = None if run[0].block else head.layer.edge_window(network.input_shapes(head))
    return Volume(
        head.path,
        form,
        tuple(size or 0 for size in run[0].shape),
        tuple(VolumeOperation(*item) for item in operations.items()),
        tuple(element.skip for element in run),
        _paint(network, run),
        _kernel(window),
        _telling(network, run),
        run[0].block,
    )


def _kernel(window: Window | None) -> tuple[int, int] | None:
    """The rows and columns that one cell sees, where these are more than one."""
    if window is None or max(window.kernel) <= 1 or min(window.stride) < 1:
        return None
    return window.kernel


def _words(network: Network, element: Element) -> str:
    if not element.block:
        return printable(network.label(element.layers[0]))
    block = _block(element)
    name = printable(block.name if block is not None else counted(len(element.layers), "layer"))
    return name if len(name) <= _NAME_LENGTH else name[: _NAME_LENGTH - 1] + "…"


def _block(element: Element) -> Part | None:
    """The part that an element is to a reader, ``None`` for layers in none."""
    return next((part for part in element.parts if part.kind is not None), None)


def _paint(network: Network, run: list[Element]) -> Category:
    """The category of a volume; of a block that of the layer which computes most."""
    if not run[0].block:
        return _category(run[0])
    costs = {
        i: i.layer.edge_macs(network.input_shapes(i), network.shape(i.path)) or 0
        for i in run[0].layers
    }
    return max(costs, key=costs.__getitem__).layer.category


def _telling(network: Network, run: list[Element]) -> str:
    """A volume in a sentence, for those who do not see it or want to know more."""
    layers = [layer for element in run for layer in element.layers]
    parameters = sum(i.layer.edge_parameters(network.input_shapes(i)) for i in layers)
    macs = total(i.layer.edge_macs(network.input_shapes(i), network.shape(i.path)) for i in layers)
    if run[0].block:
        blocks = map(_block, run)
        names = ", ".join(dict.fromkeys(block.title for block in blocks if block is not None))
        made = (
            f"{names}: {counted(len(layers), 'layer')}" if names else counted(len(layers), "layer")
        )
    else:
        made = ", ".join(dict.fromkeys(network.label(i) for i in layers))
    costs = f"{parameters:,} parameters, {giga(macs)} MACs"
    return printable(f"{shown(run[-1].shape)} from {made}; {costs}")
