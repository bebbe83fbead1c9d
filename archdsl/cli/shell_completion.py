"""Completions for a shell's Tab key; each is cheap to compute."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from archdsl.frontend.bundled import spec_names


def files(_: click.Context, __: click.Parameter, begun: str) -> list[CompletionItem]:
    """Bundled specs and .arch files here; any file where none of these fits."""
    folder = Path(begun) if begun.endswith("/") else Path(begun).parent
    beside = sorted(p.as_posix() for p in folder.glob("*.arch")) if folder.is_dir() else []
    found = [name for name in (*beside, *spec_names()) if name.startswith(begun)]
    # The shell itself completes paths; bash does so only where nothing else is offered.
    return _items(found) or [CompletionItem(begun, type="file")]


def layers(_: click.Context, __: click.Parameter, begun: str) -> list[CompletionItem]:
    """Layers that specs may name, with what they compute."""
    from archdsl.layers import definitions

    return [
        CompletionItem(name, help=definition.summary.split("\n")[0])
        for name, definition in definitions().items()
        if definition.writable and name.startswith(begun)
    ]


def settings(context: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
    """The parameters of the spec that stands on the line already, with their defaults."""
    from archdsl.diagnostics import ArchError
    from archdsl.frontend.elaborate import elaborate
    from archdsl.frontend.files import open_source
    from archdsl.frontend.syntax.parser import parse

    # Behind an option without its value click has not told arguments apart yet.
    given = (context.params.get("file"), *(context.params.get("files") or ()), *context.args)
    named = next(filter(None, given), "-")
    if named == "-":  # what comes through a pipe is not there yet
        return []
    try:
        parameters = elaborate(parse(open_source(named))).parameters
    except ArchError:
        return []
    shown = {n: str(v).lower() if isinstance(v, bool) else str(v) for n, v in parameters.items()}
    return _items(s for s in (f"{n}={v}" for n, v in shown.items()) if s.startswith(begun))


def _items(values: Iterable[str]) -> list[CompletionItem]:
    return [CompletionItem(value) for value in values]
