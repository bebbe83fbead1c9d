"""The figure of a text, for editors that show it beside the text.

The request ``archdsl/figure`` has the parameters ``textDocument`` and, if one likes, ``style``: one
of ``archdsl draw``. The answer has ``svg``, a document or ``null``, ``current``, false where the
text has errors and the figure is that of the last one without, and ``message``, a line to be shown.
"""

from __future__ import annotations

from pygls.exceptions import JsonRpcInvalidParams

from archdsl.diagnostics import ArchError
from archdsl.diagnostics.printable import printable
from archdsl.editor.stages import Checked
from archdsl.viz.draw import STYLES, draw


def asked(params: object) -> tuple[str, str]:
    """The text's address and the style in the parameters of a request."""
    uri = getattr(getattr(params, "textDocument", None), "uri", None)
    style = getattr(params, "style", "paper")
    if not isinstance(uri, str):
        raise JsonRpcInvalidParams("expected textDocument with its uri")
    if not isinstance(style, str) or style not in STYLES:
        raise JsonRpcInvalidParams(f"there is no style {style}")
    return uri, style


def figure(good: Checked | None, current: bool, style: str) -> dict[str, object]:
    """The answer to the request, by the last result of a text without errors."""
    if good is None or good.network is None or good.costs is None:
        message = "There is a figure as soon as the text has a network without errors."
        return {"svg": None, "current": False, "message": message}
    try:
        svg = draw(good.network, ".svg", style=style).decode()
    except ArchError as error:
        message = error.diagnostics[0].message
        return {"svg": None, "current": current, "message": printable(message)}
    message = str(good.costs()) if current else "The text has errors; this is the last one without."
    return {"svg": svg, "current": current, "message": printable(message)}
