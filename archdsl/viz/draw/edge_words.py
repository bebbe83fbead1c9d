"""Words on the edges of a diagram: sizes where they change, and what detectors pass on."""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.ir.edges import EdgeType, shown
from archdsl.ir.layer import Category
from archdsl.ir.network import Network
from archdsl.viz.draw.collapse import Collapsed
from archdsl.viz.draw.fusion import Fused

_LONGEST_LABEL = 24
"""Characters: what is longer, such as the sizes of several feature maps, crowds the lines."""


def edge_words(network: Network, groups: Mapping[str, Fused]) -> dict[str, str]:
    """The words on the edges that leave a box, for the boxes whose edges have any.

    Those are what the layers behind it take it for, such as ``scores``, or its shape.
    """
    roles = _roles(network)
    words: dict[str, str] = {}
    known: dict[str, set[str]] = {}
    for head, group in groups.items():
        before = {text for source in group.sources for text in known[source]}
        closed = isinstance(group, Collapsed)
        shape, role = shown(group.shape), roles.get(group.layers[-1].path, "")
        sizes = {_size(groups[source].shape) for source in group.sources}
        # A convolution says how many channels it makes; a change of size or what joins make, and
        # the end of a block, are worth a word.
        joins = group.head.layer.category is Category.JOIN
        changed = joins or _size(group.shape) not in sizes
        text = shape
        if role and role not in shape.split():
            text, closed = role, False  # a closed block tells its size alone
        said = _says(network.label(group.head), text)
        tells = (changed or text == role) and text not in before and not said
        tells = tells and len(text) <= _LONGEST_LABEL
        known[head] = {text} if tells or closed else before
        if tells and not closed:
            words[head] = text
    return words


def _roles(network: Network) -> dict[str, str]:
    """The role of an output for the layers that take it, if they agree on it."""
    found: dict[str, set[str]] = {}
    seen: dict[str, str] = {}
    for instance in network.instances():
        if not instance.layer.drawn:
            seen[instance.path] = seen.get(instance.inputs[0], instance.inputs[0])
        for word, source in zip(instance.layer.takes, instance.inputs, strict=False):
            found.setdefault(seen.get(source, source), set()).add(word)
    return {path: next(iter(words)) for path, words in found.items() if len(words) == 1}


def _says(label: str, text: str) -> bool:
    """True if a box has said a size: fc 10, or 9 anchors at a place."""
    return set(text.split()) <= set(label.replace(",", "").split())


def _size(edge: EdgeType) -> object:
    """Height and width of a feature map, which a convolution's text leaves out; else the edge."""
    return edge[1:] if isinstance(edge, tuple) and len(edge) > 1 else edge
