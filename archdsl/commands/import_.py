"""``archdsl import``: a spec of a network that is written in another way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from archdsl.diagnostics import fail
from archdsl.importing import ORIGINS, Options, Origin, Proof, origin_of, reader, shown_form
from archdsl.layers.edges import Shape
from archdsl.options import json_option, print_json, size_option, telling_options
from archdsl.printing import tell
from archdsl.progress import QUIET, asked, working
from archdsl.text.output import write
from archdsl.text.words import counted

_EPILOG = "ORIGIN is one of these:\n\n\b\n" + "\n".join(
    f"{shown_form(key):<17} {origin.title}" for key, origin in ORIGINS.items()
)


@click.command(epilog=_EPILOG)
@click.argument("what", metavar="ORIGIN")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Where to; by default it is printed."
)
@click.option("--verify/--no-verify", default=True, help="Compare the spec with its origin.")
@size_option("The input's size, where the origin leaves it open: 3x224x224 by default.")
@telling_options
@json_option
def command(
    what: str, output: Path | None, verify: bool, size: Shape | None, as_json: bool
) -> None:
    """Write a spec of a network that is written in another way.

    Repeated structure becomes templates, named as the parts of the origin are. Then the spec is
    compiled and compared with its origin, layer by layer and on random images, where the origin can
    be run; where they differ nothing is written.

    FILE.py:NAME runs the Python file: name only files that you would run yourself.
    """
    from archdsl.importing.writing import written

    origin = origin_of(what)
    with working(f"reading {what}"):
        sketch = reader(origin).read(what, Options(size))
    with working(f"spelling {sketch.name}"):
        head = f"{sketch.name}, imported from {Path(what).name}."
        text = written(replace(sketch, notes=(head, *sketch.notes)))
    proof = _proof(text, sketch.name, origin, what) if verify and origin.proven else None
    if proof is not None and proof.same is False:
        raise fail(
            f"the spec of {what} differs from it, which is an error of archdsl",
            None,
            *proof.lines,
            help="--no-verify writes it nevertheless",
        )
    if output is not None:
        write(output, text.encode())
    if as_json:
        print_json(
            {
                "spec": text,
                "layers": len(sketch.operations),
                "verified": proof.same if proof is not None else None,
            }
        )
        return
    if output is None:
        click.echo(text, nl=False)
    else:
        tell(f"wrote {output}: {counted(text.count(chr(10)), 'line')}")
    if proof is not None and not asked(QUIET):
        found = f"verified against {what}" if proof.same else "not verified"
        for line in proof.lines:
            # A spec on standard output may go into a file.
            click.echo(f"{found}: {line}", err=output is None)


def _proof(text: str, name: str, origin: Origin, what: str) -> Proof:
    from archdsl.api import load_source
    from archdsl.source import Source

    with working("comparing the spec with its origin"):
        return reader(origin).proof(load_source(Source(name, text)), what)
