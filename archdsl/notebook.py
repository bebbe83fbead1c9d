"""What notebooks show: IPython asks objects for ``_repr_mimebundle_``."""

from __future__ import annotations

from collections.abc import Callable, Collection

from archdsl.diagnostics import ArchError

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
