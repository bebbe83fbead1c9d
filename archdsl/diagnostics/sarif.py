"""Diagnostics as a SARIF log, which code scanning services read.

Static Analysis Results Interchange Format 2.1.0 (OASIS 2020); numbers in comments are its sections.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from archdsl.diagnostics import Diagnostic
from archdsl.diagnostics.codes import explanations
from archdsl.diagnostics.source import Span

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"


def sarif_log(found: Iterable[tuple[str, Diagnostic]], version: str) -> dict[str, Any]:
    """The log of one run of a version of archdsl; each diagnostic comes with its file's name."""
    results = list(found)
    codes = sorted({d.code for _, d in results if d.code is not None})
    places = {code: index for index, code in enumerate(codes)}
    driver = {
        "name": "archdsl",
        "semanticVersion": version,
        "rules": [_rule(code) for code in codes],
    }
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "utf16CodeUnits",  # 3.14.17
                "results": [_result(file, d, places) for file, d in results],
            }
        ],
    }


def _rule(code: str) -> dict[str, Any]:
    """3.49: a reporting descriptor."""
    known = explanations().get(code)
    level = "error" if code.startswith("E") else "warning"
    rule: dict[str, Any] = {"id": code, "defaultConfiguration": {"level": level}}
    if known is not None:
        rule["shortDescription"] = {"text": known.title}
        rule["help"] = {"text": known.text, "markdown": known.text}
    return rule


def _result(file: str, diagnostic: Diagnostic, places: Mapping[str, int]) -> dict[str, Any]:
    """3.27: a result, its notes and help as one text."""
    help = [f"help: {diagnostic.help}"] if diagnostic.help else []
    text = "\n".join([diagnostic.message, *diagnostic.notes, *help])
    span = diagnostic.span
    where = _location(span) if span is not None else {"physicalLocation": _artifact(file)}
    result: dict[str, Any] = {
        "level": diagnostic.severity,
        "message": {"text": text},
        "locations": [where],
    }
    if diagnostic.code is not None:
        result |= {"ruleId": diagnostic.code, "ruleIndex": places[diagnostic.code]}
    if diagnostic.frames:
        result["relatedLocations"] = [
            {"id": number, "message": {"text": f"expanded as {f.instance}"}, **_location(f.span)}
            for number, f in enumerate(diagnostic.frames)
        ]
    return result


def _artifact(file: str) -> dict[str, Any]:
    path = Path(file)
    uri = path.as_uri() if path.is_absolute() else quote(path.as_posix())
    return {"artifactLocation": {"uri": uri}}


def _location(span: Span) -> dict[str, Any]:
    """3.28 and 3.30: lines and columns count from 1, the end is exclusive."""
    start, end = span.range
    region = {
        "startLine": start.line + 1,
        "startColumn": start.character + 1,
        "endLine": end.line + 1,
        "endColumn": end.character + 1,
    }
    return {"physicalLocation": {**_artifact(span.source.name), "region": region}}
