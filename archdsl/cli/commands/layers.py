"""``archdsl layers``: the catalogue."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

import click

from archdsl.cli import shell_completion as completing
from archdsl.cli.options import json_option, print_json
from archdsl.cli.output import print_table
from archdsl.diagnostics import fail
from archdsl.frontend.elaborate.suggestions import spelling
from archdsl.layers import Definition, definitions
from archdsl.layers.reference import (
    by_heading,
    default,
    markdown,
    section,
    signature,
    spelled,
    together,
    type_name,
)
from archdsl.layers.search import elsewhere, namesakes, search

_WIDTH = 80
"""Characters of a line, on terminals of any size: lists are made to be read, and to be piped."""
_COLUMN = 22
"""Column at which the text beside a name begins."""


@click.command()
@click.argument("name", metavar="[NAME|WORD]", required=False, shell_complete=completing.layers)
@click.option("--markdown", "as_markdown", is_flag=True, help="Print a reference as Markdown.")
@json_option
def command(name: str | None, as_markdown: bool, as_json: bool) -> None:
    """List the layers, show one with its arguments and source, or search for a word.

    A search finds names here and elsewhere (of PyTorch, Keras, Caffe, Darknet, ONNX, of papers),
    arguments, and words of the descriptions.
    """
    if as_markdown and as_json:
        raise click.UsageError("--markdown and --json exclude each other")
    known = {n: d for n, d in definitions().items() if d.writable}
    if name is None:
        if as_markdown:
            from archdsl.importers.coverage import coverage

            click.echo(markdown(known.values(), coverage()), nl=False)
        elif as_json:
            print_json({"layers": [_document(d) for d in known.values()]})
        else:
            _print_all(known.values())
    elif name in known:
        _print_one(known[name], as_markdown, as_json)
    else:
        _print_found(name, known, as_markdown, as_json)


def _print_all(known: Iterable[Definition]) -> None:
    for heading, groups in by_heading(known).items():
        click.echo(f"{heading}:")
        for members in groups:
            click.echo(_entry(spelled(members), _first_sentence(members[0])))
        click.echo()
    click.echo("archdsl layers NAME shows arguments, archdsl layers WORD searches")


def _print_one(definition: Definition, as_markdown: bool, as_json: bool) -> None:
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
    names = elsewhere(definition.name)
    if names:
        listed = "; ".join(f"{origin}: {', '.join(words)}" for origin, words in names.items())
        click.echo(_filled(f"elsewhere: {listed}", "  "))
    others = namesakes(definition.name)
    if others:
        listed = ", ".join(f"{name} ({remark})" for name, remark in others.items())
        click.echo(_filled(f"see also: {listed}", "  "))


def _print_found(
    word: str, known: Mapping[str, Definition], as_markdown: bool, as_json: bool
) -> None:
    found = search(word, known.values())
    if not found:
        raise fail(f"there is no layer '{word}'", help=spelling(word, list(known)))
    if as_markdown:
        click.echo("\n".join(section([h.definition]) for hits in found.values() for h in hits))
        return
    if as_json:
        hits = [hit for group in found.values() for hit in group]
        print_json({"layers": [_document(hit.definition) for hit in hits]})
        return
    for place, hits in found.items():
        click.echo(f"{place}:")
        remarks = {hit.definition.name: hit.remark for hit in hits}
        for members in together(hit.definition for hit in hits):
            first = members[0]
            text = "; ".join(filter(None, (_first_sentence(first), remarks[first.name])))
            click.echo(_entry(spelled(members), text))
        click.echo()


def _entry(names: str, text: str) -> str:
    """An item of a list: the names, and their text in a column beside or below them."""
    head = textwrap.fill(names, _WIDTH, initial_indent="  ", subsequent_indent="  ")
    column = " " * _COLUMN
    beside = "\n" not in head and len(head) < _COLUMN - 1
    body = textwrap.fill(text, _WIDTH, initial_indent=column, subsequent_indent=column)
    return head + (body[len(head) :] if beside else "\n" + body)


def _filled(text: str, indent: str) -> str:
    return textwrap.fill(text, _WIDTH, subsequent_indent=indent)


def _first_sentence(definition: Definition) -> str:
    text = " ".join(definition.summary.split()).replace("``", "")
    return text.split(". ")[0].rstrip(".")


def _document(definition: Definition) -> dict[str, Any]:
    return {
        "name": definition.name,
        "signature": signature(definition),
        "summary": definition.summary,
        "source": definition.source,
        "elsewhere": elsewhere(definition.name),
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
