"""Comments that list the layers of a network from its input to its output."""

from __future__ import annotations

from archdsl.frontend.format.layout import WIDTH
from archdsl.frontend.format.structure import Structure

MARK = "// flow: "
"""Beginning of every line of such a comment, by which it is found and renewed."""

_ARROW = " -> "


class Flows:
    """Knows the names of a text that are networks, as they are defined one after the other."""

    def __init__(self) -> None:
        self._networks: set[str] = set()

    def comment(self, structure: Structure) -> list[str]:
        """The comment lines for a definition; none where it is no network of several layers.

        A definition is a network if its innermost layer is an input, a network defined before, or
        the template's subnet.
        """
        pieces = structure.pieces
        layers, source = self._layers(structure)
        if not source:
            return []
        if pieces[0].kind == "USING":
            self._networks.add(pieces[1].text)
        return _wrapped([source, *reversed(layers)]) if len(layers) > 1 else []

    def _layers(self, structure: Structure) -> tuple[list[str], str]:
        """The layers outermost first, and where their data comes from: an input or a name."""
        pieces = structure.pieces
        known = self._networks | _subnets(structure)
        layers: list[str] = []
        index: int | None = structure.value
        while index is not None and index in structure.opened:
            bracket = structure.opened[index]
            name = pieces[index].text[:-1].rpartition("::")[2]
            if name.startswith("input"):
                return layers, _joined(structure, index, bracket.closer + 1)
            sides = _joined(structure, index + 1, bracket.sides_end).rstrip(", ")
            layers.append(f"{name}<{sides}>" if sides else name)
            index = bracket.chain
        if index is None or pieces[index].text not in known:
            return layers, ""
        return layers, pieces[index].text


def _subnets(structure: Structure) -> set[str]:
    """The name of the last parameter of a template, if that is a type."""
    if structure.pieces[0].kind != "TEMPLATE" or not structure.opened[0].arguments:
        return set()
    last = structure.opened[0].arguments[-1]
    formal = structure.pieces[last : structure.opened[0].closer]
    return {formal[1].text} if len(formal) == 2 and formal[0].kind == "TYPENAME" else set()


def _joined(structure: Structure, start: int, end: int) -> str:
    """Pieces on one line; spaces in lists depend on the lists alone, not on where lines broke."""
    parts: list[str] = []
    for index in range(start, end):
        if index in structure.argument_of:
            space = structure.usual_space(index)
        else:
            space = structure.space(index) if index > start else 0
        parts.append(" " * space)
        parts.append(structure.pieces[index].text)
    return "".join(parts)


def _wrapped(items: list[str]) -> list[str]:
    lines = [MARK + items[0]]
    for item in items[1:]:
        if len(lines[-1]) + len(_ARROW) + len(item) > WIDTH:
            lines.append(MARK + _ARROW.lstrip() + item)
        else:
            lines[-1] += _ARROW + item
    return lines
