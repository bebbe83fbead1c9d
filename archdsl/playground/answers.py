"""The compiler as the playground's page asks it: a JSON document for a JSON document."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from archdsl.api import Network, load_source
from archdsl.diagnostics import ArchError, Diagnostic, fail
from archdsl.diagnostics.codes import explanations
from archdsl.diagnostics.documents import diagnostic_json, range_json
from archdsl.diagnostics.printable import printable
from archdsl.diagnostics.source import Source
from archdsl.frontend.format import formatted
from archdsl.ir.origin import Limits
from archdsl.viz.draw import draw

_LIMITS = Limits(layers=50_000)
"""A page has less memory and speed than a machine."""


_FOLDER = Path("/texts")
"""The folder that texts are said to lie in; there is none in a browser."""


class Session:
    """The compiler behind one page; it keeps the last network without errors, to draw it."""

    def __init__(self) -> None:
        self._network: Network | None = None

    def answer(self, request: str) -> str:
        """The answer to a request, both JSON: ``{"ask": "check", "name": ..., "text": ...}``.

        What is wrong with a text is in ``diagnostics``; ``fault`` tells of an error in archdsl.
        """
        asked = json.loads(request)
        try:
            told = self._asked[asked.pop("ask")](self, **asked)
        except ArchError as error:
            told = {"diagnostics": list(map(diagnostic_json, error.diagnostics))}
        except Exception as error:  # whatever it is, the page goes on
            told = {"fault": printable(f"{type(error).__name__}: {error}")}
        return json.dumps(told)

    def _check(self, name: str, text: str) -> dict[str, Any]:
        """All errors and warnings of a text; of a right one the totals and the layers, too."""
        source = _source(name, text)
        try:
            network = load_source(source, limits=_LIMITS).check()
            found = network.advice
        except ArchError as error:
            return {"diagnostics": [_placed(d, source) for d in error.diagnostics]}
        self._network = network
        summary = network.summary()
        table = summary.table()
        return {
            "diagnostics": [_placed(d, source) for d in found],
            "line": printable(str(summary)),
            "columns": table.columns,
            "rows": [[printable(cell) for cell in row] for row in table.rows],
            "totals": table.totals,
        }

    def _draw(self, style: str) -> dict[str, Any]:
        """The figure of the last network without errors, as SVG."""
        if self._network is None:
            raise fail("there is no network to draw")
        return {"svg": draw(self._network.checked, ".svg", style=style).decode()}

    def _format(self, name: str, text: str) -> dict[str, Any]:
        """The text as ``fmt`` writes it, mended where it was pasted."""
        return {"text": formatted(_source(name, text), close=True, fix=True)}

    def _explain(self, code: str) -> dict[str, Any]:
        explanation = explanations()[code]
        return {"title": explanation.title, "text": explanation.text}

    _asked: ClassVar[dict[str, Callable[..., dict[str, Any]]]] = {
        "check": _check,
        "draw": _draw,
        "format": _format,
        "explain": _explain,
    }


def _source(name: str, text: str) -> Source:
    """A text under a name; what it includes is bundled, as there is nothing beside it."""
    return Source(f"{name}.arch", text, _FOLDER / f"{name}.arch", _FOLDER)


def _placed(diagnostic: Diagnostic, source: Source) -> dict[str, Any]:
    """The document of a diagnostic, with the ``place`` in the page's text that it is shown at.

    That is its own, or that of the innermost expansion in the text; without any it is ``null``.
    """
    told = {**diagnostic_json(diagnostic), "place": None}
    spans = (diagnostic.span, *(frame.span for frame in diagnostic.frames))
    for span in spans:
        if span is not None and span.source is source:
            told["place"] = range_json(span)
            break
    return told
