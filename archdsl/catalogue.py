"""The facts that a spec's opening comment states about it."""

from __future__ import annotations

import re

from archdsl.source import Source

_FACT = re.compile(r"//\s*([a-z][a-z-]*):\s+(\S.*?)\s*$")


def facts(source: Source) -> dict[str, str]:
    """The lines ``// key: value`` of the comment that opens a spec."""
    found: dict[str, str] = {}
    for line in source.text.splitlines():
        if not line.startswith("//"):
            break
        fact = _FACT.match(line)
        if fact is not None:
            found[fact.group(1)] = fact.group(2)
    return found
