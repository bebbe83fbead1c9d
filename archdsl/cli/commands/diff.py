"""``archdsl diff``: changes from one network to another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from archdsl.cli.options import OutputFile, Request, json_option, network_options, print_json
from archdsl.viz.draw.themes import THEMES


@click.command()
@click.argument("before", metavar="BEFORE")
@click.argument("after", metavar="AFTER")
@click.option("--all", "every", is_flag=True, help="A row for every layer, unchanged ones too.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 where the networks differ.")
@click.option(
    "-o",
    "--output",
    type=OutputFile(path_type=Path),
    help="Draw it: .svg, .png or .pdf, both networks in one figure.",
)
@click.option("--depth", type=click.IntRange(1), help="Draw templates that deep as a box each.")
@click.option("--fold/--no-fold", default=True, help="Draw equal blocks in a row once.")
@click.option("--style", type=click.Choice(list(THEMES)), default="paper", show_default=True)
@click.option("--dpi", type=click.IntRange(1), help="Dots per inch of a .png.  [default: 144]")
@network_options
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    before: str,
    after: str,
    every: bool,
    exit_code: bool,
    output: Path | None,
    request: Request,
    as_json: bool,
    **options: Any,
) -> None:
    """Say what changed from one network to another.

    Parts are aligned by what they hold and by their names. Marked + and - are parts that only the
    second and only the first network has, ~ what is written otherwise, ≈ what is of another size
    for that reason. Options such as -D and --input hold for both networks.
    """
    from archdsl.analysis.diff import difference
    from archdsl.analysis.diff.document import document
    from archdsl.analysis.diff.table import COLUMNS, rows, totals
    from archdsl.cli.output import print_table

    networks = request.load(before).checked, request.load(after).checked
    found = difference(*networks)
    if output is not None:
        from archdsl.text.output import write
        from archdsl.viz.diff import picture
        from archdsl.viz.draw.options import DrawOptions

        write(output, picture(*networks, found, output.suffix.lower(), DrawOptions(**options)))
    if as_json:
        print_json(document(found))
    else:
        cells = list(rows(found, every=every))
        if every or not found.equal:
            print_table(COLUMNS, cells)
            click.echo()
        click.echo(totals(found))
    if exit_code and not found.equal:
        ctx.exit(1)
