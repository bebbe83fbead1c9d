"""``archdsl import``: a spec from a network in another format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from archdsl.cli.options import OutputFile, json_option, print_json, size_option, telling_options
from archdsl.cli.output import complain, say, tell
from archdsl.cli.progress import QUIET, asked, working
from archdsl.diagnostics import Diagnostic, fail
from archdsl.importers import ORIGINS, ImportOptions, Origin, Proof, origin_of, reader, shown_form
from archdsl.ir.edges import Shape
from archdsl.text.output import write
from archdsl.text.words import counted

_NOT_COMPARED = 3
"""Exit code for a spec that was written but not compared with its origin."""

_EPILOG = "ORIGIN is one of these:\n\n\b\n" + "\n".join(
    f"{shown_form(key):<17} {origin.title}" for key, origin in ORIGINS.items()
)


@click.command(epilog=_EPILOG)
@click.argument("what", metavar="ORIGIN")
@click.option(
    "-o", "--output", type=OutputFile(path_type=Path), help="Where to; by default it is printed."
)
@click.option(
    "--verify/--no-verify",
    default=True,
    help="Compare the spec with its origin; where that cannot be done the exit code is 3.",
)
@size_option(
    "The input's size, where the origin leaves it open: 3x224x224 by default. "
    "Of a module that takes rows of features it is one number.",
    rows=True,
)
@telling_options
@json_option
def command(
    what: str, output: Path | None, verify: bool, size: Shape | None, as_json: bool
) -> None:
    """Write a spec of a network that is written in another way.

    Repeated structure becomes templates, named as the parts of the origin are. Then the spec is
    compiled and compared with its origin, layer by layer and on random images. Where they differ
    nothing is written, and the exit code is 1. Where the origin cannot be run here the spec is
    written all the same, but the exit code is 3: --no-verify says that this is known.

    FILE.py:NAME runs the Python file: name only files that you would run yourself.
    """
    from archdsl.importers.outlining.writer import written

    origin = origin_of(what)
    with working(f"reading {what}"):
        graph = reader(origin).read(what, ImportOptions(size))
    with working(f"spelling {graph.name}"):
        head = f"{graph.name}, imported from {Path(what).name}."
        text = written(replace(graph, notes=(head, *graph.notes)))
    proof = _proof(text, graph.name, origin, what) if verify else None
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
                "layers": len(graph.operations),
                "verified": proof.same if proof is not None else None,
                "proof": list(proof.lines) if proof is not None else [],
            }
        )
    elif output is None:
        click.echo(text, nl=False)
    else:
        tell(f"wrote {output}: {counted(text.count(chr(10)), 'line')}")
    if proof is None:
        return
    if proof.same is None:
        missing = Diagnostic(
            f"NOT VERIFIED: the spec was not compared with {what} and may differ from it",
            None,
            tuple(proof.lines),
            help="--no-verify says that this is known, and the exit code is 0 then",
            severity="warning",
        )
        complain([missing])
        raise SystemExit(_NOT_COMPARED)
    if not as_json and not asked(QUIET):
        for line in proof.lines:
            # A spec on standard output may go into a file.
            say(f"verified against {what}: {line}", err=output is None)


def _proof(text: str, name: str, origin: Origin, what: str) -> Proof:
    from archdsl.api import load_source
    from archdsl.diagnostics.source import Source

    with working("comparing the spec with its origin"):
        return reader(origin).proof(load_source(Source(name, text)).checked, what)
