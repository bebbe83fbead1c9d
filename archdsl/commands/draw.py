"""``archdsl draw``: the diagram."""

from __future__ import annotations

from pathlib import Path

import click

from archdsl.options import Request, file_argument, json_option, network_options, print_json
from archdsl.printing import memory, tell
from archdsl.progress import working
from archdsl.targets.draw import SUFFIXES, draw
from archdsl.writing import write


@click.command()
@file_argument
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help=f"The picture, by suffix: {' '.join(SUFFIXES)}.  [default: NAME.svg here]",
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
    no_fold: bool,
    depth: int | None,
    request: Request,
    as_json: bool,
) -> None:
    """Draw the network as a diagram; needs no Graphviz on the machine.

    An .html is one page that works offline, in which blocks open and close, layers are searched,
    and every box tells its facts; --depth and --no-fold say how it opens.
    """
    network = request.load(file)
    path = output or Path(f"{network.name}.svg")
    with working(f"drawing {network.name}"):
        content = draw(network.checked, path.suffix.lower(), fold=not no_fold, depth=depth)
    write(path, content)
    if as_json:
        print_json({"name": network.name, "path": str(path), "bytes": len(content)})
    else:
        tell(f"drew {network.name} to {path} ({memory(len(content))})")
