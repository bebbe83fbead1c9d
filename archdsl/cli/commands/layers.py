"""``archdsl layers``: the catalogue."""

from __future__ import annotations

from typing import Any

import click

from archdsl.cli import shell_completion as completing
from archdsl.cli.options import json_option, print_json
from archdsl.cli.output import print_table
from archdsl.diagnostics import fail, nearest
from archdsl.layers import Definition, definitions
from archdsl.layers.reference import default, markdown, section, signature, type_name


@click.command()
@click.argument("name", required=False, shell_complete=completing.layers)
@click.option("--markdown", "as_markdown", is_flag=True, help="Print a reference as Markdown.")
@json_option
def command(name: str | None, as_markdown: bool, as_json: bool) -> None:
    """List the layers and combinators, or show one: arguments, defaults, source."""
    if as_markdown and as_json:
        raise click.UsageError("--markdown and --json exclude each other")
    known = {n: d for n, d in definitions().items() if d.writable}
    if name is None:
        if as_markdown:
            from archdsl.importers.coverage import coverage

            click.echo(markdown(known.values(), coverage()), nl=False)
            return
        if as_json:
            print_json({"layers": [_document(d) for d in known.values()]})
            return
        listed = [(signature(d), _first_sentence(d)) for d in known.values()]
        print_table([("layer", "left"), ("what it computes", "left")], listed)
        return
    if name not in known:
        raise fail(f"there is no layer '{name}'", help=nearest(name, known))
    definition = known[name]
    if as_markdown:
        click.echo(section([definition]), nl=False)
        return
    if as_json:
        print_json(_document(definition))
        return
    click.echo(signature(definition))
    click.echo(f"\n{definition.summary}\n")
    rows = [(a.name, type_name(a), default(a), a.doc) for a in definition.arguments]
    if rows:
        headings = ("argument", "type", "default", "meaning")
        print_table([(heading, "left") for heading in headings], rows)
    click.echo(f"\nsource: {definition.source}")


def _first_sentence(definition: Definition) -> str:
    text = " ".join(definition.summary.split())
    return text.split(". ")[0].rstrip(".")


def _document(definition: Definition) -> dict[str, Any]:
    return {
        "name": definition.name,
        "signature": signature(definition),
        "summary": definition.summary,
        "source": definition.source,
        "arguments": [
            {
                "name": a.name,
                "type": type_name(a),
                "required": a.required,
                "default": None if a.required else a.shown_default,
                "positional": a.positional,
                "minimum": a.minimum,
                "maximum": a.maximum,
                "meaning": a.doc,
            }
            for a in definition.arguments
        ],
    }
