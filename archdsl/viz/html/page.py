"""From the document to the page: everything in one file, and nothing that a spec can break.

The text of a spec is data: JSON without a character that HTML reads, which the scripts put on the
page as text. The page's policy allows the scripts and styles that were put in here, by their
digests, and no others, and no request to anywhere.
"""

from __future__ import annotations

import json
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from archdsl.text.digests import digest
from archdsl.viz.html.colours import style_sheet

_FOLDER = Path(__file__).parent / "page"
_SCRIPTS = (
    "network.js",
    "scene.js",
    "ranks.js",
    "placing.js",
    "layout.js",
    "routes.js",
    "picture.js",
    "camera.js",
    "link.js",
    "facts.js",
    "search.js",
    "main.js",
)
"""In the order in which they use each other; together they are one script."""

_ESCAPED = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}


def page(document: dict[str, Any]) -> bytes:
    """The page of a document, as UTF-8 (ASCII but for what the scripts say)."""
    script, style = _script(), style_sheet() + _text("page.css")
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src {digest(script)}",
            f"style-src {digest(style)}",
            "img-src data:",  # the empty icon, which keeps browsers from asking for one
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    fields = {
        "policy": policy,
        "title": escape(document["name"]),
        "style": style,
        "document": json.dumps(document, separators=(",", ":")).translate(_ESCAPED),
        "script": script,
    }
    # One pass: what is put in is not searched for further fields.
    pieces = _text("page.html").split("%%")
    return "".join(fields[p] if at % 2 else p for at, p in enumerate(pieces)).encode()


@cache
def _script() -> str:
    files = "\n".join(f"// ---- {name}\n{_text(name)}" for name in _SCRIPTS)
    return f'\n(() => {{\n"use strict";\n{files}\n}})();\n'


def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
