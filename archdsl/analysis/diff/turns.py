"""Parts of a network that are together a turn of a repeated block which has no scope."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.analysis.diff.parts import NetworkPart, digested
from archdsl.ir.network import Network, Turn

TO = " … "
"""Between the names of the first and the last part of several."""


def span(first: str, last: str) -> str:
    """The names of several parts in a row: ``body2 … add4``."""
    return f"{first.partition(TO)[0]}{TO}{last.rpartition(TO)[2]}"


class Turns:
    """The turns of a network, by the layers in them."""

    def __init__(self, network: Network) -> None:
        self._places = {each.path: place for place, each in enumerate(network.instances())}
        self._of: list[tuple[Turn, ...]] = [()] * len(self._places)
        """For each layer the turns that it is in, outer ones first."""
        for turn in network.turns:
            for place in turn.layers:
                self._of[place] += (turn,)

    def of(self, part: NetworkPart, around: NetworkPart) -> Turn | None:
        """The outermost turn inside of ``around`` that a part of it is in."""
        inner, outer = self._ends(part), self._ends(around)
        turns = (each for each in self._of[inner[0]] if inner[1] in each.layers)
        return next((each for each in turns if not all(p in each.layers for p in outer)), None)

    def whole(self, turn: Turn, parts: Sequence[NetworkPart]) -> NetworkPart | None:
        """The part that several ones are together, if they are all of a turn."""
        first, last = self._ends(parts[0])[0], self._ends(parts[-1])[1]
        if len(parts) == 1 or (first, last) != (turn.layers.start, turn.layers.stop - 1):
            return None
        path = span(parts[0].path, parts[-1].name)
        made = NetworkPart(path, turn.title, turn.title, children=[*parts])
        digested(made)
        return made

    def _ends(self, part: NetworkPart) -> tuple[int, int]:
        """The places of the first and the last layer inside."""
        first = last = part
        while first.children:
            first = first.children[0]
        while last.children:
            last = last.children[-1]
        return self._places[first.path], self._places[last.path]
