"""``archdsl layers``: the catalogue."""

from __future__ import annotations

from typing import Any

import click

from archdsl import completing
from archdsl.diagnostics import fail, nearest
from archdsl.layers import Argument, Definition, definitions
from archdsl.options import json_option, print_json
from archdsl.printing import print_table


@click.command()
@click.argument("name", required=False, shell_complete=completing.layers)
@json_option
def command(name: str | None, as_json: bool) -> None:
    """List the layers and combinators, or show one: arguments, defaults, source."""
    known = {n: d for n, d in definitions().items() if d.writable}
    if name is None:
        if as_json:
            print_json({"layers": [_document(d) for d in known.values()]})
            return
        listed = [(signature(d), _first_sentence(d)) for d in known.values()]
        print_table([("layer", "left"), ("what it computes", "left")], listed)
        return
    if name not in known:
        raise fail(f"there is no layer '{name}'", help=nearest(name, known))
    definition = known[name]
    if as_json:
        print_json(_document(definition))
        return
    click.echo(signature(definition))
    click.echo(f"\n{definition.summary}\n")
    rows = [(a.name, _type(a), _default(a), a.doc) for a in definition.arguments]
    if rows:
        headings = ("argument", "type", "default", "meaning")
        print_table([(heading, "left") for heading in headings], rows)
    click.echo(f"\nsource: {definition.source}")


def signature(definition: Definition) -> str:
    """``con<filters,kernel_h,...,padding=..,SUBNET>``: how the layer is written."""
    positional = [a.name for a in definition.arguments if a.positional]
    named = [f"{a.name}=" for a in definition.arguments if not a.positional]
    subnet = [] if getattr(definition.cls, "inputs", 1) == 0 else ["SUBNET"]
    return f"{definition.name}<{','.join([*positional, *named, *subnet])}>"


def _first_sentence(definition: Definition) -> str:
    text = " ".join(definition.summary.split())
    return text.split(". ")[0].rstrip(".")


def _type(argument: Argument) -> str:
    return getattr(argument.type, "__name__", str(argument.type)).lower()


def _default(argument: Argument) -> str:
    return "required" if argument.required else argument.shown_default


def _document(definition: Definition) -> dict[str, Any]:
    return {
        "name": definition.name,
        "signature": signature(definition),
        "summary": definition.summary,
        "source": definition.source,
        "arguments": [
            {
                "name": a.name,
                "type": _type(a),
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
