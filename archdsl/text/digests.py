"""Digests of scripts and styles, by which a page's policy allows them."""

from __future__ import annotations

import hashlib
from base64 import b64encode


def digest(text: str) -> str:
    """The source expression of a Content Security Policy for an inline script or style."""
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
