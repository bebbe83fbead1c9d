"""``archdsl explain``: the explanation of a diagnostic's code."""

from __future__ import annotations

import click

from archdsl.cli.options import json_option, print_json
from archdsl.cli.output import print_table
from archdsl.diagnostics import fail, nearest
from archdsl.diagnostics.codes import Explanation, explanations


@click.command()
@click.argument("code", required=False)
@json_option
def command(code: str | None, as_json: bool) -> None:
    """Explain the code of an error or warning, with examples, or list all codes."""
    known = explanations()
    if code is None:
        if as_json:
            print_json({"codes": [_document(e) for e in known.values()]})
            return
        rows = [(e.code, e.title) for e in known.values()]
        print_table([("code", "left"), ("what is wrong", "left")], rows)
        return
    found = known.get(code.upper())
    if found is None:
        help = nearest(code.upper(), known) or "archdsl explain lists all codes"
        raise fail(f"there is no code '{code}'", help=help)
    if as_json:
        print_json(_document(found))
        return
    click.echo(f"{found.code}: {found.title}\n\n{found.text}")


def _document(explanation: Explanation) -> dict[str, str]:
    return {"code": explanation.code, "title": explanation.title, "text": explanation.text}
