"""What notebooks show: IPython asks objects for ``_repr_mimebundle_``."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import ArchError
from archdsl.graph.model import Network

if TYPE_CHECKING:
    from torch import fx

SVG, PLAIN = "image/svg+xml", "text/plain"

Types = Collection[str] | None
"""Of contents, such as ``text/plain``; ``None`` stands for no wish."""


def mimebundle(
    makers: dict[str, Callable[[], str]], include: Types, exclude: Types
) -> dict[str, str]:
    """What an object shows, by its type: of all that ``makers`` can make, only what is asked for.

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
    """A checked network's diagram, drawn when it is first asked for.

    It is an attribute of the module, not a method of a subclass: torch unpickles modules of
    generated code as plain ``fx.GraphModule``.
    """

    def __init__(self, network: Network | None, svg: str = "") -> None:
        self._network = network
        self._svg = svg

    def attach(self, module: fx.GraphModule) -> None:
        """Make a module, and its copies, show this."""
        self._show(module)
        # torch gives a copy only the attributes that its code uses, but these hooks as well.
        module._deepcopy_hooks.append(self._show)

    def _show(self, module: fx.GraphModule) -> None:
        module._repr_mimebundle_ = self  # type: ignore[assignment]

    def __call__(self, include: Types = None, exclude: Types = None) -> dict[str, str]:
        return mimebundle({SVG: self.svg}, include, exclude)

    def svg(self) -> str:
        """The text of the diagram. Raises ArchError where the network cannot be drawn."""
        if not self._svg and self._network is not None:
            from archdsl.targets.draw import draw

            self._svg = draw(self._network, ".svg").decode()
        return self._svg

    def __deepcopy__(self, memo: dict[int, Any]) -> Figure:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as a picture: that can be read whatever later versions make of networks."""
        try:
            return Figure, (None, self.svg())
        except ArchError:
            return Figure, (None,)
