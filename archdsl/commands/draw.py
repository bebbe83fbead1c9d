"""``archdsl draw``: the diagram."""

from __future__ import annotations

from pathlib import Path

import click

from archdsl.options import Request, json_option, network_options, print_json
from archdsl.printing import memory
from archdsl.targets.draw import STYLES, SUFFIXES, draw
from archdsl.writing import write


@click.command()
@click.argument("file", metavar="FILE")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help=f"The picture, by suffix: {' '.join(SUFFIXES)}.  [default: NAME.svg here]",
)
@click.option(
    "--style",
    type=click.Choice(STYLES),
    default=STYLES[0],
    show_default=True,
    help="Boxes and arrows, or the feature maps as volumes in perspective, to scale "
    "(.svg .png .pdf).",
)
@click.option("--no-fold", is_flag=True, help="Draw equal blocks in a row one by one.")
@click.option(
    "--depth",
    type=click.IntRange(1),
    help="An overview: templates that many levels down are a box each.  "
    "[default: every layer; 1 for detectors]",
)
@network_options
@json_option
def command(
    file: str,
    output: Path | None,
    style: str,
    no_fold: bool,
    depth: int | None,
    request: Request,
    as_json: bool,
) -> None:
    """Draw the network as a diagram; needs no Graphviz on the machine."""
    network = request.load(file)
    path = output or Path(f"{network.name}.svg")
    suffix = path.suffix.lower()
    content = draw(network.checked, suffix, fold=not no_fold, depth=depth, style=style)
    write(path, content)
    if as_json:
        print_json({"name": network.name, "path": str(path), "bytes": len(content)})
    else:
        click.echo(f"drew {network.name} to {path} ({memory(len(content))})")
