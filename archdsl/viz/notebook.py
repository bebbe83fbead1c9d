"""Display of networks in notebooks: IPython asks objects for ``_repr_mimebundle_``."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from archdsl.diagnostics import ArchError
from archdsl.ir.network import Network

SVG, PLAIN = "image/svg+xml", "text/plain"

Types = Collection[str] | None
"""MIME types, such as ``text/plain``; ``None`` for no preference."""


def mimebundle(
    makers: dict[str, Callable[[], str]], include: Types, exclude: Types
) -> dict[str, str]:
    """The MIME bundle of an object: of the types that ``makers`` can make, those asked for.

    What is wrong with a network is shown as text in place of all of it: a notebook that displays
    an object has nowhere to raise an error.
    """
    wanted = [
        kind
        for kind in makers
        if (not include or kind in include) and (not exclude or kind not in exclude)
    ]
    try:
        return {kind: makers[kind]() for kind in wanted}
    except ArchError as error:
        return {PLAIN: "\n".join(str(diagnostic) for diagnostic in error.diagnostics)}


class Figure:
    """A checked network's diagram, drawn when it is first asked for."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def attach(self, module: Any) -> None:
        """Make a compiled module, and its copies, show this.

        It belongs to the class, which is the network's own: what is pickled is the module alone.
        """
        type(module)._repr_mimebundle_ = self.mimebundle

    def mimebundle(self, include: Types = None, exclude: Types = None) -> dict[str, str]:
        """The diagram as IPython asks for it."""
        return mimebundle({SVG: self.svg}, include, exclude)

    def svg(self) -> str:
        """The text of the diagram. Raises ArchError where the network cannot be drawn."""
        from archdsl.viz.draw import draw

        return draw(self._network, ".svg").decode()
