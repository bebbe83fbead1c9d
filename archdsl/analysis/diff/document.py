"""Differences of networks as JSON documents."""

from __future__ import annotations

from typing import Any

from archdsl.analysis.diff.changes import Change, Difference, Status
from archdsl.analysis.diff.parts import NetworkPart
from archdsl.ir import edges


def document(difference: Difference) -> dict[str, Any]:
    """The document of ``archdsl diff --json``; layers that are the same are only counted."""
    return {
        "equal": difference.equal,
        "before": difference.before.totals(),
        "after": difference.after.totals(),
        "moved_outputs": list(difference.moved),
        "counts": {status.value: number for status, number in difference.counts().items()},
        "changes": [
            _change(change)
            for change in difference.root.layers()
            if change.status is not Status.UNCHANGED or change.renamed
        ],
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "status": change.status.value,
        "before": _layer(change.before),
        "after": _layer(change.after),
        "arguments": {
            name: {"before": was, "after": now} for name, (was, now) in change.arguments.items()
        },
        "rewired": change.rewired,
    }


def _layer(part: NetworkPart | None) -> dict[str, Any] | None:
    if part is None:
        return None
    return {
        "scope": part.path,
        "kind": part.kind,
        "shape": edges.document(part.shape),
        "params": part.parameters,
        "macs": part.macs,
    }
