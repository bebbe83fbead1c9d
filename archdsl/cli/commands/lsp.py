"""``archdsl lsp``: the language server."""

from __future__ import annotations

import importlib.util

import click

from archdsl.diagnostics import fail


@click.command()
def command() -> None:
    """Serve an editor over standard input and output, by the language server protocol."""
    if importlib.util.find_spec("pygls") is None:
        raise fail("the language server needs pygls", help="pip install 'archdsl[lsp]'")
    from archdsl.editor.server import make_server

    make_server().serve()
