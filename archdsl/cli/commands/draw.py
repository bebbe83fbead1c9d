"""``archdsl draw``: the diagram."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from archdsl.cli.options import (
    OutputFile,
    Request,
    file_argument,
    json_option,
    network_options,
    print_json,
)
from archdsl.cli.output import tell
from archdsl.cli.progress import working
from archdsl.text.output import write
from archdsl.text.words import memory
from archdsl.viz.draw import (
    COLOURS,
    DETAILS,
    DIRECTIONS,
    ENGINES,
    PICTURES,
    SCALES,
    STYLES,
    draw,
    draw_steps,
)


@click.command()
@file_argument
@click.option(
    "-o",
    "--output",
    type=OutputFile(path_type=Path),
    help=f"The picture, by suffix: {' '.join(PICTURES)}.  [default: NAME.svg here]",
)
@click.option(
    "--depth",
    type=click.IntRange(1),
    help="Templates that many levels down are a box each.  [default: as deep as a page holds]",
)
@click.option(
    "--expand",
    metavar="PATTERN",
    multiple=True,
    help="Open the blocks whose path, its last part, or template matches a name or glob.",
)
@click.option(
    "--collapse",
    metavar="PATTERN",
    multiple=True,
    help="Close the blocks whose path, its last part, or template matches a name or glob.",
)
@click.option(
    "--details",
    type=click.Choice(DETAILS),
    default="auto",
    show_default=True,
    help="The inside of closed blocks, each kind once: none, if they fit the page, or all.",
)
@click.option("--fold/--no-fold", default=True, help="Draw equal blocks in a row once.")
@click.option(
    "--fuse/--no-fuse", default=True, help="Give a convolution, its norm and activation one box."
)
@click.option(
    "--style",
    type=click.Choice(list(STYLES)),
    default="paper",
    show_default=True,
    help="How it looks; volumes are the feature maps in perspective.",
)
@click.option(
    "--scale",
    type=click.Choice(SCALES),
    help="How volumes grow with sizes.  [default: so that small and large are seen]",
)
@click.option(
    "--page",
    metavar="PAGE",
    help="What it is to fit: A4, 16:9, 4:3, or 120x80 in millimetres.  [default: of the style]",
)
@click.option(
    "--direction",
    type=click.Choice(DIRECTIONS, case_sensitive=False),
    help="Down, across (in rows where that is long), or down in columns.  [default: what fits]",
)
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    help="Let Graphviz lay it out, where that is installed.  [default: our own layout]",
)
@click.option(
    "--colour",
    type=click.Choice(COLOURS),
    default="category",
    show_default=True,
    help="What colours tell.",
)
@click.option("--title", help="What stands above the figure.  [default: the network's name]")
@click.option("--legend/--no-legend", default=None, help="What the colours mean.")
@click.option("--font", metavar="NAME", help="A font to prefer.")
@click.option("--dpi", type=click.IntRange(1), help="Dots per inch of a .png.  [default: 144]")
@click.option(
    "--steps",
    is_flag=True,
    help="Several pictures for a talk, NAME-1 and so on: each has one part more, in its place.",
)
@network_options
@json_option
def command(
    file: str, output: Path | None, steps: bool, request: Request, as_json: bool, **options: Any
) -> None:
    """Draw the network as a figure that fits a page; needs no Graphviz on the machine.

    An .html is one page that works offline, in which blocks open and close, layers are searched,
    and every box tells its facts; --depth and --no-fold say how it opens.
    """
    network = request.load(file)
    path = output or Path(f"{network.name}.svg")
    if steps:
        with working(f"drawing {network.name}"):
            pictures = draw_steps(network.checked, path.suffix.lower(), **options)
        paths = [path.with_stem(f"{path.stem}-{number + 1}") for number in range(len(pictures))]
        for one, picture in zip(paths, pictures, strict=True):
            write(one, picture)
        if as_json:
            print_json({"name": network.name, "paths": list(map(str, paths))})
        else:
            tell(f"drew {network.name} in {len(paths)} steps, from {paths[0]} to {paths[-1]}")
        return
    with working(f"drawing {network.name}"):
        content = draw(network.checked, path.suffix.lower(), **options)
    write(path, content)
    if as_json:
        print_json({"name": network.name, "path": str(path), "bytes": len(content)})
    else:
        tell(f"drew {network.name} to {path} ({memory(len(content))})")
